"""Laps: take a key, observe, decide, act, report; and look again.

A lap does at most one thing and forgets everything. What went wrong in one lap concerns its key
alone: it comes again after a while, and other keys are not kept waiting.
"""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sluice.errors import Fenced, Refused, SluiceError
from sluice.operator.act import Actor
from sluice.operator.cache import Cache, key_of
from sluice.operator.cluster import Cluster
from sluice.operator.observe import Observer
from sluice.operator.queue import WorkQueue
from sluice.operator.related import related, release_of
from sluice.operator.report import Reporter
from sluice.reconcile import app, approval, channel, policy, release, status
from sluice.reconcile.observed import ChannelObserved
from sluice.reconcile.step import (
    AdoptPolicy,
    ApprovalStep,
    AppStep,
    ChannelStep,
    Collect,
    Hold,
    Inspect,
    PolicyStep,
    Publish,
    ReleaseStep,
    Rest,
)
from sluice.resources.kinds import KINDS, Key, Resource
from sluice.resources.status import Status

__all__ = ["Controller", "Pace"]

LOG: Final = logging.getLogger("sluice.operator")

REFUSED_SECONDS: Final = 60.0
"""A lap that met something it cannot mend is tried again after this, should somebody mend it."""


CHANGED_MAX: Final = 500
"""Objects of a kind that a list may find changed before everything is put in line: asking for each
of very many who reads it would take longer."""

TOLD: Final = frozenset({"InForceWithoutFile"})
"""Reasons to rest that have no object to stand on, and are told in the log."""

LAPS_OF_ALL_EVERY: Final = 10
"""Every so many resyncs, each object gets a lap though nothing told that it needs one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often the operator looks when nothing tells it to."""

    resync_seconds: float = 60.0
    """A list of everything, which repairs what a watch has lost."""
    look_seconds: float = 10.0
    """A running rollout: phones' reports arrive without an event."""
    workers: int = 4


class Controller:
    """Everything between an event and a status."""

    def __init__(
        self,
        *,
        cluster: Cluster,
        cache: Cache,
        observer: Observer,
        reporter: Reporter,
        pace: Pace,
        clock: Callable[[], datetime],
    ) -> None:
        self._cluster = cluster
        self._cache = cache
        self._observer = observer
        self._reporter = reporter
        self._pace = pace
        self._clock = clock
        self._heard = float("-inf")
        self.queue: WorkQueue[Key] = WorkQueue()

    def take(self, kind: str, body: Mapping[str, Any], *, deleted: bool) -> None:
        """Take in one event."""
        if self._cache.is_echo(kind, body):
            return
        key = key_of(kind, body)
        # Who read it as it was (the release that a channel named until now) is concerned, too.
        before = related(self._cache, key)
        if self._cache.apply(kind, body, deleted=deleted):
            for each in before | related(self._cache, key):
                self.queue.put(each)
        if not deleted and self._reporter.saw(key, body):
            # Somebody else has written the status: show again what is so.
            self.queue.put(key)

    async def resync(self, *, everything: bool) -> None:
        """List everything and repair the cache; put in line what changed, or every key.

        Raises:
            Unavailable: the API server or the store did not answer.
        """
        for kind in KINDS:
            self._cache.begin_list(kind)
            bodies = await self._cluster.objects(kind)
            changed = self._cache.replace(kind, bodies)
            if len(changed) > CHANGED_MAX:
                everything = True
            elif not everything:
                for key in changed:
                    self._put_related(key)
            for body in bodies:
                key = key_of(kind, body)
                if not self._cache.is_echo(kind, body) and self._reporter.saw(key, body):
                    self.queue.put(key)
        if everything:
            for kind in KINDS:
                for resource in self._cache.of_kind(kind):
                    self.queue.put(resource.key)
        # What is served or claimed and no longer stands in git is in no list.
        for key in await self._observer.remembered():
            if everything or self._cache.get(key) is None:
                self.queue.put(key)
        self._heard = asyncio.get_running_loop().time()

    def silence_seconds(self) -> float:
        """Return how long ago the last list of everything was."""
        return asyncio.get_running_loop().time() - self._heard

    async def keep_in_sync(self) -> None:
        """Resync for ever; a failure only delays the next one."""
        for number in itertools.count(1):
            await asyncio.sleep(self._pace.resync_seconds)
            try:
                await self.resync(everything=number % LAPS_OF_ALL_EVERY == 0)
            except SluiceError as error:
                LOG.warning("resync failed", extra={"reason": error.reason})

    async def work(self, actor: Actor) -> None:
        """Do laps for ever, in the term of one leader.

        Raises:
            Fenced: another process leads now.
        """
        while True:
            key = await self.queue.get()
            failed = False
            try:
                await self._lap(key, actor)
            except Fenced:
                raise
            except Refused as error:
                LOG.warning("lap refused", extra=_facts(key, error))
                self.queue.put_after(key, REFUSED_SECONDS)
            except SluiceError as error:
                LOG.info("lap to be repeated", extra=_facts(key, error))
                failed = True
            except Exception:
                LOG.exception("lap failed", extra={"key": str(key)})
                failed = True
            finally:
                self.queue.done(key, failed=failed)

    def _put_related(self, key: Key) -> None:
        for each in related(self._cache, key):
            self.queue.put(each)

    async def _lap(self, key: Key, actor: Actor) -> None:
        resource = self._cache.get(key)
        if resource is None:
            self._reporter.forget(key)
        match key.kind:
            case "App":
                await self._lap_of_app(key, resource, actor)
            case "Channel":
                await self._lap_of_channel(key, resource, actor)
            case "Release" if resource is not None:
                await self._lap_of_release(resource, actor)
            case "Approval" if resource is not None:
                await self._lap_of_approval(resource, actor)
            case "ReleasePolicy" | "ClusterReleasePolicy":
                await self._lap_of_policy(key, resource, actor)
            case _:  # it is gone, and nothing is left to do
                return

    async def _lap_of_app(self, key: Key, resource: Resource | None, actor: Actor) -> None:
        observed = await self._observer.app(key, self._clock())
        step = app.next_step(observed)
        if resource is not None and isinstance(step, Rest | Hold):
            await self._report(resource, status.app_status(observed, step))
        await self._act_on(key, step, actor.app(step, self._clock()))

    async def _lap_of_approval(self, resource: Resource, actor: Actor) -> None:
        observed = await self._observer.approval(resource, self._clock())
        step = approval.next_step(observed)
        await self._report(resource, status.approval_status(observed))
        await self._act_on(resource.key, step, actor.approval(step, self._clock()))

    async def _lap_of_policy(self, key: Key, resource: Resource | None, actor: Actor) -> None:
        observed = await self._observer.policy(key, self._clock())
        step = policy.next_step(observed)
        if isinstance(step, AdoptPolicy) and step.basis == "FirstUse":
            LOG.warning("policy trusted because it is the first one seen", extra={"key": str(key)})
        if isinstance(step, Hold) or (isinstance(step, Rest) and step.reason in TOLD):
            LOG.warning("policy", extra=_told(key, step))
        if resource is not None and isinstance(step, Rest | Hold):
            await self._report(resource, status.policy_status(observed, step))
        await self._act_on(key, step, actor.policy(key, step, self._clock()))

    async def _lap_of_release(self, resource: Resource, actor: Actor) -> None:
        observed = await self._observer.release(resource, self._clock())
        step = release.next_step(observed)
        if isinstance(step, Rest | Hold | Collect):
            await self._report(resource, status.release_status(observed, step))
        acting = actor.release(step, resource.key.namespace, observed.digest, self._clock())
        await self._act_on(resource.key, step, acting)

    async def _lap_of_channel(self, key: Key, resource: Resource | None, actor: Actor) -> None:
        observed = await self._observer.channel(key, self._clock())
        step = channel.next_step(observed)
        if resource is not None and isinstance(step, Rest | Hold | Inspect | Publish):
            await self._report(resource, status.channel_status(observed, step))
        await self._act_on(key, step, actor.channel(key, step, self._clock()))
        if isinstance(step, Rest | Hold) and _is_rolling(observed):
            self.queue.put_after(key, self._pace.look_seconds)

    async def _act_on(
        self,
        key: Key,
        step: AppStep | ReleaseStep | ApprovalStep | ChannelStep | PolicyStep,
        acting: Awaitable[None],
    ) -> None:
        await acting
        if isinstance(step, Rest | Hold):
            if step.until is not None:
                self.queue.put_after(key, (step.until - self._clock()).total_seconds())
            return
        LOG.info("acted", extra={"key": str(key), "step": type(step).__name__})
        self.queue.put(key)
        for each in (
            release_of(self._cache, key) if key.kind == "Channel" else related(self._cache, key)
        ):
            self.queue.put(each)

    async def _report(self, resource: Resource, shown: Status) -> None:
        await self._reporter.report(resource, shown, self._clock())


def _told(key: Key, step: Rest | Hold) -> dict[str, str]:
    return {"key": str(key), "reason": step.reason, "detail": step.message}


def _is_rolling(observed: ChannelObserved) -> bool:
    return observed.table is not None and observed.table.candidate is not None


def _facts(key: Key, error: SluiceError) -> dict[str, str]:
    return {"key": str(key), "reason": error.reason, "detail": error.message}
