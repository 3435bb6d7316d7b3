"""The promises that can be shown without a cluster, over whole laps with a real store."""

import hashlib
import json
from pathlib import Path

import pytest

from sluice.reconcile.step import Hold
from sluice.serving.table import ChannelTable
from sluice.store import audit
from support.laps import QUICK, Laps, go_live
from support.team import Team


def offered(table: ChannelTable | None) -> set[str]:
    """Return the versions that some phone may get."""
    bundles = (table.stable, table.candidate) if table else ()
    return {each.version for each in bundles if each is not None}


async def test_invariant_1_only_what_policy_let_through_is_served(laps: Laps, team: Team) -> None:
    release = team.release_manifest("1.0.0")
    approvals = [team.approval_manifest(who, release) for who in ("alice", "bob")]
    laps.apply(team.app_manifest(), release, team.channel_manifest("shop-1.0.0", rollout=QUICK))

    for further, reason in (
        (None, "NoPolicy"),
        (team.policy_manifest(), "ApprovalsMissing"),
        (approvals[0], "ApprovalsMissing"),
    ):
        laps.apply(*([further] if further else []))
        step = await laps.settle("shop")
        assert isinstance(step, Hold)
        assert step.reason == reason
        assert offered(await laps.served("shop")) == set()
        assert await laps.blobs.has(release["spec"]["bundle"]["sha256"]) is False

    laps.apply(approvals[1])
    await laps.settle("shop")
    table = await laps.served("shop")
    assert table is not None
    assert table.candidate is not None
    assert table.candidate.digest == release["spec"]["bundle"]["sha256"]

    kinds = [each.kind for each in await audit.entries(laps.database)]
    first_offer = kinds.index("Offer")
    before = (await audit.entries(laps.database))[:first_offer]
    allowed = [
        each for each in before if each.kind == "Verdict" and each.body["answer"] == "allowed"
    ]
    assert len(allowed) == 1
    assert kinds.index("Published") < first_offer


def damage(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1] + b"!")


async def test_invariant_2_what_was_signed_is_what_is_served(laps: Laps, team: Team) -> None:
    release = team.release_manifest("1.0.0")
    damage(Path(release["spec"]["bundle"]["url"].removeprefix("file://")))
    laps.apply(
        team.app_manifest(),
        team.policy_manifest(),
        release,
        *(team.approval_manifest(who, release) for who in ("alice", "bob")),
        team.channel_manifest("shop-1.0.0", rollout=QUICK),
    )

    step = await laps.settle("shop")

    assert isinstance(step, Hold)
    assert "Mismatch" in step.reason
    assert offered(await laps.served("shop")) == set()


async def test_invariant_2_the_stored_bytes_hash_to_the_signed_digest(
    laps: Laps, team: Team
) -> None:
    release = await go_live(laps, team, "1.0.0")
    digest = release["spec"]["bundle"]["sha256"]

    assert hashlib.sha256(laps.blobs.path(digest).read_bytes()).hexdigest() == digest


async def test_invariant_5_every_effect_is_idempotent(laps: Laps, team: Team) -> None:
    await go_live(laps, team, "1.0.0")
    before = [(each.kind, json.dumps(each.body)) for each in await audit.entries(laps.database)]

    for _ in range(3):
        await laps.settle("shop")

    after = [(each.kind, json.dumps(each.body)) for each in await audit.entries(laps.database)]
    assert after == before


async def test_invariant_6_the_way_back_is_always_open(laps: Laps, team: Team) -> None:
    first = await go_live(laps, team, "1.0.0")
    second = await go_live(laps, team, "1.1.0")
    table = await laps.served("shop")
    assert table is not None
    assert table.previous is not None
    assert table.previous.digest == first["spec"]["bundle"]["sha256"]

    laps.apply({**second, "spec": {**second["spec"], "revoked": {"reason": "it leaks"}}})
    await laps.settle("shop")

    table = await laps.served("shop")
    assert table is not None
    assert table.stable is not None
    assert table.stable.version == "1.0.0"
    assert table.withdrawn == ("1.1.0",)


async def test_a_release_that_is_revoked_on_every_version_leads_to_what_is_built_in(
    laps: Laps, team: Team
) -> None:
    first = await go_live(laps, team, "1.0.0")

    laps.apply({**first, "spec": {**first["spec"], "revoked": {"reason": "it leaks"}}})
    step = await laps.settle("shop")

    table = await laps.served("shop")
    assert isinstance(step, Hold)
    assert table is not None
    assert (table.stable, table.withdrawn) == (None, ("1.0.0",))


async def test_a_deleted_channel_is_served_no_more_and_its_generation_counts_on(
    laps: Laps, team: Team
) -> None:
    await go_live(laps, team, "1.0.0")
    before = await laps.served("shop")
    assert before is not None

    laps.delete(team.channel_manifest("shop-1.0.0"))
    await laps.settle("shop")
    assert await laps.served("shop") is None

    laps.apply(team.channel_manifest("shop-1.0.0", rollout=QUICK))
    await laps.settle("shop")
    after = await laps.served("shop")
    assert after is not None
    assert after.generation > before.generation


async def test_an_app_id_belongs_to_whom_claimed_it_first(laps: Laps, team: Team) -> None:
    await go_live(laps, team, "1.0.0")
    thief = Team(namespace="evil", bundles=team.bundles, sigstore=team.sigstore)
    release = thief.release_manifest("6.6.6")
    laps.apply(
        thief.app_manifest(),
        thief.policy_manifest(),
        release,
        *(thief.approval_manifest(who, release) for who in ("alice", "bob")),
        thief.channel_manifest("shop-6.6.6", rollout=QUICK),
    )

    step = await laps.settle("evil")

    assert isinstance(step, Hold)
    assert step.reason == "Conflict"
    assert await laps.served("evil") is None

    laps.delete(team.app_manifest())
    step = await laps.settle("evil")
    assert step.reason == "Conflict", "phones are still served under the first claim"


@pytest.mark.parametrize("field", ["kopf.zalando.org/last-handled-configuration", "anything"])
async def test_annotations_of_an_author_decide_nothing(laps: Laps, team: Team, field: str) -> None:
    release = team.release_manifest("1.0.0")
    release["metadata"]["annotations"] = {field: '{"success": true}'}
    channel = team.channel_manifest("shop-1.0.0", rollout=QUICK)
    channel["status"] = {"verdict": {"answer": "allowed"}, "live": {"version": "1.0.0"}}
    laps.apply(team.app_manifest(), team.policy_manifest(), release, channel)

    step = await laps.settle("shop")

    assert step.reason == "ApprovalsMissing"
