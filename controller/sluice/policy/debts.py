"""What is owed for broken glass: enough others must approve the release afterwards, and in time.

In the order of the code:
(1) Glass is broken from the first moment at which enough people had signed for one incident, each
    signature still in its time. From then on the debt stands: neither expiry nor an exception ends
    it.
(2) It is paid by approvals in the co-signing role that were signed since then and before the
    deadline. Later ones don't pay: a release that was withdrawn stays so.
(3) Nobody who signed a break-glass of the release pays, nor an author. Who has rejected or
    withdrawn since does not, either.
(4) What was paid stays paid when the approval expires, or is replaced by another one.

Whoever deletes a word that broke the glass deletes its debt: what is deleted is no fact any more,
so that the operator watches for it, not the policy.
"""

from collections.abc import Sequence
from datetime import datetime

from sluice.policy.ballots import Ballot
from sluice.policy.question import Question, span
from sluice.policy.verdict import Finding
from sluice.resources.policy import BreakGlass
from sluice.verify.facts import GlassBroken

__all__ = ["Broken", "breaks_of", "debts_of"]

Broken = tuple[str, GlassBroken]
"""A word that broke the glass, or helped to, and the person who said it."""

PAYING = frozenset({"ApprovalExpired", "WordReplaced"})
"""Faults of an approval that has paid all the same."""


def breaks_of(need: BreakGlass, words: Sequence[Broken], now: datetime) -> dict[str, datetime]:
    """Return the incidents for which the glass was broken until now, each with the moment."""
    ends: dict[str, dict[str, datetime]] = {}
    found: dict[str, datetime] = {}
    for person, word in sorted(words, key=lambda each: each[1].signed_at):
        moment = word.signed_at
        if moment > now:
            break
        of_incident = ends.setdefault(word.incident, {})
        of_incident[person] = max(of_incident.get(person, word.expires_at), word.expires_at)
        if sum(end > moment for end in of_incident.values()) >= need.count:
            found.setdefault(word.incident, moment)
    return found


def debts_of(
    question: Question, need: BreakGlass, words: Sequence[Broken], ballots: Sequence[Ballot]
) -> tuple[list[Finding], list[datetime]]:
    """Return a finding for each debt, and when those that are not paid fall due.

    Args:
        question: the release, the policy and the time.
        need: what the policy says of breaking the glass.
        words: every word that broke the glass or helped to, whether or not it has expired.
        ballots: the release's approvals.
    """
    barred = {person for person, _ in words} | question.authors
    barred |= {each.person for each in ballots if _takes_back(each)}
    findings, due = [], []
    for incident, moment in sorted(breaks_of(need, words, question.now).items()):
        deadline = moment + span(need.cosign_within)
        paid = {
            each.person
            for each in ballots
            if _pays(each, need) and moment <= each.approval.signed_at < deadline
        }
        finding = _debt(question, need, incident, deadline, tuple(sorted(paid - barred)))
        findings.append(finding)
        if finding.state == "missing":
            due.append(deadline)
    return findings, due


def _takes_back(ballot: Ballot) -> bool:
    return ballot.fault is None and ballot.approval.decision != "approve"


def _pays(ballot: Ballot, need: BreakGlass) -> bool:
    return (
        ballot.approval.decision == "approve"
        and ballot.approval.role == need.cosign_role
        and (ballot.fault is None or ballot.fault.reason in PAYING)
    )


def _debt(
    question: Question, need: BreakGlass, incident: str, deadline: datetime, paid: tuple[str, ...]
) -> Finding:
    done = len(paid) >= need.cosign_count
    overdue = not done and question.now >= deadline
    message = (
        f"glass was broken for {incident}: {len(paid)} of {need.cosign_count} of"
        f" {need.cosign_role} have approved the release since"
    )
    if overdue:
        message += f"; the time for it ended at {deadline.isoformat()}: make a new release"
    elif not done:
        message += (
            f"; others than its authors and those who broke the glass must by"
            f" {deadline.isoformat()}, or it is withdrawn"
        )
    return Finding(
        policy=question.policy.label,
        requirement="break-glass",
        state="satisfied" if done else "refused" if overdue else "missing",
        enforced=overdue,
        reason="Cosigned" if done else "CosignMissing" if overdue else "CosignDue",
        message=message,
        by=paid,
    )
