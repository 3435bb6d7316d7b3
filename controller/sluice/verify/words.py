"""Signed statements in, words of people out: approvals, exceptions, broken glass, seals.

No cryptography here: statements arrive verified. What they may say is in `sluice.verify.claims`.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from sluice.errors import VerificationError
from sluice.resources.fields import basis_points
from sluice.verify.claims import (
    APPROVAL_TYPE,
    COMMENT_CHARS_MAX,
    EXCEPTION_TYPE,
    GLASS_TYPE,
    SEAL_TYPE,
    WORD_TYPES,
    AnyWordClaim,
    ApprovalClaim,
    CeilingClaim,
    ExceptionClaim,
    GlassClaim,
    SealClaim,
    SignedClaim,
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
from sluice.verify.reasons import clean_text, refusal

__all__ = ["Word", "seal_from", "word_from"]

Word = Approval | ExceptionGrant | GlassBroken

_RFC3339_UTC: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z")


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


def _signed(statement: Statement, claim: SignedClaim, source: str) -> dict[str, Any]:
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


def _signed_at(statement: Statement, claim: SignedClaim) -> datetime:
    if statement.time_proven:
        return statement.signed_at
    if claim.issued_at is None:
        raise _unreadable("statement has no issuedAt, which an SSH signature needs")
    return claim.issued_at.astimezone(UTC)


def _word(statement: Statement, claim: AnyWordClaim) -> dict[str, Any]:
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
