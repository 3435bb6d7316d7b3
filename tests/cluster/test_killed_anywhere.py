"""Promise 5 on the real API server: SIGKILL at any point of a publication changes nothing.

Each point is a place in the order of effects at which the process kills itself: before and after
each part of a blob's way to the disk, and before and after each transaction commits. For the points
that a publication passes more than once, each pass is a case of its own.
"""

import hashlib
import json
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from sluice.store.crashpoints import BLOB_STAGES, TRANSACTION_STAGES
from support.cluster import Cluster
from support.installation import Installation, wait_until
from support.team import Team, a_bundle
from support.watching import QUICK, Watcher

PASSES = {"take-claim": 1, "adopt-policy": 1, "record-verdict": 1, "publish": 1, "serve": 4}
"""How often a publication passes the points of a transaction: four changes of what is served are
the opening, two offers and the promotion."""

POINTS = [
    *(f"{point}#1" for point in BLOB_STAGES),
    *(
        f"{purpose}:{stage}#{nth}"
        for purpose, passes in PASSES.items()
        for nth in range(1, passes + 1)
        for stage in TRANSACTION_STAGES
    ),
]

TAKE_OVER_QUICKLY = "--lease-duration=1"


def end_state(sluice: Installation, namespace: str) -> dict[str, Any]:
    """Return everything that lasts, without times, ids of this very run and who led."""
    with sqlite3.connect(sluice.store / "sluice.db") as connection:
        connection.row_factory = sqlite3.Row

        def rows(query: str) -> list[dict[str, Any]]:
            return [dict(each) for each in connection.execute(query)]

        audit = rows("SELECT kind, body FROM audit WHERE kind <> 'TookOver' ORDER BY seq")
        state = {
            "served": rows("SELECT generation, share_bp, stable_digest FROM channels"),
            "rollouts": rows("SELECT phase, step, version, bundle_digest FROM rollouts"),
            "published": rows("SELECT version, digest, size FROM publications"),
            "ledger": rows("SELECT version, digest FROM ledger"),
            "audit": in_order([each["kind"] for each in audit]),
            "shares": [
                json.loads(each["body"])["table"]["shareBp"]
                for each in audit
                if each["kind"] in ("Offer", "Promote")
            ],
        }
    state["blobs"] = sorted(each.name for each in (sluice.store / "blobs").glob("sha256/*/*"))
    return json.loads(json.dumps(state).replace(namespace, "NAMESPACE"))


def in_order(kinds: list[str]) -> list[str]:
    """Return the kinds of entries, with the first two sorted: their laps are at the same time."""
    return sorted(kinds[:2]) + kinds[2:]


def release(cluster: Cluster, team: Team) -> None:
    # Larger than what is fetched and written at once, so that it can be cut off half-way.
    photo = hashlib.shake_256(b"photo").digest(3 * 1024 * 1024)
    made = team.release_manifest("1.0.0", a_bundle("1.0.0", more={"photo.jpg": photo}))
    approvals = [team.approval_manifest(who, made) for who in ("alice", "bob")]
    channel = team.channel_manifest("shop-1.0.0", rollout=QUICK)
    # The channel comes last: otherwise verdicts on the way there would differ from run to run.
    cluster.apply([team.app_manifest(), team.policy_manifest(), made, *approvals])
    cluster.apply(channel)


EXPECTED_KINDS = [
    "Claimed",
    "PolicyAdopted",
    "Verdict",
    "Open",
    "Published",
    "Offer",
    "Offer",
    "Promote",
]


@pytest.mark.parametrize("point", POINTS)
def test_invariant_5_killed_anywhere_it_ends_as_if_undisturbed(
    cluster: Cluster,
    sluice: Installation,
    team: Team,
    look: Watcher,
    start: Callable[..., Any],
    point: str,
) -> None:
    release(cluster, team)
    victim = start(TAKE_OVER_QUICKLY, f"--kill-at={point}", name="victim")
    wait_until(lambda: victim.poll() is not None, f"the victim dies at {point}", 60)
    assert victim.returncode == -9, sluice.tail("victim")

    start(TAKE_OVER_QUICKLY, name="successor")
    look.until("Live")
    state = end_state(sluice, team.namespace)

    assert state["audit"] == EXPECTED_KINDS
    assert state["shares"] == [5000, 10_000, 0]
    assert [each["generation"] for each in state["served"]] == [4]
    assert [each["phase"] for each in state["rollouts"]] == ["Complete"]
    assert len(state["published"]) == len(state["ledger"]) == 1
    assert state["blobs"] == [state["published"][0]["digest"]]
    assert state["served"][0]["stable_digest"] == state["published"][0]["digest"]
