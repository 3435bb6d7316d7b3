"""Whose lap a change asks for."""

from pathlib import Path
from typing import Any

import pytest

from sluice.operator.cache import Cache
from sluice.operator.related import related
from sluice.resources.kinds import Key
from support.team import Team


@pytest.fixture
def team(tmp_path: Path) -> Team:
    return Team(namespace="shop", bundles=tmp_path)


def told(cache: Cache, *manifests: dict[str, Any]) -> None:
    for each in manifests:
        metadata = {**each["metadata"], "uid": each["metadata"]["name"], "generation": 1}
        cache.apply(each["kind"], {**each, "metadata": metadata}, deleted=False)


def names(cache: Cache, kind: str, name: str, namespace: str = "shop") -> set[str]:
    return {f"{key.kind} {key.name}" for key in related(cache, Key(kind, namespace, name))}


CHANNELS = {"Channel production", "Channel beta"}
REACHED = {
    ("App", "shop", "shop"): {"App shop"} | CHANNELS,
    ("Approval", "shop", "shop-1.0.0-alice"): {
        "Approval shop-1.0.0-alice",
        "Channel production",
    },
    ("Release", "shop", "shop-1.0.0"): {
        "Release shop-1.0.0",
        "Approval shop-1.0.0-alice",
    }
    | CHANNELS,
    ("Channel", "shop", "production"): {
        "Channel production",
        "Release shop-1.0.0",
        "ReleasePolicy releases",
    },
    ("ReleasePolicy", "shop", "releases"): {
        "ReleasePolicy releases",
        "Approval shop-1.0.0-alice",
    }
    | CHANNELS,
    ("ClusterReleasePolicy", "", "any"): {
        "ClusterReleasePolicy any",
        "Approval shop-1.0.0-alice",
    }
    | CHANNELS,
}


@pytest.mark.parametrize("changed", REACHED, ids=lambda changed: changed[0])
def test_a_change_reaches_who_reads_it(team: Team, changed: tuple[str, str, str]) -> None:
    cache = Cache()
    release = team.release_manifest("1.0.0")
    told(
        cache,
        team.app_manifest(),
        team.policy_manifest(),
        release,
        team.approval_manifest("alice", release),
        team.channel_manifest("shop-1.0.0"),
        team.channel_manifest(None, name="beta"),
    )
    kind, namespace, name = changed

    assert names(cache, kind, name, namespace) == REACHED[changed]


def test_an_approval_that_is_gone_concerns_every_channel_of_its_namespace(team: Team) -> None:
    cache = Cache()
    told(cache, team.channel_manifest("shop-1.0.0"))

    assert "Channel production" in names(cache, "Approval", "gone")
