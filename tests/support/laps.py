"""Laps of the operator without Kubernetes: a real store, real evidence, real effects.

Manifests go straight into the cache, as an event would put them there. What is left out is how
statuses are written; tests/cluster has that.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from sluice.fetch.fetcher import Fetcher, FetchSettings
from sluice.operator.act import Actor, Store
from sluice.operator.cache import Cache
from sluice.operator.evidence import EvidenceRoom
from sluice.operator.inspections import Inspections
from sluice.operator.observe import Observer
from sluice.operator.policies import PolicyRoom, PolicySettings
from sluice.operator.sealed import SealedPolicies
from sluice.operator.tables import Tables
from sluice.reconcile import app, approval, channel, policy, release
from sluice.reconcile.step import (
    ApprovalStep,
    AppStep,
    ChannelStep,
    Hold,
    PolicyStep,
    ReleaseStep,
    Rest,
)
from sluice.resources.kinds import Key, Resource
from sluice.serving.seal import generate_private_key, private_key
from sluice.serving.table import ChannelTable
from sluice.store.blobs import Blobs
from sluice.store.database import Database
from sluice.store.leadership import take_over
from sluice.store.migration import migrate
from sluice.verify.archive import ArchiveLimits
from sluice.verify.collect import Examiner
from support.team import Team

__all__ = ["QUICK", "Laps", "go_live"]

QUICK = {
    "steps": [
        {"share": "10%", "hold": "1m", "minDevices": 0},
        {"share": "100%", "hold": "1m", "minDevices": 0},
    ]
}
"""A rollout that time alone advances."""

POLICY_KINDS = ("ReleasePolicy", "ClusterReleasePolicy")

IN_DEMO = PolicySettings(cluster="demo")

LAPS_MAX = 60
"""Laps until everything rests; a release takes a dozen."""


class Laps:
    """One operator that leads, in memory but for its store."""

    def __init__(
        self, database: Database, blobs: Blobs, *, policies: PolicySettings, files: Path
    ) -> None:
        self.cache = Cache()
        self.database = database
        self.blobs = blobs
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.seal_key = private_key(generate_private_key())
        self.tables = Tables(database, self.seal_key)
        self.sealed = SealedPolicies(database, self.seal_key)
        self.inspections = Inspections(database, self.seal_key)
        self.settings = policies
        self.observer = self.observer_of(self.cache)
        self._fetching = FetchSettings(allow_file_under=(files,))
        self.actor = self.actor_of(epoch=1)

    @classmethod
    async def open(cls, folder: Path, *, files: Path, policies: PolicySettings = IN_DEMO) -> Self:
        """Open a fresh store in a folder, and lead in it."""
        url = f"sqlite:///{folder / 'sluice.db'}"
        await migrate(url)
        database = await Database.open(url)
        await take_over(database, epoch=1, holder="test", at=datetime.now(UTC))
        return cls(database, Blobs(folder / "blobs"), policies=policies, files=files)

    def observer_of(self, cache: Cache) -> Observer:
        """Return an observer of some state of the cluster."""
        return Observer(
            cache,
            self.database,
            EvidenceRoom(cache, self.blobs, Examiner()),
            PolicyRoom(cache, self.sealed, Examiner(), self.settings),
            self.tables,
            self.inspections,
        )

    def restart(self) -> None:
        """Forget what only this process knows, as a new one does."""
        self.sealed = SealedPolicies(self.database, self.seal_key)
        self.observer = self.observer_of(self.cache)
        self.actor = self.actor_of(epoch=1)

    def actor_of(self, *, epoch: int) -> Actor:
        """Return an actor of some term."""
        return Actor(
            store=Store(
                database=self.database,
                blobs=self.blobs,
                tables=self.tables,
                policies=self.sealed,
                inspections=self.inspections,
            ),
            fetcher=Fetcher(self._fetching),
            limits=ArchiveLimits(),
            epoch=epoch,
        )

    def fetch_by(self, settings: FetchSettings) -> None:
        """Fetch by other settings from now on."""
        self._fetching = settings
        self.actor = self.actor_of(epoch=1)

    def apply(self, *manifests: Mapping[str, Any]) -> None:
        """Take manifests in, as the API server would tell them."""
        for each in manifests:
            known = self.cache.get(_key(each))
            body = {
                **each,
                "metadata": {
                    **each["metadata"],
                    "uid": f"uid-{each['metadata']['name']}",
                    "generation": known.generation + 1 if known else 1,
                },
            }
            self.cache.apply(each["kind"], body, deleted=False)

    def delete(self, manifest: Mapping[str, Any]) -> None:
        """Take the deletion of an object in."""
        name = manifest["metadata"]["name"]
        body = {**manifest, "metadata": {**manifest["metadata"], "uid": f"uid-{name}"}}
        self.cache.apply(manifest["kind"], body, deleted=True)

    async def settle(self, namespace: str, name: str = "production") -> ChannelStep:
        """Do laps of everything until nothing is left to do now; return where the channel rests."""
        key = Key("Channel", namespace, name)
        for _ in range(LAPS_MAX):
            idle = True
            remembered = await self.observer.remembered()
            for policy_key in self._keys(POLICY_KINDS, remembered):
                idle &= isinstance(await self.lap_of_policy(policy_key), Rest | Hold)
            for app_key in self._keys(("App",), remembered):
                idle &= await self.lap_of_app(app_key)
            for each in self._resources("Release"):
                idle &= await self.lap_of_release(each)
            for each in self._resources("Approval"):
                idle &= isinstance(await self.lap_of_approval(each), Rest)
            step = await self.lap_of_channel(key)
            if idle and isinstance(step, Rest | Hold):
                return step
        raise AssertionError(f"{key} does not come to rest: {step}")

    async def lap_of_channel(self, key: Key) -> ChannelStep:
        """Do one lap of a channel and return its step."""
        step = channel.next_step(await self.observer.channel(key, self.now))
        await self.actor.channel(key, step, self.now)
        return step

    async def lap_of_app(self, key: Key) -> bool:
        """Do one lap of an App; return whether there was nothing to do."""
        step: AppStep = app.next_step(await self.observer.app(key, self.now))
        await self.actor.app(step, self.now)
        return isinstance(step, Rest | Hold)

    async def lap_of_approval(self, resource: Resource) -> ApprovalStep:
        """Do one lap of an Approval and return its step."""
        step = approval.next_step(await self.observer.approval(resource, self.now))
        await self.actor.approval(step, self.now)
        return step

    async def lap_of_policy(self, key: Key) -> PolicyStep:
        """Do one lap of a policy and return its step."""
        step = policy.next_step(await self.observer.policy(key, self.now))
        await self.actor.policy(key, step, self.now)
        return step

    async def lap_of_release(self, resource: Resource) -> bool:
        """Do one lap of a Release; return whether there was nothing to do."""
        observed = await self.observer.release(resource, self.now)
        step: ReleaseStep = release.next_step(observed)
        await self.actor.release(step, resource.key.namespace, observed.digest, self.now)
        return isinstance(step, Rest | Hold)

    async def served(self, namespace: str, name: str = "production") -> ChannelTable | None:
        """Return what a channel serves."""
        return await self.tables.of(namespace, name)

    def wait(self, **time: float) -> None:
        """Let time pass, in the words of `timedelta`."""
        self.now += timedelta(**time)

    def _keys(self, kinds: tuple[str, ...], remembered: set[Key]) -> list[Key]:
        """Return what stands in git or is remembered, of some kinds."""
        found = {each.key for kind in kinds for each in self._resources(kind)}
        return sorted(found | {each for each in remembered if each.kind in kinds})

    def _resources(self, kind: str) -> list[Resource]:
        return list(self.cache.of_kind(kind))


async def go_live(laps: Laps, team: Team, version: str) -> dict[str, Any]:
    """Release a version that everybody approves, until all phones get it; return its Release."""
    release = team.release_manifest(version)
    laps.apply(
        team.app_manifest(),
        team.policy_manifest(),
        release,
        *(team.approval_manifest(who, release) for who in ("alice", "bob")),
        team.channel_manifest(f"shop-{version}", rollout=QUICK),
    )
    for _ in range(4):
        await laps.settle("shop")
        laps.wait(minutes=2)
    step = await laps.settle("shop")
    if step.reason != "Live":
        raise AssertionError(step)
    return release


def _key(manifest: Mapping[str, Any]) -> Key:
    metadata = manifest["metadata"]
    return Key(manifest["kind"], metadata.get("namespace", ""), metadata["name"])
