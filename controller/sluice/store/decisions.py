"""What each verdict was made from, beside its entry in the audit log.

A decision is kept in the transaction that appends the entry, which names the digests of the record
and of its signed summary: so the hash chain of the log covers them. What a record names by digest
is in `pieces`, once, however many decisions rest on it. Nothing here is ever changed or deleted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sluice.gate.record import DecisionRecord
from sluice.store.database import Database
from sluice.store.schema import decisions, pieces

__all__ = [
    "KeptDecision",
    "as_bytes",
    "decision_of_entry",
    "decision_of_record",
    "keep",
    "last_decisions",
    "pieces_of",
]

NAMES_MAX: Final = 500
"""Digests in one query: SQLite takes some thousand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDecision:
    """One decision, as it is kept: not trusted, and not read yet."""

    seq: int
    """Number of its entry in the audit log."""
    namespace: str
    channel: str
    digest: str
    """SHA-256 of `record`."""
    verdict: str
    """`Verdict.digest()`."""
    at: datetime
    record: bytes
    summary: bytes
    """DSSE envelope with the summary (`sluice.gate.vsa`)."""


async def keep(
    transaction: AsyncConnection, record: DecisionRecord, summary: bytes, *, seq: int, at: datetime
) -> None:
    """Keep a decision, in the transaction that appended its entry to the audit log.

    Args:
        transaction: a write transaction of `Database`.
        record: the decision.
        summary: its signed summary.
        seq: number of the entry.
        at: when, in UTC.
    """
    known = await _known(transaction, record.pieces)
    new = [{"digest": k, "data": v} for k, v in record.pieces.items() if k not in known]
    if new:
        await transaction.execute(insert(pieces), new)
    await transaction.execute(
        insert(decisions).values(
            seq=seq,
            namespace=record.verdict.namespace,
            channel=record.verdict.channel,
            digest=record.digest,
            verdict=record.verdict.digest(),
            at=at,
            record=record.data.decode(),
            summary=summary.decode(),
        )
    )


async def last_decisions(
    database: Database, *, last: int, namespace: str | None = None, channel: str | None = None
) -> tuple[KeptDecision, ...]:
    """Return the newest decisions, the oldest of them first.

    Args:
        database: where from.
        last: how many at most.
        namespace: only of this namespace.
        channel: only on a channel of this name.

    Raises:
        Unavailable: `StoreFailed`.
    """
    query = select(decisions).order_by(decisions.c.seq.desc()).limit(last)
    if namespace is not None:
        query = query.where(decisions.c.namespace == namespace)
    if channel is not None:
        query = query.where(decisions.c.channel == channel)
    return tuple(reversed(await _found(database, query)))


async def decision_of_entry(database: Database, seq: int) -> KeptDecision | None:
    """Return the decision of an entry in the audit log, if it is a verdict.

    Raises:
        Unavailable: `StoreFailed`.
    """
    found = await _found(database, select(decisions).where(decisions.c.seq == seq))
    return found[0] if found else None


async def decision_of_record(database: Database, digest: str) -> KeptDecision | None:
    """Return the decision whose record has a digest.

    Raises:
        Unavailable: `StoreFailed`.
    """
    query = select(decisions).where(decisions.c.digest == digest).order_by(decisions.c.seq)
    found = await _found(database, query)
    return found[0] if found else None


async def pieces_of(database: Database, names: Iterable[str]) -> dict[str, bytes]:
    """Return the pieces of these digests that are there; their bytes are not looked at.

    Raises:
        Unavailable: `StoreFailed`.
    """
    wanted = sorted(set(names))
    found: dict[str, bytes] = {}
    async with database.reading() as connection:
        for start in range(0, len(wanted), NAMES_MAX):
            some = wanted[start : start + NAMES_MAX]
            rows = await connection.execute(select(pieces).where(pieces.c.digest.in_(some)))
            found |= {row.digest: as_bytes(row.data) for row in rows}
    return found


async def _known(transaction: AsyncConnection, wanted: Mapping[str, bytes]) -> set[str]:
    names, known = sorted(wanted), set[str]()
    for start in range(0, len(names), NAMES_MAX):
        some = names[start : start + NAMES_MAX]
        query = select(pieces.c.digest).where(pieces.c.digest.in_(some))
        known |= {row.digest for row in await transaction.execute(query)}
    return known


async def _found(database: Database, query: Select[Any]) -> tuple[KeptDecision, ...]:
    async with database.reading() as connection:
        rows = (await connection.execute(query)).all()
    return tuple(_decision(row) for row in rows)


def _decision(row: Row[Any]) -> KeptDecision:
    return KeptDecision(
        seq=row.seq,
        namespace=row.namespace,
        channel=row.channel,
        digest=row.digest,
        verdict=row.verdict,
        at=row.at,
        record=as_bytes(row.record),
        summary=as_bytes(row.summary),
    )


def as_bytes(value: object) -> bytes:
    """Return the bytes of a value from the database.

    SQLite keeps whatever somebody else writes, whatever the column's type: what is neither text nor
    bytes has none, and so no digest that fits.
    """
    match value:
        case bytes():
            return value
        case str():
            return value.encode()
        case _:
            return b""
