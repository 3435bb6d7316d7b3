"""One Release through everything, on the real API server, as the operator's own identity."""

from collections.abc import Callable
from typing import Any

from support.cluster import Cluster
from support.installation import Installation, wait_until
from support.team import Team
from support.watching import QUICK, Watcher


def test_a_release_is_held_until_it_is_approved_and_then_goes_live(
    cluster: Cluster, sluice: Installation, team: Team, look: Watcher, start: Callable[..., Any]
) -> None:
    start()
    release = team.release_manifest("1.0.0")
    channel = team.channel_manifest("shop-1.0.0", rollout=QUICK)
    cluster.apply([team.app_manifest(), team.policy_manifest(), release, channel])

    held = look.until("ApprovalsMissing")
    assert held["verdict"]["answer"] == "held"
    assert "live" not in held
    assert not list((sluice.store / "blobs").glob("sha256/*/*"))

    cluster.apply([team.approval_manifest(who, release) for who in ("alice", "dora")])
    wait_until(
        lambda: "dora is an author of the change" in look.ready()["message"],
        "dora's approval is refused",
    )

    cluster.apply(team.approval_manifest("bob", release))
    cluster.kubectl(
        "wait",
        "--for=condition=Ready",
        "channel/production",
        f"--namespace={team.namespace}",
        "--timeout=60s",
    )
    live = look.status()
    assert live["live"]["version"] == "1.0.0"
    assert look.ready("release", "shop-1.0.0")["reason"] == "Published"
    assert look.ready("app", "shop")["reason"] == "Claimed"
    assert look.ready("approval", "shop-1.0.0-bob")["reason"] == "Fits"
    assert look.status("releasepolicy", "releases")["channels"] == 1


def test_a_restart_writes_nothing(
    cluster: Cluster, sluice: Installation, team: Team, look: Watcher, start: Callable[..., Any]
) -> None:
    first = start("--lease-duration=1")
    release = team.release_manifest("1.0.0")
    approvals = [team.approval_manifest(who, release) for who in ("alice", "bob")]
    channel = team.channel_manifest("shop-1.0.0", rollout=QUICK)
    cluster.apply([team.app_manifest(), team.policy_manifest(), release, *approvals, channel])
    look.until("Live")
    sluice.stop(first)
    kinds = "apps,releases,approvals,channels,releasepolicies"

    def versions() -> dict[str, str]:
        found = cluster.get(kinds, f"--namespace={team.namespace}")["items"]
        return {
            f"{each['kind']}/{each['metadata']['name']}": each["metadata"]["resourceVersion"]
            for each in found
        }

    before = versions()
    start("--lease-duration=1", name="second")
    wait_until(lambda: "leading" in sluice.log("second").read_text(), "the second one leads")
    # A further object, and the answer to it, show that the second one has come round.
    cluster.apply(team.channel_manifest(None, name="beta"))
    look.until("NoRelease", name="beta")
    after = versions()
    del after["Channel/beta"]
    # The policy counts the channels that it binds.
    del after["ReleasePolicy/releases"], before["ReleasePolicy/releases"]

    assert after == before
