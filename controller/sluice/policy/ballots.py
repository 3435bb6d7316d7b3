"""Approvals against one policy: which of them count, for whom, in which role, and why not.

What an approval says is read only when it counts (`sluice.policy.words`): a stranger's rejection
stops nothing either. Of several words of one person in one role, the one with the highest sequence
counts; of equal ones the most careful: no before neither before yes. A no, and a withdrawal, do not
expire and need not wait for a clock that is ahead: time alone never widens what is allowed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sluice.policy.question import Question
from sluice.policy.words import SKEW, Fault, expired, premature, whose
from sluice.resources.fields import BASIS_POINTS
from sluice.verify.facts import Approval

__all__ = ["Ballot", "count_ballots", "starts_of"]

CAREFUL: Final = {"approve": 0, "withdraw": 1, "reject": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ballot:
    """One approval, read against one policy."""

    approval: Approval
    person: str
    """Who signed; empty when nobody of the policy did."""
    fault: Fault | None
    """Why it does not count; None when it does."""
    level_bp: int
    """Largest share of the phones that it lets the rollout grow to, in basis points; 0 when the
    time of its ceiling is over."""

    @property
    def yes(self) -> bool:
        """Whether it counts, and approves."""
        return self.fault is None and self.approval.decision == "approve"


def count_ballots(question: Question) -> tuple[Ballot, ...]:
    """Return a ballot for each approval, in the order given.

    The same evidence may have been proven under several trust roots: the one that a person of the
    policy signed under is taken.
    """
    ballots: dict[str, Ballot] = {}
    for approval in question.facts.approvals:
        ballot = _ballot(question, approval)
        known = ballots.get(approval.evidence_sha256)
        if known is None or (known.fault and not ballot.fault):
            ballots[approval.evidence_sha256] = ballot
    return tuple(_expired(each, question.now) for each in _last_words(tuple(ballots.values())))


def starts_of(ballots: Iterable[Ballot]) -> list[datetime]:
    """Return when ballots begin to count that do not yet."""
    return [
        each.approval.signed_at - SKEW
        for each in ballots
        if each.fault and each.fault.reason == "SignedInFuture"
    ]


def _ballot(question: Question, approval: Approval) -> Ballot:
    person, fault = whose(question, approval)
    if fault is None and approval.decision == "approve":
        fault = premature(approval, question.now)
    level = _level(approval, question.now)
    return Ballot(approval=approval, person=person, fault=fault, level_bp=level)


def _level(approval: Approval, now: datetime) -> int:
    ceiling = approval.ceiling
    if ceiling is None:
        return BASIS_POINTS
    return 0 if ceiling.until is not None and ceiling.until <= now else ceiling.share_bp


def _last_words(ballots: tuple[Ballot, ...]) -> tuple[Ballot, ...]:
    """Return the ballots, with a fault on each that its person has replaced by a later one."""
    last: dict[tuple[str, str], tuple[int, int]] = {}
    for each in ballots:
        if each.fault is None:
            seat = (each.person, each.approval.role)
            last[seat] = max(last.get(seat, _rank(each)), _rank(each))
    return tuple(
        replace(each, fault=_replaced(each))
        if each.fault is None and _rank(each) < last[each.person, each.approval.role]
        else each
        for each in ballots
    )


def _rank(ballot: Ballot) -> tuple[int, int]:
    return ballot.approval.sequence, CAREFUL[ballot.approval.decision]


def _replaced(ballot: Ballot) -> Fault:
    message = f"{ballot.approval.source}: {ballot.person} said another word later"
    return Fault(reason="WordReplaced", message=message)


def _expired(ballot: Ballot, now: datetime) -> Ballot:
    if not ballot.yes:
        return ballot
    return replace(ballot, fault=expired(ballot.approval, now))
