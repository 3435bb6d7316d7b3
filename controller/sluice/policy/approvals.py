"""Whether enough people have approved: seats, the authors, and who could still sit down.

All seats of one policy are filled together: one person fills one of them, however many keys, roles
or approvals they have.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sluice.policy.authors import authors_of
from sluice.policy.ballots import Ballot, count_ballots
from sluice.policy.seats import fill_seats
from sluice.policy.subject import PolicyInForce, Subject
from sluice.policy.verdict import Finding
from sluice.policy.words import mfa_fault
from sluice.resources.fields import BASIS_POINTS, seconds
from sluice.resources.requirements import Approvals, Requirement
from sluice.verify.facts import Facts

__all__ = ["judge_approvals"]

NAMES_SHOWN_MAX = 8
"""People and ballots named in one message; the rest is counted."""

Need = tuple[Requirement, Approvals]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a policy's approvals."""

    findings: tuple[Finding, ...]
    ceiling_bp: int
    """Largest share of the phones for which the seats are filled, in basis points."""
    recheck_at: datetime | None
    """When the first approval that counts will no longer do so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """Everything that the seats of one policy are filled from."""

    policy: PolicyInForce
    needs: tuple[Need, ...]
    binding: int
    """The first so many needs must all be filled; the rest only warn, or are passed by."""
    ballots: tuple[Ballot, ...]
    authors: frozenset[str]
    now: datetime


def judge_approvals(
    policy: PolicyInForce,
    subject: Subject,
    facts: Facts,
    now: datetime,
    *,
    passed: Collection[str] = (),
) -> Outcome:
    """Return a finding for each approvals requirement of the policy, and for a rejection.

    Args:
        policy: whose requirements, people and roles.
        subject: what is judged.
        facts: everything proven.
        now: the time, in UTC.
        passed: names of requirements that are passed by, so that they take nobody's seat.
    """
    ballots = count_ballots(policy, subject, facts.approvals, now)
    needs = [(each, each.approvals) for each in policy.spec.requirements if each.approvals]
    # A seat once filled stays filled, so those that must be filled are offered first.
    binds = [each for each, _ in needs if each.enforcement == "Enforce" and each.name not in passed]
    needs.sort(key=lambda need: need[0] not in binds)
    room = _Room(
        policy=policy,
        needs=tuple(needs),
        binding=len(binds),
        ballots=ballots,
        authors=authors_of(policy, subject, facts),
        now=now,
    )
    level, seated = _highest(room)
    findings = list(_rejections(policy, ballots))
    for (requirement, _), who in zip(room.needs, seated, strict=True):
        findings.append(_finding(room, requirement, subject, who))
    return Outcome(findings=tuple(findings), ceiling_bp=level, recheck_at=_first_expiry(room))


def _highest(room: _Room) -> tuple[int, tuple[tuple[str, ...], ...]]:
    """Return the largest share for which the seats are filled, and who sits for each need.

    Approvals with a ceiling below the share take no part. When no share is enough, the smallest
    is told: it leaves out the least.
    """
    levels = {each.level_bp for each in room.ballots if each.level_bp} | {BASIS_POINTS}
    seated: tuple[tuple[str, ...], ...] = ()
    level = BASIS_POINTS
    for level in sorted(levels, reverse=True):
        seated = _seated(room, level)
        filled = [len(who) >= need.count for (_, need), who in zip(room.needs, seated, strict=True)]
        if all(filled[: room.binding]):
            break
    return level, seated


def _seated(room: _Room, level_bp: int) -> tuple[tuple[str, ...], ...]:
    able = [_able(need, room, level_bp) for _, need in room.needs]
    seats = [
        who for (_, need), who in zip(room.needs, able, strict=True) for _ in range(need.count)
    ]
    taken = fill_seats(seats)
    seated, first = [], 0
    for _, need in room.needs:
        seats_of_need = range(first, first + need.count)
        seated.append(tuple(sorted(taken[i] for i in seats_of_need if i in taken)))
        first += need.count
    return tuple(seated)


def _able(need: Approvals, room: _Room, level_bp: int) -> frozenset[str]:
    """Return the people whose approval counts for a seat of this requirement."""
    return frozenset(
        each.person
        for each in room.ballots
        if each.fault is None
        and each.approval.decision == "approve"
        and each.approval.role == need.role
        and each.level_bp >= level_bp
        and not _barred(need, each, room)
    )


def _barred(need: Approvals, ballot: Ballot, room: _Room) -> str:
    """Return why a ballot that counts does not count for this requirement; empty when it does."""
    source = ballot.approval.source
    if need.not_author and ballot.person in room.authors:
        return f"{source}: {ballot.person} is an author of the change"
    if need.max_age is not None and _too_old(need.max_age, ballot, room.now):
        return f"{source} is older than {need.max_age}: approve again"
    if need.mfa and (fault := mfa_fault(room.policy, ballot.approval)):
        return fault.message
    return ""


def _too_old(max_age: str, ballot: Ballot, now: datetime) -> bool:
    return ballot.approval.signed_at + timedelta(seconds=seconds(max_age)) <= now


def _rejections(policy: PolicyInForce, ballots: tuple[Ballot, ...]) -> list[Finding]:
    return [
        Finding(
            policy=policy.label,
            requirement="rejections",
            state="refused",
            enforced=True,
            reason="Rejected",
            message=f"{each.person} rejected this release as {each.approval.role}"
            f" ({each.approval.source}): make a new release",
            by=(each.person,),
        )
        for each in ballots
        if each.fault is None and each.approval.decision == "reject"
    ]


def _finding(
    room: _Room, requirement: Requirement, subject: Subject, seated: tuple[str, ...]
) -> Finding:
    need = requirement.approvals
    assert need is not None  # noqa: S101 - the caller picked requirements that have it
    source = subject.release.source
    unknown_author = need.not_author and not (source and source.authors)
    filled = len(seated) >= need.count and not unknown_author
    message = f"{len(seated)} of {need.count} approvals by {need.role}"
    message += f": {', '.join(seated)}." if seated else "."
    if unknown_author:
        message += " Name who wrote the change in spec.source.authors: an author may not approve."
    if len(seated) < need.count:
        message += _still_needed(room, need, seated) + _not_counted(room, need)
    return Finding(
        policy=room.policy.label,
        requirement=requirement.name,
        state="satisfied" if filled else "missing",
        enforced=requirement.enforcement == "Enforce",
        reason="Approved" if filled else "AuthorUnknown" if unknown_author else "ApprovalsMissing",
        message=message,
        by=seated,
    )


def _still_needed(room: _Room, need: Approvals, seated: tuple[str, ...]) -> str:
    spec = room.policy.spec
    members = next(role.members for role in spec.roles if role.name == need.role)
    barred = room.authors if need.not_author else frozenset()
    could = sorted(set(members) - set(seated) - barred)
    who = f"of {_listed(could)}" if could else "more people in the role (nobody is left)"
    how = ", with proof of a second factor" if need.mfa else ""
    return f" Still needed: {need.count - len(seated)} {who}{how}."


def _not_counted(room: _Room, need: Approvals) -> str:
    why = [each.fault.message for each in room.ballots if each.fault]
    why += [
        reason
        for each in room.ballots
        if each.fault is None
        and each.approval.decision == "approve"
        and each.approval.role == need.role
        and (reason := _barred(need, each, room))
    ]
    why += [
        f"{each.approval.source}: {each.person} withdrew their approval"
        for each in room.ballots
        if each.fault is None and each.approval.decision == "withdraw"
    ]
    return f" Not counted: {_listed(why, '; ')}." if why else ""


def _listed(names: list[str], joint: str = ", ") -> str:
    more = len(names) - NAMES_SHOWN_MAX
    return joint.join(names[:NAMES_SHOWN_MAX]) + (f"{joint}{more} more" if more > 0 else "")


def _first_expiry(room: _Room) -> datetime | None:
    counted = [
        each.approval
        for each in room.ballots
        if each.fault is None and each.approval.decision == "approve"
    ]
    moments = [each.expires_at for each in counted]
    moments += [each.ceiling.until for each in counted if each.ceiling and each.ceiling.until]
    moments += [
        each.signed_at + timedelta(seconds=seconds(need.max_age))
        for _, need in room.needs
        if need.max_age
        for each in counted
    ]
    return min((each for each in moments if each > room.now), default=None)
