"""Promise 3: no single compromise ships code. One test for each that can be compromised."""

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sluice.errors import Fenced, VerificationError
from sluice.reconcile.step import Hold
from sluice.resources.kinds import Key
from sluice.serving.seal import generate_private_key, private_key, seal
from sluice.store.leadership import take_over
from support.laps import QUICK, Laps, go_live
from support.minting import PrivateSigstore
from support.team import CI, CI_ISSUER, Team, a_bundle, provenance

EVIL = a_bundle("6.6.6", more={"evil.js": b"steal()"})


async def nothing_is_served(laps: Laps) -> Hold:
    step = await laps.settle("shop")
    table = await laps.served("shop")

    assert isinstance(step, Hold)
    assert table is None or all(
        each is None or each.version != "6.6.6" for each in (table.stable, table.candidate)
    )
    return step


async def test_invariant_3_a_git_write_ships_nothing(laps: Laps, team: Team) -> None:
    """Whoever can write to git adds a release, points the channel at it, and forges approvals."""
    good = await go_live(laps, team, "1.0.0")
    thief = Team(namespace="shop", bundles=team.bundles, sigstore=PrivateSigstore())
    release = thief.release_manifest("6.6.6", EVIL)
    reused = [team.approval_manifest(who, good) for who in ("alice", "bob")]
    for each in reused:
        each["metadata"]["name"] += "-again"
        each["spec"]["release"] = "shop-6.6.6"
    laps.apply(
        release,
        *(thief.approval_manifest(who, release) for who in ("alice", "bob")),
        *reused,
        team.channel_manifest("shop-6.6.6", rollout=QUICK),
    )

    step = await nothing_is_served(laps)

    assert step.reason == "SignatureMissing"


async def test_invariant_3_argo_cds_account_ships_nothing(laps: Laps, team: Team) -> None:
    """Argo CD may apply anything: also a genuine, signed release that nobody approved."""
    await go_live(laps, team, "1.0.0")
    laps.apply(
        team.release_manifest("6.6.6", EVIL), team.channel_manifest("shop-6.6.6", rollout=QUICK)
    )

    step = await nothing_is_served(laps)

    assert step.reason == "ApprovalsMissing"


async def test_invariant_3_the_ci_ships_nothing(laps: Laps, team: Team) -> None:
    """The CI builds, signs and attests what it likes, and signs approvals as itself."""
    await go_live(laps, team, "1.0.0")
    release = team.release_manifest("6.6.6", EVIL)
    real = team.approval_manifest("alice", release)
    statement = provenance(release["spec"]["bundle"]["sha256"], "0" * 40)
    by_ci = team.sigstore.sign_statement(statement, CI, CI_ISSUER).decode()
    laps.apply(
        release,
        {**real, "spec": {**real["spec"], "sigstoreBundle": by_ci}},
        team.channel_manifest("shop-6.6.6", rollout=QUICK),
    )

    step = await nothing_is_served(laps)

    assert step.reason == "ApprovalsMissing"


async def test_invariant_3_the_stores_database_ships_nothing(
    laps: Laps, team: Team, tmp_path: Path
) -> None:
    """Whoever can write to the database forges a verdict, a publication and a served row."""
    await go_live(laps, team, "1.0.0")
    table = await laps.served("shop")
    assert table is not None
    assert table.stable is not None
    evil = replace(table, stable=replace(table.stable, version="6.6.6", digest="6" * 64))
    forged = seal(evil, private_key(generate_private_key()))
    with sqlite3.connect(tmp_path / "sluice.db") as connection:
        connection.execute("UPDATE channels SET sealed = ?", (forged,))
        connection.execute("UPDATE verdicts SET answer = 'allowed'")

    with pytest.raises(VerificationError, match="SealKeyUnknown"):
        await laps.served("shop")
    with pytest.raises(VerificationError):
        await laps.lap_of_channel(Key("Channel", "shop", "production"))


async def test_invariant_3_an_old_row_of_the_database_is_not_served_again(
    laps: Laps, team: Team, tmp_path: Path
) -> None:
    await go_live(laps, team, "1.0.0")
    with sqlite3.connect(tmp_path / "sluice.db") as connection:
        (old,) = connection.execute("SELECT sealed FROM channels").fetchone()
    await go_live(laps, team, "1.1.0")
    with sqlite3.connect(tmp_path / "sluice.db") as connection:
        connection.execute("UPDATE channels SET sealed = ?", (old,))

    with pytest.raises(VerificationError, match="SealMisplaced"):
        await laps.served("shop")


async def test_invariant_3_the_bucket_ships_nothing(laps: Laps, team: Team) -> None:
    """Whoever can write to the bucket puts other bytes under the digest before it is published."""
    release = team.release_manifest("1.0.0")
    path = laps.blobs.path(release["spec"]["bundle"]["sha256"])
    path.parent.mkdir(parents=True)
    path.write_bytes(EVIL)
    laps.apply(
        team.app_manifest(),
        team.policy_manifest(),
        release,
        *(team.approval_manifest(who, release) for who in ("alice", "bob")),
        team.channel_manifest("shop-1.0.0", rollout=QUICK),
    )
    await laps.settle("shop")

    assert path.read_bytes() != EVIL


async def test_a_leader_that_slept_through_its_lease_changes_nothing(
    laps: Laps, team: Team
) -> None:
    release = team.release_manifest("1.0.0")
    laps.apply(team.app_manifest(), team.policy_manifest(), release)
    await laps.lap_of_app(Key("App", "shop", "shop"))
    await take_over(laps.database, epoch=2, holder="successor", at=laps.now)
    approvals: list[Any] = [team.approval_manifest(who, release) for who in ("alice", "bob")]
    laps.apply(*approvals, team.channel_manifest("shop-1.0.0", rollout=QUICK))

    with pytest.raises(Fenced):
        await laps.settle("shop")
    assert await laps.served("shop") is None
