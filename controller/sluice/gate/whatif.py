"""What past decisions would have been under other policies, all else as it was then.

Whether the proposed policies would come into force is not asked: a sealed one needs the signatures
of its owners for that.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sluice.gate.judge import Judge
from sluice.gate.record import DecisionRecord
from sluice.policy.subject import PolicyInForce, UnreadablePolicy
from sluice.policy.verdict import Finding, PolicyRef, Verdict

__all__ = ["WhatIf", "what_if"]

Policy = PolicyInForce | UnreadablePolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """One past decision, made twice by this program: as it was, and under other policies."""

    record: DecisionRecord
    before: Verdict
    """Under the policies of then."""
    after: Verdict
    """Under the proposed ones."""

    @property
    def flips(self) -> bool:
        """Whether the answer would have been another."""
        return self.before.answer != self.after.answer

    @property
    def told_otherwise(self) -> bool:
        """Whether the recorded verdict is not what this program comes to under the old policies."""
        return self.before.digest() != self.record.verdict.digest()

    @property
    def why(self) -> tuple[Finding, ...]:
        """What is unmet under one set of policies and not under the other; those after, first."""
        then, now = _unmet(self.before), _unmet(self.after)
        new = [finding for key, finding in now.items() if key not in then]
        return (*new, *(finding for key, finding in then.items() if key not in now))


def what_if(record: DecisionRecord, proposed: Iterable[Policy], judge: Judge) -> WhatIf:
    """Return a past decision under proposed policies.

    Each takes the place of the one of the same kind, namespace and name, or is added.

    Args:
        record: the decision.
        proposed: the policies as they would be.
        judge: proves and judges.
    """
    case, others = record.case, {_name(each.ref): each for each in proposed}
    kept = [others.pop(_name(each.ref), each) for each in case.policies]
    ours = ("", case.subject.namespace)
    added = [each for each in others.values() if each.ref.namespace in ours]
    changed = replace(case, policies=(*kept, *added))
    return WhatIf(record=record, before=judge.verdict(case), after=judge.verdict(changed))


def _name(ref: PolicyRef) -> tuple[str, str, str]:
    return ref.kind, ref.namespace, ref.name


def _unmet(verdict: Verdict) -> dict[tuple[str, str, str], Finding]:
    return {
        (each.policy, each.requirement, each.reason): each
        for each in verdict.findings
        if each.enforced and each.state != "satisfied"
    }
