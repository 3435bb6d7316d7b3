"""Requirements that are passed by for one release: by an exception, or because glass was broken.

This is the only place where either is honoured (row 21 of the attacks): whatever shows a verdict
shows what came out of here. Neither can pass by a rejection, a revocation, or a policy that can't
be read, for those are no requirements. Both need a release that names its authors, for an author
makes no exception, and does not co-sign.

Breaking the glass leaves a debt: enough others must approve the release afterwards, within the time
the policy gives (`sluice.policy.debts`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sluice.policy.ballots import Ballot
from sluice.policy.debts import Broken, debts_of
from sluice.policy.question import Question
from sluice.policy.reasons import Reason
from sluice.policy.verdict import Finding
from sluice.policy.words import (
    SKEW,
    Fault,
    expired,
    lifetime_fault,
    mfa_fault,
    premature,
    role_fault,
    whose,
)
from sluice.resources.policy import BreakGlass, Exceptions
from sluice.resources.text import plain
from sluice.verify.facts import ExceptionGrant, GlassBroken

__all__ = ["Pass", "Passes", "honour", "passes_of"]

FAULTS_TOLD_MAX = 16
"""Words without effect that are told one by one; how many come after them is only counted."""

REASON_CHARS_MAX = 300
"""Longest reason that a verdict repeats; the whole is in the signed word."""

Granted = tuple[str, ExceptionGrant]
"""A word that excepts, and the person who said it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """Why one requirement is passed by."""

    reason: Reason
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


def honour(findings: Iterable[Finding], passes: Passes) -> tuple[Finding, ...]:
    """Return the findings, with those of requirements that are passed by as satisfied.

    Args:
        findings: those of the policy's requirements, and no others: a policy may call a requirement
            `rejections` and except from it, and no rejection goes by that.
        passes: of the same policy.
    """
    return tuple(
        replace(each, state="satisfied", reason=found.reason, message=found.message, by=found.by)
        if each.state != "satisfied" and (found := passes.by_requirement.get(each.requirement))
        else each
        for each in findings
    )


def passes_of(question: Question, ballots: Sequence[Ballot]) -> Passes:
    """Return which requirements of a policy are passed by now, and what is owed for it.

    Args:
        question: the release, the policy and the time.
        ballots: the release's approvals (`sluice.policy.ballots`).
    """
    excepted, broken = _exceptions(question), _glass(question, ballots)
    moments = [each for each in (excepted.recheck_at, broken.recheck_at) if each]
    return Passes(
        by_requirement={**excepted.by_requirement, **broken.by_requirement},
        findings=excepted.findings + broken.findings,
        recheck_at=min(moments, default=None),
    )


def _exceptions(question: Question) -> Passes:
    need, now = question.policy.spec.exceptions, question.now
    granted: dict[str, Granted] = {}
    faults: list[Fault] = []
    moments: list[datetime] = []
    for word in question.facts.exceptions:
        if word.policy != question.policy.label:
            continue
        person, fault = whose(question, word)
        fault = fault or _no_exception(question, need, word, person)
        if fault is None:
            granted.setdefault(word.evidence_sha256, (person, word))
            moments.append(word.expires_at)
        else:
            faults.append(fault)
            moments += [word.signed_at - SKEW] if fault.reason == "SignedInFuture" else []
    found, findings = _excepted(question, need, tuple(granted.values())) if need else ({}, [])
    findings += _told(question, "exceptions", faults)
    return Passes(
        by_requirement=found,
        findings=tuple(findings),
        recheck_at=min((each for each in moments if each > now), default=None),
    )


def _no_exception(
    question: Question, need: Exceptions | None, word: ExceptionGrant, person: str
) -> Fault | None:
    """Return why a word of a person makes no exception; None when it does."""
    policy, now = question.policy, question.now
    if need is None or word.requirement not in need.requirements:
        message = f"{word.source}: {policy.label} makes no exceptions from {word.requirement!r}"
        return Fault(reason="ExceptionNotMade", message=message)
    if person in question.authors:
        message = f"{word.source}: {person} is an author of the change, and makes no exceptions"
        return Fault(reason="AuthorExcepts", message=message)
    return (
        _authors_unknown(question, word)
        or premature(word, now)
        or expired(word, now)
        or role_fault(word, need.role)
        or lifetime_fault(word, need.longest)
        or (mfa_fault(policy, word) if need.mfa else None)
    )


def _excepted(
    question: Question, need: Exceptions, granted: Sequence[Granted]
) -> tuple[dict[str, Pass], list[Finding]]:
    found: dict[str, Pass] = {}
    findings: list[Finding] = []
    for requirement in need.requirements:
        mine = [each for each in granted if each[1].requirement == requirement]
        people = tuple(sorted({person for person, _ in mine}))
        if len(people) >= need.count:
            reasons = "; ".join(sorted({plain(word.reason, REASON_CHARS_MAX) for _, word in mine}))
            until = min(word.expires_at for _, word in mine).isoformat()
            message = f"excepted until {until} by {', '.join(people)}: {reasons}"
            found[requirement] = Pass(reason="Excepted", message=message, by=people)
        elif people:
            message = _too_few(question, need, people, f"an exception from {requirement!r}")
            findings.append(_finding(question, "exceptions", "PassIncomplete", message))
    return found, findings


def _glass(question: Question, ballots: Sequence[Ballot]) -> Passes:
    need, now = question.policy.spec.break_glass, question.now
    broken: dict[str, Broken] = {}
    faults: list[Fault] = []
    moments: list[datetime] = []
    for word in question.facts.glass_broken:
        if word.policy != question.policy.label:
            continue
        person, fault = whose(question, word)
        fault = fault or _no_break(question, need, word)
        if fault is None:
            broken.setdefault(word.evidence_sha256, (person, word))
            moments += [word.signed_at, word.expires_at]
            moments += [word.signed_at - SKEW] if word.signed_at > now else []
        if fault := fault or premature(word, now) or expired(word, now):
            faults.append(fault)
    if need is None:
        return Passes(
            by_requirement={},
            findings=tuple(_told(question, "break-glass", faults)),
            recheck_at=None,
        )
    words = tuple(broken.values())
    found, findings = _broken(question, need, words)
    debts, due = debts_of(question, need, words, ballots)
    moments += due
    return Passes(
        by_requirement=found,
        findings=(*findings, *_told(question, "break-glass", faults), *debts),
        recheck_at=min((each for each in moments if each > now), default=None),
    )


def _no_break(question: Question, need: BreakGlass | None, word: GlassBroken) -> Fault | None:
    """Return why a word of a person breaks no glass; None when it does, or once did."""
    if need is None:
        message = f"{word.source}: {question.policy.label} has no glass to break"
        return Fault(reason="GlassNotOffered", message=message)
    # A debt outlives the word that made it, so that neither end nor beginning is a fault here.
    return (
        _authors_unknown(question, word)
        or role_fault(word, need.role)
        or lifetime_fault(word, need.longest)
        or (mfa_fault(question.policy, word) if need.mfa else None)
    )


def _broken(
    question: Question, need: BreakGlass, broken: Sequence[Broken]
) -> tuple[dict[str, Pass], list[Finding]]:
    people_of: dict[str, set[str]] = {}
    for person, word in broken:
        # No skew here: who passes something by must have begun to owe it (`debts.breaks_of`).
        if word.signed_at <= question.now < word.expires_at:
            people_of.setdefault(word.incident, set()).add(person)
    findings: list[Finding] = []
    for incident, people in sorted(people_of.items()):
        by = tuple(sorted(people))
        if len(by) >= need.count:
            message = f"passed by: {', '.join(by)} broke the glass for {incident}"
            broke = Pass(reason="GlassBroken", message=message, by=by)
            return dict.fromkeys(need.requirements, broke), []
        message = _too_few(question, need, by, f"breaking the glass for {incident}")
        findings.append(_finding(question, "break-glass", "PassIncomplete", message))
    return {}, findings


def _authors_unknown(question: Question, word: ExceptionGrant | GlassBroken) -> Fault | None:
    if question.authors_stated:
        return None
    message = (
        f"{word.source}: the release does not say who wrote it, and an author passes nothing by:"
        " make one with spec.source.authors"
    )
    return Fault(reason="AuthorUnknown", message=message)


def _too_few(
    question: Question, need: Exceptions | BreakGlass, people: Sequence[str], what: str
) -> str:
    could = sorted(question.policy.registry.roles[need.role] - set(people))
    return (
        f"{len(people)} of {need.count} of {need.role} signed {what}: {', '.join(people)}."
        f" Still needed: {need.count - len(people)} of {', '.join(could) or 'nobody is left'}"
    )


def _told(question: Question, what: str, faults: Sequence[Fault]) -> list[Finding]:
    told = [
        _finding(question, what, each.reason, each.message) for each in faults[:FAULTS_TOLD_MAX]
    ]
    if (more := len(faults) - FAULTS_TOLD_MAX) > 0:
        told.append(_finding(question, what, "PassIncomplete", f"{more} more do not count either"))
    return told


def _finding(question: Question, what: str, reason: Reason, message: str) -> Finding:
    return Finding(
        policy=question.policy.label,
        requirement=what,
        state="refused",
        enforced=False,
        reason=reason,
        message=message,
    )
