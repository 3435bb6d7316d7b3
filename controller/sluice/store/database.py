"""The database: one engine, one way to read and one way to write.

Several processes use one SQLite file at once. A write transaction takes the write lock when it
begins (BEGIN IMMEDIATE): one that first reads and locks later could only fail when two do so at the
same time. A commit returns when it is on disk (synchronous=FULL). The same code is to run on
PostgreSQL, where the rows that guard a decision are locked by SELECT ... FOR UPDATE, which SQLite
does not need and leaves out.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final, Self

import aiosqlite
from sqlalchemy import URL, Table, event, make_url, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from sluice.errors import Refused, Unavailable
from sluice.store.crashpoints import Crashpoint, Purpose, unharmed
from sluice.store.schema import REVISION, alembic_version

__all__ = ["Database", "create_engine", "insert_into", "parse_url", "use_write_ahead_log"]

BUSY_MILLISECONDS: Final = 10_000
"""How long a connection waits for another process's write: a commit takes some milliseconds, and a
disk that stalls some seconds."""

RETRY_MILLISECONDS: Final = 50

CONNECTIONS_MAX: Final = 4
"""Connections of one process. Each has a thread; only one writes at a time."""


_SNAPSHOT: ContextVar["tuple[Database, AsyncConnection] | None"] = ContextVar(
    "snapshot", default=None
)
"""The snapshot that the running task is in."""


class Database:
    """The store's database. Made by `open`, ended by `close`."""

    def __init__(self, engine: AsyncEngine, crashpoint: Crashpoint) -> None:
        self._engine = engine
        self._writer = engine.execution_options(writes=True)
        self._crashpoint = crashpoint
        # Writers of one process queue up here in order; SQLite's own waiting is a lottery.
        self._writing = asyncio.Lock()

    @classmethod
    async def open(cls, url: str, *, crashpoint: Crashpoint = unharmed) -> Self:
        """Open a database that `store.migration.migrate` brought up to date.

        Args:
            url: `sqlite:///` and the path of the file (four slashes for an absolute one).
            crashpoint: called at the points of `store.crashpoints`.

        Raises:
            Refused: `StoreUrlInvalid`.
            Unavailable: `StoreFailed`, or `StoreNotMigrated` while the schema is another.
        """
        parsed = parse_url(url)
        path = Path(parsed.database or "")
        if not await asyncio.to_thread(path.is_file):
            raise Unavailable("StoreNotMigrated", f"There is no database at {path!s} yet.")
        await use_write_ahead_log(path)
        database = cls(create_engine(parsed), crashpoint)
        try:
            await database._expect_our_schema()
        except BaseException:
            await database.close()
            raise
        return database

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()

    @asynccontextmanager
    async def transaction(self, purpose: Purpose) -> AsyncIterator[AsyncConnection]:
        """Give a connection in a write transaction, which is committed when the block ends well.

        Args:
            purpose: names its crashpoints.

        Raises:
            Unavailable: `StoreFailed`; nothing was written.
        """
        async with self._writing:
            with _foreign_errors_stop_here():
                async with self._writer.begin() as connection:
                    self._crashpoint(f"{purpose}:begun")
                    yield connection
                    self._crashpoint(f"{purpose}:before-commit")
        self._crashpoint(f"{purpose}:after-commit")

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection whose reads all see the database at one moment.

        Inside of `snapshot` it is the snapshot's connection and moment.

        Raises:
            Unavailable: `StoreFailed`.
        """
        within = _SNAPSHOT.get()
        if within is not None and within[0] is self:
            yield within[1]
            return
        with _foreign_errors_stop_here():
            async with self._engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[None]:
        """Let every `reading` of this task see one moment, on one connection.

        What is decided from several reads must not be made of two moments; and each connection
        costs more than a read. Within it nothing may be written, and no tasks begun that read.

        Raises:
            Unavailable: `StoreFailed`.
        """
        async with self.reading() as connection:
            token = _SNAPSHOT.set((self, connection))
            try:
                yield
            finally:
                _SNAPSHOT.reset(token)

    async def _expect_our_schema(self) -> None:
        async with self.reading() as connection:
            found = await connection.scalar(select(alembic_version.c.version_num))
        if found != REVISION:
            raise Unavailable(
                "StoreNotMigrated",
                f"The database has schema {found}, this program needs {REVISION}: run the"
                " migration of this version, or start the version that fits.",
            )


def insert_into(connection: AsyncConnection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT that knows ON CONFLICT, in the database's dialect."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def parse_url(url: str) -> URL:
    """Return a store's URL with the driver that this program uses.

    Raises:
        Refused: `StoreUrlInvalid`.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise Refused("StoreUrlInvalid", "The store's URL cannot be read.") from error
    # A database in memory would be another one for each connection, and gone with the process.
    if parsed.get_backend_name() != "sqlite" or parsed.database in {None, "", ":memory:"}:
        raise Refused(
            "StoreUrlInvalid",
            "The store must be a file of SQLite: sqlite:/// and its path (four slashes in all"
            " for an absolute one).",
        )
    return parsed.set(drivername="sqlite+aiosqlite")


async def use_write_ahead_log(path: Path) -> None:
    """Make SQLite's file one that many may read while one writes; it stays so.

    Raises:
        Unavailable: `StoreFailed`.
    """
    with _foreign_errors_stop_here():
        # SQLite does not wait for others here as it does elsewhere.
        for _ in range(BUSY_MILLISECONDS // RETRY_MILLISECONDS):
            if mode := await _write_ahead_mode(path):
                break
            await asyncio.sleep(RETRY_MILLISECONDS / 1_000)
        else:
            mode = "busy"
    if mode != "wal":
        raise Unavailable("StoreFailed", f"The database got no write-ahead log: {mode}.")


async def _write_ahead_mode(path: Path) -> str | None:
    """Return the mode that the file has after all, or None while another process is in the way."""
    async with aiosqlite.connect(path) as connection:
        try:
            async with connection.execute("PRAGMA journal_mode = WAL") as cursor:
                row = await cursor.fetchone()
        except aiosqlite.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                return None
            raise
    return str(row[0]) if row else None


def create_engine(url: URL) -> AsyncEngine:
    """Return an engine whose connections are set up, and whose transactions begin, as we need."""
    engine = create_async_engine(
        url,
        pool_size=CONNECTIONS_MAX,
        max_overflow=0,
        # Values may come from phones, and messages of errors end in logs.
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "connect", _set_up)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


@contextmanager
def _foreign_errors_stop_here() -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, aiosqlite.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise Unavailable("StoreFailed", f"The database did not answer: {cause}") from error


def _set_up(connection: Any, _record: object) -> None:
    # SQLite's driver would begin transactions when it thinks fit; `_begin` does it instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {BUSY_MILLISECONDS}",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Any) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
