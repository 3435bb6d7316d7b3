"""Who holds an appId: the first one that claimed it, until it lets go."""

from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sluice.errors import Refused
from sluice.reconcile.observed import Claim
from sluice.store import audit
from sluice.store.database import Database
from sluice.store.leadership import leading
from sluice.store.schema import claims, ledger

__all__ = [
    "all_claims",
    "claim_of",
    "ever_published",
    "expect_claimed",
    "release_claim",
    "take_claim",
]


async def claim_of(database: Database, app_id: str) -> Claim | None:
    """Return who holds an appId.

    Raises:
        Unavailable: `StoreFailed`.
    """
    async with database.reading() as connection:
        return await _claim_of(connection, app_id)


async def all_claims(database: Database) -> tuple[Claim, ...]:
    """Return every claim, in the order of the appIds.

    Raises:
        Unavailable: `StoreFailed`.
    """
    async with database.reading() as connection:
        rows = await connection.execute(select(claims).order_by(claims.c.app_id))
        return tuple(
            Claim(app_id=row.app_id, namespace=row.namespace, name=row.name) for row in rows
        )


async def take_claim(database: Database, claim: Claim, *, epoch: int, at: datetime) -> Claim:
    """Claim an appId if nobody holds it, and return who holds it then.

    Raises:
        Fenced: another operator leads.
        Unavailable: `StoreFailed`.
    """
    async with leading(database, "take-claim", epoch) as transaction:
        held = await _claim_of(transaction, claim.app_id)
        if held is not None:
            return held
        await transaction.execute(
            insert(claims).values(
                app_id=claim.app_id, namespace=claim.namespace, name=claim.name, at=at
            )
        )
        await audit.append(transaction, "Claimed", _subject(claim), _body(claim), at=at)
        return claim


async def release_claim(database: Database, claim: Claim, *, epoch: int, at: datetime) -> None:
    """Let go of an appId, if this very claim holds it, and nothing was published under it.

    Otherwise nothing happens: what decided so did not know yet.

    Raises:
        Fenced: another operator leads.
        Unavailable: `StoreFailed`.
    """
    async with leading(database, "release-claim", epoch) as transaction:
        if await _claim_of(transaction, claim.app_id) != claim:
            return
        if await _published(transaction, claim.app_id):
            return
        await transaction.execute(delete(claims).where(claims.c.app_id == claim.app_id))
        await audit.append(transaction, "Released", _subject(claim), _body(claim), at=at)


async def ever_published(database: Database, app_id: str) -> bool:
    """Return whether any bundle was ever published under an appId.

    Raises:
        Unavailable: `StoreFailed`.
    """
    async with database.reading() as connection:
        return await _published(connection, app_id)


async def expect_claimed(transaction: AsyncConnection, app_id: str, namespace: str) -> None:
    """See whether a namespace holds an appId, inside a transaction that relies on it.

    Raises:
        Refused: `NotClaimed`.
    """
    held = await _claim_of(transaction, app_id)
    if held is None or held.namespace != namespace:
        raise Refused(
            "NotClaimed",
            f"Namespace {namespace} does not hold {app_id}: add an App there, or use the"
            " namespace that holds it.",
        )


async def _claim_of(connection: AsyncConnection, app_id: str) -> Claim | None:
    row = (await connection.execute(select(claims).where(claims.c.app_id == app_id))).first()
    if row is None:
        return None
    return Claim(app_id=row.app_id, namespace=row.namespace, name=row.name)


async def _published(connection: AsyncConnection, app_id: str) -> bool:
    query = select(ledger.c.app_id).where(ledger.c.app_id == app_id).limit(1)
    return (await connection.execute(query)).first() is not None


def _subject(claim: Claim) -> str:
    return f"App/{claim.namespace}/{claim.name}"


def _body(claim: Claim) -> dict[str, object]:
    return {"appId": claim.app_id, "namespace": claim.namespace, "name": claim.name}
