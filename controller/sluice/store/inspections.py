"""What was seen inside bundles: one sealed report a bundle, replaced when the rules change."""

from datetime import datetime

from sqlalchemy import select

from sluice.store.database import Database, insert_into
from sluice.store.leadership import leading
from sluice.store.schema import inspections

__all__ = ["inspection_of", "keep_inspection"]


async def inspection_of(database: Database, digest: str) -> str | None:
    """Return the sealed report on a bundle, or None when there is none.

    Raises:
        Unavailable: `StoreFailed`.
    """
    async with database.reading() as connection:
        found = await connection.execute(
            select(inspections.c.sealed).where(inspections.c.digest == digest)
        )
        sealed: str | None = found.scalar_one_or_none()
    return sealed


async def keep_inspection(
    database: Database, digest: str, sealed: str, *, epoch: int, at: datetime
) -> None:
    """Keep the sealed report on a bundle in place of any before it.

    Raises:
        Fenced: another operator leads.
        Unavailable: `StoreFailed`.
    """
    row = {"sealed": sealed, "at": at}
    async with leading(database, "keep-inspection", epoch) as transaction:
        await transaction.execute(
            insert_into(transaction, inspections)
            .values(digest=digest, **row)
            .on_conflict_do_update(index_elements=list(inspections.primary_key), set_=row)
        )
