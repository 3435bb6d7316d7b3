"""Requirements that are passed by for one release: by an exception, or because glass was broken.

This is the only place where either is honoured (row 21 of the attacks): whatever shows a verdict
shows what came out of here. Neither can pass by a rejection, a revocation, or a policy that can't
be read, for those are no requirements.

Breaking the glass leaves a debt: enough others must approve the release afterwards, within the time
the policy gives. A debt that is not paid withdraws the release. It begins at the first moment at
which enough people had broken the glass, and neither expiry nor an exception ends it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sluice.policy.authors import authors_of
from sluice.policy.ballots import count_ballots
from sluice.policy.signers import person_behind
from sluice.policy.subject import PolicyInForce, Subject
from sluice.policy.verdict import Finding
from sluice.policy.words import Fault, expired, fault_of, lifetime_fault, mfa_fault
from sluice.resources.fields import seconds
from sluice.resources.policy import BreakGlass, Exceptions
from sluice.verify.facts import ExceptionGrant, Facts, GlassBroken

__all__ = ["Pass", "Passes", "honour", "passes_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """Why one requirement is passed by."""

    reason: str
    """`Excepted` or `GlassBroken`."""
    message: str
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Passes:
    """What is passed by under one policy."""

    by_requirement: Mapping[str, Pass]
    findings: tuple[Finding, ...]
    """The debt of broken glass, and words that were meant to pass something by, but do not."""
    recheck_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """A word that counts, and whose it is."""

    word: ExceptionGrant | GlassBroken
    person: str


def honour(findings: Iterable[Finding], passes: Passes) -> tuple[Finding, ...]:
    """Return the findings, with those of requirements that are passed by as satisfied."""
    return tuple(
        replace(each, state="satisfied", reason=found.reason, message=found.message, by=found.by)
        if each.state != "satisfied" and (found := passes.by_requirement.get(each.requirement))
        else each
        for each in findings
    )


def passes_of(policy: PolicyInForce, subject: Subject, facts: Facts, now: datetime) -> Passes:
    """Return which requirements of a policy are passed by now, and what is owed for it."""
    found: dict[str, Pass] = {}
    findings: list[Finding] = []
    moments: list[datetime] = []
    if policy.spec.exceptions:
        counted, faults = _count_exceptions(policy, policy.spec.exceptions, subject, facts, now)
        found |= _excepted(policy.spec.exceptions, counted)
        findings += [_told(policy, "exceptions", each) for each in faults]
        moments += [each.word.expires_at for each in counted]
    if policy.spec.break_glass:
        need = policy.spec.break_glass
        counted, faults = _count_broken(policy, need, subject, facts, now)
        valid = [each for each in counted if each.word.expires_at > now]
        found |= _broken(need, valid)
        findings += [_told(policy, "break-glass", each) for each in faults]
        findings += _debts(policy, need, subject, facts, now, counted)
        moments += [each.word.expires_at for each in valid]
        moments += [at + _within(need) for at, _ in _breaks(need, counted)]
    return Passes(
        by_requirement=found,
        findings=tuple(findings),
        recheck_at=min((each for each in moments if each > now), default=None),
    )


def _count_exceptions(
    policy: PolicyInForce, need: Exceptions, subject: Subject, facts: Facts, now: datetime
) -> tuple[list[_Counted], list[Fault]]:
    counted, faults = [], []
    authors = authors_of(policy, subject, facts)
    for word in facts.exceptions:
        if word.policy != policy.label or word.requirement not in need.requirements:
            continue
        fault = (
            fault_of(policy, subject, word, now)
            or expired(word, now)
            or _of_role(word, need.role)
            or lifetime_fault(word, timedelta(seconds=seconds(need.longest)), need.longest)
            or (mfa_fault(policy, word) if need.mfa else None)
        )
        person = person_behind(word, policy) or ""
        if fault is None and person in authors:
            message = f"{word.source}: {person} is an author of the change, and excepts nobody"
            fault = Fault(reason="AuthorExcepts", message=message)
        if fault is None:
            counted.append(_Counted(word=word, person=person))
        else:
            faults.append(fault)
    return counted, faults


def _count_broken(
    policy: PolicyInForce, need: BreakGlass, subject: Subject, facts: Facts, now: datetime
) -> tuple[list[_Counted], list[Fault]]:
    """Return words that break the glass or once did: a debt outlives them."""
    counted, faults = [], []
    for word in facts.glass_broken:
        if word.policy != policy.label:
            continue
        fault = (
            fault_of(policy, subject, word, now)
            or _of_role(word, need.role)
            or lifetime_fault(word, timedelta(seconds=seconds(need.longest)), need.longest)
            or (mfa_fault(policy, word) if need.mfa else None)
        )
        if fault is None:
            counted.append(_Counted(word=word, person=person_behind(word, policy) or ""))
        else:
            faults.append(fault)
    return counted, faults


def _of_role(word: ExceptionGrant | GlassBroken, role: str) -> Fault | None:
    if word.role == role:
        return None
    message = f"{word.source} is signed as {word.role}, but must be as {role}: sign again"
    return Fault(reason="ApproverNotInRole", message=message)


def _excepted(need: Exceptions, counted: Sequence[_Counted]) -> dict[str, Pass]:
    found = {}
    for requirement in need.requirements:
        mine = [
            each
            for each in counted
            if isinstance(each.word, ExceptionGrant) and each.word.requirement == requirement
        ]
        people = tuple(sorted({each.person for each in mine}))
        if len(people) >= need.count:
            reasons = "; ".join(sorted({each.word.reason for each in mine}))
            until = min(each.word.expires_at for each in mine).isoformat()
            message = f"excepted until {until} by {', '.join(people)}: {reasons}"
            found[requirement] = Pass(reason="Excepted", message=message, by=people)
    return found


def _broken(need: BreakGlass, valid: Sequence[_Counted]) -> dict[str, Pass]:
    for incident, people in sorted(_by_incident(valid).items()):
        if len(people) >= need.count:
            by = tuple(sorted(people))
            message = f"passed by: {', '.join(by)} broke the glass for {incident}"
            broken = Pass(reason="GlassBroken", message=message, by=by)
            return dict.fromkeys(need.requirements, broken)
    return {}


def _by_incident(counted: Iterable[_Counted]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for each in counted:
        if isinstance(each.word, GlassBroken):
            found.setdefault(each.word.incident, set()).add(each.person)
    return found


def _breaks(need: BreakGlass, counted: Sequence[_Counted]) -> list[tuple[datetime, str]]:
    """Return (since when, incident) of each incident for which enough people broke the glass."""
    first: dict[str, datetime] = {}
    for moment in sorted({each.word.signed_at for each in counted}):
        then = [each for each in counted if each.word.signed_at <= moment < each.word.expires_at]
        for incident, people in _by_incident(then).items():
            if len(people) >= need.count:
                first.setdefault(incident, moment)
    return sorted((moment, incident) for incident, moment in first.items())


def _within(need: BreakGlass) -> timedelta:
    return timedelta(seconds=seconds(need.cosign_within))


def _debts(
    policy: PolicyInForce,
    need: BreakGlass,
    subject: Subject,
    facts: Facts,
    now: datetime,
    counted: Sequence[_Counted],
) -> list[Finding]:
    breaks = _breaks(need, counted)
    if not breaks:
        return []
    barred = {each.person for each in counted} | authors_of(policy, subject, facts)
    # An approval that has expired since has paid all the same: it was asked for once.
    signed = {
        each.person
        for each in count_ballots(policy, subject, facts.approvals, now)
        if each.approval.decision == "approve"
        and each.approval.role == need.cosign_role
        and (each.fault is None or each.fault.reason == "ApprovalExpired")
    }
    paid = tuple(sorted(signed - barred))
    return [_debt(policy, need, incident, at + _within(need), paid, now) for at, incident in breaks]


def _debt(
    policy: PolicyInForce,
    need: BreakGlass,
    incident: str,
    deadline: datetime,
    paid: tuple[str, ...],
    now: datetime,
) -> Finding:
    done = len(paid) >= need.cosign_count
    overdue = not done and now >= deadline
    message = (
        f"glass was broken for {incident}: {len(paid)} of {need.cosign_count} of"
        f" {need.cosign_role} have approved the release since"
    )
    if overdue:
        message += f"; the time for it ended at {deadline.isoformat()}: make a new release"
    elif not done:
        message += f"; the others must by {deadline.isoformat()}, or it is withdrawn"
    return Finding(
        policy=policy.label,
        requirement="break-glass",
        state="satisfied" if done else "refused" if overdue else "missing",
        enforced=overdue,
        reason="Cosigned" if done else "CosignMissing" if overdue else "CosignDue",
        message=message,
        by=paid,
    )


def _told(policy: PolicyInForce, what: str, fault: Fault) -> Finding:
    return Finding(
        policy=policy.label,
        requirement=what,
        state="refused",
        enforced=False,
        reason=fault.reason,
        message=fault.message,
    )
