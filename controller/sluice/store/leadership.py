"""Which operator leads: every write of an operator is made under its epoch, or not at all.

A Lease cannot stop a process that was held up for a minute and believes that it still leads. The
store can: it looks at the epoch inside the transaction.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sluice.errors import Fenced
from sluice.store import audit
from sluice.store.crashpoints import Purpose
from sluice.store.database import Database
from sluice.store.schema import leadership

__all__ = ["current_epoch", "leading", "take_over"]


async def current_epoch(database: Database) -> int:
    """Return the epoch of the operator that leads; 0 when none ever did.

    Raises:
        Unavailable: `StoreFailed`.
    """
    async with database.reading() as connection:
        return await _epoch(connection)


async def take_over(database: Database, *, epoch: int, holder: str, at: datetime) -> None:
    """Lead from now on: writes under any other epoch are refused.

    Args:
        database: the store.
        epoch: a number that no leader had before.
        holder: who leads, for the audit log.
        at: when, in UTC.

    Raises:
        Fenced: this epoch or a later one has led already.
        Unavailable: `StoreFailed`.
    """
    async with database.transaction("take-over") as transaction:
        stored = await _epoch(transaction, locked=True)
        if epoch <= stored:
            raise Fenced("Fenced", f"Epoch {epoch} can't take over: epoch {stored} has led.")
        await transaction.execute(update(leadership).values(epoch=epoch, holder=holder, at=at))
        body = {"epoch": epoch, "holder": holder, "previousEpoch": stored}
        await audit.append(transaction, "TookOver", "Operator", body, at=at)


@asynccontextmanager
async def leading(
    database: Database, purpose: Purpose, epoch: int
) -> AsyncIterator[AsyncConnection]:
    """Give a write transaction in which this epoch is sure to lead until it commits.

    Raises:
        Fenced: another epoch leads.
        Unavailable: `StoreFailed`.
    """
    async with database.transaction(purpose) as transaction:
        stored = await _epoch(transaction, locked=True)
        if epoch != stored:
            raise Fenced("Fenced", f"Epoch {stored} leads; this process has epoch {epoch}.")
        yield transaction


async def _epoch(connection: AsyncConnection, *, locked: bool = False) -> int:
    query = select(leadership.c.epoch)
    return int(await connection.scalar(query.with_for_update() if locked else query) or 0)
