"""A store and a device server over it, of the test's own."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sluice.store.migration import migrate
from support.devices import Running, Store, device_server


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an empty store; to copy it is faster than to make it."""
    store = Store(tmp_path_factory.mktemp("empty"))
    asyncio.run(migrate(store.url))
    return store.database_file


@pytest.fixture
async def store(tmp_path: Path, empty_store: Path) -> AsyncIterator[Store]:
    made = await Store.make(tmp_path, empty_store)
    yield made
    await made.database.close()


@pytest.fixture
async def server(store: Store) -> AsyncIterator[Running]:
    """Started on an empty store; tests serve something and `refresh`."""
    async with device_server(store) as running:
        yield running
