"""Verdicts, written to the audit log before whatever they allow."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from sluice.gate.record import DecisionRecord
from sluice.policy.verdict import Answer
from sluice.resources.canonical import sha256_hex
from sluice.store import audit, decisions
from sluice.store.database import Database, insert_into
from sluice.store.leadership import leading
from sluice.store.schema import verdicts

__all__ = ["LastVerdict", "last_verdict", "last_verdict_in", "record_verdict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LastVerdict:
    """The last verdict in the audit log for a channel."""

    digest: str
    """`Verdict.digest()`."""
    answer: Answer
    release_digest: str


async def record_verdict(
    database: Database, decision: DecisionRecord, summary: bytes, *, epoch: int, at: datetime
) -> None:
    """Write a verdict to the audit log, unless it is the last one there for its channel.

    What it was made from is kept in the same transaction, and the entry names it by digest.

    Args:
        database: the store.
        decision: the verdict and its case.
        summary: the signed summary of it (`sluice.gate.vsa`).
        epoch: of this leader's term.
        at: when, in UTC.

    Raises:
        Fenced: another operator leads.
        Unavailable: `StoreFailed`.
    """
    verdict = decision.verdict
    digest = verdict.digest()
    async with leading(database, "record-verdict", epoch) as transaction:
        last = await last_verdict_in(transaction, verdict.namespace, verdict.channel)
        if last is not None and last.digest == digest:
            return
        subject = f"Channel/{verdict.namespace}/{verdict.channel}"
        body = {
            **verdict.as_json(),
            "digest": digest,
            "record": decision.digest,
            "summary": sha256_hex(summary),
        }
        entry = await audit.append(transaction, "Verdict", subject, body, at=at)
        await decisions.keep(transaction, decision, summary, seq=entry.seq, at=at)
        row = {
            "digest": digest,
            "answer": verdict.answer,
            "release_digest": verdict.release_digest,
            "at": at,
        }
        await transaction.execute(
            insert_into(transaction, verdicts)
            .values(namespace=verdict.namespace, channel=verdict.channel, **row)
            .on_conflict_do_update(index_elements=list(verdicts.primary_key), set_=row)
        )


async def last_verdict(database: Database, namespace: str, channel: str) -> LastVerdict | None:
    """Return the last verdict in the audit log for a channel.

    Raises:
        Unavailable: `StoreFailed`.
    """
    async with database.reading() as connection:
        return await last_verdict_in(connection, namespace, channel)


async def last_verdict_in(
    connection: AsyncConnection, namespace: str, channel: str
) -> LastVerdict | None:
    """Return `last_verdict` as a transaction sees it."""
    found = await connection.execute(
        select(verdicts).where(verdicts.c.namespace == namespace, verdicts.c.channel == channel)
    )
    row = found.first()
    if row is None:
        return None
    return LastVerdict(digest=row.digest, answer=row.answer, release_digest=row.release_digest)
