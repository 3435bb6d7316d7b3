"""One Release through everything, on the real API server, as the operator's own identity."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.cluster import Cluster
from support.installation import Installation, wait_until
from support.team import Team

QUICK = {
    "steps": [
        {"share": "50%", "hold": "0s", "minDevices": 0},
        {"share": "100%", "hold": "0s", "minDevices": 0},
    ]
}


@pytest.fixture
def team(namespace: str, tmp_path: Path) -> Team:
    folder = tmp_path / "bundles"
    folder.mkdir()
    return Team(
        namespace=namespace, bundles=folder, app_id=f"com.example.{namespace.replace('-', '')}"
    )


@pytest.fixture
def sluice(
    team: Team, namespace: str, operator_kubeconfig: Path, tmp_path: Path
) -> Iterator[Installation]:
    with Installation(
        tmp_path / "sluice", kubeconfig=operator_kubeconfig, namespace=namespace
    ) as installed:
        yield installed


def start(sluice: Installation, team: Team, *arguments: str) -> Any:
    return sluice.start_operator(f"--allow-files-under={team.bundles}", *arguments)


def status(cluster: Cluster, team: Team, kind: str, name: str) -> dict[str, Any]:
    return dict(cluster.get(kind, name, f"--namespace={team.namespace}").get("status") or {})


def ready(cluster: Cluster, team: Team, kind: str, name: str) -> dict[str, Any]:
    conditions = status(cluster, team, kind, name).get("conditions", [])
    return next((each for each in conditions if each["type"] == "Ready"), {})


def reason_becomes(cluster: Cluster, team: Team, reason: str, seconds: float = 30) -> Any:
    return wait_until(
        lambda: (
            ready(cluster, team, "channel", "production").get("reason") == reason
            and status(cluster, team, "channel", "production")
        ),
        f"channel says {reason}",
        seconds,
    )


def test_a_release_is_held_until_it_is_approved_and_then_goes_live(
    cluster: Cluster, sluice: Installation, team: Team
) -> None:
    start(sluice, team)
    release = team.release_manifest("1.0.0")
    cluster.apply(
        [
            team.app_manifest(),
            team.policy_manifest(),
            release,
            team.channel_manifest("shop-1.0.0", rollout=QUICK),
        ]
    )

    held = reason_becomes(cluster, team, "ApprovalsMissing")
    assert held["verdict"]["answer"] == "held"
    assert "live" not in held
    assert not list((sluice.store / "blobs").glob("sha256/*/*"))

    cluster.apply([team.approval_manifest(who, release) for who in ("alice", "dora")])
    still = wait_until(
        lambda: "dora is an author" in ready(cluster, team, "channel", "production")["message"],
        "dora's approval is refused",
    )
    assert still

    cluster.apply(team.approval_manifest("bob", release))
    cluster.kubectl(
        "wait",
        "--for=condition=Ready",
        "channel/production",
        f"--namespace={team.namespace}",
        "--timeout=30s",
    )
    live = status(cluster, team, "channel", "production")
    assert live["live"]["version"] == "1.0.0"
    print(
        cluster.kubectl(
            "get",
            "apps,channels,releases,approvals,releasepolicies",
            f"--namespace={team.namespace}",
        ).stdout
    )
