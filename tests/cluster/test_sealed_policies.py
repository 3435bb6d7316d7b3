"""Promise 9 on the real API server: what git says of a policy is a proposal, and no more."""

from collections.abc import Callable
from typing import Any

from support.cluster import Cluster
from support.installation import Installation, wait_until
from support.team import Team
from support.watching import QUICK, Watcher

POLICY = ("releasepolicy", "releases")
WITHOUT_APPROVALS = [{"name": "signed", "signature": {"authority": "ci"}}]


def test_invariant_9_a_policy_is_changed_by_its_owners_and_by_nobody_else(
    cluster: Cluster, team: Team, look: Watcher, start: Callable[..., Any]
) -> None:
    start("--resync=1")
    first = team.policy_manifest()
    cluster.apply([team.app_manifest(), first])
    look.until("InForceByFirstUse", *POLICY)
    cluster.apply(
        [team.release_manifest("1.0.0"), team.channel_manifest("shop-1.0.0", rollout=QUICK)]
    )
    look.until("ApprovalsMissing")

    weaker = team.policy_manifest(revision=2, requirements=WITHOUT_APPROVALS, sealed_by=("alice",))
    cluster.apply(weaker)
    status = look.until("PolicySealMissing", *POLICY)
    assert status["inForce"]["revision"] == 1
    assert status["inForce"]["sealedBy"] == ["alice", "bob"]
    assert status["proposed"]["revision"] == 2
    assert (status["proposed"]["sealedBy"], status["proposed"]["couldSeal"]) == (["alice"], ["bob"])
    assert look.ready()["reason"] == "ApprovalsMissing"

    cluster.apply(team.unsealed_policy_manifest(requirements=WITHOUT_APPROVALS))
    look.until("PolicyUnsealed", *POLICY)
    assert look.ready()["reason"] == "ApprovalsMissing"

    cluster.kubectl("delete", "releasepolicy/releases", f"--namespace={team.namespace}")
    cluster.apply(team.channel_manifest("shop-1.0.0", rollout={**QUICK, "retry": 1}))
    wait_until(lambda: observed(look) == 2, "the channel is judged again")
    assert look.ready()["reason"] == "ApprovalsMissing"

    cluster.apply(team.policy_manifest(revision=2, requirements=WITHOUT_APPROVALS))
    status = look.until("InForce", *POLICY)
    assert status["inForce"]["basis"] == "Owners"
    assert "proposed" not in status
    look.until("Live")


def observed(look: Watcher) -> int:
    return int(look.status().get("observedGeneration", 0))


def test_invariant_9_what_is_in_force_stays_so_over_a_restart(
    cluster: Cluster,
    sluice: Installation,
    team: Team,
    look: Watcher,
    start: Callable[..., Any],
) -> None:
    first = start("--lease-duration=1")
    cluster.apply([team.app_manifest(), team.policy_manifest()])
    look.until("InForceByFirstUse", *POLICY)
    sluice.stop(first)

    cluster.kubectl("delete", "releasepolicy/releases", f"--namespace={team.namespace}")
    weaker = team.policy_manifest(requirements=WITHOUT_APPROVALS)
    cluster.apply([weaker, team.release_manifest("1.0.0")])
    cluster.apply(team.channel_manifest("shop-1.0.0", rollout=QUICK))
    start("--lease-duration=1", name="successor")

    look.until("PolicyRevisionChanged", *POLICY)
    look.until("ApprovalsMissing")


def test_a_policy_without_owners_counts_where_the_operator_is_told_to_allow_it(
    cluster: Cluster, team: Team, look: Watcher, start: Callable[..., Any]
) -> None:
    start("--allow-unsealed-policies")
    cluster.apply([team.app_manifest(), team.unsealed_policy_manifest()])

    status = look.until("InForceUnsealed", *POLICY)

    assert "inForce" not in status
