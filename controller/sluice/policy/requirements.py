"""Every requirement of a policy but its approvals, each judged by its own function."""

from dataclasses import dataclass
from datetime import datetime

from sluice.policy.attestation import judge_attestation
from sluice.policy.bundle import judge_bundle
from sluice.policy.evidence import judge_provenance, judge_signature
from sluice.policy.expressions import judge_cel
from sluice.policy.opening import judge_window
from sluice.policy.question import Answer, Question, finding_of
from sluice.policy.review import judge_review
from sluice.policy.soak import judge_soak
from sluice.policy.verdict import Finding
from sluice.policy.version import judge_version
from sluice.resources.requirements import Requirement

__all__ = ["Judged", "judge_requirements"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What became of requirements."""

    findings: tuple[Finding, ...]
    recheck_at: datetime | None
    """When time alone may change a finding."""


def judge_requirements(question: Question) -> Judged:
    """Return a finding for each requirement that is not about approvals, in the policy's order."""
    answers = [
        (each, answer)
        for each in question.policy.spec.requirements
        if (answer := _answer(question, each)) is not None
    ]
    moments = [answer.recheck_at for _, answer in answers if answer.recheck_at]
    return Judged(
        findings=tuple(finding_of(question.policy, each, answer) for each, answer in answers),
        recheck_at=min((each for each in moments if each > question.now), default=None),
    )


def _answer(question: Question, requirement: Requirement) -> Answer | None:
    """Return what became of a requirement; None for approvals, which are judged together."""
    if requirement.signature is not None:
        return judge_signature(question, requirement.signature)
    if requirement.provenance is not None:
        return judge_provenance(question, requirement.provenance)
    if requirement.review is not None:
        return judge_review(question, requirement.review)
    if requirement.attestation is not None:
        return judge_attestation(question, requirement.attestation)
    if requirement.bundle is not None:
        return judge_bundle(question, requirement.bundle)
    if requirement.soak is not None:
        return judge_soak(question, requirement.soak)
    if requirement.window is not None:
        return judge_window(question, requirement.window)
    if requirement.version is not None:
        return judge_version(question, requirement.version)
    if requirement.cel is not None:
        return judge_cel(question, requirement.cel)
    return None
