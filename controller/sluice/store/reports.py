"""What phones tell, written down so that order and repetition make no difference.

`record` is one transaction; `report_commits` lets many requests share one.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sluice.errors import Refused
from sluice.rollout.evidence import ArmCounts, Evidence
from sluice.serving.report import Arm, Failure, Report, Sighting
from sluice.store.database import Database, insert_into
from sluice.store.group_commit import GroupCommit
from sluice.store.schema import counts, quarantine, reports, sightings
from sluice.store.serving import note_change
from sluice.store.sighting import Seen, Standing, failed, sighted, standing

__all__ = ["ReportItem", "check", "evidence", "evidence_in", "record", "report_commits"]

ReportItem = Sighting | Failure | Report

TEXT_CHARACTERS_MAX: Final = 512
"""Longest text in a report; ids, versions and actions have some dozens."""

TIMESTAMP_MS_MAX: Final = 2**53
"""Latest time of a phone's clock; beyond it, other programs would read another number."""

NO_TIMESTAMP: Final = -1

KEYS_A_QUERY_MAX: Final = 500

Pair = tuple[str, Arm]
"""Rollout and arm."""

NOBODY: Final[tuple[Seen, Standing]] = (Seen(), "unseen")
"""A device of which nothing is known."""


def check(item: ReportItem) -> None:
    """See whether a report can be written at all.

    Raises:
        Refused: `ReportInvalid`.
    """
    if isinstance(item, Report) and not 0 <= (item.timestamp_ms or 0) <= TIMESTAMP_MS_MAX:
        raise Refused("ReportInvalid", "The time of a report is out of range.")
    for text in _texts(item):
        # Half of a surrogate pair has no UTF-8, and PostgreSQL's text has no NUL.
        if len(text) > TEXT_CHARACTERS_MAX or "\0" in text or _has_surrogate(text):
            raise Refused("ReportInvalid", "A text of a report is too long or no valid Unicode.")


async def record(
    database: Database, batch: Sequence[ReportItem], *, at: datetime, proof_gap: timedelta
) -> None:
    """Write reports in one transaction, and return when they are on disk.

    Any order, repetition or division into batches of the same reports at the same times leaves the
    same rows and counts.

    Args:
        database: where to.
        batch: what phones told.
        at: when it was received, in UTC.
        proof_gap: how long after its first check-in on a bundle a device must check in on it again
            to have proved that it starts.

    Raises:
        Refused: `ReportInvalid`; nothing was written.
        Unavailable: `StoreFailed`; nothing was written.
    """
    for item in batch:
        check(item)
    told: dict[Pair, list[Sighting | Failure]] = defaultdict(list)
    for item in batch:
        if not isinstance(item, Report) and item.rollout_id:
            told[item.rollout_id, item.arm].append(item)
    async with database.transaction("record-reports") as connection:
        await _lock_counts(connection, told)
        for pair in sorted(told):
            await _merge(connection, pair, told[pair], at, proof_gap)
        await _quarantine(connection, batch, at)
        await _keep(connection, batch, at)


async def evidence(database: Database, rollout_id: str) -> Evidence:
    """Return what phones showed in a rollout; nothing for a rollout that nobody knows.

    Raises:
        Unavailable: `StoreFailed`.
    """
    async with database.reading() as connection:
        return await evidence_in(connection, rollout_id)


async def evidence_in(connection: AsyncConnection, rollout_id: str) -> Evidence:
    """Return `evidence` as a transaction sees it."""
    rows = await connection.execute(select(counts).where(counts.c.rollout_id == rollout_id))
    arms = {
        row.arm: ArmCounts(devices=row.devices, failed=row.failed, proven=row.proven)
        for row in rows
    }
    return Evidence(
        candidate=arms.get("candidate", ArmCounts()), control=arms.get("control", ArmCounts())
    )


def report_commits(
    database: Database, *, now: Callable[[], datetime], proof_gap: timedelta
) -> GroupCommit[ReportItem]:
    """Return a queue before `record`, to be entered as a context.

    Args:
        database: where to.
        now: the time in UTC, read when a batch is written.
        proof_gap: as for `record`.
    """

    async def write(batch: Sequence[ReportItem]) -> None:
        await record(database, batch, at=now(), proof_gap=proof_gap)

    return GroupCommit(write)


async def _lock_counts(connection: AsyncConnection, pairs: Iterable[Pair]) -> None:
    """Make whoever else counts in the same rollouts wait until this transaction ends."""
    for rollout_id, arm in sorted(pairs):
        insert = insert_into(connection, counts).values(
            rollout_id=rollout_id, arm=arm, devices=0, failed=0, proven=0
        )
        await connection.execute(insert.on_conflict_do_nothing())
        await connection.execute(
            select(counts.c.devices)
            .where(counts.c.rollout_id == rollout_id, counts.c.arm == arm)
            .with_for_update()
        )


async def _merge(
    connection: AsyncConnection,
    pair: Pair,
    told: Sequence[Sighting | Failure],
    at: datetime,
    proof_gap: timedelta,
) -> None:
    before = await _known(connection, pair, sorted({item.device_id for item in told}))
    after: dict[str, Seen] = {}
    for item in told:
        seen = after.get(item.device_id) or before.get(item.device_id, NOBODY)[0]
        match item:
            case Sighting():
                seen = sighted(seen, at, proof_gap, running=item.running)
            case Failure():
                seen = failed(seen, at, item.action)
        after[item.device_id] = seen
    counted: dict[Standing, int] = defaultdict(int)
    rows = []
    for device_id, seen in after.items():
        known, counted_as = before.get(device_id, NOBODY)
        if seen == known:
            continue
        counts_as = standing(seen, proof_gap)
        counted[counted_as] -= 1
        counted[counts_as] += 1
        rows.append(_row(pair, device_id, seen, counts_as))
    if rows:
        await _write_sightings(connection, rows)
        await _count(connection, pair, counted)


async def _known(
    connection: AsyncConnection, pair: Pair, device_ids: Sequence[str]
) -> dict[str, tuple[Seen, Standing]]:
    known: dict[str, tuple[Seen, Standing]] = {}
    for start in range(0, len(device_ids), KEYS_A_QUERY_MAX):
        rows = await connection.execute(
            select(sightings).where(
                sightings.c.rollout_id == pair[0],
                sightings.c.arm == pair[1],
                sightings.c.device_id.in_(device_ids[start : start + KEYS_A_QUERY_MAX]),
            )
        )
        for row in rows:
            seen = Seen(
                first_at=row.first_at,
                running_at=row.running_at,
                heard_until=row.heard_until,
                failed_at=row.failed_at,
                failure=row.failure,
            )
            known[row.device_id] = (seen, row.standing)
    return known


def _row(pair: Pair, device_id: str, seen: Seen, counts_as: Standing) -> Mapping[str, object]:
    return {
        "rollout_id": pair[0],
        "arm": pair[1],
        "device_id": device_id,
        "first_at": seen.first_at,
        "running_at": seen.running_at,
        "heard_until": seen.heard_until,
        "failed_at": seen.failed_at,
        "failure": seen.failure,
        "standing": counts_as,
    }


async def _write_sightings(
    connection: AsyncConnection, rows: Sequence[Mapping[str, object]]
) -> None:
    insert = insert_into(connection, sightings)
    key = {column.name for column in sightings.primary_key}
    upsert = insert.on_conflict_do_update(
        index_elements=list(sightings.primary_key),
        set_={name: insert.excluded[name] for name in rows[0] if name not in key},
    )
    await connection.execute(upsert, rows)


async def _count(connection: AsyncConnection, pair: Pair, counted: Mapping[Standing, int]) -> None:
    proven, gone = counted.get("proven", 0), counted.get("failed", 0)
    await connection.execute(
        update(counts)
        .where(counts.c.rollout_id == pair[0], counts.c.arm == pair[1])
        .values(
            devices=counts.c.devices + counted.get("seen", 0) + proven + gone,
            proven=counts.c.proven + proven,
            failed=counts.c.failed + gone,
        )
    )


async def _quarantine(
    connection: AsyncConnection, batch: Sequence[ReportItem], at: datetime
) -> None:
    pairs = {
        (item.device_id, item.digest) for item in batch if isinstance(item, Failure) and item.digest
    }
    new = 0
    for device_id, digest in sorted(pairs):
        insert = insert_into(connection, quarantine).values(
            device_id=device_id, digest=digest, at=at
        )
        new += (await connection.execute(insert.on_conflict_do_nothing())).rowcount
    if new:
        await note_change(connection)


async def _keep(connection: AsyncConnection, batch: Sequence[ReportItem], at: datetime) -> None:
    rows = [
        {
            "app_id": item.app_id,
            "device_id": item.device_id,
            "action": item.action,
            "version_name": item.version_name,
            "timestamp_ms": NO_TIMESTAMP if item.timestamp_ms is None else item.timestamp_ms,
            "received_at": at,
        }
        for item in batch
        if isinstance(item, Report)
    ]
    if not rows:
        return
    insert = insert_into(connection, reports)
    upsert = insert.on_conflict_do_update(
        index_elements=list(reports.primary_key),
        set_={"received_at": insert.excluded.received_at},
        where=reports.c.received_at > insert.excluded.received_at,
    )
    await connection.execute(upsert, rows)


def _texts(item: ReportItem) -> tuple[str, ...]:
    match item:
        case Sighting():
            return (item.rollout_id, item.device_id, item.arm)
        case Failure():
            return (item.rollout_id, item.device_id, item.arm, item.digest, item.action)
        case Report():
            return (item.app_id, item.device_id, item.action, item.version_name)


def _has_surrogate(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)
