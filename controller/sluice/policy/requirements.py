"""Every requirement of a policy but its approvals, each judged by its own function."""

from dataclasses import dataclass
from datetime import datetime

from sluice.policy.evidence import judge_provenance, judge_signature
from sluice.policy.subject import PolicyInForce, Subject
from sluice.policy.verdict import Finding
from sluice.resources.requirements import Requirement
from sluice.verify.facts import Facts

__all__ = ["Judged", "judge_requirements"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What became of requirements."""

    findings: tuple[Finding, ...]
    recheck_at: datetime | None = None
    """When time alone may change a finding."""


def judge_requirements(
    policy: PolicyInForce, subject: Subject, facts: Facts, now: datetime
) -> Judged:
    """Return a finding for each requirement that is not about approvals, in the policy's order."""
    judged = [
        _judge(policy, each, subject, facts, now)
        for each in policy.spec.requirements
        if each.approvals is None
    ]
    moments = [each.recheck_at for each in judged if each.recheck_at]
    return Judged(
        findings=tuple(finding for each in judged for finding in each.findings),
        recheck_at=min(moments, default=None),
    )


def _judge(
    policy: PolicyInForce, requirement: Requirement, subject: Subject, facts: Facts, _now: datetime
) -> Judged:
    if requirement.signature is not None:
        finding = judge_signature(policy, requirement, requirement.signature, subject, facts)
        return Judged(findings=(finding,))
    if requirement.provenance is not None:
        finding = judge_provenance(policy, requirement, requirement.provenance, subject, facts)
        return Judged(findings=(finding,))
    message = "this requirement can't be judged here yet, so it is not met"
    finding = Finding(
        policy=policy.label,
        requirement=requirement.name,
        state="missing",
        enforced=requirement.enforcement == "Enforce",
        reason="RequirementUnknown",
        message=message,
    )
    return Judged(findings=(finding,))
