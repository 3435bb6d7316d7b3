"""Sluice installed in a cluster for one test: a team, a store, and helpers that look and wait."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.cluster import Cluster
from support.installation import Installation
from support.team import Team
from support.watching import Watcher


@pytest.fixture
def team(namespace: str, tmp_path: Path) -> Team:
    """A team with an appId of its own: claims are for the whole cluster."""
    folder = tmp_path / "bundles"
    folder.mkdir()
    app_id = f"com.example.{namespace.replace('-', '')}"
    return Team(namespace=namespace, bundles=folder, app_id=app_id)


@pytest.fixture
def sluice(namespace: str, operator_kubeconfig: Path, tmp_path: Path) -> Iterator[Installation]:
    """A store and its keys; the operator runs as its own service account once it is started."""
    with Installation(
        tmp_path / "sluice", kubeconfig=operator_kubeconfig, namespace=namespace
    ) as installed:
        yield installed


@pytest.fixture
def start(sluice: Installation, team: Team) -> Callable[..., Any]:
    """Start an operator that may fetch the team's bundles."""

    def _start(*arguments: str, **named: Any) -> Any:
        return sluice.start_operator(f"--allow-files-under={team.bundles}", *arguments, **named)

    return _start


@pytest.fixture
def look(cluster: Cluster, namespace: str) -> Watcher:
    """Looks at the team's objects."""
    return Watcher(cluster, namespace)
