"""Promise 4 on the real API server: statuses and annotations may say what they like."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from support.cluster import Cluster
from support.installation import Installation, wait_until
from support.team import Team
from support.watching import QUICK, Watcher

FORGED = {
    "kopf.zalando.org/last-handled-configuration": '{"spec":{"app":"shop"}}',
    "kopf.zalando.org/see-channels": '{"success":true}',
    "sluice.dev/verdict": "allowed",
}


def force_status(cluster: Cluster, namespace: str, kind: str, name: str, status: Any) -> None:
    cluster.kubectl(
        "patch",
        kind,
        name,
        f"--namespace={namespace}",
        "--subresource=status",
        "--type=merge",
        f"--patch={json.dumps({'status': status})}",
    )


def test_invariant_4_forged_statuses_and_annotations_publish_nothing(
    cluster: Cluster, sluice: Installation, team: Team, look: Watcher, start: Callable[..., Any]
) -> None:
    release = team.release_manifest("1.0.0")
    channel = team.channel_manifest("shop-1.0.0", rollout=QUICK)
    for each in (release, channel):
        each["metadata"]["annotations"] = FORGED
    cluster.apply([team.app_manifest(), team.policy_manifest(), release, channel])
    digest = release["spec"]["bundle"]["sha256"]
    forged = {
        "live": {"version": "1.0.0", "digest": digest},
        "verdict": {"answer": "allowed", "reason": "Allowed", "message": "Trust me."},
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "reason": "Live",
                "message": "Trust me.",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }
        ],
    }
    force_status(cluster, team.namespace, "channel", "production", forged)
    force_status(cluster, team.namespace, "release", "shop-1.0.0", {"published": True})

    start()
    held = look.until("ApprovalsMissing")

    assert held["verdict"]["answer"] == "held"
    assert "live" not in held
    assert look.status("release", "shop-1.0.0")["published"] is False
    assert not list((sluice.store / "blobs").glob("sha256/*/*"))


@pytest.mark.parametrize("forged", [{"live": None}, {"verdict": None, "conditions": []}])
def test_a_status_that_is_deleted_comes_back_and_changes_nothing(
    cluster: Cluster,
    team: Team,
    look: Watcher,
    start: Callable[..., Any],
    forged: dict[str, Any],
) -> None:
    start("--resync=1")
    release = team.release_manifest("1.0.0")
    approvals = [team.approval_manifest(who, release) for who in ("alice", "bob")]
    channel = team.channel_manifest("shop-1.0.0", rollout=QUICK)
    cluster.apply([team.app_manifest(), team.policy_manifest(), release, *approvals, channel])
    before = look.until("Live")

    force_status(cluster, team.namespace, "channel", "production", forged)
    after = wait_until(
        lambda: look.ready() and "live" in (seen := look.status()) and seen, "status"
    )

    assert (after["live"], after["generation"]) == (before["live"], before["generation"])
