"""Approvals against one policy: which of them count, for whom, in which role, and why not.

What an approval says is read only when it counts (`sluice.policy.words`): a stranger's rejection
stops nothing either. Of several words of one person in one role, the one with the highest sequence
counts; of equal ones the most careful: no before neither before yes. A no, and a withdrawal, do not
expire: time alone never widens what is allowed.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sluice.policy.signers import person_behind
from sluice.policy.subject import PolicyInForce, Subject
from sluice.policy.words import Fault, expired, fault_of
from sluice.resources.fields import BASIS_POINTS
from sluice.verify.facts import Approval

__all__ = ["Ballot", "count_ballots"]

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


def count_ballots(
    policy: PolicyInForce, subject: Subject, approvals: tuple[Approval, ...], now: datetime
) -> tuple[Ballot, ...]:
    """Return a ballot for each approval, in the order given.

    The same evidence may have been proven under several trust roots: the one that a person of the
    policy signed under is taken.
    """
    ballots: dict[str, Ballot] = {}
    for approval in approvals:
        ballot = Ballot(
            approval=approval,
            person=person_behind(approval, policy) or "",
            fault=fault_of(policy, subject, approval, now),
            level_bp=_level(approval, now),
        )
        known = ballots.get(approval.evidence_sha256)
        if known is None or (known.fault and not ballot.fault):
            ballots[approval.evidence_sha256] = ballot
    return tuple(_expired(each, now) for each in _last_words(tuple(ballots.values())))


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
    if ballot.fault is not None or ballot.approval.decision != "approve":
        return ballot
    return replace(ballot, fault=expired(ballot.approval, now))
