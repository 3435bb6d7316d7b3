"""Signed statements about a bundle: which are about it, whose they are, and which one decides.

Where a statement of a type can turn out well or badly (a scan, the reviews of a change), only the
newest by its authority decides: an older clean scan must not hide a newer dirty one. Of several
that are equally new, all must do.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from sluice.errors import VerificationError
from sluice.policy.question import Answer, Question, span
from sluice.policy.reasons import Reason
from sluice.policy.signers import asked_of, described, is_by
from sluice.policy.words import SKEW
from sluice.resources.people import Authority
from sluice.verify.facts import BlobSignature, Provenance, Statement
from sluice.verify.provenance import provenance_of
from sluice.verify.reasons import refusal

__all__ = ["about", "by_authority", "judge_newest", "not_by", "read_provenance"]

PROVENANCE_CHARS_MAX: Final = 1024 * 1024
"""Longest provenance that is read: a usual one has 15,000, and reading this one takes 10 ms."""

PROVENANCES_KEPT: Final = 32
"""Provenances remembered, so that judging again costs little."""

SIGNERS_SHOWN_MAX: Final = 4


def about(question: Question, predicate_type: str) -> tuple[Statement, ...]:
    """Return the statements of one type about the release's bundle."""
    return tuple(
        each
        for each in question.facts.statements
        if each.predicate_type == predicate_type
        and question.subject.release.bundle.sha256 in each.subjects
    )


def by_authority(statements: Iterable[Statement], authority: Authority) -> tuple[Statement, ...]:
    """Return the statements that an authority has signed."""
    return tuple(each for each in statements if is_by(each, authority))


def not_by(
    authority: Authority,
    others: Sequence[Statement | BlobSignature],
    what: str,
    reason: Reason,
    how: str,
) -> Answer:
    """Return the answer for what the authority has not signed.

    Args:
        authority: who must have.
        others: what somebody else has signed in its place.
        what: what is asked for, e.g. `SLSA provenance`.
        reason: the code to give when nobody has signed it.
        how: what to do then.
    """
    asked = f"it must be signed {asked_of(authority)}"
    if not others:
        message = f"there is no {what} by {authority.name} over the bundle: {how}; {asked}."
        return Answer(state="missing", reason=reason, message=message)
    by = tuple(sorted({described(each.signer) for each in others}))
    more = f" and {len(by) - SIGNERS_SHOWN_MAX} more" if len(by) > SIGNERS_SHOWN_MAX else ""
    message = f"the {what} is by {', '.join(by[:SIGNERS_SHOWN_MAX])}{more}: {asked}."
    return Answer(state="refused", reason="SignedByOther", message=message, by=by)


def judge_newest(
    own: Sequence[Statement],
    question: Question,
    max_age: str | None,
    judge: Callable[[Statement], Answer],
) -> Answer:
    """Return what the newest statement comes to; of several equally new, the worst.

    Args:
        own: statements of one type by one authority, at least one.
        question: the release and the time.
        max_age: age beyond which the statement does not count; None for no limit.
        judge: judges one statement by what it says.
    """
    signed_at = max(each.signed_at for each in own)
    if signed_at > question.now + SKEW:
        return Answer(
            state="missing",
            reason="AttestationInFuture",
            message=f"the newest says it was signed at {signed_at.isoformat()}, which is yet to"
            " come: set the clock right where it is made, and attest again.",
            recheck_at=signed_at - SKEW,
        )
    ends_at = signed_at + span(max_age) if max_age is not None else None
    if ends_at is not None and ends_at <= question.now:
        return Answer(
            state="missing",
            reason="AttestationTooOld",
            message=f"the newest was signed at {signed_at.isoformat()}, and counts for {max_age}:"
            " attest again and make a release with it.",
        )
    answers = [judge(each) for each in own if each.signed_at == signed_at]
    worst = next((each for each in answers if each.state != "satisfied"), answers[0])
    return replace(worst, recheck_at=ends_at)


@lru_cache(maxsize=PROVENANCES_KEPT)
def _provenance(statement: Statement) -> Provenance | VerificationError:
    try:
        return provenance_of(statement)
    except VerificationError as error:
        return error.with_traceback(None)


def read_provenance(statement: Statement) -> Provenance:
    """Return what a provenance says, read once.

    Raises:
        VerificationError: ProvenanceUnreadable, when it can't be read, or is too long.
    """
    if len(statement.predicate_json) > PROVENANCE_CHARS_MAX:
        message = (
            f"The provenance is longer than {PROVENANCE_CHARS_MAX} characters; name less in it."
        )
        raise refusal("ProvenanceUnreadable", message)
    found = _provenance(statement)
    if isinstance(found, VerificationError):
        raise VerificationError(found.reason, found.message)
    return found
