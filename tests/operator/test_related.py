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


def test_each_change_reaches_who_reads_it(team: Team) -> None:
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
    channels = {"Channel production", "Channel beta"}

    assert names(cache, "App", "shop") == {"App shop"} | channels
    assert names(cache, "Approval", "shop-1.0.0-alice") == {
        "Approval shop-1.0.0-alice",
        "Channel production",
    }
    assert (
        names(cache, "Release", "shop-1.0.0")
        == {
            "Release shop-1.0.0",
            "Approval shop-1.0.0-alice",
        }
        | channels
    )
    assert names(cache, "Channel", "production") == {
        "Channel production",
        "Release shop-1.0.0",
        "ReleasePolicy releases",
    }
    assert (
        names(cache, "ReleasePolicy", "releases")
        == {
            "ReleasePolicy releases",
            "Approval shop-1.0.0-alice",
        }
        | channels
    )
    assert (
        names(cache, "ClusterReleasePolicy", "any", "")
        == {
            "ClusterReleasePolicy any",
            "Approval shop-1.0.0-alice",
        }
        | channels
    )


def test_an_approval_that_is_gone_concerns_every_channel_of_its_namespace(team: Team) -> None:
    cache = Cache()
    told(cache, team.channel_manifest("shop-1.0.0"))

    assert "Channel production" in names(cache, "Approval", "gone")
