"""Trust roots: whose certificates, logs and clocks count, and in which span of time.

A trust root is the text of a sigstore `trusted_root.json`; the public-good instance's is just
another one. It is told by the digest of its bytes. sigstore itself checks when a key's span begins,
against today's clock, and never when it ended, so that a retired and perhaps stolen key still
verifies (attack 20). Here a key counts only if the moment of signing is within its span, both ends
included, and no clock is read.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from cryptography.x509 import load_der_x509_certificate
from pydantic import ValidationError
from sigstore_models.common.v1 import TimeRange
from sigstore_models.trustroot.v1 import (
    CertificateAuthority,
    TransparencyLogInstance,
    TrustedRoot,
)

from sluice.verify.json_strict import parse
from sluice.verify.reasons import refusal
from sluice.verify.sigstore_form import refuse_other_spellings

__all__ = ["ROOT_BYTES_MAX", "InForce", "TrustRoot", "parse_trust_root"]

ROOT_BYTES_MAX: Final = 256 * 1024
"""Largest trust root; the public one has 7,000 bytes, and one with 20 years of keys some 60,000."""

_MEDIA_TYPE: Final = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """Which members of a trust root counted at some moment, by their place in it."""

    authorities: tuple[int, ...]
    logs: tuple[int, ...]
    certificate_logs: tuple[int, ...]

    def in_logs(self, places: Collection[int]) -> "InForce":
        """Return these members without the transparency logs that are not in `places`."""
        return replace(self, logs=tuple(place for place in self.logs if place in places))


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustRoot:
    """A parsed trust root. Two are equal when their bytes are."""

    root_sha256: str
    """Digest of the bytes it was parsed from."""

    content: TrustedRoot = field(compare=False, repr=False)

    def always(self) -> InForce:
        """Return every member, whatever its span."""
        return InForce(
            authorities=_places(self.content.certificate_authorities),
            logs=_places(self.content.tlogs),
            certificate_logs=_places(self.content.ctlogs),
        )

    def at(self, moments: Sequence[datetime]) -> InForce:
        """Return the members whose span holds all of the moments."""
        return InForce(
            authorities=_holding(
                (member.valid_for for member in self.content.certificate_authorities), moments
            ),
            logs=_holding((log.public_key.valid_for for log in self.content.tlogs), moments),
            certificate_logs=_holding(
                (log.public_key.valid_for for log in self.content.ctlogs), moments
            ),
        )

    def logs_named(self, log_id: bytes) -> frozenset[int]:
        """Return the places of the transparency logs that log entries name by this id."""
        return frozenset(
            place for place, log in enumerate(self.content.tlogs) if log.log_id.key_id == log_id
        )


def parse_trust_root(data: bytes) -> TrustRoot:
    """Return the trust root that `data` (a `trusted_root.json`) holds.

    Raises:
        VerificationError: TrustRootUnreadable, when it is no trust root of the one version known,
            or names no certificate authority, no transparency log or no certificate log: a check
            that cannot fail for lack of keys would pass everything.
    """
    value = parse(data, what="trust root", reason="TrustRootUnreadable", bytes_max=ROOT_BYTES_MAX)
    if not isinstance(value, dict) or value.get("mediaType") != _MEDIA_TYPE:
        raise refusal(
            "TrustRootUnreadable",
            f"The trust root is not of the media type {_MEDIA_TYPE}; give a trusted_root.json.",
        )
    refuse_other_spellings(value, what="trust root", reason="TrustRootUnreadable")
    try:
        content = TrustedRoot.from_json(data)
        for authority in (*content.certificate_authorities, *content.timestamp_authorities):
            for certificate in authority.cert_chain.certificates:
                load_der_x509_certificate(certificate.raw_bytes)
    except (ValidationError, ValueError) as error:
        raise refusal(
            "TrustRootUnreadable",
            "The trust root has a field that is missing, unknown or unreadable; "
            "get trusted_root.json again from whoever runs that sigstore.",
        ) from error
    _refuse_gaps(content)
    return TrustRoot(root_sha256=hashlib.sha256(data).hexdigest(), content=content)


def _refuse_gaps(content: TrustedRoot) -> None:
    for members, name in (
        (content.certificate_authorities, "certificate authority"),
        (content.tlogs, "transparency log"),
        (content.ctlogs, "certificate transparency log"),
    ):
        if not members:
            raise refusal("TrustRootUnreadable", f"The trust root names no {name}; add one.")
    for authority in (*content.certificate_authorities, *content.timestamp_authorities):
        if not authority.cert_chain.certificates:
            raise refusal(
                "TrustRootUnreadable", "The trust root names an authority without certificates."
            )
    for span in _spans(content):
        if span.start.tzinfo is None or (span.end is not None and span.end.tzinfo is None):
            raise refusal(
                "TrustRootUnreadable",
                "The trust root has a validFor without a time zone; end its times in Z.",
            )


def _spans(content: TrustedRoot) -> list[TimeRange]:
    spans = [log.public_key.valid_for for log in (*content.tlogs, *content.ctlogs)]
    spans += [
        authority.valid_for
        for authority in (*content.certificate_authorities, *content.timestamp_authorities)
    ]
    return [span for span in spans if span is not None]


def _places(members: Sequence[CertificateAuthority | TransparencyLogInstance]) -> tuple[int, ...]:
    return tuple(range(len(members)))


def _holding(spans: Iterable[TimeRange | None], moments: Sequence[datetime]) -> tuple[int, ...]:
    return tuple(
        place
        for place, span in enumerate(spans)
        if span is None
        or all(
            span.start <= moment and (span.end is None or moment <= span.end) for moment in moments
        )
    )
