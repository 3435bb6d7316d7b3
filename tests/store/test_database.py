"""How the database is opened, read and written."""

import asyncio
import contextvars
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from sluice.errors import Refused, Unavailable
from sluice.store.database import Database
from sluice.store.serving import change_number, note_change


async def set_number(connection: AsyncConnection, number: int) -> None:
    await connection.execute(text("UPDATE serving_change SET number = :n"), {"n": number})


def is_empty(folder: Path) -> bool:
    return not any(folder.iterdir())


def file_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "sqlite://", "sqlite:///:memory:", "postgresql://127.0.0.1/sluice", "a:b:c"],
)
async def test_a_url_that_is_no_file_of_sqlite_is_refused(url: str) -> None:
    with pytest.raises(Refused) as refused:
        await Database.open(url)

    assert refused.value.reason == "StoreUrlInvalid"


async def test_a_database_that_nobody_migrated_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as refused:
        await Database.open(f"sqlite:///{tmp_path}/none.db")

    assert refused.value.reason == "StoreNotMigrated"
    assert is_empty(tmp_path)


async def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "bad.db").write_bytes(b"no database" * 1000)

    with pytest.raises(Unavailable) as refused:
        await Database.open(f"sqlite:///{tmp_path}/bad.db")

    assert refused.value.reason == "StoreFailed"


async def test_a_database_of_another_version_is_not_opened(url: str) -> None:
    with sqlite3.connect(file_of(url)) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()

    with pytest.raises(Unavailable) as refused:
        await Database.open(url)

    assert refused.value.reason == "StoreNotMigrated"


async def test_a_commit_waits_for_the_disk_and_readers_for_nobody(database: Database) -> None:
    async with database.reading() as connection:
        settings = [
            await connection.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]

    assert settings == ["wal", 2, 1]


async def test_what_a_failed_block_wrote_is_not_there(database: Database) -> None:
    async def write_and_fail() -> None:
        async with database.transaction("serve") as connection:
            await set_number(connection, 7)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await write_and_fail()

    async with database.reading() as connection:
        assert await connection.scalar(text("SELECT number FROM serving_change")) == 0


async def test_what_a_cancelled_block_wrote_is_not_there_and_blocks_nobody(
    database: Database,
) -> None:
    begun = asyncio.Event()

    async def write_for_ever() -> None:
        async with database.transaction("serve") as connection:
            await set_number(connection, 7)
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write_for_ever())
    await begun.wait()
    task.cancel()
    await asyncio.wait({task})

    async with database.transaction("serve") as connection:
        assert await connection.scalar(text("SELECT number FROM serving_change")) == 0


async def test_a_reader_sees_one_moment_and_does_not_wait_for_a_writer(
    url: str, database: Database
) -> None:
    other = await Database.open(url)
    async with database.reading() as reading:
        before = await reading.scalar(text("SELECT number FROM serving_change"))
        async with other.transaction("serve") as writing:
            await set_number(writing, 7)
        after = await reading.scalar(text("SELECT number FROM serving_change"))
    await other.close()

    assert (before, after) == (0, 0)


async def test_two_that_read_and_then_write_do_not_fail_each_other(
    url: str, database: Database
) -> None:
    """With a lock that is taken at the first write, one of them would get `database is locked`."""
    other = await Database.open(url)

    async def count_up(which: Database) -> None:
        for _ in range(20):
            async with which.transaction("serve") as connection:
                number = await connection.scalar(text("SELECT number FROM serving_change"))
                await asyncio.sleep(0)
                await set_number(connection, number + 1)

    await asyncio.gather(count_up(database), count_up(other))
    await other.close()

    async with database.reading() as connection:
        assert await connection.scalar(text("SELECT number FROM serving_change")) == 40


async def test_an_error_of_the_database_tells_no_values(database: Database) -> None:
    with pytest.raises(Unavailable) as failed:
        async with database.transaction("serve") as connection:
            await connection.execute(text("SELECT nothing FROM nowhere WHERE 1 = :x"), {"x": "pw"})

    assert failed.value.reason == "StoreFailed"
    assert "pw" not in str(failed.value)
    assert "pw" not in str(failed.value.__cause__)


async def test_all_reads_in_a_snapshot_see_one_moment(database: Database) -> None:
    async with database.snapshot():
        before = await change_number(database)
        await asyncio.create_task(_change(database), context=contextvars.Context())
        within = await change_number(database)
    after = await change_number(database)

    assert (before, within, after) == (before, before, before + 1)


async def _change(database: Database) -> None:
    async with database.transaction("serve") as transaction:
        await note_change(transaction)
