"""A migrated store in a folder of the test's own."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sluice.store.database import Database
from sluice.store.migration import migrate
from support.storing import Writer


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an empty store, to be copied: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("empty") / "sluice.db"
    asyncio.run(migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture
def url(empty_store: Path, tmp_path: Path) -> str:
    """The URL of an empty store."""
    path = tmp_path / "store" / "sluice.db"
    path.parent.mkdir()
    shutil.copyfile(empty_store, path)
    return f"sqlite:///{path}"


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """An empty store."""
    opened = await Database.open(url)
    yield opened
    await opened.close()


@pytest.fixture
async def writer(database: Database, tmp_path: Path) -> Writer:
    """An operator that leads the empty store."""
    return await Writer(database, tmp_path / "blobs").lead()
