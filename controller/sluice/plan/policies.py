"""Which policies judge a change: those in force before it, and those that it would bring.

One change that weakens a policy and adds a release is judged by the policy as it was (row 14 of the
attacks); one that makes it stricter must pass the stricter one, too. So a channel is judged twice
when its policies change, and the worse answer is the answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sluice.gate.offered import seal_evidence
from sluice.gate.revisions import RevisionJudge
from sluice.gate.trust import TrustRoom
from sluice.plan.cases import AtHand, policy_of
from sluice.plan.difference import Difference, differences, fields_of
from sluice.plan.manifests import Found, Manifests, Spot
from sluice.policy.sealing import Adopt, Ignored, Same
from sluice.policy.subject import PolicyInForce, UnreadablePolicy
from sluice.resources.kinds import Key
from sluice.resources.policy import PolicySpec
from sluice.verify.collect import Examiner

__all__ = ["Policies", "PolicyBook", "PolicyChange", "PolicySet"]

KINDS = ("ReleasePolicy", "ClusterReleasePolicy")

PolicySet = Mapping[Key, PolicyInForce | UnreadablePolicy]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChange:
    """What becomes of one policy."""

    key: Key
    spot: Spot
    what: Literal["added", "changed", "removed", "resealed"]
    comes_into_force: bool
    """Whether merging alone changes what is judged by."""
    message: str
    """What becomes of it, in a sentence."""
    differences: tuple[Difference, ...] = ()
    """Of its spec, seals left aside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """The policies of one change."""

    before: PolicySet
    """In force before, as far as manifests tell."""
    after: PolicySet
    """In force once the change is merged."""
    changes: tuple[PolicyChange, ...]


class PolicyBook:
    """Says which policies of a set of manifests judge, as the operator would with its store.

    A sealed revision that stands at base is taken to be in force. Of a first revision that is
    looked at, with its seals as they held when they were made: it may have outlived them since. A
    later one was sealed by the owners of the one before, who are not known here; that is told.
    """

    def __init__(self, at_hand: AtHand, *, trust: TrustRoom, examiner: Examiner) -> None:
        self._at_hand = at_hand
        self._trust = trust
        self._examiner = examiner
        self._judge = RevisionJudge(
            examiner=examiner, trust=trust, genesis=at_hand.genesis, cluster=at_hand.cluster
        )

    def standing(self, manifests: Manifests) -> PolicySet:
        """Return what judges while these manifests have stood in git for a while."""
        return {
            each.key: self._judging(self._in_force(each), policy_of(each, self._trust))
            for kind in KINDS
            for each in manifests.of_kind(kind)
        }

    def change(self, base: Manifests, head: Manifests) -> Policies:
        """Return the policies before and after a change, and what becomes of each that changes."""
        before = self.standing(base)
        after: dict[Key, PolicyInForce | UnreadablePolicy] = {}
        changes = []
        keys = {each.key for side in (base, head) for kind in KINDS for each in side.of_kind(kind)}
        for key in sorted(keys):
            old, new = base.objects.get(key), head.objects.get(key)
            in_force = self._in_force(old) if old else None
            policy = self._judging(in_force, policy_of(new, self._trust)) if new else in_force
            if policy is not None:
                after[key] = policy
            if old is None or new is None or old.spec is None or old.spec != new.spec:
                changes.append(self._change(in_force, old, new, before.get(key), policy))
        return Policies(before=before, after=after, changes=tuple(changes))

    def _in_force(self, found: Found) -> PolicyInForce | None:
        """Return the sealed revision that is taken to be in force for having stood there."""
        policy = policy_of(found, self._trust)
        if not isinstance(policy, PolicyInForce) or policy.spec.owners is None:
            return None
        if policy.spec.revision != 1:
            return policy
        judgement = self._judge.judge(None, policy, self._sealed_at(policy))
        return policy if isinstance(judgement, Adopt) else None

    def _sealed_at(self, policy: PolicyInForce) -> datetime:
        """Return the moment of the last seal; the present one without any."""
        seals, _ = self._examiner.examine_seals(
            (seal_evidence(number, each) for number, each in enumerate(policy.spec.seals, 1)),
            policy_digest=policy.ref.digest,
            roots=self._trust.trusted_by((policy,)),
        )
        now = self._at_hand.now
        return min(max((each.signed_at for each in seals), default=now), now)

    def _judging(
        self,
        in_force: PolicyInForce | None,
        proposed: PolicyInForce | UnreadablePolicy,
    ) -> PolicyInForce | UnreadablePolicy:
        """Return what is judged by under a policy's name, once its file has been looked at."""
        if in_force is not None and in_force.ref.digest == proposed.ref.digest:
            return in_force
        if isinstance(proposed, UnreadablePolicy):
            return in_force or proposed
        if in_force is None and proposed.spec.owners is None and self._at_hand.unsealed_allowed:
            return proposed
        judgement = self._judge.judge(in_force, proposed, self._at_hand.now)
        if isinstance(judgement, Adopt):
            return proposed
        problem = judgement.message if isinstance(judgement, Ignored) else ""
        return in_force or UnreadablePolicy(ref=proposed.ref, problem=problem)

    def _change(
        self,
        in_force: PolicyInForce | None,
        old: Found | None,
        new: Found | None,
        before: PolicyInForce | UnreadablePolicy | None,
        after: PolicyInForce | UnreadablePolicy | None,
    ) -> PolicyChange:
        found = new or old
        assert found is not None  # noqa: S101 - a key comes from one of the two
        changed = _spec_differences(old, new)
        return PolicyChange(
            key=found.key,
            spot=found.spot("spec"),
            what=(
                "removed"
                if new is None
                else "added"
                if old is None
                else "changed"
                if changed or new.spec is None or old.spec is None
                else "resealed"
            ),
            comes_into_force=before != after,
            message=self._becomes(in_force, new),
            differences=changed,
        )

    def _becomes(self, in_force: PolicyInForce | None, new: Found | None) -> str:
        """Return what becomes of a policy by merging, in a sentence."""
        if new is None:
            if in_force is None:
                return "It ends: nothing asks for what it asked for."
            return "It is sealed, so that removing its file ends nothing: it stays in force."
        proposed = policy_of(new, self._trust)
        stays = f"revision {in_force.spec.revision} stays in force" if in_force else ""
        if isinstance(proposed, UnreadablePolicy):
            return f"It can't be read, and {stays or 'nothing is allowed by it'}: mend it."
        if in_force is None and proposed.spec.owners is None and self._at_hand.unsealed_allowed:
            return "It has no owners, so that merging alone brings it into force."
        match self._judge.judge(in_force, proposed, self._at_hand.now):
            case Adopt(basis=basis, sealed_by=who):
                text = f"Revision {proposed.spec.revision}, sealed by {', '.join(who)}, comes into"
                text += " force."
                if basis == "FirstUse":
                    text += " If the cluster has root owners, they must seal it, too (--genesis)."
                return text
            case Same():
                return "It is the revision in force; only its seals change."
            case Ignored(message=message):
                return message if in_force else f"{message} Until then nothing is allowed by it."


def _spec_differences(old: Found | None, new: Found | None) -> tuple[Difference, ...]:
    if old is None or new is None:
        return ()
    if not isinstance(old.spec, PolicySpec) or not isinstance(new.spec, PolicySpec):
        return ()
    seals = frozenset({"seals"})
    return differences(fields_of(old.spec, without=seals), fields_of(new.spec, without=seals))
