"""Rollouts, one row each, from their first offer to their end."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sluice.reconcile.observed import RolloutRow
from sluice.store.database import Database, insert_into
from sluice.store.schema import rollouts

__all__ = [
    "ROLLOUTS_OF_BUNDLE_MAX",
    "completed_rollout",
    "latest_rollout",
    "rollout_json",
    "rollouts_of_bundle",
    "spent_rollout",
    "write_rollout",
]

ROLLOUTS_OF_BUNDLE_MAX = 256
"""Rollouts of one bundle that are looked at, the latest first: a channel has a few."""

CHANGING = ("phase", "step", "step_since", "ended_at", "reason", "message")
"""All that ever changes of a rollout; what it rolls out stays."""


async def latest_rollout(database: Database, namespace: str, channel: str) -> RolloutRow | None:
    """Return a channel's latest rollout, ended or not.

    Raises:
        Unavailable: `StoreFailed`.
    """
    return await _latest(database, rollouts.c.namespace == namespace, rollouts.c.channel == channel)


async def completed_rollout(database: Database, namespace: str, channel: str) -> RolloutRow | None:
    """Return the latest rollout that all phones of a channel got, and that was not taken back.

    Raises:
        Unavailable: `StoreFailed`.
    """
    return await _latest(
        database,
        rollouts.c.namespace == namespace,
        rollouts.c.channel == channel,
        rollouts.c.phase == "Complete",
    )


async def spent_rollout(
    database: Database, namespace: str, channel: str, release_digest: str, retry: int
) -> RolloutRow | None:
    """Return the rollout in which a release was taken back here at this `retry`, if it was.

    Raises:
        Unavailable: `StoreFailed`.
    """
    return await _latest(
        database,
        rollouts.c.namespace == namespace,
        rollouts.c.channel == channel,
        rollouts.c.release_digest == release_digest,
        rollouts.c.retry == retry,
        rollouts.c.phase.in_(("RolledBack", "Withdrawn")),
    )


async def rollouts_of_bundle(
    database: Database, namespace: str, bundle_digest: str
) -> tuple[RolloutRow, ...]:
    """Return the rollouts of a bundle on all channels of a namespace, the latest first.

    Raises:
        Unavailable: `StoreFailed`.
    """
    async with database.reading() as connection:
        found = await connection.execute(
            select(rollouts)
            .where(rollouts.c.namespace == namespace, rollouts.c.bundle_digest == bundle_digest)
            .order_by(rollouts.c.started_at.desc(), rollouts.c.channel)
            .limit(ROLLOUTS_OF_BUNDLE_MAX)
        )
        return tuple(_rollout(row) for row in found.mappings())


async def write_rollout(
    transaction: AsyncConnection, rollout: RolloutRow, *, generation: int
) -> None:
    """Begin or go on with a rollout, in the transaction that changes what is served.

    Args:
        transaction: a write transaction under the leader's epoch.
        rollout: its row from now on.
        generation: of the channel; kept from the first write on.
    """
    row = {name: getattr(rollout, name) for name in RolloutRow.__dataclass_fields__}
    await transaction.execute(
        insert_into(transaction, rollouts)
        .values(**row, generation=generation)
        .on_conflict_do_update(
            index_elements=list(rollouts.primary_key),
            set_={name: row[name] for name in CHANGING},
        )
    )


def rollout_json(rollout: RolloutRow) -> Mapping[str, object]:
    """Return a rollout as it is written to the audit log."""
    return {
        "rolloutId": rollout.rollout_id,
        "releaseDigest": rollout.release_digest,
        "retry": rollout.retry,
        "bundleDigest": rollout.bundle_digest,
        "version": rollout.version,
        "phase": rollout.phase,
        "step": rollout.step,
        "stepSince": rollout.step_since.isoformat(),
        "startedAt": rollout.started_at.isoformat(),
        "endedAt": rollout.ended_at.isoformat() if rollout.ended_at else None,
        "reason": rollout.reason,
        "message": rollout.message,
    }


async def _latest(database: Database, *conditions: ColumnElement[bool]) -> RolloutRow | None:
    async with database.reading() as connection:
        found = await connection.execute(
            select(rollouts).where(*conditions).order_by(rollouts.c.generation.desc()).limit(1)
        )
        row = found.mappings().first()
    return None if row is None else _rollout(row)


def _rollout(row: Mapping[Any, Any]) -> RolloutRow:
    return RolloutRow(**{name: row[name] for name in RolloutRow.__dataclass_fields__})
