"""A team and an operator over a store of their own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.laps import Laps
from support.team import Team


@pytest.fixture
def team(tmp_path: Path) -> Team:
    bundles = tmp_path / "bundles"
    bundles.mkdir()
    return Team(namespace="shop", bundles=bundles)


@pytest.fixture
async def laps(tmp_path: Path, team: Team) -> AsyncIterator[Laps]:
    opened = await Laps.open(tmp_path, files=team.bundles)
    yield opened
    await opened.database.close()
