"""What device servers read of what is served, and the little that phones may say about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sluice.store.database import Database, insert_into
from sluice.store.schema import channels, overrides, quarantine, serving_change

__all__ = [
    "SealedChannel",
    "ServingRows",
    "change_number",
    "clear_override",
    "load",
    "note_change",
    "set_override",
]


SERVED: Final = (
    select(
        channels.c.app_id,
        channels.c.namespace,
        channels.c.channel,
        channels.c.generation,
        channels.c.sealed,
    )
    .where(channels.c.sealed.is_not(None))
    .order_by(channels.c.app_id, channels.c.namespace, channels.c.channel)
)

CHOSEN: Final = select(overrides.c.app_id, overrides.c.device_id, overrides.c.channel)

# Digests that no channel can offer need no memory in each device server.
KEPT_FROM: Final = select(quarantine.c.device_id, quarantine.c.digest).where(
    or_(
        quarantine.c.digest.in_(select(channels.c.stable_digest)),
        quarantine.c.digest.in_(select(channels.c.candidate_digest)),
        quarantine.c.digest.in_(select(channels.c.previous_digest)),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedChannel:
    """One channel as the operator sealed it; who opens it compares these fields with the inside."""

    app_id: str
    namespace: str
    channel: str
    generation: int
    sealed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingRows:
    """Everything that is served, at one moment."""

    change: int
    """The change number at that moment."""
    channels: tuple[SealedChannel, ...]
    """In the order of app, namespace and name."""
    overrides: Mapping[tuple[str, str], str]
    """(appId, device id) -> channel."""
    quarantine: frozenset[tuple[str, str]]
    """(device id, digest) of the bundles that are in some channel now."""


async def change_number(database: Database) -> int:
    """Return a number that grows with each change of what `load` returns.

    Raises:
        Unavailable: `StoreFailed`.
    """
    async with database.reading() as connection:
        return await _change_number(connection)


async def load(database: Database) -> ServingRows:
    """Return everything that is served, as it was at one moment.

    Raises:
        Unavailable: `StoreFailed`.
    """
    async with database.reading() as connection:
        served = await connection.execute(SERVED)
        chosen = await connection.execute(CHOSEN)
        kept = await connection.execute(KEPT_FROM)
        return ServingRows(
            change=await _change_number(connection),
            channels=tuple(SealedChannel(**row) for row in served.mappings()),
            overrides={(row.app_id, row.device_id): row.channel for row in chosen},
            quarantine=frozenset((row.device_id, row.digest) for row in kept),
        )


async def set_override(
    database: Database, app_id: str, device_id: str, channel: str, *, at: datetime
) -> None:
    """Remember the channel that a phone assigned itself to.

    Raises:
        Unavailable: `StoreFailed`.
    """
    async with database.transaction("set-override") as connection:
        insert = insert_into(connection, overrides).values(
            app_id=app_id, device_id=device_id, channel=channel, at=at
        )
        written = await connection.execute(
            insert.on_conflict_do_update(
                index_elements=[overrides.c.app_id, overrides.c.device_id],
                set_={"channel": insert.excluded.channel, "at": insert.excluded.at},
                where=overrides.c.channel != insert.excluded.channel,
            )
        )
        if written.rowcount:
            await note_change(connection)


async def clear_override(database: Database, app_id: str, device_id: str) -> None:
    """Forget the channel that a phone assigned itself to, if it did.

    Raises:
        Unavailable: `StoreFailed`.
    """
    async with database.transaction("clear-override") as connection:
        written = await connection.execute(
            delete(overrides).where(
                overrides.c.app_id == app_id, overrides.c.device_id == device_id
            )
        )
        if written.rowcount:
            await note_change(connection)


async def note_change(transaction: AsyncConnection) -> None:
    """Count the change number up, in the transaction that changes what is served."""
    await transaction.execute(update(serving_change).values(number=serving_change.c.number + 1))


async def _change_number(connection: AsyncConnection) -> int:
    number = await connection.scalar(select(serving_change.c.number))
    return number or 0
