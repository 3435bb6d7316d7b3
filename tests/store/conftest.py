"""A migrated store in a folder of the test's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sluice.store.database import Database
from sluice.store.migration import migrate


@pytest.fixture
async def url(tmp_path: Path) -> str:
    """The URL of an empty store."""
    url = f"sqlite:///{tmp_path}/store/sluice.db"
    await migrate(url)
    return url


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """An empty store."""
    opened = await Database.open(url)
    yield opened
    await opened.close()
