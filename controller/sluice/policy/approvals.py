"""Whether enough people have approved: seats, the authors, and who could still sit down.

All seats of one policy are filled together: one person fills one of them, however many keys, roles
or approvals they have. They are filled for one share of the phones: approvals with a ceiling below
it take no part, so that nobody is counted here at one share and there at another.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sluice.policy.ballots import Ballot, starts_of
from sluice.policy.question import Answer, Question, finding_of, span
from sluice.policy.seats import fill_seats
from sluice.policy.verdict import Finding
from sluice.policy.words import Fault, mfa_fault
from sluice.resources.fields import BASIS_POINTS, percent
from sluice.resources.requirements import Approvals, Requirement

__all__ = ["Seating", "judge_approvals"]

NAMES_SHOWN_MAX = 8
"""People and ballots named in one message; the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seating:
    """What became of a policy's approvals."""

    findings: tuple[Finding, ...]
    """One for each requirement."""
    rejections: tuple[Finding, ...]
    """One for each rejection; they belong to no requirement, and nothing passes them by."""
    ceiling_bp: int
    """Largest share of the phones for which the seats are filled, in basis points."""
    recheck_at: datetime | None
    """When time alone may change any of this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    """The seats of one requirement, and whose ballots count for them."""

    requirement: Requirement
    need: Approvals
    ballots: tuple[Ballot, ...]
    barred: tuple[Fault, ...]
    """Why ballots that count do not count here."""

    def able(self, level_bp: int) -> frozenset[str]:
        """Return who may sit, for a share of the phones."""
        return frozenset(each.person for each in self.ballots if each.level_bp >= level_bp)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """What is told about every requirement."""

    question: Question
    ballots: Sequence[Ballot]
    level_bp: int
    """The share of the phones that the seats were filled for."""
    taken: Collection[str]
    """Who sits in a seat that must be filled."""


def judge_approvals(
    question: Question, ballots: Sequence[Ballot], *, passed: Collection[str] = ()
) -> Seating:
    """Return a finding for each approvals requirement of the policy, and for each rejection.

    Args:
        question: the release, the policy and the time.
        ballots: the release's approvals (`sluice.policy.ballots`).
        passed: names of requirements that are passed by, so that they take nobody's seat.
    """
    benches = [
        _bench(question, requirement, requirement.approvals, ballots)
        for requirement in question.policy.spec.requirements
        if requirement.approvals
    ]
    binding = [
        each
        for each in benches
        if each.requirement.enforcement == "Enforce" and each.requirement.name not in passed
    ]
    level = _highest(binding, ballots)
    # A seat once filled stays filled, so those that must be filled are offered first.
    bound = {each.requirement.name for each in binding}
    others = [each for each in benches if each.requirement.name not in bound]
    seated = _seated([*binding, *others], level)
    taken = {who for name in bound for who in seated[name]}
    room = _Room(question=question, ballots=ballots, level_bp=level, taken=taken)
    findings = (_finding(room, each, seated[each.requirement.name]) for each in benches)
    return Seating(
        findings=tuple(findings),
        rejections=tuple(_rejection(question, each) for each in ballots if _rejects(each)),
        ceiling_bp=level,
        recheck_at=_next_change(question, benches, ballots),
    )


def _bench(
    question: Question, requirement: Requirement, need: Approvals, ballots: Sequence[Ballot]
) -> _Bench:
    counted, barred = [], []
    for ballot in ballots:
        if ballot.yes and ballot.approval.role == need.role:
            if why := _barred(question, need, ballot):
                barred.append(why)
            else:
                counted.append(ballot)
    return _Bench(requirement=requirement, need=need, ballots=tuple(counted), barred=tuple(barred))


def _barred(question: Question, need: Approvals, ballot: Ballot) -> Fault | None:
    """Return why a ballot that counts does not count for this requirement; None when it does."""
    source = ballot.approval.source
    if need.not_author and ballot.person in question.authors:
        message = f"{source}: {ballot.person} is an author of the change"
        return Fault(reason="ApproverIsAuthor", message=message)
    if need.max_age is not None and _ends(need.max_age, ballot) <= question.now:
        message = f"{source} is older than {need.max_age}: approve again"
        return Fault(reason="ApprovalTooOld", message=message)
    return mfa_fault(question.policy, ballot.approval) if need.mfa else None


def _ends(max_age: str, ballot: Ballot) -> datetime:
    return ballot.approval.signed_at + span(max_age)


def _highest(binding: Sequence[_Bench], ballots: Iterable[Ballot]) -> int:
    """Return the largest share for which the seats are filled.

    When no share is enough, it is the smallest: that leaves out the least, and so tells the most.
    """
    levels = sorted({each.level_bp for each in ballots if each.yes and each.level_bp})
    levels = levels or [BASIS_POINTS]
    if levels[-1] != BASIS_POINTS:
        levels.append(BASIS_POINTS)
    # Who may sit at one share may sit at each below it, so what is filled there is filled here.
    filled = bisect_left(levels, 1, key=lambda level: 0 if _filled(binding, level) else 1)
    return levels[max(filled - 1, 0)]


def _filled(benches: Sequence[_Bench], level_bp: int) -> bool:
    seated = _seated(benches, level_bp)
    return all(len(seated[each.requirement.name]) >= each.need.count for each in benches)


def _seated(benches: Sequence[_Bench], level_bp: int) -> dict[str, tuple[str, ...]]:
    """Return who sits for which requirement, by its name; the first ones are filled first."""
    seats = [(each, each.able(level_bp)) for each in benches for _ in range(each.need.count)]
    seated: dict[str, list[str]] = {each.requirement.name: [] for each in benches}
    for index, who in fill_seats([able for _, able in seats]).items():
        seated[seats[index][0].requirement.name].append(who)
    return {name: tuple(sorted(sitting)) for name, sitting in seated.items()}


def _rejects(ballot: Ballot) -> bool:
    return ballot.fault is None and ballot.approval.decision == "reject"


def _rejection(question: Question, ballot: Ballot) -> Finding:
    approval = ballot.approval
    return Finding(
        policy=question.policy.label,
        requirement="rejections",
        state="refused",
        enforced=True,
        reason="Rejected",
        message=f"{ballot.person} rejected this release as {approval.role}"
        f" ({approval.source}): make a new release",
        by=(ballot.person,),
    )


def _finding(room: _Room, bench: _Bench, seated: tuple[str, ...]) -> Finding:
    need, question = bench.need, room.question
    unknown_author = need.not_author and not question.authors_stated
    filled = len(seated) >= need.count
    message = f"{len(seated)} of {need.count} approvals by {need.role}"
    message += f": {', '.join(seated)}." if seated else "."
    if unknown_author:
        message += " Name who wrote the change in spec.source.authors: an author may not approve."
    if not filled:
        message += _still_needed(room, need, seated) + _not_counted(bench, room.ballots)
    elif room.level_bp < BASIS_POINTS:
        message += f" They are enough for {percent(room.level_bp)} of the phones: approve beyond."
    answer = Answer(
        state="missing" if unknown_author or not filled else "satisfied",
        reason="AuthorUnknown" if unknown_author else "Approved" if filled else "ApprovalsMissing",
        message=message,
        by=seated,
    )
    return finding_of(question.policy, bench.requirement, answer)


def _still_needed(room: _Room, need: Approvals, seated: Collection[str]) -> str:
    barred = room.question.authors if need.not_author else frozenset()
    others = room.question.policy.registry.roles[need.role] - set(seated) - barred
    # Who sits in another seat that must be filled is asked last: it would be empty then.
    could = sorted(others - set(room.taken) or others)
    who = f"of {_listed(could)}" if could else "more people in the role (nobody is left)"
    how = ", with proof of a second factor" if need.mfa else ""
    return f" Still needed: {need.count - len(seated)} {who}{how}."


def _not_counted(bench: _Bench, ballots: Sequence[Ballot]) -> str:
    faults = [each.fault for each in ballots if each.fault]
    faults += bench.barred
    faults += [
        _withdrawn(each)
        for each in ballots
        if each.fault is None and each.approval.decision == "withdraw"
    ]
    why = [f"{each.message} ({each.reason})" for each in faults]
    return f" Not counted: {_listed(why, '; ')}." if why else ""


def _withdrawn(ballot: Ballot) -> Fault:
    message = f"{ballot.approval.source}: {ballot.person} withdrew their approval"
    return Fault(reason="ApprovalWithdrawn", message=message)


def _listed(names: Sequence[str], joint: str = ", ") -> str:
    more = len(names) - NAMES_SHOWN_MAX
    return joint.join(names[:NAMES_SHOWN_MAX]) + (f"{joint}{more} more" if more > 0 else "")


def _next_change(
    question: Question, benches: Sequence[_Bench], ballots: Sequence[Ballot]
) -> datetime | None:
    counted = [each for each in ballots if each.yes]
    moments = starts_of(ballots)
    for each in counted:
        moments.append(each.approval.expires_at)
        if each.approval.ceiling and each.approval.ceiling.until:
            moments.append(each.approval.ceiling.until)
    for bench in benches:
        if bench.need.max_age is not None:
            asked = [each for each in counted if each.approval.role == bench.need.role]
            moments += [_ends(bench.need.max_age, each) for each in asked]
    return min((each for each in moments if each > question.now), default=None)
