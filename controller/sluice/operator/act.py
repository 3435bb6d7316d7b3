"""Carries out one step. Each effect can be repeated, and cut off anywhere.

Order of a publication: the blob under its digest (temporary file, fsync, rename, read again), then
one transaction that names it. Order of a change of what is served: sealed, then one transaction
with the rows and the audit entry. Every write carries the epoch of this leader's term.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sluice.errors import Fenced, Refused, SluiceError, VerificationError
from sluice.fetch.fetcher import Fetcher
from sluice.gate.record import as_record
from sluice.operator.evidence import EVIDENCE_BYTES_MAX
from sluice.operator.inspections import Inspections
from sluice.operator.sealed import SealedPolicies
from sluice.operator.tables import Tables
from sluice.reconcile.observed import Attempt, Publication
from sluice.reconcile.step import (
    AdoptPolicy,
    ApprovalStep,
    AppStep,
    ChannelStep,
    Collect,
    DropClaim,
    Hold,
    Inspect,
    Keep,
    KeepRevocation,
    PolicyStep,
    Publish,
    Record,
    ReleaseStep,
    Rest,
    Serve,
    TakeClaim,
)
from sluice.resources.kinds import Key
from sluice.store import attempts, claims, publications, revocations, verdicts, words
from sluice.store.attempts import AttemptKey
from sluice.store.blobs import Blobs
from sluice.store.database import Database
from sluice.verify.archive import ArchiveLimits, inspect
from sluice.verify.bundle_report import BundleReport

__all__ = ["Actor", "Store"]

RETRY_UNAVAILABLE: Final = timedelta(seconds=15)
"""A place that did not answer is asked again soon."""

RETRY_REFUSED: Final = timedelta(minutes=5)
"""A place that gave the wrong bytes may be mended, but is not asked more often than this."""

SALT_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Everything that steps write to."""

    database: Database
    blobs: Blobs
    tables: Tables
    policies: SealedPolicies
    inspections: Inspections


class Actor:
    """Carries out steps for one leader's term."""

    def __init__(
        self,
        *,
        store: Store,
        fetcher: Fetcher,
        limits: ArchiveLimits,
        epoch: int,
    ) -> None:
        self._database = store.database
        self._blobs = store.blobs
        self._tables = store.tables
        self._policies = store.policies
        self._inspections = store.inspections
        self._fetcher = fetcher
        self._limits = limits
        self._epoch = epoch

    async def app(self, step: AppStep, now: datetime) -> None:
        """Carry out an App's step."""
        match step:
            case TakeClaim():
                await claims.take_claim(self._database, step.claim, epoch=self._epoch, at=now)
            case DropClaim():
                await claims.release_claim(self._database, step.claim, epoch=self._epoch, at=now)
            case Rest() | Hold():
                return

    async def policy(self, key: Key, step: PolicyStep, now: datetime) -> None:
        """Carry out a policy's step."""
        match step:
            case AdoptPolicy():
                await self._policies.adopt(key, step, epoch=self._epoch, at=now)
            case Rest() | Hold():
                return

    async def release(self, step: ReleaseStep, namespace: str, digest: str, now: datetime) -> None:
        """Carry out a Release's step."""
        match step:
            case Collect():
                key = AttemptKey("Collect", namespace, digest)
                await self._attempt(key, now, lambda: self._collect(step))
            case KeepRevocation():
                await revocations.keep_revocation(
                    self._database,
                    namespace,
                    step.digest,
                    step.reason,
                    epoch=self._epoch,
                    at=now,
                )
            case Rest() | Hold():
                return

    async def approval(self, step: ApprovalStep, now: datetime) -> None:
        """Carry out an Approval's step."""
        match step:
            case Keep():
                await self._keep(step, now)
            case Rest():
                return

    async def channel(self, key: Key, step: ChannelStep, now: datetime) -> None:
        """Carry out a Channel's step."""
        match step:
            case Keep():
                await self._keep(step, now)
            case Record():
                await self._record(step, now)
            case Publish():
                attempt = AttemptKey("Publish", step.release.key.namespace, step.release_digest)
                await self._attempt(attempt, now, lambda: self._publish(step, now))
            case Inspect():
                attempt = AttemptKey("Inspect", key.namespace, step.release_digest)
                await self._attempt(attempt, now, lambda: self._look(step, now))
            case Serve():
                await self._serve(key, step, now)
            case Rest() | Hold():
                return

    async def _keep(self, step: Keep, now: datetime) -> None:
        await words.keep_word(
            self._database,
            step.namespace,
            step.release_digest,
            step.word,
            epoch=self._epoch,
            at=now,
        )

    async def _record(self, step: Record, now: datetime) -> None:
        decision = as_record(step.case, step.verdict)
        summary = self._tables.summary(decision)
        await verdicts.record_verdict(self._database, decision, summary, epoch=self._epoch, at=now)

    async def _collect(self, step: Collect) -> None:
        for each in step.references:
            await self._fetch(each.url, each.sha256, EVIDENCE_BYTES_MAX)

    async def _look(self, step: Inspect, now: datetime) -> None:
        if step.url is not None and not await self._blobs.has(step.digest):
            await self._fetch_bundle(step.url, step.digest, step.size)
        report = await asyncio.to_thread(self._look_into, step.digest)
        await self._inspections.keep(report, epoch=self._epoch, at=now)

    def _look_into(self, digest: str) -> BundleReport:
        with self._blobs.path(digest).open("rb") as file:
            inspect(file, self._limits)
            return self._inspections.look(file, digest)

    async def _publish(self, step: Publish, now: datetime) -> None:
        bundle = step.spec.bundle
        size = await self._fetch_bundle(bundle.url, bundle.sha256, bundle.size)
        await asyncio.to_thread(self._inspect, bundle.sha256)
        publication = Publication(
            app_id=step.app_id,
            version=step.spec.version,
            digest=bundle.sha256,
            size=size,
            release_digest=step.release_digest,
            published_at=now,
        )
        await publications.publish(
            self._database, self._blobs, publication, step.release, epoch=self._epoch
        )

    async def _fetch_bundle(self, url: str, digest: str, size: int) -> int:
        found = await self._fetch(url, digest, size)
        if found != size:
            raise VerificationError(
                "BundleSizeDiffers", f"The bundle has {found} bytes, spec.bundle.size says {size}."
            )
        return found

    async def _fetch(self, url: str, sha256: str, size_max: int) -> int:
        """Bring bytes into the store, checked against their digest; return how many they are."""
        stream = self._fetcher.stream(url, sha256=sha256, size_max=size_max)
        async with aclosing(stream) as chunks:
            return await self._blobs.put(sha256, chunks)

    def _inspect(self, digest: str) -> None:
        with self._blobs.path(digest).open("rb") as file:
            inspect(file, self._limits)

    async def _attempt(
        self, key: AttemptKey, now: datetime, work: Callable[[], Awaitable[None]]
    ) -> None:
        """Do some work; if it fails, remember why and when to try again."""
        try:
            await work()
        except Fenced:
            raise
        except VerificationError as error:
            await self._note(key, error, None)
        except Refused as error:
            final = error.reason == "VersionTaken"
            await self._note(key, error, None if final else now + RETRY_REFUSED)
        except SluiceError as error:
            await self._note(key, error, now + RETRY_UNAVAILABLE)

    async def _note(self, key: AttemptKey, error: SluiceError, retry_at: datetime | None) -> None:
        attempt = Attempt(reason=error.reason, message=error.message, retry_at=retry_at)
        await attempts.note_attempt(self._database, key, attempt, epoch=self._epoch)

    async def _serve(self, key: Key, step: Serve, now: datetime) -> None:
        """Fill in what a pure function can't know, seal the table, and write it all at once."""
        table, rollout = step.table, step.rollout
        if table is not None:
            generation = await self._tables.next_generation(key.namespace, key.name)
            table = replace(table, generation=generation)
            if rollout is not None and not rollout.rollout_id:
                name = f"{key.namespace}/{key.name}/{generation}"
                rollout = replace(rollout, rollout_id=name)
                table = replace(table, rollout_id=name, salt=secrets.token_hex(SALT_BYTES))
        filled = replace(step, table=table, rollout=rollout)
        await self._tables.serve(key, filled, epoch=self._epoch, at=now)
