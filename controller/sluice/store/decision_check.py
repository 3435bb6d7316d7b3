"""Whether every verdict in the audit log still has what it was made from.

The chain of the log covers the digests that its entries name (`store.audit`): here it is seen that
the records, summaries and pieces of those digests are there. What follows from them is another
question, which a replay answers (`sluice.gate.replay`).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Row, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sluice.errors import Refused
from sluice.gate.record import pieces_named
from sluice.gate.vsa import summarised
from sluice.resources.canonical import sha256_hex
from sluice.store.audit import Broken
from sluice.store.database import Database
from sluice.store.decisions import as_bytes
from sluice.store.schema import audit, decisions, pieces

__all__ = ["DecisionsState", "check_decisions"]

PAGE_DECISIONS_MAX: Final = 200
"""Decisions in memory at once: a megabyte, where records are of the usual size."""

PAGE_PIECES_MAX: Final = 16
"""Pieces in memory at once: 64 MB, were all of them as large as evidence may be."""

PROBLEMS_MAX: Final = 20
"""Problems that are told; whoever has rewritten more has rewritten everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionsState:
    """What became of looking at all decisions."""

    checked: int
    """Verdicts in the log."""
    problems: tuple[Broken, ...]
    """None: every one has its record, its summary and its pieces, all as they were written."""


async def check_decisions(
    database: Database, keys: Sequence[Ed25519PublicKey] | None
) -> DecisionsState:
    """Look whether every verdict has its decision, unchanged.

    Args:
        database: the store, whose chain holds (`audit.verify_chain`).
        keys: public halves of the seal keys that are accepted; None leaves signatures aside.

    Raises:
        Unavailable: `StoreFailed`.
    """
    problems: list[Broken] = []
    checked = after = 0
    async with database.reading() as connection:
        sound = await _sound_pieces(connection)
        while rows := await _page(connection, after):
            for row in rows:
                problems += _problems_of(row, sound, keys)
                after = row.seq
            checked += len(rows)
            if len(problems) >= PROBLEMS_MAX:
                break
        strays = await connection.scalar(_STRAYS)
    if strays is not None:
        problems.append(Broken(seq=strays, message=f"No verdict in the log is entry {strays}."))
    return DecisionsState(checked=checked, problems=tuple(problems[:PROBLEMS_MAX]))


_STRAYS: Final = (
    select(func.min(decisions.c.seq))
    .select_from(
        decisions.outerjoin(audit, and_(audit.c.seq == decisions.c.seq, audit.c.kind == "Verdict"))
    )
    .where(audit.c.seq.is_(None))
)
"""The first decision that no entry names."""


async def _sound_pieces(connection: AsyncConnection) -> set[str]:
    """Return the digests of the pieces whose bytes are theirs."""
    sound: set[str] = set()
    after = ""
    while True:
        query = select(pieces).where(pieces.c.digest > after).order_by(pieces.c.digest)
        rows = (await connection.execute(query.limit(PAGE_PIECES_MAX))).all()
        if not rows:
            return sound
        sound |= {row.digest for row in rows if sha256_hex(as_bytes(row.data)) == row.digest}
        after = rows[-1].digest


async def _page(connection: AsyncConnection, after: int) -> list[Row[Any]]:
    query = (
        select(audit.c.seq, audit.c.subject, audit.c.body, *_KEPT)
        .select_from(audit.outerjoin(decisions, audit.c.seq == decisions.c.seq))
        .where(audit.c.kind == "Verdict", audit.c.seq > after)
        .order_by(audit.c.seq)
        .limit(PAGE_DECISIONS_MAX)
    )
    return list(await connection.execute(query))


_KEPT: Final = (
    decisions.c.namespace,
    decisions.c.channel,
    decisions.c.digest,
    decisions.c.verdict,
    decisions.c.record,
    decisions.c.summary,
)


def _problems_of(
    row: Row[Any], sound: set[str], keys: Sequence[Ed25519PublicKey] | None
) -> Iterator[Broken]:
    if row.digest is None:
        yield Broken(seq=row.seq, message=f"Entry {row.seq} is a verdict without its decision.")
        return
    body: Mapping[str, Any] = json.loads(row.body)
    record, summary = as_bytes(row.record), as_bytes(row.summary)
    for what, found, named in (
        ("record", sha256_hex(record), body.get("record")),
        ("record's digest", row.digest, body.get("record")),
        ("summary", sha256_hex(summary), body.get("summary")),
        ("verdict's digest", row.verdict, body.get("digest")),
        ("channel", f"Channel/{row.namespace}/{row.channel}", row.subject),
    ):
        if found != named:
            message = f"The {what} of decision {row.seq} is not the one that the log names."
            yield Broken(seq=row.seq, message=message)
    try:
        said = summarised(summary, keys)
        if (said.record_sha256, said.verdict_sha256) != (body.get("record"), body.get("digest")):
            message = f"The summary of decision {row.seq} is of another decision."
            yield Broken(seq=row.seq, message=message)
        missing = set(pieces_named(record)) - sound
    except Refused as error:
        yield Broken(seq=row.seq, message=f"Decision {row.seq}: {error.message}")
        return
    if missing:
        message = f"Decision {row.seq} rests on {min(missing)}, which is missing or was changed."
        yield Broken(seq=row.seq, message=message)
