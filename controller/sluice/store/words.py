"""Signed words on releases that must outlive their file in git: no, not any more, and broken glass.

What is kept is evidence, as it was signed. It is proven anew in each process, so whoever can write
here can't put a word into anybody's mouth.
"""

from datetime import datetime

from sqlalchemy import select

from sluice.store import audit
from sluice.store.database import Database, insert_into
from sluice.store.leadership import leading
from sluice.store.schema import kept_words
from sluice.verify.facts import Evidence

__all__ = ["keep_word", "kept_evidence"]


async def keep_word(
    database: Database,
    namespace: str,
    release_digest: str,
    word: Evidence,
    *,
    epoch: int,
    at: datetime,
) -> None:
    """Keep a word on a release; one that is kept already is not kept again.

    Args:
        database: where to.
        namespace: of the Release.
        release_digest: of the Release.
        word: the evidence, as it stood in git.
        epoch: of the operator that leads.
        at: when, in UTC.

    Raises:
        Fenced: another operator leads.
        Unavailable: `StoreFailed`.
    """
    digest = word.sha256()
    async with leading(database, "keep-word", epoch) as transaction:
        written = await transaction.execute(
            insert_into(transaction, kept_words)
            .values(
                namespace=namespace,
                release_digest=release_digest,
                evidence_sha256=digest,
                source=word.source,
                data=word.data.decode(),
                statement=None if word.statement is None else word.statement.decode(),
                at=at,
            )
            .on_conflict_do_nothing()
        )
        if written.rowcount:
            body = {"releaseDigest": release_digest, "evidence": digest, "source": word.source}
            await audit.append(transaction, "WordKept", f"Release/{namespace}", body, at=at)


async def kept_evidence(
    database: Database, namespace: str, release_digest: str
) -> tuple[Evidence, ...]:
    """Return the words on a release that are kept, the oldest first.

    Raises:
        Unavailable: `StoreFailed`.
    """
    async with database.reading() as connection:
        rows = await connection.execute(
            select(kept_words)
            .where(
                kept_words.c.namespace == namespace, kept_words.c.release_digest == release_digest
            )
            .order_by(kept_words.c.at, kept_words.c.evidence_sha256)
        )
        return tuple(
            Evidence(
                source=row.source,
                kind="approval",
                data=row.data.encode(),
                statement=None if row.statement is None else row.statement.encode(),
            )
            for row in rows
        )
