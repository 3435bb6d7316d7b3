"""Why a decision is what it is, in parts that are shown: to people as text, to machines as JSON.

Nothing here is made safe to show: whoever prints it does that (`sluice.resources.text.plain`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sluice.gate.record import DecisionRecord
from sluice.policy.subject import Circumstances
from sluice.policy.verdict import Finding, Verdict
from sluice.resources.canonical import sha256_hex
from sluice.resources.fields import percent
from sluice.verify.facts import Evidence, Facts

__all__ = ["Ceiling", "Explanation", "changes_between", "explain", "explanation_json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """How far one approval lets the rollout grow."""

    source: str
    share_bp: int
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One decision, with all that tells why."""

    record: DecisionRecord
    findings: tuple[Finding, ...]
    """Of policies, in their order."""
    rejected: tuple[Finding, ...]
    """Evidence that proved nothing about the release."""
    ceilings: tuple[Ceiling, ...]
    """Of approvals that hold for less than all phones, or for a time."""
    before: DecisionRecord | None
    """The decision before on the channel."""
    changes: tuple[str, ...]
    """What is another than it was then."""

    @property
    def verdict(self) -> Verdict:
        """What was decided."""
        return self.record.verdict


def explain(record: DecisionRecord, facts: Facts, before: DecisionRecord | None) -> Explanation:
    """Return why a decision is what it is.

    Args:
        record: the decision.
        facts: what its evidence proves (`sluice.gate.judge.Judge.facts`).
        before: the decision before on the same channel, if there was one.
    """
    told = [each for each in record.verdict.findings if not _is_of_evidence(each)]
    return Explanation(
        record=record,
        findings=tuple(told),
        rejected=tuple(each for each in record.verdict.findings if _is_of_evidence(each)),
        ceilings=tuple(
            Ceiling(source=each.source, share_bp=each.ceiling.share_bp, until=each.ceiling.until)
            for each in facts.approvals
            if each.ceiling is not None
        ),
        before=before,
        changes=tuple(changes_between(before, record)) if before else (),
    )


def changes_between(before: DecisionRecord, after: DecisionRecord) -> Iterator[str]:
    """Yield what differs between two decisions on a channel, each as a clause."""
    old, new = before.verdict, after.verdict
    if (old.answer, old.reason) != (new.answer, new.reason):
        yield f"answer: {old.answer} ({old.reason}) → {new.answer} ({new.reason})"
    if old.release_digest != new.release_digest:
        yield f"release: {old.version} → {new.version}"
    if old.answer == new.answer == "allowed" and old.ceiling_bp != new.ceiling_bp:
        yield f"ceiling: {percent(old.ceiling_bp)} → {percent(new.ceiling_bp)}"
    yield from _changed_findings(old, new)
    yield from _changed(
        "policy",
        {f"{each.kind} {each.name}": each.digest for each in old.policies},
        {f"{each.kind} {each.name}": each.digest for each in new.policies},
    )
    yield from _changed("evidence", _sources(before), _sources(after))
    then, now = before.case.subject.circumstances, after.case.subject.circumstances
    for each in fields(Circumstances):
        if getattr(then, each.name) != getattr(now, each.name):
            yield f"circumstances: {each.name.replace('_', ' ')} is another"


def _is_of_evidence(finding: Finding) -> bool:
    """Return whether a finding is of evidence that proved nothing, and not of a policy."""
    return not finding.policy and not finding.enforced


def _changed_findings(old: Verdict, new: Verdict) -> Iterator[str]:
    then = {(each.policy, each.requirement): each for each in old.findings if each.policy}
    now = {(each.policy, each.requirement): each for each in new.findings if each.policy}
    for policy, requirement in dict.fromkeys((*then, *now)):
        was, comes = then.get((policy, requirement)), now.get((policy, requirement))
        one = f"{was.state} ({was.reason})" if was else "not asked"
        other = f"{comes.state} ({comes.reason})" if comes else "not asked"
        if one != other:
            yield f"{policy} {requirement}: {one} → {other}"


def _sources(record: DecisionRecord) -> dict[str, str]:
    return {each.source: _digest(each) for each in record.case.evidence}


def _digest(evidence: Evidence) -> str:
    return sha256_hex((evidence.statement or b"") + evidence.data)


def _changed(what: str, then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name in dict.fromkeys((*then, *now)):
        if name not in then:
            yield f"{what}: {name} came"
        elif name not in now:
            yield f"{what}: {name} went"
        elif then[name] != now[name]:
            yield f"{what}: {name} is another"


def explanation_json(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation for machines."""
    record, before = explanation.record, explanation.before
    recheck_at = record.verdict.recheck_at
    return {
        "decision": record.digest,
        "at": record.case.now.isoformat(),
        "sluice": record.version,
        "verdict": record.verdict.as_json(),
        "recheckAt": recheck_at.isoformat() if recheck_at else None,
        "ceilings": [
            {
                "source": each.source,
                "share": percent(each.share_bp),
                "until": each.until.isoformat() if each.until else None,
            }
            for each in explanation.ceilings
        ],
        "before": {"decision": before.digest, "at": before.case.now.isoformat()}
        if before
        else None,
        "changes": list(explanation.changes),
    }
