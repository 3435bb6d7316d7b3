"""Everything that a verdict is made from, as one value.

A case is complete: whoever has it comes to the same verdict, offline and later, bit for bit.
"""

from dataclasses import dataclass
from datetime import datetime

from sluice.policy.subject import PolicyInForce, Subject, UnreadablePolicy
from sluice.verify.facts import Evidence

__all__ = ["Case", "Policies"]

Policies = tuple[PolicyInForce | UnreadablePolicy, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One release on one channel, before the gate."""

    subject: Subject
    policies: Policies
    """Every policy of the subject's namespace and of the cluster."""
    evidence: tuple[Evidence, ...]
    """Attestations of the release, and words of people on it."""
    now: datetime
    """Time of the judgement, in UTC."""
