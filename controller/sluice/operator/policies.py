"""Which policies judge: those that the store holds in force, whatever stands in git.

What stands in git is a proposal. It is in force without the store only where policies without
owners are allowed; and what is neither in force nor fit to be holds everything in its reach.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sluice.errors import VerificationError
from sluice.gate.case import Policies
from sluice.gate.revisions import RevisionJudge
from sluice.gate.trust import TrustRoom
from sluice.operator.cache import Cache
from sluice.operator.sealed import Sealed, SealedPolicies, Seen
from sluice.policy.sealing import Adopt, Ignored, Judgement, Same
from sluice.policy.subject import PolicyInForce, UnreadablePolicy
from sluice.policy.verdict import PolicyRef
from sluice.reconcile.observed import SealedRevision
from sluice.resources.genesis import Genesis
from sluice.resources.kinds import Key, Resource
from sluice.resources.policy import PolicySpec
from sluice.verify.collect import Examiner

__all__ = ["PolicyLook", "PolicyRoom", "PolicySettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySettings:
    """How policies come into force in this cluster."""

    cluster: str
    """This cluster's name in seals."""
    genesis: Genesis | None = None
    """Root owners, who must seal the first revision of each policy; None: nobody must."""
    unsealed_allowed: bool = False
    """Whether policies without owners are in force as they stand in git."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyLook:
    """One policy: what is in force, what git asks for, and what becomes of it."""

    in_force: SealedRevision | None
    store_problem: str
    proposed: PolicyInForce | UnreadablePolicy | None
    judgement: Judgement | None


class PolicyRoom:
    """Looks at policies in git and in the store, and says which are in force."""

    def __init__(
        self, cache: Cache, sealed: SealedPolicies, examiner: Examiner, settings: PolicySettings
    ) -> None:
        self._cache = cache
        self._sealed = sealed
        self._trust = TrustRoom()
        self._judge = RevisionJudge(
            examiner=examiner,
            trust=self._trust,
            genesis=settings.genesis,
            cluster=settings.cluster,
        )
        self.cluster = settings.cluster
        self.unsealed_allowed = settings.unsealed_allowed
        self._readable: dict[Key, tuple[SealedRevision, str]] = {}
        self._read: dict[Key, tuple[Resource, PolicyInForce | UnreadablePolicy]] = {}

    def seen(self) -> Seen:
        """Return what this process has seen in force: take it before a snapshot is begun."""
        return self._sealed.seen()

    async def policies(self, namespace: str, seen: Seen, now: datetime) -> tuple[Policies, bool]:
        """Return every policy to judge by in a namespace, and whether a revision is due.

        Those that can't be read, or are neither in force nor fit to be, are among them. A due
        revision is one that stands in git, sealed as it must be, and only waits for its lap.

        Raises:
            Unavailable: `StoreFailed`.
        """
        sealed = await self._sealed.of_namespace(namespace, seen)
        resources = {each.key: each for each in self._resources(namespace)}
        found: list[PolicyInForce | UnreadablePolicy] = []
        due = False
        for key in sorted(sealed.keys() | resources.keys()):
            look = await self._look(resources.get(key), sealed.get(key), now)
            due = due or isinstance(look.judgement, Adopt)
            if (policy := self.judging(key, look)) is not None:
                found.append(policy)
        return tuple(found), due

    async def look(self, key: Key, seen: Seen, now: datetime) -> PolicyLook:
        """Return what is known of one policy.

        Raises:
            Unavailable: `StoreFailed`.
        """
        return await self._look(self._cache.get(key), await self._sealed.of(key, seen), now)

    async def remembered(self) -> set[Key]:
        """Return the keys of policies that are in force, whether or not they stand in git.

        Raises:
            Unavailable: `StoreFailed`.
        """
        return await self._sealed.keys()

    def judging(self, key: Key, look: PolicyLook) -> PolicyInForce | UnreadablePolicy | None:
        """Return what is judged by under a policy's name; None when nothing is."""
        if look.in_force is not None:
            return look.in_force.policy
        ref = PolicyRef(kind=key.kind, namespace=key.namespace, name=key.name, digest="")
        if look.store_problem:
            return UnreadablePolicy(ref=ref, problem=look.store_problem)
        if not isinstance(look.proposed, PolicyInForce):
            return look.proposed
        if self.unsealed_allowed and look.proposed.spec.owners is None:
            return look.proposed
        problem = "Its first revision is about to come into force."
        if isinstance(look.judgement, Ignored):
            problem = look.judgement.message
        return UnreadablePolicy(ref=look.proposed.ref, problem=problem)

    async def _look(
        self, resource: Resource | None, sealed: Sealed | None, now: datetime
    ) -> PolicyLook:
        proposed = self._proposed(resource) if resource else None
        problem = self._store_problem(sealed) if sealed else ""
        if problem or isinstance(sealed, VerificationError):
            return PolicyLook(
                in_force=None, store_problem=problem, proposed=proposed, judgement=None
            )
        judgement: Judgement | None = None
        before = sealed.policy if sealed else None
        if isinstance(proposed, PolicyInForce):
            if before is not None and before.ref.digest == proposed.ref.digest:
                judgement = Same()
            else:
                judgement = await asyncio.to_thread(self._judge.judge, before, proposed, now)
        return PolicyLook(in_force=sealed, store_problem="", proposed=proposed, judgement=judgement)

    def _store_problem(self, sealed: Sealed) -> str:
        """Return why what the store holds of a policy can't be judged by; empty when it can.

        It could be read when it came into force, but perhaps not by this version of Sluice.
        """
        if isinstance(sealed, VerificationError):
            return sealed.message
        ref = sealed.policy.ref
        key = Key(ref.kind, ref.namespace, ref.name)
        known = self._readable.get(key)
        if known is None or known[0] is not sealed:
            read = self._trust.policy(key, sealed.policy.spec)
            problem = read.problem if isinstance(read, UnreadablePolicy) else ""
            known = self._readable[key] = (sealed, problem)
        return f"What is in force can't be read: {known[1]}" if known[1] else ""

    def _resources(self, namespace: str) -> Iterator[Resource]:
        yield from self._cache.of_kind("ReleasePolicy", namespace)
        yield from self._cache.of_kind("ClusterReleasePolicy")

    def _proposed(self, resource: Resource) -> PolicyInForce | UnreadablePolicy:
        known = self._read.get(resource.key)
        if known is None or known[0] is not resource:
            known = self._read[resource.key] = (resource, self._read_policy(resource))
        return known[1]

    def _read_policy(self, resource: Resource) -> PolicyInForce | UnreadablePolicy:
        if isinstance(resource.spec, PolicySpec):
            return self._trust.policy(resource.key, resource.spec)
        key = resource.key
        ref = PolicyRef(kind=key.kind, namespace=key.namespace, name=key.name, digest="")
        problem = resource.problem.message if resource.problem else ""
        return UnreadablePolicy(ref=ref, problem=problem)
