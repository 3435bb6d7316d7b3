"""The audit log: append-only, hash-chained, written in the transaction of what it tells about.

Each entry holds the hash of the one before it. The last entry's number and hash stand in a second
place (`audit_head`), so that a log whose tail was cut off is found out; who notes them outside of
the database, too, finds out if both were rewritten (`anchor` of `verify_chain`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sluice.resources.canonical import canonical_json, sha256_hex
from sluice.store.database import Database
from sluice.store.schema import audit, audit_head

__all__ = [
    "NO_HASH",
    "Broken",
    "ChainState",
    "Entry",
    "EntryKind",
    "Head",
    "Intact",
    "append",
    "entries",
    "head",
    "verify_chain",
]

EntryKind = Literal[
    "Verdict",
    "Published",
    "PublicationRefused",
    "Open",
    "Offer",
    "Withdraw",
    "Promote",
    "Retarget",
    "Retire",
    "Claimed",
    "Released",
    "PolicyAdopted",
    "WordKept",
    "Revoked",
    "TookOver",
]
"""`Released`: an appId is free again. `PolicyAdopted`: a revision of a policy is in force.
`WordKept`: a rejection, withdrawal or break-glass counts even once its file is deleted; `Revoked`:
so does a revocation. The other words are those of `reconcile.step`."""

NO_HASH: Final = "0" * 64
"""What the first entry holds as the hash of the one before it."""

TIME: Final = "%Y-%m-%dT%H:%M:%S.%fZ"

PAGE_ENTRIES_MAX: Final = 1_000
"""Entries in memory at once while a log is read through: some megabytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the log."""

    seq: int
    """Counts from 1 without a gap."""
    at: datetime
    kind: str
    subject: str
    """What it is about, e.g. `Channel/shop/production`."""
    body: Mapping[str, Any]
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The last entry's number and hash; 0 and `NO_HASH` for an empty log."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Intact:
    """Every entry is what was appended, and none is missing."""

    head: Head


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """Where the log is no longer what was appended, and how that shows."""

    seq: int
    """Number of the first entry that is wrong or missing."""
    message: str


ChainState = Intact | Broken


async def append(
    transaction: AsyncConnection,
    kind: EntryKind,
    subject: str,
    body: Mapping[str, object],
    *,
    at: datetime,
) -> Head:
    """Append an entry, in the transaction that does what the entry tells.

    Args:
        transaction: a write transaction of `Database`.
        kind: what happened.
        subject: to what.
        body: everything about it, as JSON without floating point.
        at: when, in UTC.

    Raises:
        TypeError, ValueError: when `body` has no canonical form.
    """
    last = await _head(transaction, locked=True)
    row = {
        "seq": last.seq + 1,
        "at": at.astimezone(UTC).strftime(TIME),
        "kind": kind,
        "subject": subject,
        "body": canonical_json(body).decode(),
        "previous": last.hash,
    }
    new = Head(seq=last.seq + 1, hash=_hash(row))
    await transaction.execute(insert(audit).values(**row, hash=new.hash))
    await transaction.execute(update(audit_head).values(seq=new.seq, hash=new.hash))
    return new


async def head(database: Database) -> Head:
    """Return the last entry's number and hash.

    Raises:
        Unavailable: `StoreFailed`.
    """
    async with database.reading() as connection:
        return await _head(connection, locked=False)


async def entries(
    database: Database, *, last: int = PAGE_ENTRIES_MAX, subject: str | None = None
) -> tuple[Entry, ...]:
    """Return the newest entries, the oldest of them first.

    Args:
        database: where from.
        last: how many at most.
        subject: only what is about it.

    Raises:
        Unavailable: `StoreFailed`.
    """
    query = select(audit).order_by(audit.c.seq.desc()).limit(last)
    if subject is not None:
        query = query.where(audit.c.subject == subject)
    async with database.reading() as connection:
        rows = (await connection.execute(query)).all()
    return tuple(_entry(row) for row in reversed(rows))


async def verify_chain(database: Database, *, anchor: Head | None = None) -> ChainState:
    """Read the whole log and see whether it is what was appended.

    Args:
        database: where from.
        anchor: an entry's number and hash as they were noted elsewhere.

    Raises:
        Unavailable: `StoreFailed`.
    """
    previous = Head(seq=0, hash=NO_HASH)
    async with database.reading() as connection:
        kept = await _head(connection, locked=False)
        while rows := await _page(connection, previous.seq):
            for row in rows:
                if fault := _fault(row, previous, anchor):
                    return fault
                previous = Head(seq=row.seq, hash=row.hash)
    if previous != kept:
        return Broken(
            seq=min(previous.seq, kept.seq) + 1,
            message=f"The log ends with entry {previous.seq}, but {kept.seq} was the last one"
            " that was appended.",
        )
    if anchor is not None and anchor.seq > previous.seq:
        return Broken(
            seq=previous.seq + 1,
            message=f"The log ends with entry {previous.seq}, but entry {anchor.seq} was noted.",
        )
    return Intact(head=previous)


def _fault(row: Row[Any], previous: Head, anchor: Head | None) -> Broken | None:
    if row.seq != previous.seq + 1:
        return Broken(seq=previous.seq + 1, message=f"Entry {previous.seq + 1} is missing.")
    if row.previous != previous.hash:
        return Broken(seq=row.seq, message=f"Entry {row.seq} does not follow the one before it.")
    if row.hash != _hash({name: getattr(row, name) for name in HASHED}):
        return Broken(seq=row.seq, message=f"Entry {row.seq} was changed after it was written.")
    if anchor is not None and anchor.seq == row.seq and anchor.hash != row.hash:
        return Broken(seq=row.seq, message=f"Entry {row.seq} has another hash than was noted.")
    return None


HASHED: Final = ("seq", "at", "kind", "subject", "body", "previous")


def _hash(row: Mapping[str, object]) -> str:
    return sha256_hex(canonical_json(row))


async def _page(connection: AsyncConnection, after: int) -> list[Row[Any]]:
    rows = await connection.execute(
        select(audit).where(audit.c.seq > after).order_by(audit.c.seq).limit(PAGE_ENTRIES_MAX)
    )
    return list(rows)


async def _head(connection: AsyncConnection, *, locked: bool) -> Head:
    query = select(audit_head.c.seq, audit_head.c.hash)
    row = (await connection.execute(query.with_for_update() if locked else query)).one()
    return Head(seq=row.seq, hash=row.hash)


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        seq=row.seq,
        at=datetime.strptime(row.at, TIME).replace(tzinfo=UTC),
        kind=row.kind,
        subject=row.subject,
        body=json.loads(row.body),
        hash=row.hash,
    )
