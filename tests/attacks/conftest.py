"""A team and an operator over a store of their own."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sluice.store.migration import migrate
from support.laps import Laps
from support.team import Team


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an empty store; to copy it is faster than to make it."""
    file = tmp_path_factory.mktemp("empty") / "sluice.db"
    asyncio.run(migrate(f"sqlite:///{file}"))
    return file


@pytest.fixture
def team(tmp_path: Path) -> Team:
    bundles = tmp_path / "bundles"
    bundles.mkdir()
    return Team(namespace="shop", bundles=bundles)


@pytest.fixture
async def laps(tmp_path: Path, team: Team, empty_store: Path) -> AsyncIterator[Laps]:
    shutil.copyfile(empty_store, tmp_path / "sluice.db")
    opened = await Laps.open(tmp_path, files=team.bundles)
    yield opened
    await opened.database.close()
