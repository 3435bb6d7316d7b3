"""Puts the operator together, and runs it until it is told to stop or must."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sluice.contents.vulnerabilities import VulnerabilityData
from sluice.errors import Unavailable
from sluice.fetch.fetcher import Fetcher
from sluice.operator.act import Actor, Store
from sluice.operator.admission import Admission
from sluice.operator.cache import Cache
from sluice.operator.cluster import Cluster, connect
from sluice.operator.evidence import EvidenceRoom
from sluice.operator.health import serve_health
from sluice.operator.inspections import Inspections
from sluice.operator.lease import Lease, LeaseSettings
from sluice.operator.loop import Controller, Pace
from sluice.operator.observe import Observer
from sluice.operator.policies import PolicyRoom, PolicySettings
from sluice.operator.report import Reporter
from sluice.operator.sealed import SealedPolicies
from sluice.operator.tables import Tables
from sluice.operator.watch import watch
from sluice.operator.webhook import WebhookSettings, serve_webhook
from sluice.store.blobs import Blobs
from sluice.store.crashpoints import Crashpoint, unharmed
from sluice.store.database import Database
from sluice.store.leadership import current_epoch, take_over
from sluice.store.migration import migrate
from sluice.verify.archive import ArchiveLimits
from sluice.verify.collect import Examiner

__all__ = ["OperatorSettings", "run"]

LOG: Final = logging.getLogger("sluice.operator")

FIRST_LIST_SECONDS: Final = 1.0
"""Pause before the first list is asked for again; an API server that starts answers 429."""

SIGN_OF_LIFE_SECONDS: Final = 180.0
"""Three resyncs without success, and the process is restarted by its probe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorSettings:
    """Everything that one operator process needs to know."""

    store: str
    """The database's URL."""
    blobs: Path
    policies: PolicySettings
    """How policies come into force, and this cluster's name in approvals and seals."""
    seal_key: Ed25519PrivateKey
    seal_keys_before: Sequence[Ed25519PublicKey]
    """Public keys that sealed what is still served."""
    fetcher: Fetcher
    lease: LeaseSettings
    kubeconfig: Path | None = None
    vulnerabilities: VulnerabilityData | None = None
    """Libraries with known weaknesses; None: those that are built in."""
    health: tuple[str, int] | None = None
    webhook: WebhookSettings | None = None
    """Where to answer the API server's questions before it stores objects; None: nowhere."""
    pace: Pace = field(default_factory=Pace)
    limits: ArchiveLimits = field(default_factory=ArchiveLimits)
    crashpoint: Crashpoint = unharmed


async def run(settings: OperatorSettings) -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        Fenced: another process leads: end, so that a fresh process can stand by.
        Unavailable: the cluster or the store can't be reached at the start.
    """
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(connect(settings.kubeconfig))
        await migrate(settings.store)
        database = await Database.open(settings.store, crashpoint=settings.crashpoint)
        stack.push_async_callback(database.close)
        operator = _Operator(settings, cluster, database)
        if settings.health is not None:
            host, port = settings.health
            probes = await serve_health(host, port, alive=operator.alive, ready=operator.ready)
            stack.callback(probes.close)
        stack.push_async_callback(operator.lease.release)
        await operator.run()


class _Operator:
    """One process: it watches from the start, and acts while it leads."""

    def __init__(self, settings: OperatorSettings, cluster: Cluster, database: Database) -> None:
        self._settings = settings
        self._cluster = cluster
        self._database = database
        self._blobs = Blobs(settings.blobs, crashpoint=settings.crashpoint)
        self._cache = Cache()
        self._tables = Tables(database, settings.seal_key, settings.seal_keys_before)
        self._sealed = SealedPolicies(database, settings.seal_key, settings.seal_keys_before)
        self._inspections = Inspections(
            database, settings.seal_key, settings.seal_keys_before, settings.vulnerabilities
        )
        self._examiner = Examiner()
        self._listed = False
        self.lease = Lease(cluster, settings.lease, lambda: current_epoch(database))
        self._controller = Controller(
            cluster=cluster,
            cache=self._cache,
            observer=self._observer_of(self._cache),
            reporter=Reporter(cluster, self._cache),
            pace=settings.pace,
            clock=_now,
        )

    def alive(self) -> bool:
        """Return whether this process still hears the API server."""
        return not self._listed or self._controller.silence_seconds() < SIGN_OF_LIFE_SECONDS

    def ready(self) -> bool:
        """Return whether this process knows everything that stands in the cluster."""
        return self._listed

    async def run(self) -> None:
        """Watch, lead, act; until one of them ends."""
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(
                watch(self._controller.take, self._settings.kubeconfig, stop), name="watch"
            )
            others = [tasks.create_task(self._lead(), name="lead")]
            if self._settings.webhook is not None:
                admission = Admission(self._cache, self._observer_of, _now)
                answering = serve_webhook(self._settings.webhook, admission)
                others.append(tasks.create_task(answering, name="webhook"))
            await watching
            for each in others:
                each.cancel()

    def _observer_of(self, cache: Cache) -> Observer:
        return Observer(
            cache,
            self._database,
            EvidenceRoom(cache, self._blobs, self._examiner),
            PolicyRoom(cache, self._sealed, self._examiner, self._settings.policies),
            self._tables,
            self._inspections,
        )

    async def _lead(self) -> None:
        await self._first_list()
        elected = await self.lease.win()
        LOG.info("leading", extra={"detail": f"epoch {elected.epoch}"})
        identity = self._settings.lease.identity
        await take_over(self._database, epoch=elected.epoch, holder=identity, at=_now())
        # What a standby has seen may be older than what its predecessor acted on.
        await self._first_list()
        actor = Actor(
            store=Store(
                database=self._database,
                blobs=self._blobs,
                tables=self._tables,
                policies=self._sealed,
                inspections=self._inspections,
            ),
            fetcher=self._settings.fetcher,
            limits=self._settings.limits,
            epoch=elected.epoch,
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.lease.keep(), name="keep-lease")
            tasks.create_task(self._controller.keep_in_sync(), name="resync")
            for number in range(self._settings.pace.workers):
                tasks.create_task(self._controller.work(actor), name=f"work-{number}")

    async def _first_list(self) -> None:
        while True:
            try:
                await self._controller.resync(everything=True)
            except Unavailable as error:
                LOG.warning("list failed", extra={"reason": error.reason, "detail": error.message})
                await asyncio.sleep(FIRST_LIST_SECONDS)
            else:
                self._listed = True
                return


def _now() -> datetime:
    return datetime.now(UTC)
