"""Revoked bundles, outside of git: deleting the Release that revokes one does not bring it back."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import select

from sluice.store import audit
from sluice.store.database import Database, insert_into
from sluice.store.leadership import leading
from sluice.store.schema import revocations

__all__ = ["keep_revocation", "revocations_of"]


async def keep_revocation(
    database: Database, namespace: str, digest: str, reason: str, *, epoch: int, at: datetime
) -> None:
    """Remember that a bundle is revoked in a namespace, and audit it; the first reason stays.

    Args:
        database: where to.
        namespace: of the Release.
        digest: of the bundle.
        reason: why, as the Release says it.
        epoch: of the operator that leads.
        at: when, in UTC.

    Raises:
        Fenced: another operator leads.
        Unavailable: `StoreFailed`.
    """
    async with leading(database, "keep-revocation", epoch) as transaction:
        written = await transaction.execute(
            insert_into(transaction, revocations)
            .values(namespace=namespace, digest=digest, reason=reason, at=at)
            .on_conflict_do_nothing()
        )
        if written.rowcount:
            body = {"digest": digest, "reason": reason}
            await audit.append(transaction, "Revoked", f"Release/{namespace}", body, at=at)


async def revocations_of(
    database: Database, namespace: str, digests: Collection[str]
) -> Mapping[str, str]:
    """Return which of these bundles are revoked in a namespace, each with the reason.

    Raises:
        Unavailable: `StoreFailed`.
    """
    async with database.reading() as connection:
        rows = await connection.execute(
            select(revocations.c.digest, revocations.c.reason).where(
                revocations.c.namespace == namespace, revocations.c.digest.in_(sorted(digests))
            )
        )
        return {row.digest: row.reason for row in rows}
