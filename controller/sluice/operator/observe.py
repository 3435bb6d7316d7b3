"""Looks at everything that a decision needs, and puts it into one frozen value.

Specs come from the cache, lasting state from the store, facts from evidence. Statuses and
annotations are not looked at.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeVar

from sluice.errors import Refused
from sluice.gate.case import Case, Policies
from sluice.gate.offered import approval_evidence
from sluice.operator.bound import channels_bound
from sluice.operator.cache import Cache
from sluice.operator.circumstances import Surroundings
from sluice.operator.evidence import EvidenceRoom
from sluice.operator.inspections import Inspections
from sluice.operator.policies import PolicyRoom
from sluice.operator.sealed import Seen
from sluice.operator.tables import Tables
from sluice.policy.lasting import lasting_words
from sluice.policy.subject import PolicyInForce, Subject, UnreadablePolicy
from sluice.policy.verdict import Verdict
from sluice.reconcile.observed import (
    AppObserved,
    ApprovalObserved,
    Attempt,
    ChannelObserved,
    Claim,
    PolicyObserved,
    Publication,
    ReleaseObserved,
    RolloutRow,
)
from sluice.reconcile.words import NO_WORDS, Words
from sluice.resources.app import AppSpec
from sluice.resources.approval import ApprovalSpec
from sluice.resources.canonical import release_digest
from sluice.resources.channel import ChannelSpec
from sluice.resources.kinds import Key, Resource
from sluice.resources.release import ReleaseSpec
from sluice.rollout.evidence import Evidence
from sluice.serving.table import ChannelTable
from sluice.store import (
    attempts,
    claims,
    publications,
    reports,
    revocations,
    rollouts,
    verdicts,
    words,
)
from sluice.store.database import Database
from sluice.verify.facts import SignedWord

__all__ = ["Observer"]

S = TypeVar("S", AppSpec, ChannelSpec, ReleaseSpec)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """A release that a channel names, as far as it could be found and judged."""

    release: ReleaseSpec | None = None
    resource: Resource | None = None
    digest: str = ""
    problem: Refused | None = None
    case: Case | None = None
    verdict: Verdict | None = None
    words: Words = NO_WORDS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where and when a release is judged, and by which policies."""

    key: Key
    app_id: str
    table: ChannelTable | None
    policies: Policies
    now: datetime


class Observer:
    """Observes one object at a time."""

    def __init__(
        self,
        cache: Cache,
        database: Database,
        evidence: EvidenceRoom,
        policies: PolicyRoom,
        tables: Tables,
        inspections: Inspections,
    ) -> None:
        self._cache = cache
        self._database = database
        self._evidence = evidence
        self._tables = tables
        self._policies = policies
        self._surroundings = Surroundings(database, inspections)

    async def app(self, key: Key, now: datetime) -> AppObserved:
        """Return what is known of an App, whether it stands in git or only holds a claim."""
        async with self._database.snapshot():
            return await self._app_at(key, now)

    async def _app_at(self, key: Key, now: datetime) -> AppObserved:
        app = self._cache.get(key)
        spec = app.spec if app and isinstance(app.spec, AppSpec) else None
        held = [
            each
            for each in await claims.all_claims(self._database)
            if (each.namespace, each.name) == (key.namespace, key.name)
        ]
        own = spec.app_id if spec else ""
        stale, serving, published = await self._stale(held, own)
        return AppObserved(
            app=app,
            namespace=key.namespace,
            name=key.name,
            spec=spec,
            claim=await claims.claim_of(self._database, spec.app_id) if spec else None,
            stale=stale,
            serving=serving,
            published=published,
            now=now,
        )

    async def _stale(self, held: list[Claim], own: str) -> tuple[Claim | None, bool, bool]:
        """Return a claim that is no longer asked for, and whether it is served or was published.

        One that can be given up comes first, so that none hides behind one that can't be.
        """
        found = [
            (
                await self._tables.serves(each.app_id),
                await claims.ever_published(self._database, each.app_id),
                each.app_id,
                each,
            )
            for each in held
            if each.app_id != own
        ]
        if not found:
            return None, False, False
        serving, published, _, claim = min(found)
        return claim, serving, published

    async def remembered(self) -> set[Key]:
        """Return the keys of what the store remembers, whether or not it still stands in git."""
        held = await claims.all_claims(self._database)
        channels = await self._tables.served()
        found = {Key("App", each.namespace, each.name) for each in held}
        found |= {Key("Channel", namespace, name) for namespace, name in channels}
        return found | await self._policies.remembered()

    async def release(self, release: Resource, now: datetime) -> ReleaseObserved:
        """Return what is known of a Release."""
        async with self._database.snapshot():
            return await self._release_at(release, now)

    async def _release_at(self, release: Resource, now: datetime) -> ReleaseObserved:
        spec = release.spec if isinstance(release.spec, ReleaseSpec) else None
        digest = release_digest(spec) if spec else ""
        return ReleaseObserved(
            release=release,
            spec=spec,
            digest=digest,
            uncollected=await self._evidence.uncollected(spec) if spec else (),
            attempt=await self._attempt("Collect", release.key.namespace, digest),
            publication=await self._publication(release.key.namespace, spec, digest),
            channels=tuple(
                each.key.name
                for each in self._cache.of_kind("Channel", release.key.namespace)
                if isinstance(each.spec, ChannelSpec) and each.spec.release == release.key.name
            ),
            revocation_kept=spec is not None
            and spec.bundle.sha256
            in await revocations.revocations_of(
                self._database, release.key.namespace, {spec.bundle.sha256}
            ),
            now=now,
        )

    async def approval(self, approval: Resource, now: datetime) -> ApprovalObserved:
        """Return what is known of an Approval."""
        namespace = approval.key.namespace
        spec = approval.spec if isinstance(approval.spec, ApprovalSpec) else None
        release = self._spec_of(ReleaseSpec, namespace, spec.release if spec else "")
        digest = release_digest(release) if release else ""
        seen = self._policies.seen()
        policies, _ = await self._policies.policies(namespace, seen, now)
        facts = await self._evidence.facts_of_approval(approval, digest, policies)
        word = next(facts.words(), None)
        subject = self._subject_of(word, release, namespace) if word and release else None
        lasting = lasting_words(policies, subject, facts, now) if subject else frozenset()
        return ApprovalObserved(
            approval=approval,
            release_digest=digest,
            fact=word or next(iter(facts.rejected), None),
            words=await self._words_of(approval, namespace, digest, lasting),
        )

    def _subject_of(self, word: SignedWord, release: ReleaseSpec, namespace: str) -> Subject | None:
        """Return what a word is about, on the channel that it names; None without an App."""
        app = self._spec_of(AppSpec, namespace, release.app)
        if app is None:
            return None
        return Subject(
            cluster=self._policies.cluster,
            namespace=namespace,
            app_id=app.app_id,
            channel=word.channel,
            release=release,
            release_digest=release_digest(release),
            default_channel=self._is_default(namespace, word.channel),
        )

    def _is_default(self, namespace: str, channel: str) -> bool:
        spec = self._spec_of(ChannelSpec, namespace, channel)
        return spec is not None and spec.audience.default

    async def _words_of(
        self, approval: Resource, namespace: str, digest: str, lasting: frozenset[str]
    ) -> Words:
        """Return whether an Approval's word is to be kept still, if it must last."""
        if not lasting or not isinstance(approval.spec, ApprovalSpec):
            return NO_WORDS
        kept = await words.kept_evidence(self._database, namespace, digest)
        offered = approval_evidence(approval.key.name, approval.spec)
        unkept = lasting - {each.sha256() for each in kept}
        return Words(unkept=(offered,) if offered.sha256() in unkept else (), kept=len(kept))

    async def policy(self, key: Key, now: datetime) -> PolicyObserved:
        """Return what is known of a policy, whether it stands in git or is only in force."""
        look = await self._policies.look(key, self._policies.seen(), now)
        judging = self._policies.judging(key, look)
        proposed = look.proposed
        return PolicyObserved(
            key=key,
            policy=self._cache.get(key),
            proposed=proposed if isinstance(proposed, PolicyInForce) else None,
            problem=proposed.problem if isinstance(proposed, UnreadablePolicy) else "",
            in_force=look.in_force,
            store_problem=look.store_problem,
            judgement=look.judgement,
            unsealed_allowed=self._policies.unsealed_allowed,
            channels=channels_bound(self._cache, judging, key.namespace or None) if judging else 0,
            now=now,
        )

    async def channel(self, key: Key, now: datetime) -> ChannelObserved:
        """Return what is known of a channel, whether it stands in git or is only served."""
        seen = self._policies.seen()
        async with self._database.snapshot():
            return await self._channel_at(key, seen, now)

    async def _channel_at(self, key: Key, seen: Seen, now: datetime) -> ChannelObserved:
        channel = self._cache.get(key)
        spec = channel.spec if channel and isinstance(channel.spec, ChannelSpec) else None
        table = await self._tables.of(key.namespace, key.name)
        app_id, app_problem = await self._app(key.namespace, spec) if spec else ("", None)
        policies, policy_due = await self._policies.policies(key.namespace, seen, now)
        place = _Place(key=key, app_id=app_id, table=table, policies=policies, now=now)
        judged = await self._judged(place, spec) if spec and app_id else _Judged()
        rollout = await rollouts.latest_rollout(self._database, key.namespace, key.name)
        return ChannelObserved(
            channel=channel,
            namespace=key.namespace,
            name=key.name,
            spec=spec,
            app_id=app_id,
            app_problem=app_problem,
            release=judged.release,
            release_object=judged.resource,
            release_problem=judged.problem,
            release_digest=judged.digest,
            case=judged.case,
            verdict=judged.verdict,
            verdict_recorded=await self._is_recorded(key, judged.verdict),
            publication=await self._publication(key.namespace, judged.release, judged.digest),
            attempt=await self._attempt("Publish", key.namespace, judged.digest),
            inspect_attempt=await self._attempt("Inspect", key.namespace, judged.digest),
            table=table,
            rollout=rollout,
            spent=await self._spent(key, spec, judged.digest),
            revoked=await self._revoked(key.namespace, judged.release, table),
            evidence=await reports.evidence(self._database, rollout.rollout_id)
            if rollout
            else Evidence(),
            words=judged.words,
            policy_due=policy_due,
            now=now,
        )

    async def _is_recorded(self, key: Key, verdict: Verdict | None) -> bool:
        last = await verdicts.last_verdict(self._database, key.namespace, key.name)
        return verdict is not None and last is not None and last.digest == verdict.digest()

    async def _spent(self, key: Key, spec: ChannelSpec | None, digest: str) -> RolloutRow | None:
        if spec is None or not digest:
            return None
        return await rollouts.spent_rollout(
            self._database, key.namespace, key.name, digest, spec.rollout.retry
        )

    async def _app(self, namespace: str, spec: ChannelSpec) -> tuple[str, Refused | None]:
        """Return the appId of a channel, or why it has none here."""
        app = self._spec_of(AppSpec, namespace, spec.app)
        if app is None:
            message = f"There is no App {spec.app} in this namespace that can be read: add it."
            return "", Refused("AppMissing", message)
        claim = await claims.claim_of(self._database, app.app_id)
        if claim is None:
            return "", Refused("AppNotClaimed", f"{app.app_id} is not claimed yet.")
        if (claim.namespace, claim.name) != (namespace, spec.app):
            message = f"{app.app_id} belongs to App {claim.namespace}/{claim.name}."
            return "", Refused("Conflict", message)
        return app.app_id, None

    async def _judged(self, place: _Place, spec: ChannelSpec) -> _Judged:
        key, app_id = place.key, place.app_id
        if spec.release is None:
            return _Judged()
        release = self._spec_of(ReleaseSpec, key.namespace, spec.release)
        if release is None:
            message = f"There is no Release {spec.release} in this namespace that can be read."
            return _Judged(problem=Refused("ReleaseMissing", message))
        if release.app != spec.app:
            message = f"Release {spec.release} is of app {release.app}, the channel of {spec.app}."
            return _Judged(problem=Refused("ReleaseOfOtherApp", message))
        digest = release_digest(release)
        subject = Subject(
            cluster=self._policies.cluster,
            namespace=key.namespace,
            app_id=app_id,
            channel=key.name,
            release=release,
            release_digest=digest,
            default_channel=spec.audience.default,
            circumstances=await self._surroundings.of(key, app_id, release, place.table),
        )
        kept = await words.kept_evidence(self._database, key.namespace, digest)
        judged = await self._evidence.judged(subject, spec.release, place.policies, kept, place.now)
        resource = self._cache.get(Key("Release", key.namespace, spec.release))
        return _Judged(
            release=release,
            resource=resource,
            digest=digest,
            case=judged.case,
            verdict=judged.verdict,
            words=judged.words,
        )

    async def _publication(
        self, namespace: str, release: ReleaseSpec | None, digest: str
    ) -> Publication | None:
        app = self._spec_of(AppSpec, namespace, release.app) if release else None
        if app is None:
            return None
        return await publications.publication_of(self._database, app.app_id, digest)

    async def _attempt(
        self, purpose: Literal["Collect", "Inspect", "Publish"], namespace: str, digest: str
    ) -> Attempt | None:
        if not digest:
            return None
        return await attempts.attempt_of(
            self._database, attempts.AttemptKey(purpose, namespace, digest)
        )

    async def _revoked(
        self, namespace: str, release: ReleaseSpec | None, table: ChannelTable | None
    ) -> dict[str, str]:
        served = (table.candidate, table.stable, table.previous) if table else ()
        digests = {each.digest for each in served if each}
        digests |= {release.bundle.sha256} if release else set()
        kept = await revocations.revocations_of(self._database, namespace, digests)
        return dict(kept) | {
            each.spec.bundle.sha256: each.spec.revoked.reason
            for each in self._cache.of_kind("Release", namespace)
            if isinstance(each.spec, ReleaseSpec) and each.spec.revoked
        }

    def _spec_of(self, kind: type[S], namespace: str, name: str) -> S | None:
        word = kind.__name__.removesuffix("Spec")
        resource = self._cache.get(Key(word, namespace, name))
        return resource.spec if resource and isinstance(resource.spec, kind) else None
