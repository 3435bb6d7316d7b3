"""Who may speak in a policy: authorities that vouch for identities, people, roles, owners."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from sluice.resources.fields import Model, Name, PersonName, RoleName, SshKeyText, Subject
from sluice.resources.rules import rule, rules

__all__ = ["Authority", "Identity", "Owners", "Person", "Role"]

# All at their largest make an object of 1.1 MB, so that its status has room in etcd's 1.5 MiB.
SUBJECTS_MAX = 32
SIGNS_WITH_MAX = 4
ALIASES_MAX = 2
MEMBERS_MAX = 64
OWNERS_MAX = 16
ROOT_TEXT_MAX = 24 * 1024
"""Largest trusted root in characters; the public one has 7,000."""
KEY_TEXT_MAX = 2048
"""Largest public key in characters; one of RSA 4096 has 800."""


class Authority(Model):
    """Somebody whose signatures mean something.

    Either an issuer and the identities it vouches for, or a public key.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "has(self.publicKey) ? !has(self.issuer) && !has(self.subjects)"
                " : has(self.issuer) && has(self.subjects)",
                "give either issuer and subjects, or publicKey",
            )
        )
    )

    name: Name
    """Name that requirements and people refer to."""

    issuer: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """OIDC issuer in the signing certificate, compared exactly, e.g.
    https://token.actions.githubusercontent.com."""

    subjects: (
        Annotated[tuple[Subject, ...], Field(min_length=1, max_length=SUBJECTS_MAX)] | None
    ) = None
    """Identities in the signing certificate (e-mail address or URI). * stands for any characters
    but / and @; everything else is compared exactly, from end to end."""

    public_key: Annotated[str, Field(min_length=2, max_length=KEY_TEXT_MAX)] | None = None
    """Public key (PEM) that signs without a certificate, such as one kept in a KMS. Its signatures
    must be in the transparency log of the trusted root all the same."""

    trusted_root: Annotated[str, Field(min_length=2, max_length=ROOT_TEXT_MAX)]
    """The sigstore trusted root (JSON text of trusted_root.json): certificate authorities and
    transparency logs whose word counts for this authority."""

    mfa: bool = False
    """Whether this issuer lets nobody sign in without a second factor. You state it, nothing proves
    it: say so only of an issuer that you have configured to."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        keyless = self.issuer is not None and self.subjects is not None
        given = [each is not None for each in (self.issuer, self.subjects)]
        if (self.public_key is not None) == keyless or (self.public_key is not None and any(given)):
            msg = "give either issuer and subjects, or publicKey"
            raise ValueError(msg)
        return self


class Identity(Model):
    """One identity that a person signs with."""

    authority: Name
    """Name of the authority that vouches for it."""

    subject: Subject
    """Identity in the signing certificate, compared exactly, e.g. alice@example.com."""


class Person(Model):
    """One person, however many identities and keys they sign with."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "(has(self.identities) ? self.identities.size() : 0)"
                f" + (has(self.keys) ? self.keys.size() : 0) in [1, 2, 3, {SIGNS_WITH_MAX}]",
                f"a person signs with 1 to {SIGNS_WITH_MAX} identities and keys",
            )
        )
    )

    name: PersonName
    """Name to refer to."""

    identities: Annotated[tuple[Identity, ...], Field(max_length=SIGNS_WITH_MAX)] = ()
    """Certified identities the person signs with; no two people share one."""

    keys: Annotated[tuple[SshKeyText, ...], Field(max_length=SIGNS_WITH_MAX)] = ()
    """SSH public keys the person signs with, as in a .pub file without the comment; no two people
    share one. A key of a FIDO security key (sk-...) can prove that its user was verified."""

    aliases: Annotated[tuple[Subject, ...], Field(max_length=ALIASES_MAX)] = ()
    """Other names of the person, such as a forge login or a commit's e-mail address: what is found
    under them is theirs when it is asked who wrote or reviewed the change."""

    @model_validator(mode="after")
    def _signs_with(self) -> Self:
        if not 1 <= len(self.identities) + len(self.keys) <= SIGNS_WITH_MAX:
            msg = f"a person signs with 1 to {SIGNS_WITH_MAX} identities and keys"
            raise ValueError(msg)
        return self


class Role(Model):
    """People who may approve in one capacity."""

    name: RoleName
    """Name that requirements and approvals refer to, e.g. release-manager."""

    members: Annotated[tuple[PersonName, ...], Field(min_length=1, max_length=MEMBERS_MAX)]
    """Names of people in this policy."""


class Owners(Model):
    """Who may change the policy: so many of them must sign its next revision."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "self.people.size() >= self.threshold",
                "the threshold is more than there are owners",
            )
        )
    )

    people: Annotated[tuple[PersonName, ...], Field(min_length=1, max_length=OWNERS_MAX)]
    """Names of people in this policy."""

    threshold: Annotated[int, Field(ge=1, le=8)]
    """Number of different owners whose signatures the next revision needs."""

    mfa: bool = False
    """Whether an owner's signature counts only with proof of a second factor."""

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if len(set(self.people)) != len(self.people):
            msg = "an owner is named twice"
            raise ValueError(msg)
        if self.threshold > len(self.people):
            msg = "the threshold is more than there are owners"
            raise ValueError(msg)
        return self
