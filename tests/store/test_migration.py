"""The schema in the code is the schema on disk."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from alembic import command

from sluice.errors import Unavailable
from sluice.store.crashpoints import unharmed
from sluice.store.database import Database, create_engine, parse_url
from sluice.store.migration import alembic_config, migrate
from sluice.store.schema import REVISION


async def test_migrations_make_exactly_the_tables_of_the_schema(url: str) -> None:
    """`alembic check` raises when it would write another migration."""
    database = Database(create_engine(parse_url(url)), unharmed)
    async with database.transaction("migrate") as connection:
        await connection.run_sync(lambda sync: command.check(alembic_config(sync)))
    await database.close()


async def test_a_store_that_is_up_to_date_is_left_as_it_is(url: str) -> None:
    path = Path(url.removeprefix("sqlite:///"))
    before = dump(path)

    await migrate(url)

    assert before == dump(path)
    assert any(REVISION in line for line in before)


async def test_several_that_migrate_at_once_make_one_store(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a/b/sluice.db"

    await asyncio.gather(*(migrate(url) for _ in range(4)))

    await (await Database.open(url)).close()


async def test_a_store_of_a_later_version_is_not_touched(url: str) -> None:
    raw = sqlite3.connect(Path(url.removeprefix("sqlite:///")))
    with raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()

    with pytest.raises(Unavailable) as refused:
        await migrate(url)

    assert refused.value.reason == "StoreIsNewer"


def dump(path: Path) -> list[str]:
    raw = sqlite3.connect(path)
    try:
        return list(raw.iterdump())
    finally:
        raw.close()
