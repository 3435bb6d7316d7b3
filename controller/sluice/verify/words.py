"""What people sign: words on a release, and seals of a policy, as in-toto statements.

Reader and writer are this one module, so that they cannot drift apart: `sluice approve`, the demo
and the tests write what the operator reads. No cryptography here: statements arrive verified.

An SSH signature has no trusted time, so a statement that is signed with one says when (`issuedAt`).
That is the signer's own word: it limits how long the signature counts, and proves nothing else.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from sluice.errors import VerificationError
from sluice.resources.canonical import canonical_json
from sluice.resources.fields import (
    AppId,
    Name,
    ObjectName,
    Percent,
    RoleName,
    SemVer,
    Timestamp,
    basis_points,
)
from sluice.verify.facts import (
    SOURCE_CHARS_MAX,
    Approval,
    Ceiling,
    ExceptionGrant,
    GlassBroken,
    PolicySeal,
    Statement,
)
from sluice.verify.provenance import STATEMENT_TYPE
from sluice.verify.reasons import clean_text, refusal

__all__ = [
    "APPROVAL_TYPE",
    "COMMENT_CHARS_MAX",
    "EXCEPTION_TYPE",
    "GLASS_TYPE",
    "SEAL_TYPE",
    "WORD_TYPES",
    "ApprovalClaim",
    "CeilingClaim",
    "ExceptionClaim",
    "GlassClaim",
    "SealClaim",
    "Word",
    "build_seal_statement",
    "build_statement",
    "seal_from",
    "signed_bytes",
    "word_from",
]

APPROVAL_TYPE: Final = "https://sluice.dev/approval/v1"
EXCEPTION_TYPE: Final = "https://sluice.dev/exception/v1"
GLASS_TYPE: Final = "https://sluice.dev/break-glass/v1"
SEAL_TYPE: Final = "https://sluice.dev/policy-seal/v1"
WORD_TYPES: Final = frozenset({APPROVAL_TYPE, EXCEPTION_TYPE, GLASS_TYPE})
"""Statements that stand in an Approval."""

COMMENT_CHARS_MAX: Final = 1024
"""Longest comment of an approver; it is shown in verdicts and kept in the audit log."""

_RFC3339_UTC: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z")
_CLUSTER: Final = r"^[A-Za-z0-9._:-]+$"

Cluster = Annotated[str, Field(min_length=1, max_length=253, pattern=_CLUSTER)]
Reason = Annotated[str, Field(min_length=1, max_length=COMMENT_CHARS_MAX)]
PolicyLabel = Annotated[
    str, Field(max_length=300, pattern=r"^(Cluster)?ReleasePolicy/[a-z0-9]([-.a-z0-9]*[a-z0-9])?$")
]
Word = Approval | ExceptionGrant | GlassBroken


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


class _SignedClaim(_Claim):
    nonce: Annotated[str, Field(min_length=16, max_length=128, pattern=r"^[A-Za-z0-9_-]+$")]
    """Random text that makes two signatures of the same words distinct."""

    issued_at: Timestamp | None = None
    """When it was signed, as the signer says (UTC); needed with SSH, which has no trusted time."""

    expires_at: Timestamp
    """When the word ends (UTC)."""


class _WordClaim(_SignedClaim):
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


class ApprovalClaim(_WordClaim):
    """Everything that an approval binds, apart from the release digest, which is its subject."""

    decision: Literal["approve", "reject", "withdraw"]
    """The person's word: yes, no, or neither any more."""

    sequence: Annotated[int, Field(ge=0, le=2**53 - 1)] = 0
    """Of several words of one person in one role on one release, the highest counts."""

    ceiling: CeilingClaim | None = None
    """How far the rollout may grow on it; to all phones when left out."""

    comment: Annotated[str, Field(max_length=COMMENT_CHARS_MAX)] = ""
    """For people; one line."""


class ExceptionClaim(_WordClaim):
    """Everything that an exception binds."""

    policy: PolicyLabel
    """Label of the policy, e.g. ReleasePolicy/production."""

    requirement: Name
    """Name of the requirement from which the release is excepted."""

    reason: Reason
    """Why, for people; one line."""


class GlassClaim(_WordClaim):
    """Everything that a break-glass binds."""

    policy: PolicyLabel
    """Label of the policy, e.g. ReleasePolicy/production."""

    incident: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:/#-]+$")]
    """Name of the incident, e.g. INC-2041."""

    reason: Reason
    """Why, for people; one line."""


class SealClaim(_SignedClaim):
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


def word_from(statement: Statement, *, source: str) -> Word:
    """Return the word of a person on a release that a statement is.

    Args:
        statement: a verified statement.
        source: label of where it was found, for people.

    Raises:
        VerificationError: NotAnApproval when it says something else; ApprovalUnreadable when its
            predicate is not exactly that of its type, or it is about more than one release.
    """
    if statement.predicate_type not in WORD_TYPES:
        raise refusal(
            "NotAnApproval",
            f"This is a signed statement, but no approval: sign one of type {APPROVAL_TYPE}"
            " (sluice approve).",
        )
    return _READERS[statement.predicate_type](statement, source)


def _exception(statement: Statement, source: str) -> ExceptionGrant:
    claim = _claim(statement, ExceptionClaim, "reason")
    return ExceptionGrant(
        **_signed(statement, claim, source),
        **_word(statement, claim),
        policy=claim.policy,
        requirement=claim.requirement,
        reason=claim.reason,
    )


def _glass(statement: Statement, source: str) -> GlassBroken:
    claim = _claim(statement, GlassClaim, "reason")
    return GlassBroken(
        **_signed(statement, claim, source),
        **_word(statement, claim),
        policy=claim.policy,
        incident=claim.incident,
        reason=claim.reason,
    )


def _approval(statement: Statement, source: str) -> Approval:
    claim = _claim(statement, ApprovalClaim, "comment")
    return Approval(
        **_signed(statement, claim, source),
        **_word(statement, claim),
        decision=claim.decision,
        sequence=claim.sequence,
        ceiling=_ceiling(claim.ceiling),
        comment=claim.comment,
    )


def _ceiling(claim: CeilingClaim | None) -> Ceiling | None:
    if claim is None:
        return None
    share_bp = basis_points(claim.share)
    if share_bp == 0:
        raise _unreadable("statement has a ceiling of 0%, which approves nothing")
    return Ceiling(share_bp=share_bp, until=claim.until.astimezone(UTC) if claim.until else None)


_READERS: Final[Mapping[str, Callable[[Statement, str], Word]]] = {
    APPROVAL_TYPE: _approval,
    EXCEPTION_TYPE: _exception,
    GLASS_TYPE: _glass,
}


def seal_from(statement: Statement, *, source: str) -> PolicySeal:
    """Return the seal of a policy revision that a statement is.

    Raises:
        VerificationError: NotASeal when it says something else; ApprovalUnreadable when its
            predicate is not exactly that of a seal, or it is about more than one revision.
    """
    if statement.predicate_type != SEAL_TYPE:
        raise refusal(
            "NotASeal",
            f"This is a signed statement, but no seal: sign one of type {SEAL_TYPE}"
            " (sluice seal-policy).",
        )
    claim = _claim(statement, SealClaim, None)
    return PolicySeal(
        **_signed(statement, claim, source),
        kind=claim.kind,
        namespace=claim.namespace,
        name=claim.name,
        revision=claim.revision,
        policy_digest=next(iter(statement.subjects)),
        clusters=frozenset(claim.clusters),
    )


def _signed(statement: Statement, claim: _SignedClaim, source: str) -> dict[str, Any]:
    return {
        "signer": statement.signer,
        "signed_at": _signed_at(statement, claim),
        "time_proven": statement.time_proven,
        "user_verified": statement.user_verified,
        "origin": statement.origin,
        "expires_at": claim.expires_at.astimezone(UTC),
        "nonce": claim.nonce,
        "evidence_sha256": statement.evidence_sha256,
        "root_sha256": statement.root_sha256,
        "source": source[:SOURCE_CHARS_MAX],
    }


def _signed_at(statement: Statement, claim: _SignedClaim) -> datetime:
    if statement.time_proven:
        return statement.signed_at
    if claim.issued_at is None:
        raise _unreadable("statement has no issuedAt, which an SSH signature needs")
    return claim.issued_at.astimezone(UTC)


def _word(statement: Statement, claim: _WordClaim) -> dict[str, Any]:
    return {
        "app_id": claim.app,
        "namespace": claim.namespace,
        "version": claim.version,
        "channel": claim.channel,
        "cluster": claim.cluster,
        "role": claim.role,
        "release_digest": next(iter(statement.subjects)),
    }


C = TypeVar("C", ApprovalClaim, ExceptionClaim, GlassClaim, SealClaim)


def _claim(statement: Statement, form: type[C], shown: str | None) -> C:
    if len(statement.subjects) != 1:
        raise _unreadable("statement is about more than one thing; sign one for each")
    _refuse_odd_times(statement.predicate())
    try:
        claim = form.model_validate_json(statement.predicate_json, by_alias=True, by_name=False)
    except ValidationError as error:
        known = {field.alias or name for name, field in form.model_fields.items()}
        fields = sorted({str(each["loc"][0]) for each in error.errors() if each["loc"]} & known)
        what = (
            f"has a bad {', '.join(fields)}" if fields else "has fields that none of its type has"
        )
        raise _unreadable(f"statement {what}") from error
    if shown is not None and (text := getattr(claim, shown)):
        clean_text(
            text,
            what=f"{shown} of the statement",
            chars_max=COMMENT_CHARS_MAX,
            reason="ApprovalUnreadable",
        )
    return claim


def _refuse_odd_times(predicate: Any) -> None:
    """Refuse times in another spelling than RFC 3339's with a Z: pydantic takes several."""
    ceiling = predicate.get("ceiling")
    times = [
        predicate.get("expiresAt"),
        predicate.get("issuedAt"),
        ceiling.get("until") if isinstance(ceiling, dict) else None,
    ]
    for value in times:
        if value is not None and not (isinstance(value, str) and _RFC3339_UTC.fullmatch(value)):
            raise _unreadable("statement has a time that is not like 2026-01-31T12:00:00Z")


def _unreadable(why: str) -> VerificationError:
    return refusal("ApprovalUnreadable", f"The {why}; sign it again (sluice approve).")
