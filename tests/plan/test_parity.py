"""The plan's verdict is the operator's: the same case makes the same verdict, bit for bit."""

from collections.abc import AsyncIterator
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import pytest

from sluice.gate.case import Case
from sluice.operator.policies import PolicySettings
from sluice.policy.verdict import Verdict
from sluice.resources.kinds import Key
from support.laps import QUICK, Laps, go_live
from support.pull_request import plan_of
from support.team import Team

Body = dict[str, Any]
CHANNEL = Key("Channel", "shop", "production")


@pytest.fixture
async def laps(tmp_path: Path, team: Team) -> AsyncIterator[Laps]:
    (tmp_path / "store").mkdir()
    laps = await Laps.open(
        tmp_path / "store", files=team.bundles, policies=PolicySettings(cluster=team.cluster)
    )
    yield laps
    await laps.database.close()


async def by_operator(laps: Laps) -> tuple[Case, Verdict]:
    observed = await laps.observer.channel(CHANNEL, laps.now)
    assert observed.case is not None
    assert observed.verdict is not None
    return observed.case, observed.verdict


def by_plan(base: list[Body], head: list[Body], laps: Laps) -> Verdict:
    [channel] = plan_of(base, head, now=laps.now, everything=True).channels
    assert channel.verdict is not None
    assert channel.verdict_after is None
    return channel.verdict


async def test_the_verdict_on_an_update_is_the_operators_whatever_people_said(
    laps: Laps, team: Team
) -> None:
    old = await go_live(laps, team, "1.4.1")
    policy = team.policy_manifest()
    before = [team.app_manifest(), old, team.channel_manifest("shop-1.4.1", rollout=QUICK)]
    release = team.release_manifest("1.4.2")
    words = [
        *(team.approval_manifest(who, release) for who in ("alice", "bob", "dora")),
        team.approval_manifest("carol", release, decision="reject", sequence=1),
        team.approval_manifest("mallory", release),
        team.approval_manifest("carol", release, channel="beta"),
    ]
    for number, each in enumerate(words):
        each["metadata"]["name"] = f"word-{number}"
    channel = team.channel_manifest("shop-1.4.2", rollout=QUICK)
    # The operator keeps the policy that it saw first, with its own seals.
    policy = _policy_in(laps, policy)
    laps.apply(release, channel)
    await laps.settle("shop")
    answers = set()
    subsets = chain.from_iterable(combinations(words, size) for size in range(len(words) + 1))
    for said in subsets:
        laps.apply(*said)
        _, verdict = await by_operator(laps)
        for each in said:
            laps.delete(each)

        head = [team.app_manifest(), old, policy, release, channel, *said]
        planned = by_plan([*before, policy], head, laps)

        assert planned.as_json() == verdict.as_json()
        assert planned.digest() == verdict.digest()
        answers.add(verdict.answer)
    assert answers == {"allowed", "held", "withdrawn"}


def _policy_in(laps: Laps, fallback: Body) -> Body:
    found = laps.cache.get(Key("ReleasePolicy", "shop", "releases"))
    assert found is not None
    assert found.spec is not None
    spec = found.spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {**fallback, "spec": spec}
