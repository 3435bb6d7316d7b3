"""Two operators: one acts. A leader that slept too long does no harm when it wakes up."""

import signal
import sqlite3
from collections.abc import Callable
from typing import Any

from support.cluster import Cluster
from support.installation import Installation, wait_until
from support.team import Team
from support.watching import QUICK, Watcher

QUICKLY = "--lease-duration=1.5"


def leads(sluice: Installation, name: str) -> Callable[[], bool]:
    return lambda: '"leading"' in sluice.log(name).read_text()


def audited(sluice: Installation) -> list[str]:
    with sqlite3.connect(sluice.store / "sluice.db") as connection:
        return [kind for (kind,) in connection.execute("SELECT kind FROM audit ORDER BY seq")]


def test_a_stopped_leader_is_replaced_and_is_refused_when_it_wakes_up(
    cluster: Cluster, sluice: Installation, team: Team, look: Watcher, start: Callable[..., Any]
) -> None:
    first = start(QUICKLY, name="first")
    wait_until(leads(sluice, "first"), "the first one leads")
    second = start(QUICKLY, name="second")
    first.send_signal(signal.SIGSTOP)
    wait_until(leads(sluice, "second"), "the second one leads", 60)

    release = team.release_manifest("1.0.0")
    approvals = [team.approval_manifest(who, release) for who in ("alice", "bob")]
    channel = team.channel_manifest("shop-1.0.0", rollout=QUICK)
    cluster.apply([team.app_manifest(), team.policy_manifest(), release, *approvals, channel])
    look.until("Live")
    first.send_signal(signal.SIGCONT)
    wait_until(lambda: first.poll() is not None, "the first one ends", 60)

    assert first.returncode == 1
    assert "Fenced" in sluice.tail("first") or "Lease" in sluice.tail("first")
    assert second.poll() is None
    assert audited(sluice).count("TookOver") == 2
    assert audited(sluice).count("Promote") == 1


def test_a_leader_that_is_told_to_stop_gives_its_lease_up(
    sluice: Installation, start: Callable[..., Any], cluster: Cluster, namespace: str
) -> None:
    first = start(name="first")
    wait_until(leads(sluice, "first"), "the first one leads")

    status = sluice.stop(first, grace_seconds=20)
    lease = cluster.get("lease", "sluice-operator", f"--namespace={namespace}")

    assert status == 0
    assert lease["spec"].get("holderIdentity", "") == ""


def test_of_two_operators_that_start_at_once_one_leads(
    sluice: Installation, start: Callable[..., Any]
) -> None:
    names = ("first", "second")
    for name in names:
        start(name=name)
    wait_until(lambda: any(leads(sluice, name)() for name in names), "one leads")

    assert [leads(sluice, name)() for name in names].count(True) == 1
    assert audited(sluice).count("TookOver") == 1
