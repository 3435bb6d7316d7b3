"""One requirement, judged as `evaluate` judges it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sluice.policy.evaluate import evaluate
from sluice.policy.subject import Circumstances, Subject
from sluice.policy.verdict import Finding, Verdict
from sluice.verify.facts import Facts, Statement
from support.builders import NOW, a_policy, a_subject

__all__ = ["NOTHING", "finding_of", "judged", "told", "with_statements"]

NOTHING = Facts()


def judged(
    requirement: Mapping[str, Any],
    found: Facts = NOTHING,
    *,
    subject: Subject | None = None,
    around: Circumstances | None = None,
    now: datetime = NOW,
    **policy: Any,
) -> Verdict:
    """Return the verdict of a policy with this one requirement."""
    subject = subject or a_subject(circumstances=around or Circumstances())
    return evaluate((a_policy(requirement, **policy),), subject, found, now)


def finding_of(requirement: Mapping[str, Any], found: Facts = NOTHING, **more: Any) -> Finding:
    """Return the finding for the requirement."""
    verdict = judged(requirement, found, **more)
    [finding] = [each for each in verdict.findings if each.requirement == requirement["name"]]
    return finding


def told(requirement: Mapping[str, Any], found: Facts = NOTHING, **more: Any) -> tuple[str, str]:
    """Return state and reason of the finding for the requirement."""
    finding = finding_of(requirement, found, **more)
    return finding.state, finding.reason


def with_statements(*statements: Statement) -> Facts:
    """Return facts of nothing but these statements."""
    return Facts(statements=statements)
