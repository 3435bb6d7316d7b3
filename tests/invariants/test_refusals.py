"""What a whole lap refuses, with the reason that the channel then shows."""

import hashlib
import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from sluice.reconcile.step import Hold
from support.laps import QUICK, Laps, go_live
from support.team import Team, a_bundle


def slipped() -> bytes:
    data = io.BytesIO(a_bundle("1.0.0"))
    with zipfile.ZipFile(data, "a") as archive:
        archive.writestr("../../evil.js", "steal()")
    return data.getvalue()


def no_index() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("readme.txt", "no app in here")
    return data.getvalue()


async def reason_for(laps: Laps, team: Team, release: dict[str, Any], *more: Any) -> str:
    laps.apply(
        team.app_manifest(),
        team.policy_manifest(),
        release,
        *(team.approval_manifest(who, release) for who in ("alice", "bob")),
        team.channel_manifest("shop-1.0.0", rollout=QUICK),
        *more,
    )
    step = await laps.settle("shop")
    table = await laps.served("shop")

    assert isinstance(step, Hold)
    assert table is None or (table.stable, table.candidate) == (None, None)
    return step.reason


@pytest.mark.parametrize(
    ("bundle", "reason"),
    [
        (slipped, "ArchiveUnsafeName"),
        (no_index, "ArchiveNoIndex"),
        (lambda: b"no zip at all", "ArchiveUnreadable"),
    ],
)
async def test_a_bad_bundle_is_not_published_however_many_approve_it(
    laps: Laps, team: Team, bundle: Callable[[], bytes], reason: str
) -> None:
    assert await reason_for(laps, team, team.release_manifest("1.0.0", bundle())) == reason


async def test_a_bundle_of_another_size_than_said_is_not_published(laps: Laps, team: Team) -> None:
    release = team.release_manifest("1.0.0")
    release["spec"]["bundle"]["size"] += 1

    assert await reason_for(laps, team, release) == "BundleSizeDiffers"


async def test_a_policy_whose_trusted_root_cannot_be_read_lets_nothing_through(
    laps: Laps, team: Team
) -> None:
    policy = team.policy_manifest(name="broken")
    policy["spec"]["authorities"][0]["trustedRoot"] = "{}"

    assert (
        await reason_for(laps, team, team.release_manifest("1.0.0"), policy) == "PolicyUnreadable"
    )


async def test_a_release_of_another_app_is_not_offered_on_the_channel(
    laps: Laps, team: Team
) -> None:
    release = team.release_manifest("1.0.0")
    release["spec"]["app"] = "another"

    assert await reason_for(laps, team, release) == "ReleaseOfOtherApp"


async def test_a_second_bundle_under_the_same_version_is_refused_for_ever(
    laps: Laps, team: Team
) -> None:
    await go_live(laps, team, "1.0.0")
    other = team.release_manifest("1.0.0", a_bundle("1.0.0", more={"other.js": b"//"}))
    other["metadata"]["name"] = "shop-again"
    laps.apply(
        other,
        *(team.approval_manifest(who, other) for who in ("alice", "bob")),
        team.channel_manifest("shop-again", rollout=QUICK),
    )

    step = await laps.settle("shop")

    assert step.reason == "VersionTaken"


async def test_a_place_that_was_mended_is_asked_again(laps: Laps, team: Team) -> None:
    release = team.release_manifest("1.0.0")
    [file] = team.bundles.iterdir()
    whole = file.read_bytes()
    file.unlink()

    assert await reason_for(laps, team, release) != ""

    file.write_bytes(whole)
    laps.wait(minutes=10)
    await laps.settle("shop")
    table = await laps.served("shop")
    assert table is not None
    assert table.candidate is not None


async def test_damaged_evidence_does_not_block_the_way_back(laps: Laps, team: Team) -> None:
    release = team.release_manifest("1.0.0")
    for each in release["spec"]["attestations"]:
        data = each.pop("inline").encode()
        file = team.bundles / each["name"]
        file.write_bytes(data)
        each |= {"url": file.as_uri(), "sha256": hashlib.sha256(data).hexdigest()}
    approvals = [team.approval_manifest(who, release) for who in ("alice", "bob")]
    channel = team.channel_manifest("shop-1.0.0", rollout=QUICK)
    laps.apply(team.app_manifest(), team.policy_manifest(), release, *approvals, channel)
    await laps.settle("shop")
    before = await laps.served("shop")
    assert before is not None
    assert before.candidate is not None

    for each in release["spec"]["attestations"]:
        laps.blobs.path(each["sha256"]).write_bytes(b"damaged")
    step = await laps.settle("shop")
    assert step.reason == "SignatureMissing"

    laps.apply(team.channel_manifest(None, rollout=QUICK))
    await laps.settle("shop")
    after = await laps.served("shop")
    assert after is not None
    assert after.candidate is None
