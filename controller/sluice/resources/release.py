"""Release: one version of an app's web bundle, with all that is claimed about it. Immutable."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from sluice.resources.fields import (
    Model,
    Name,
    ObjectName,
    Revision,
    SemVer,
    Sha256,
    Subject,
    Text,
    Url,
)
from sluice.resources.rules import LIST_BY_NAME, Schema, immutable, rule, rules, unchanged

__all__ = ["Attestation", "Bundle", "NativeRange", "ReleaseSpec", "Revocation", "Source"]

BUNDLE_BYTES_MAX = 512 * 1024 * 1024
"""Largest bundle a Release may name; phones on the street do not take more."""

ATTESTATIONS_MAX = 16
EVIDENCE_TEXT_MAX = 48 * 1024
"""Largest inline attestation in characters: a signed provenance has 15,000, and 16 of the largest
leave half of the 1.5 MiB that an object may take. Larger ones are given by url."""


class Bundle(Model):
    """Where the bundle is and what it must be."""

    url: Url
    """Place to fetch the zip from: https, or http and file where the operator's settings allow it.
    Only a place to look: what counts is the digest."""

    sha256: Sha256
    """SHA-256 of the zip, 64 lower-case hexadecimal digits."""

    size: Annotated[int, Field(ge=1, le=BUNDLE_BYTES_MAX)]
    """Size of the zip in bytes."""


class NativeRange(Model):
    """Native app versions that can run the bundle; both ends are included."""

    min: SemVer | None = None
    """Lowest native version (version_build of the phone), or none."""

    max: SemVer | None = None
    """Highest native version, or none."""


class Source(Model):
    """Where the bundle came from, as claimed; a policy compares it with signed provenance."""

    repository: Annotated[str, Field(min_length=1, max_length=512)]
    """Source repository, e.g. https://github.com/acme/shop."""

    revision: Revision
    """Commit that was built: 40 or 64 lower-case hexadecimal digits."""

    authors: Annotated[
        tuple[Subject, ...],
        Field(max_length=64),
    ] = ()
    """Who wrote the change, as the subjects they sign with (e.g. alice@example.com). None of them
    fills a seat that asks for somebody else than the author."""


class Attestation(Model):
    """One sigstore bundle: inline, or fetched and pinned by digest."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "has(self.inline) != has(self.url) && has(self.url) == has(self.sha256)",
                "give either inline, or url with sha256",
            )
        )
    )

    name: Name
    """Name to tell it by in messages, e.g. provenance."""

    inline: Annotated[str, Field(min_length=2, max_length=EVIDENCE_TEXT_MAX)] | None = None
    """The sigstore bundle itself, as JSON text."""

    url: Url | None = None
    """Place to fetch the sigstore bundle from."""

    sha256: Sha256 | None = None
    """SHA-256 of what the url gives."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.inline is None) == (self.url is None) or (self.url is None) != (
            self.sha256 is None
        ):
            msg = "give either inline, or url with sha256"
            raise ValueError(msg)
        return self


class Revocation(Model):
    """Takes a release away everywhere."""

    model_config = ConfigDict(
        json_schema_extra=immutable("a revocation never changes: its reason is in the audit log")
    )

    reason: Annotated[str, Field(min_length=1, max_length=1024)]
    """Why, for people."""


def _immutable_but_revoked(schema: Schema) -> None:
    message = "a Release never changes: make another one with a name of its own"
    schema |= unchanged(schema, message, but="revoked")
    schema |= rules(
        *schema["x-kubernetes-validations"],
        rule(
            "!has(oldSelf.revoked) || has(self.revoked)",
            "a revocation is never taken back: make another Release",
            field=".revoked",
        ),
    )


class ReleaseSpec(Model):
    """One version of an app's web bundle. Immutable, but for revoked."""

    model_config = ConfigDict(json_schema_extra=_immutable_but_revoked)

    app: ObjectName
    """Name of the App in the same namespace."""

    version: SemVer
    """Version that phones report and compare, e.g. "1.4.2". Quote it in YAML."""

    bundle: Bundle
    """Where the bundle is and what it must be."""

    native: NativeRange | None = None
    """Native app versions that can run the bundle; all of them when left out."""

    source: Source | None = None
    """Where the bundle came from, as claimed."""

    attestations: Annotated[
        tuple[Attestation, ...],
        Field(max_length=ATTESTATIONS_MAX, json_schema_extra=LIST_BY_NAME),
    ] = ()
    """Signatures and signed statements about the bundle."""

    notes: Text | None = None
    """Release notes, for people."""

    revoked: Revocation | None = None
    """Set it to take the release away from every channel; it can't be unset or changed."""

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [each.name for each in self.attestations]
        if len(set(names)) != len(names):
            msg = "attestations must have names that differ"
            raise ValueError(msg)
        return self
