"""What people sign: words on a release, and seals of a policy, as in-toto statements.

These models are what is written (`sluice approve`, `sluice seal-policy`) and what is read
(`sluice.verify.words`), so that the two cannot drift apart.

An SSH signature has no trusted time, so a statement that is signed with one says when (`issuedAt`).
That is the signer's own word: it limits how long the signature counts, and proves nothing else.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from sluice.resources.canonical import canonical_json
from sluice.resources.fields import (
    AppId,
    Name,
    ObjectName,
    Percent,
    RoleName,
    SemVer,
    Timestamp,
)
from sluice.verify.provenance import STATEMENT_TYPE

__all__ = [
    "APPROVAL_TYPE",
    "COMMENT_CHARS_MAX",
    "EXCEPTION_TYPE",
    "GLASS_TYPE",
    "SEAL_TYPE",
    "WORD_TYPES",
    "AnyWordClaim",
    "ApprovalClaim",
    "CeilingClaim",
    "ExceptionClaim",
    "GlassClaim",
    "SealClaim",
    "SignedClaim",
    "WordClaim",
    "build_seal_statement",
    "build_statement",
    "signed_bytes",
]

APPROVAL_TYPE: Final = "https://sluice.dev/approval/v1"
EXCEPTION_TYPE: Final = "https://sluice.dev/exception/v1"
GLASS_TYPE: Final = "https://sluice.dev/break-glass/v1"
SEAL_TYPE: Final = "https://sluice.dev/policy-seal/v1"
WORD_TYPES: Final = frozenset({APPROVAL_TYPE, EXCEPTION_TYPE, GLASS_TYPE})
"""Statements that stand in an Approval."""

COMMENT_CHARS_MAX: Final = 1024
"""Longest comment of an approver; it is shown in verdicts and kept in the audit log."""

_CLUSTER: Final = r"^[A-Za-z0-9._:-]+$"

Cluster = Annotated[str, Field(min_length=1, max_length=253, pattern=_CLUSTER)]
Reason = Annotated[str, Field(min_length=1, max_length=COMMENT_CHARS_MAX)]
PolicyLabel = Annotated[
    str, Field(max_length=300, pattern=r"^(Cluster)?ReleasePolicy/[a-z0-9]([-.a-z0-9]*[a-z0-9])?$")
]


class _Claim(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        use_attribute_docstrings=True,
    )


class SignedClaim(_Claim):
    """What every signature of a person binds."""

    nonce: Annotated[str, Field(min_length=16, max_length=128, pattern=r"^[A-Za-z0-9_-]+$")]
    """Random text that makes two signatures of the same words distinct."""

    issued_at: Timestamp | None = None
    """When it was signed, as the signer says (UTC); needed with SSH, which has no trusted time."""

    expires_at: Timestamp
    """When the word ends (UTC)."""


class AnyWordClaim(SignedClaim):
    """What every word on a release binds."""

    app: AppId
    """The app's identifier as the phones send it (an App's `spec.appId`)."""

    namespace: Name
    """Namespace of the Release."""

    version: SemVer
    """Version of the Release."""

    channel: ObjectName
    """Name of the Channel it may reach."""

    cluster: Cluster
    """The cluster's name for itself (a setting of the operator)."""

    role: RoleName
    """The role that the person speaks in."""


class CeilingClaim(_Claim):
    """How far the rollout may grow on this approval."""

    share: Percent
    """Largest share of the phones, e.g. 10%."""

    until: Timestamp | None = None
    """From here on nothing grows on it (UTC)."""


class ApprovalClaim(AnyWordClaim):
    """Everything that an approval binds, apart from the release digest, which is its subject."""

    decision: Literal["approve", "reject", "withdraw"]
    """The person's word: yes, no, or neither any more."""

    sequence: Annotated[int, Field(ge=0, le=2**53 - 1)] = 0
    """Of several words of one person in one role on one release, the highest counts."""

    ceiling: CeilingClaim | None = None
    """How far the rollout may grow on it; to all phones when left out."""

    comment: Annotated[str, Field(max_length=COMMENT_CHARS_MAX)] = ""
    """For people; one line."""


class ExceptionClaim(AnyWordClaim):
    """Everything that an exception binds."""

    policy: PolicyLabel
    """Label of the policy, e.g. ReleasePolicy/production."""

    requirement: Name
    """Name of the requirement from which the release is excepted."""

    reason: Reason
    """Why, for people; one line."""


class GlassClaim(AnyWordClaim):
    """Everything that a break-glass binds."""

    policy: PolicyLabel
    """Label of the policy, e.g. ReleasePolicy/production."""

    incident: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:/#-]+$")]
    """Name of the incident, e.g. INC-2041."""

    reason: Reason
    """Why, for people; one line."""


class SealClaim(SignedClaim):
    """Everything that a seal binds, apart from the policy digest, which is its subject."""

    kind: Literal["ReleasePolicy", "ClusterReleasePolicy"]
    namespace: Annotated[str, Field(max_length=63)] = ""
    """Namespace of a ReleasePolicy; empty for a ClusterReleasePolicy."""

    name: ObjectName
    revision: Annotated[int, Field(ge=1)]
    clusters: Annotated[tuple[Cluster, ...], Field(min_length=1, max_length=16)]
    """Names of the clusters it is meant for: a seal for staging says nothing in production."""


WordClaim = ApprovalClaim | ExceptionClaim | GlassClaim
_TYPES: Final = {
    ApprovalClaim: APPROVAL_TYPE,
    ExceptionClaim: EXCEPTION_TYPE,
    GlassClaim: GLASS_TYPE,
}


def build_statement(release_digest: str, claim: WordClaim) -> dict[str, Any]:
    """Return the in-toto statement that a person signs to say their word on a release.

    Args:
        release_digest: `sluice.resources.canonical.release_digest` of the Release's spec.
        claim: what the word binds.
    """
    return _statement(
        f"{claim.app}@{claim.version}", release_digest, _TYPES[type(claim)], _predicate(claim)
    )


def build_seal_statement(policy_digest: str, claim: SealClaim) -> dict[str, Any]:
    """Return the in-toto statement that an owner signs to seal a policy revision.

    Args:
        policy_digest: `sluice.resources.canonical.policy_digest` of the policy's spec.
        claim: what the seal binds.
    """
    return _statement(f"{claim.name}@{claim.revision}", policy_digest, SEAL_TYPE, _predicate(claim))


def signed_bytes(statement: dict[str, Any]) -> bytes:
    """Return the bytes of a statement that are signed: readers insist on this form."""
    return canonical_json(statement)


def _statement(name: str, digest: str, predicate_type: str, predicate: Any) -> dict[str, Any]:
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": digest}}],
        "predicateType": predicate_type,
        "predicate": predicate,
    }


def _predicate(claim: _Claim) -> dict[str, Any]:
    fields = claim.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {name: _predicate_value(value) for name, value in fields.items()}


def _predicate_value(value: Any) -> Any:
    match value:
        case str() if value.endswith("+00:00"):
            return value.replace("+00:00", "Z")
        case dict():
            return {name: _predicate_value(each) for name, each in value.items()}
        case _:
            return value
