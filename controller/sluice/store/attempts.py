"""The last tries at something outside that failed, and when to try again."""

from typing import Literal, NamedTuple

from sqlalchemy import ColumnElement, and_, select

from sluice.reconcile.observed import Attempt
from sluice.store.database import Database, insert_into
from sluice.store.leadership import leading
from sluice.store.schema import attempts

__all__ = ["AttemptKey", "attempt_of", "note_attempt"]


class AttemptKey(NamedTuple):
    """What was tried."""

    purpose: Literal["Collect", "Inspect", "Publish"]
    namespace: str
    """Two namespaces with equal releases do not share their troubles."""
    release_digest: str


async def note_attempt(
    database: Database, key: AttemptKey, attempt: Attempt, *, epoch: int
) -> None:
    """Remember how the last try failed.

    Raises:
        Fenced: another operator leads.
        Unavailable: `StoreFailed`.
    """
    row = {"reason": attempt.reason, "message": attempt.message, "retry_at": attempt.retry_at}
    async with leading(database, "note-attempt", epoch) as transaction:
        await transaction.execute(
            insert_into(transaction, attempts)
            .values(**key._asdict(), **row)
            .on_conflict_do_update(index_elements=list(attempts.primary_key), set_=row)
        )


async def attempt_of(database: Database, key: AttemptKey) -> Attempt | None:
    """Return how the last try failed, or None when it did not.

    Raises:
        Unavailable: `StoreFailed`.
    """
    async with database.reading() as connection:
        found = await connection.execute(select(attempts).where(_is(key)))
        row = found.first()
    if row is None:
        return None
    return Attempt(reason=row.reason, message=row.message, retry_at=row.retry_at)


def _is(key: AttemptKey) -> ColumnElement[bool]:
    return and_(*(attempts.c[name] == value for name, value in key._asdict().items()))
