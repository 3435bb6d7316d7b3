"""What a policy asks about a release, and what it is answered.

Judges of requirements take a `Question` and what is needed, and give an `Answer`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sluice.policy.reasons import Reason
from sluice.policy.subject import PolicyInForce, Subject
from sluice.policy.verdict import Finding, State
from sluice.resources.fields import seconds
from sluice.resources.requirements import Requirement
from sluice.verify.facts import Facts

__all__ = ["Answer", "Question", "finding_of", "span"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Does one release meet one policy? With everything that is known about it."""

    policy: PolicyInForce
    subject: Subject
    facts: Facts

    now: datetime
    """UTC."""

    author_names: frozenset[str]
    """Whoever is named as having had a hand in the change, folded (`sluice.policy.registry`)."""

    authors: frozenset[str]
    """The people of the policy who had a hand in the change."""

    @property
    def authors_stated(self) -> bool:
        """Whether the release says who wrote it: else nobody can be told apart from its author."""
        source = self.subject.release.source
        return source is not None and bool(source.authors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of one requirement."""

    state: State
    reason: Reason
    message: str
    """A sentence that tells a person who must do what."""
    by: tuple[str, ...] = ()
    """Who satisfied it, or whose evidence was refused."""
    recheck_at: datetime | None = None
    """When time alone may change it (UTC)."""


def finding_of(policy: PolicyInForce, requirement: Requirement, answer: Answer) -> Finding:
    """Return an answer as a finding of the verdict."""
    return Finding(
        policy=policy.label,
        requirement=requirement.name,
        state=answer.state,
        enforced=requirement.enforcement == "Enforce",
        reason=answer.reason,
        message=answer.message,
        by=answer.by,
    )


def span(duration: str) -> timedelta:
    """Return a duration such as `1h30m`."""
    return timedelta(seconds=seconds(duration))
