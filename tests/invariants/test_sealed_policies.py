"""Promise 9, and promise 3 where policies are attacked: over whole laps, with real seals."""

import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sluice.operator.policies import PolicySettings
from sluice.operator.sealed import POLICY_PURPOSE
from sluice.policy.subject import PolicyInForce
from sluice.policy.verdict import PolicyRef, Verdict
from sluice.reconcile.step import AdoptPolicy, Hold, Rest
from sluice.resources.canonical import canonical_json, policy_digest
from sluice.resources.genesis import Genesis
from sluice.resources.kinds import Key
from sluice.resources.policy import PolicySpec
from sluice.serving.seal import generate_private_key, private_key, seal_text
from sluice.store import audit
from support.laps import QUICK, Laps, go_live
from support.sealing import SshPerson, seal_of, sealed
from support.team import Team, manifest

RELEASES = Key("ReleasePolicy", "shop", "releases")
CHANNEL = Key("Channel", "shop", "production")
WITHOUT_APPROVALS = [{"name": "signed", "signature": {"authority": "ci"}}]
"""What whoever writes to git would rather be judged by."""


def weaker(team: Team, **named: Any) -> dict[str, Any]:
    return team.policy_manifest(requirements=WITHOUT_APPROVALS, **named)


async def verdict(laps: Laps) -> Verdict:
    found = (await laps.observer.channel(CHANNEL, laps.now)).verdict
    assert found is not None
    return found


async def shown(laps: Laps, key: Key = RELEASES) -> Rest | Hold:
    """Do laps of a policy until it rests, and return how."""
    for _ in range(5):
        step = await laps.lap_of_policy(key)
        if isinstance(step, Rest | Hold):
            return step
    raise AssertionError(step)


async def revision(laps: Laps, key: Key = RELEASES) -> int | None:
    found = (await laps.observer.policy(key, laps.now)).in_force
    return found.policy.spec.revision if found else None


async def release_without_approvals(laps: Laps, team: Team) -> None:
    """Have revision 1 in force, and a good release that nobody approved."""
    await go_live(laps, team, "1.0.0")
    laps.apply(team.release_manifest("6.6.6"), team.channel_manifest("shop-6.6.6", rollout=QUICK))


async def nothing_is_offered(laps: Laps, reason: str = "ApprovalsMissing") -> None:
    step = await laps.settle("shop")
    table = await laps.served("shop")

    assert (type(step), step.reason) == (Hold, reason)
    assert table is not None
    assert table.candidate is None
    assert table.stable is not None
    assert table.stable.version == "1.0.0"


# --- Whoever can write to git --------------------------------------------------------------------


async def test_invariant_3_a_git_write_that_deletes_the_policy_ends_nothing(
    laps: Laps, team: Team
) -> None:
    await release_without_approvals(laps, team)
    laps.delete(team.policy_manifest())

    await nothing_is_offered(laps)
    step = await shown(laps)
    assert step.reason == "InForceWithoutFile"
    assert "retire it by revision 2 with retired: true" in step.message


@pytest.mark.parametrize("restarted", [False, True])
async def test_invariant_3_a_git_write_that_deletes_the_policy_ends_nothing_after_a_restart(
    laps: Laps, team: Team, restarted: bool
) -> None:
    await release_without_approvals(laps, team)
    laps.delete(team.policy_manifest())
    if restarted:
        laps.restart()
    laps.apply(weaker(team, name="another"))
    await laps.settle("shop")

    found = await verdict(laps)
    assert (found.answer, found.reason) == ("held", "ApprovalsMissing")
    assert len(found.policies) == 2


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ({"revision": 1}, "PolicyRevisionChanged"),
        ({"revision": 2}, "PolicySealMissing"),
        ({"revision": 2, "sealed_by": ("alice",)}, "PolicySealMissing"),
        ({"revision": 2, "sealed_by": ("carol", "dora")}, "PolicySealMissing"),
        ({"revision": 3, "sealed_by": ("alice", "bob")}, "PolicyRevisionJump"),
        ({"revision": 2, "retired": True}, "PolicySealMissing"),
    ],
)
async def test_invariant_9_a_git_write_puts_no_weaker_policy_into_force(
    laps: Laps, team: Team, named: dict[str, Any], reason: str
) -> None:
    await release_without_approvals(laps, team)
    laps.apply(weaker(team, **{"sealed_by": (), **named}))

    await nothing_is_offered(laps)
    step = await shown(laps)
    assert (type(step), step.reason) == (Hold, reason)
    assert await revision(laps) == 1


async def test_invariant_9_seals_of_one_revision_are_not_seals_of_another(
    laps: Laps, team: Team
) -> None:
    """Real seals of alice and bob, over what they really sealed, put under something else."""
    await release_without_approvals(laps, team)
    honest = team.policy_manifest(count=3, revision=2)
    forged = weaker(team, revision=2)
    forged["spec"]["seals"] = honest["spec"]["seals"]
    laps.apply(forged)

    await nothing_is_offered(laps)
    assert (await shown(laps)).reason == "PolicySealMissing"


async def test_invariant_9_a_policy_without_owners_does_not_replace_a_sealed_one(
    laps: Laps, team: Team
) -> None:
    await release_without_approvals(laps, team)
    laps.apply(team.unsealed_policy_manifest(requirements=WITHOUT_APPROVALS))

    await nothing_is_offered(laps)
    assert (await shown(laps)).reason == "PolicyUnsealed"


async def test_invariant_9_an_older_revision_does_not_come_back(laps: Laps, team: Team) -> None:
    """Row 15: the weak revision was in force once, with all its seals."""
    weak = weaker(team)
    laps.apply(team.app_manifest(), weak)
    await laps.settle("shop")
    await go_live_under(laps, team, revision=2)
    laps.apply(team.release_manifest("6.6.6"), team.channel_manifest("shop-6.6.6", rollout=QUICK))
    laps.apply(weak)

    await nothing_is_offered(laps)
    step = await shown(laps)
    assert step.reason == "PolicyRollback"
    assert await revision(laps) == 2


async def go_live_under(laps: Laps, team: Team, revision: int) -> None:
    """Release 1.0.0 under a revision of the policy, to all phones."""
    release = team.release_manifest("1.0.0")
    laps.apply(
        team.policy_manifest(revision=revision),
        release,
        *(team.approval_manifest(who, release) for who in ("alice", "bob")),
        team.channel_manifest("shop-1.0.0", rollout=QUICK),
    )
    for _ in range(5):
        step = await laps.settle("shop")
        laps.wait(minutes=2)
    assert step.reason == "Live"


async def test_invariant_3_another_namespaces_policy_binds_nothing_here(
    laps: Laps, team: Team
) -> None:
    """The phones can't be moved to a namespace with a weaker policy: the claim stays."""
    await release_without_approvals(laps, team)
    thief = Team(namespace="evil", bundles=team.bundles, sigstore=team.sigstore)
    laps.delete(team.policy_manifest())
    laps.apply(
        thief.app_manifest(),
        weaker(thief),
        thief.release_manifest("6.6.6"),
        thief.channel_manifest("shop-6.6.6", rollout=QUICK),
    )

    step = await laps.settle("evil")

    assert step.reason == "Conflict"
    assert await laps.served("evil") is None


async def test_invariant_3_the_phones_are_not_moved_to_another_namespace(
    laps: Laps, team: Team
) -> None:
    """App, channel and releases are deleted from git, and made anew where no policy is in force."""
    release = await go_live(laps, team, "1.0.0")
    laps.delete(team.channel_manifest("shop-1.0.0"))
    await laps.settle("shop")
    for each in (team.app_manifest(), release, team.policy_manifest()):
        laps.delete(each)
    await laps.settle("shop")
    thief = Team(namespace="evil", bundles=team.bundles, sigstore=team.sigstore)
    evil = thief.release_manifest("6.6.6")
    laps.apply(
        thief.app_manifest(),
        weaker(thief),
        evil,
        thief.channel_manifest("shop-6.6.6", rollout=QUICK),
    )

    step = await laps.settle("evil")

    assert step.reason == "Conflict"
    assert await laps.served("evil") is None
    laps.delete(thief.app_manifest())
    laps.apply(team.app_manifest(), release, team.channel_manifest("shop-1.0.0", rollout=QUICK))
    await laps.settle("shop")
    table = await laps.served("shop")
    assert table is not None
    assert table.candidate is not None, "the App of the same name gets its appId back"


# --- Whoever can write to the database -----------------------------------------------------------


def raw(tmp_path: Path) -> sqlite3.Connection:
    """Open the database as somebody who owns its file: no trigger holds him."""
    connection = sqlite3.connect(tmp_path / "sluice.db")
    for name in ("follow", "keep", "forget_nothing"):
        connection.execute(f"DROP TRIGGER policies_{name}")
    return connection


async def test_invariant_3_a_database_write_puts_no_policy_into_force(
    laps: Laps, team: Team, tmp_path: Path
) -> None:
    """A row under a key of the thief's own, and the operator's own row moved to another name."""
    await release_without_approvals(laps, team)
    payload = '{"kind":"ReleasePolicy","name":"releases","namespace":"shop","revision":2}'
    forged = seal_text(payload, private_key(generate_private_key()), POLICY_PURPOSE)
    with raw(tmp_path) as connection:
        connection.execute(
            "INSERT INTO policies SELECT kind, namespace, name, 2, digest, ?, at FROM policies",
            (forged,),
        )

    await nothing_is_offered(laps, "PolicyUnreadable")
    step = await shown(laps)
    assert (type(step), step.reason) == (Hold, "PolicyRowRefused")


async def test_invariant_3_a_row_that_is_moved_counts_for_nothing(
    laps: Laps, team: Team, tmp_path: Path
) -> None:
    await release_without_approvals(laps, team)
    laps.apply(weaker(team, name="weak"))
    await laps.settle("shop")
    with raw(tmp_path) as connection:
        connection.execute("DELETE FROM policies WHERE name = 'releases'")
        connection.execute("UPDATE policies SET name = 'releases'")
    laps.delete(team.policy_manifest())
    laps.restart()

    await nothing_is_offered(laps, "PolicyUnreadable")
    assert "somebody else wrote to the store" in (await shown(laps)).message


@pytest.mark.parametrize(
    "statement", ["DELETE FROM policies", "DELETE FROM policies WHERE revision = 2"]
)
async def test_invariant_9_a_store_that_went_back_is_noticed_while_the_operator_runs(
    laps: Laps, team: Team, tmp_path: Path, statement: str
) -> None:
    laps.apply(team.app_manifest(), weaker(team))
    await laps.settle("shop")
    await go_live_under(laps, team, revision=2)
    laps.apply(team.release_manifest("6.6.6"), team.channel_manifest("shop-6.6.6", rollout=QUICK))
    laps.delete(team.policy_manifest())
    with raw(tmp_path) as connection:
        connection.execute(statement)

    await nothing_is_offered(laps, "PolicyUnreadable")
    assert "was in force, and the store holds" in (await shown(laps)).message


async def test_invariant_9_a_store_that_was_restored_takes_the_next_revision_anew(
    laps: Laps, team: Team, tmp_path: Path
) -> None:
    laps.apply(team.app_manifest(), weaker(team))
    await laps.settle("shop")
    await go_live_under(laps, team, revision=2)
    with raw(tmp_path) as connection:
        connection.execute("DELETE FROM policies WHERE revision = 2")
    laps.restart()

    assert (await shown(laps)).reason == "InForce"
    assert await revision(laps) == 2


# --- What owners do ------------------------------------------------------------------------------


async def test_owners_change_the_policy_and_it_binds_from_the_next_lap(
    laps: Laps, team: Team
) -> None:
    await release_without_approvals(laps, team)
    laps.apply(weaker(team, revision=2))
    await laps.settle("shop")

    table = await laps.served("shop")
    assert table is not None
    assert table.candidate is not None
    assert table.candidate.version == "6.6.6"
    entries = await audit.entries(laps.database, subject=str(RELEASES))
    assert [(each.kind, each.body["revision"], each.body["basis"]) for each in entries] == [
        ("PolicyAdopted", 1, "FirstUse"),
        ("PolicyAdopted", 2, "Owners"),
    ]
    assert entries[1].body["sealedBy"] == ["alice", "bob"]


async def test_one_commit_that_is_stricter_and_releases_is_judged_by_the_stricter_policy(
    laps: Laps, team: Team
) -> None:
    """The channel's lap comes first, and waits for the policy's."""
    await go_live(laps, team, "1.0.0")
    release = team.release_manifest("1.1.0")
    laps.apply(
        team.policy_manifest(count=3, revision=2),
        release,
        *(team.approval_manifest(who, release) for who in ("alice", "bob")),
        team.channel_manifest("shop-1.1.0", rollout=QUICK),
    )

    step = await laps.lap_of_channel(CHANNEL)

    assert (type(step), step.reason) == (Rest, "PolicyDue")
    await nothing_is_offered(laps)


async def test_the_way_back_does_not_wait_for_a_policy(laps: Laps, team: Team) -> None:
    good = await go_live(laps, team, "1.0.0")
    revoked = {**good, "spec": {**good["spec"], "revoked": {"reason": "it leaks"}}}
    laps.apply(team.policy_manifest(count=3, revision=2), revoked)

    await laps.lap_of_channel(CHANNEL)

    table = await laps.served("shop")
    assert table is not None
    assert table.stable is None


async def test_a_policy_in_force_that_can_not_be_read_any_more_holds_and_the_way_back_is_open(
    laps: Laps, team: Team
) -> None:
    """A later version of Sluice may refuse what an earlier one has read."""
    good = await go_live(laps, team, "1.0.0")
    odd = team.policy_manifest(revision=2)
    odd["spec"]["authorities"][0]["trustedRoot"] = "{}"
    spec = PolicySpec.model_validate_json(canonical_json(odd["spec"]))
    ref = PolicyRef(
        kind="ReleasePolicy", namespace="shop", name="releases", digest=policy_digest(spec)
    )
    step = AdoptPolicy(
        policy=PolicyInForce(ref=ref, spec=spec), basis="Owners", sealed_by=("alice",)
    )
    await laps.sealed.adopt(RELEASES, step, epoch=1, at=laps.now)
    laps.apply(odd, {**good, "spec": {**good["spec"], "revoked": {"reason": "it leaks"}}})

    assert (await shown(laps)).reason == "PolicyRowRefused"
    await laps.settle("shop")
    table = await laps.served("shop")
    assert table is not None
    assert table.stable is None


async def test_a_retired_policy_binds_nothing_and_its_name_counts_on(
    laps: Laps, team: Team
) -> None:
    await release_without_approvals(laps, team)
    laps.apply(weaker(team, revision=2, retired=True))
    await nothing_is_offered(laps, "NoPolicy")
    assert (await shown(laps)).reason == "Retired"

    laps.delete(team.policy_manifest())
    laps.apply(weaker(team))
    await nothing_is_offered(laps, "NoPolicy")
    assert (await shown(laps)).reason == "PolicyRollback"

    laps.apply(team.policy_manifest(revision=3))
    await nothing_is_offered(laps)
    assert await revision(laps) == 3


async def test_a_policy_that_waits_for_its_first_seals_lets_nothing_through(
    laps: Laps, team: Team
) -> None:
    policy = team.policy_manifest(sealed_by=("alice",))
    release = team.release_manifest("1.0.0")
    laps.apply(
        team.app_manifest(),
        policy,
        release,
        *(team.approval_manifest(who, release) for who in ("alice", "bob")),
        team.channel_manifest("shop-1.0.0", rollout=QUICK),
    )

    step = await laps.settle("shop")

    assert (type(step), step.reason) == (Hold, "PolicyUnreadable")
    assert "Still needed: 1 of bob" in step.message
    laps.apply(sealed(policy, team.keys["alice"], team.keys["bob"]))
    await laps.settle("shop")
    table = await laps.served("shop")
    assert table is not None
    assert table.candidate is not None


@pytest.mark.parametrize(
    "claim",
    [
        {"clusters": ("production",)},
        {"expires_at_in": timedelta(minutes=-1)},
        {"revision": 3},
        {"name": "another"},
        {"namespace": "elsewhere"},
    ],
)
async def test_a_seal_for_something_else_is_told_and_does_not_count(
    laps: Laps, team: Team, claim: dict[str, Any]
) -> None:
    await go_live(laps, team, "1.0.0")
    if (end := claim.pop("expires_at_in", None)) is not None:
        claim["expires_at"] = laps.now + end
    policy = weaker(team, revision=2, sealed_by=())
    seals = [
        seal_of(team.keys["alice"], policy),
        seal_of(team.keys["bob"], policy, **claim),
    ]
    laps.apply({**policy, "spec": {**policy["spec"], "seals": seals}})

    step = await shown(laps)

    assert step.reason == "PolicySealMissing"
    assert "1 of 2 owners" in step.message
    assert "Not counted: seal 2" in step.message


# --- How the cluster is set up -------------------------------------------------------------------


async def test_a_policy_without_owners_counts_only_where_that_is_allowed(
    team: Team, tmp_path: Path
) -> None:
    release = team.release_manifest("1.0.0")
    manifests = (
        team.app_manifest(),
        team.unsealed_policy_manifest(),
        release,
        *(team.approval_manifest(who, release) for who in ("alice", "bob")),
        team.channel_manifest("shop-1.0.0", rollout=QUICK),
    )
    for allowed, reason in ((False, "PolicyUnreadable"), (True, None)):
        folder = tmp_path / str(allowed)
        folder.mkdir()
        settings = PolicySettings(cluster="demo", unsealed_allowed=allowed)
        laps = await Laps.open(folder, files=team.bundles, policies=settings)
        laps.apply(*manifests)
        step = await laps.settle("shop")
        told = await shown(laps)
        await laps.database.close()

        assert (step.reason if reason else None) == reason
        assert told.reason == ("InForceUnsealed" if allowed else "PolicyUnsealed")


async def test_root_owners_must_seal_the_first_revision_where_there_are_any(
    team: Team, tmp_path: Path
) -> None:
    rita = SshPerson()
    genesis = Genesis.model_validate_json(
        f'{{"threshold": 1, "owners": [{{"name": "rita", "keys": ["{rita.public_key}"]}}]}}'
    )
    settings = PolicySettings(cluster="demo", genesis=genesis)
    laps = await Laps.open(tmp_path, files=team.bundles, policies=settings)
    policy = team.policy_manifest()
    laps.apply(policy)

    step = await shown(laps)
    assert step.reason == "PolicySealMissing"
    assert "root owners of the cluster have sealed it. Still needed: 1 of rita" in step.message

    laps.apply(sealed(policy, team.keys["alice"], team.keys["bob"], rita))
    assert (await shown(laps)).reason == "InForce"
    laps.apply(team.policy_manifest(count=3, revision=2))
    assert (await shown(laps)).reason == "InForce"
    assert await revision(laps) == 2
    await laps.database.close()


async def test_what_is_trusted_on_first_use_says_so(laps: Laps, team: Team) -> None:
    laps.apply(team.policy_manifest())

    step = await shown(laps)

    assert step.reason == "InForceByFirstUse"
    assert "Compare sha256:" in step.message


async def test_a_policy_of_the_cluster_binds_every_namespace_and_is_sealed_alike(
    laps: Laps, team: Team
) -> None:
    await release_without_approvals(laps, team)
    found = team.policy_manifest(count=4)
    of_cluster = manifest("ClusterReleasePolicy", "all", "", {**found["spec"], "seals": []})
    laps.apply(of_cluster)
    await nothing_is_offered(laps, "PolicyUnreadable")

    laps.apply(sealed(of_cluster, team.keys["alice"], team.keys["bob"]))
    await nothing_is_offered(laps)
    assert await revision(laps, Key("ClusterReleasePolicy", "", "all")) == 1
