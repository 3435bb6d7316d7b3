"""Promise 3 where people's words are attacked: what says no, or owes, outlives its file in git."""

import secrets
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sluice.reconcile.step import Hold, Keep, Rest, Serve
from sluice.resources.canonical import canonical_json, release_digest
from sluice.resources.kinds import Key
from sluice.resources.release import ReleaseSpec
from sluice.store import audit
from sluice.store.words import keep_word
from sluice.verify.claims import GlassClaim, build_statement
from sluice.verify.facts import Evidence
from support.laps import QUICK, Laps, go_live
from support.team import Team, manifest

CHANNEL = Key("Channel", "shop", "production")
EVERYBODY = ("alice", "bob", "carol")
BREAKABLE = {
    "requirements": ["approved"],
    "role": "release-manager",
    "count": 2,
    "cosignRole": "release-manager",
    "cosignCount": 1,
    "cosignWithin": "1h",
}


def said(team: Team, who: str, release: dict[str, Any], decision: str, **claim: Any) -> Any:
    found = team.approval_manifest(who, release, decision=decision, **claim)
    found["metadata"]["name"] += f"-{decision}-{claim.get('sequence', 0)}"
    return found


def glass(team: Team, who: str, release: dict[str, Any], laps: Laps) -> dict[str, Any]:
    spec = ReleaseSpec.model_validate_json(canonical_json(release["spec"]))
    claim = GlassClaim(
        app=team.app_id,
        namespace="shop",
        version=spec.version,
        channel="production",
        cluster="demo",
        role="release-manager",
        nonce=secrets.token_urlsafe(16),
        issued_at=laps.now,
        expires_at=laps.now + timedelta(hours=2),
        policy="ReleasePolicy/releases",
        incident="INC-1",
        reason="The shop is down.",
    )
    signed = team.keys[who].sign_statement(build_statement(release_digest(spec), claim))
    name = release["metadata"]["name"]
    return manifest("Approval", f"{name}-{who}-glass", "shop", {"release": name, "ssh": signed})


async def offered(laps: Laps, team: Team, *approvals: dict[str, Any]) -> dict[str, Any]:
    """Have 1.0.0 live, and 1.1.0 on its way to the first phones; return the latter."""
    await go_live(laps, team, "1.0.0")
    release = team.release_manifest("1.1.0")
    yes = [team.approval_manifest(who, release) for who in ("alice", "bob")]
    laps.apply(release, *yes, team.channel_manifest("shop-1.1.0", rollout=QUICK))
    await laps.settle("shop")
    assert await candidate(laps) == "1.1.0"
    return release


async def candidate(laps: Laps) -> str | None:
    table = await laps.served("shop")
    assert table is not None
    return table.candidate.version if table.candidate else None


async def test_invariant_3_deleting_a_rejection_does_not_undo_it(laps: Laps, team: Team) -> None:
    """Also where the release has not been offered yet, so that nothing but the word stops it."""
    await go_live(laps, team, "1.0.0")
    release = team.release_manifest("1.1.0")
    no = said(team, "carol", release, "reject")
    laps.apply(
        release,
        no,
        *(team.approval_manifest(who, release) for who in ("alice", "bob")),
        team.channel_manifest("shop-1.1.0", rollout=QUICK),
    )
    await laps.settle("shop")
    laps.delete(no)
    laps.restart()

    step = await laps.settle("shop")

    assert (type(step), step.reason) == (Hold, "Rejected")
    assert "kept, its file is gone" in step.message
    assert await candidate(laps) is None


async def test_invariant_3_a_rejection_is_kept_before_any_channel_names_the_release(
    laps: Laps, team: Team
) -> None:
    await go_live(laps, team, "1.0.0")
    release = team.release_manifest("1.1.0")
    no = said(team, "carol", release, "reject")
    laps.apply(release, no)
    await laps.settle("shop")
    laps.delete(no)
    laps.apply(
        *(team.approval_manifest(who, release) for who in ("alice", "bob")),
        team.channel_manifest("shop-1.1.0", rollout=QUICK),
    )

    assert (await laps.settle("shop")).reason == "Rejected"


async def test_invariant_3_deleting_a_withdrawal_does_not_bring_the_approval_back(
    laps: Laps, team: Team
) -> None:
    release = await offered(laps, team)
    withdrawal = said(team, "bob", release, "withdraw", sequence=1)
    laps.apply(withdrawal)
    assert (await laps.settle("shop")).reason == "ApprovalsMissing"
    laps.delete(withdrawal)
    laps.wait(minutes=5)

    step = await laps.settle("shop")

    assert (type(step), step.reason) == (Hold, "ApprovalsMissing")


async def test_invariant_3_deleting_a_lower_ceiling_does_not_raise_it(
    laps: Laps, team: Team
) -> None:
    release = await offered(laps, team)
    less = said(team, "bob", release, "approve", sequence=1, ceiling={"share": "10%"})
    laps.apply(less)
    laps.wait(minutes=5)
    assert (await laps.settle("shop")).reason == "CeilingReached"
    laps.delete(less)

    assert (await laps.settle("shop")).reason == "CeilingReached"


async def test_deleting_an_approval_stops_growth_and_takes_nothing_away(
    laps: Laps, team: Team
) -> None:
    """Row 13: the yes counts no more."""
    release = await offered(laps, team)
    laps.delete(team.approval_manifest("bob", release))
    laps.wait(minutes=5)

    step = await laps.settle("shop")

    assert (type(step), step.reason) == (Hold, "ApprovalsMissing")
    assert await candidate(laps) == "1.1.0"


async def test_a_person_may_still_change_their_mind_after_their_word_was_kept(
    laps: Laps, team: Team
) -> None:
    await go_live(laps, team, "1.0.0")
    release = team.release_manifest("1.1.0")
    no = said(team, "carol", release, "reject")
    laps.apply(
        release,
        no,
        *(team.approval_manifest(who, release) for who in ("alice", "bob")),
        team.channel_manifest("shop-1.1.0", rollout=QUICK),
    )
    await laps.settle("shop")
    laps.delete(no)
    laps.apply(said(team, "carol", release, "approve", sequence=1))

    await laps.settle("shop")

    assert await candidate(laps) == "1.1.0"


async def broken(laps: Laps, team: Team) -> list[dict[str, Any]]:
    """Have the glass broken by alice and bob for a release that nobody approved."""
    await go_live(laps, team, "1.0.0")
    release = team.release_manifest("1.1.0")
    words = [glass(team, who, release, laps) for who in ("alice", "bob")]
    laps.apply(
        team.policy_manifest(revision=2, breakGlass=BREAKABLE),
        release,
        *words,
        team.channel_manifest("shop-1.1.0", rollout=QUICK),
    )
    return words


async def test_invariant_3_glass_passes_nothing_by_before_it_is_kept(
    laps: Laps, team: Team
) -> None:
    await broken(laps, team)
    await laps.lap_of_policy(Key("ReleasePolicy", "shop", "releases"))

    steps = [await laps.lap_of_channel(CHANNEL) for _ in range(9)]

    kinds = [type(each) for each in steps]
    assert kinds[:2] == [Keep, Keep]
    assert Serve in kinds
    assert Keep not in kinds[2:]


async def test_invariant_3_deleting_the_words_that_broke_the_glass_does_not_pay_the_debt(
    laps: Laps, team: Team
) -> None:
    words = await broken(laps, team)
    await laps.settle("shop")
    assert await candidate(laps) == "1.1.0"
    for each in words:
        laps.delete(each)
    laps.restart()
    laps.wait(hours=1, minutes=1)

    step = await laps.settle("shop")

    assert (type(step), step.reason) == (Hold, "CosignMissing")
    assert await candidate(laps) is None


async def test_a_word_is_kept_once_and_audited(laps: Laps, team: Team) -> None:
    await go_live(laps, team, "1.0.0")
    release = team.release_manifest("1.1.0")
    no = said(team, "carol", release, "reject")
    laps.apply(release, no, team.channel_manifest("shop-1.1.0", rollout=QUICK))
    for _ in range(3):
        await laps.settle("shop")

    kept = [each for each in await audit.entries(laps.database) if each.kind == "WordKept"]
    assert [each.body["source"] for each in kept] == ["Approval shop-1.1.0-carol-reject-0"]


async def test_a_stranger_has_nothing_kept(laps: Laps, team: Team, tmp_path: Path) -> None:
    await go_live(laps, team, "1.0.0")
    release = team.release_manifest("1.1.0")
    thief = Team(namespace="shop", bundles=team.bundles)
    strangers = [
        said(each, who, release, "reject") for each, who in ((thief, "carol"), (team, "eve"))
    ]
    for number, each in enumerate(strangers):
        each["metadata"]["name"] += f"-{number}"
    laps.apply(release, *strangers, team.channel_manifest("shop-1.1.0", rollout=QUICK))
    await laps.settle("shop")

    with sqlite3.connect(tmp_path / "sluice.db") as connection:
        kept = connection.execute("SELECT source FROM kept_words").fetchall()
    assert kept == []


async def test_a_word_that_somebody_wrote_into_the_database_says_nothing(
    laps: Laps, team: Team
) -> None:
    release = await offered(laps, team)
    spec = ReleaseSpec.model_validate_json(canonical_json(release["spec"]))
    forged = Evidence(source="Approval forged", kind="approval", data=b'{"forged": true}')
    await keep_word(laps.database, "shop", release_digest(spec), forged, epoch=1, at=laps.now)
    laps.wait(minutes=5)

    for _ in range(3):
        step = await laps.settle("shop")
        laps.wait(minutes=5)

    assert (type(step), step.reason) == (Rest, "Live")


@pytest.mark.parametrize("number", [255, 256])
async def test_a_release_with_more_words_than_are_kept_grows_no_more(
    laps: Laps, team: Team, number: int
) -> None:
    release = await offered(laps, team)
    spec = ReleaseSpec.model_validate_json(canonical_json(release["spec"]))
    for each in range(number):
        word = Evidence(source="Approval x", kind="approval", data=b"%d" % each)
        await keep_word(laps.database, "shop", release_digest(spec), word, epoch=1, at=laps.now)
    laps.wait(minutes=5)

    step = await laps.settle("shop")

    assert (step.reason == "TooManyWords") == (number == 256)


async def test_invariant_3_a_no_can_not_be_hidden_behind_many_approvals(
    laps: Laps, team: Team
) -> None:
    """Whoever writes to git adds so many files that carol's is not looked at any more."""
    release = await offered(laps, team)
    junk = team.approval_manifest("dora", release)
    for number in range(256):
        laps.apply({**junk, "metadata": {**junk["metadata"], "name": f"t-{number:03}"}})
    no = said(team, "carol", release, "reject")
    no["metadata"]["name"] = "z-rejection"
    laps.apply(no)
    laps.wait(minutes=5)

    step = await laps.lap_of_channel(CHANNEL)
    while not isinstance(step, Rest | Hold):
        step = await laps.lap_of_channel(CHANNEL)

    assert (type(step), step.reason) == (Hold, "TooManyApprovals")
    # Each Approval has laps of its own, in which a no is kept wherever its name sorts.
    await laps.settle("shop")
    assert await candidate(laps) is None
