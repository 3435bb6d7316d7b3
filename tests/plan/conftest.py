"""A team with its first release out to everybody."""

from pathlib import Path
from typing import Any

import pytest

from support.team import Team


@pytest.fixture
def team(tmp_path: Path) -> Team:
    bundles = tmp_path / "bundles"
    bundles.mkdir()
    return Team(namespace="shop", bundles=bundles, cluster="prod")


@pytest.fixture
def base(team: Team) -> list[dict[str, Any]]:
    """What stands on the main branch: 1.4.1 on production, approved by alice and bob."""
    release = team.release_manifest("1.4.1")
    return [
        team.app_manifest(),
        team.policy_manifest(),
        release,
        *(team.approval_manifest(who, release) for who in ("alice", "bob")),
        team.channel_manifest("shop-1.4.1"),
    ]
