"""What phones tell, on disk before they are answered.

Most checks are no news: a phone that was written down as offered, or as running what it was
offered, is so until it has done so for `proof_gap`. A bounded memory of that spares the database a
write a check. It is only ever a saving: whoever it forgot is written once more, which changes
nothing.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Final, Literal

from sluice.errors import Refused, Unavailable
from sluice.server.device import capgo
from sluice.server.device.asgi import Response, TooLarge
from sluice.server.device.metrics import Metrics
from sluice.serving.classify import Event, classify
from sluice.serving.report import Arm, Sighting
from sluice.serving.table import ServingTable
from sluice.store.group_commit import GroupCommit
from sluice.store.reports import ReportItem, check

__all__ = ["Recorder", "read_events"]

EVENTS_MAX: Final = 1_000
"""Most events of one body: one transaction's worth; the plugin keeps 200."""

REMEMBERED_MAX: Final = 100_000
"""Phones remembered in each of two halves: some 50 MB when both are full."""

WRITE_SECONDS_MAX: Final = 5.0
"""How long a phone waits for the disk: it gives up after 20 s itself, and a database that hangs
must not pin every request."""

_Known = float | Literal["offered", "proven"]
"""What was written of a phone last; a number: when it was first seen running what it was given."""

_Phone = tuple[str, str, Arm]


class Recorder:
    """Writes what phones tell.

    Args:
        commits: where it is written.
        metrics: where it is counted.
        proof_gap_seconds: as the store was told; see `store.reports.record`.
    """

    def __init__(
        self, commits: GroupCommit[ReportItem], metrics: Metrics, proof_gap_seconds: float
    ) -> None:
        self._commits = commits
        self._metrics = metrics
        self._proof_gap_seconds = proof_gap_seconds
        self._young: dict[_Phone, _Known] = {}
        self._old: dict[_Phone, _Known] = {}

    async def saw(self, sighting: Sighting) -> None:
        """Return when it is on disk that a phone asked; at once when that is no news.

        Raises:
            Unavailable: it cannot be written now.
        """
        phone = (sighting.rollout_id, sighting.device_id, sighting.arm)
        known = self._young.get(phone) or self._old.get(phone)
        if not self._is_news(sighting, known):
            return
        await self._write([sighting])
        self._metrics.sightings += 1
        now: _Known = "offered"
        if sighting.running:
            # The clock is read after the commit, so that the next one is written late enough.
            now = "proven" if isinstance(known, float) else time.monotonic()
        self._remember(phone, now)

    async def write(self, items: Sequence[ReportItem]) -> None:
        """Return when everything is on disk.

        Raises:
            Unavailable: it cannot be written now.
        """
        await self._write(items)
        self._metrics.reports += len(items)

    def _is_news(self, sighting: Sighting, known: _Known | None) -> bool:
        match known:
            case None:
                return True
            case "offered":
                return sighting.running
            case "proven":
                return False
            case float():
                waited = time.monotonic() - known
                return sighting.running and waited >= self._proof_gap_seconds

    async def _write(self, items: Sequence[ReportItem]) -> None:
        try:
            async with asyncio.timeout(WRITE_SECONDS_MAX):
                await self._commits.submit(items)
        except TimeoutError as error:
            raise Unavailable("StoreSlow", "The database did not answer in time.") from error

    def _remember(self, phone: _Phone, known: _Known) -> None:
        self._young[phone] = known
        if len(self._young) >= REMEMBERED_MAX:
            self._old, self._young = self._young, {}


def read_events(table: ServingTable, body: bytes) -> tuple[Sequence[ReportItem], Response]:
    """Return what a body of `/stats` tells, and the answer for when that is on disk.

    One bad event is refused alone: for a whole batch refused, the plugin throws it all away.

    Raises:
        ProtocolError: nothing in it can be read.
        TooLarge: more events than a plugin keeps.
    """
    raws, is_batch = capgo.events_of(body)
    if len(raws) > EVENTS_MAX:
        raise TooLarge
    if not is_batch:
        return _items(table, capgo.event_of(raws[0])), capgo.OK
    items: list[ReportItem] = []
    results: list[dict[str, object]] = []
    apps: set[str] = set()
    for index, raw in enumerate(raws):
        try:
            event = capgo.event_of(raw)
            items += _items(table, event)
            apps.add(event.device.app_id)
        except capgo.ProtocolError as error:
            results.append(
                {
                    "status": "error",
                    "index": index,
                    "error": error.error,
                    "message": error.message,
                }
            )
        else:
            results.append({"status": "ok", "index": index})
    if len(apps) > 1:
        message = "All events in a batch must have the same app_id"
        return [], capgo.error_response(200, "mixed_app_ids", message)
    return items, capgo.json_response({"status": "ok", "results": results})


def _items(table: ServingTable, event: Event) -> tuple[ReportItem, ...]:
    if event.device.app_id not in table.channels:
        raise capgo.unknown_app()
    items = classify(table, event)
    try:
        for item in items:
            check(item)
    except Refused as error:
        raise capgo.ProtocolError("invalid_json_body", "Cannot parse body: a text") from error
    return items
