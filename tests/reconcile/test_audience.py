"""A wider audience is growth: what is served may not reach more phones than it was allowed for."""

from dataclasses import replace
from typing import Any

import pytest

from sluice.reconcile.audience import wanted_audience, widens
from sluice.reconcile.channel import next_step
from sluice.reconcile.step import Hold, Rest, Serve
from sluice.serving.table import Audience
from support.observed import NEW, OLD, a_rollout, a_spec, a_table, a_verdict, seen

TESTERS = {"default": False, "selfAssign": True}
NARROW = wanted_audience(a_spec(audience=TESTERS).audience)


def live(**changes: Any) -> Any:
    """The named release is what testers get, and git asks for everybody."""
    return seen(**{"table": a_table(stable=NEW, audience=NARROW), **changes})


def test_what_is_allowed_for_everybody_goes_to_everybody() -> None:
    step = next_step(live())

    assert isinstance(step, Serve)
    assert step.change == "Retarget"
    assert step.table is not None
    assert step.table.audience.default


def test_what_is_held_for_everybody_stays_with_its_testers() -> None:
    step = next_step(live(verdict=a_verdict("held", "ApprovalsMissing")))

    assert isinstance(step, Hold)
    assert step.reason == "ApprovalsMissing"
    assert "audience does not grow" in step.message


def test_a_ceiling_bounds_a_wider_audience() -> None:
    step = next_step(live(verdict=replace(a_verdict(), ceiling_bp=1000)))

    assert isinstance(step, Hold)
    assert step.reason == "CeilingReached"


def test_another_release_than_the_named_one_does_not_go_to_more_phones() -> None:
    """What is served is not what the verdict is on; the rollout goes on meanwhile."""
    table = a_table(stable=OLD, candidate=NEW, share_bp=100, rollout_id="r", audience=NARROW)

    step = next_step(seen(table=table, rollout=a_rollout()))

    assert not (isinstance(step, Serve) and step.change == "Retarget")


def test_a_narrower_audience_asks_nobody() -> None:
    spec = a_spec(audience=TESTERS)
    held = a_verdict("held", "ApprovalsMissing")
    table = a_table(stable=NEW, audience=replace(NARROW, default=True))

    step = next_step(seen(spec=spec, table=table, verdict=held))

    assert isinstance(step, Serve)
    assert step.change == "Retarget"


def test_a_channel_that_serves_nothing_may_be_for_anybody() -> None:
    step = next_step(
        seen(table=a_table(stable=None, audience=NARROW), verdict=a_verdict("held", "X"))
    )

    assert isinstance(step, Serve)
    assert step.change == "Retarget"


def test_an_audience_that_stays_holds_nothing() -> None:
    same = wanted_audience(a_spec().audience)

    assert isinstance(
        next_step(live(table=a_table(stable=NEW, audience=same), verdict=a_verdict("held", "X"))),
        Rest,
    )


@pytest.mark.parametrize(
    "flag", ["default", "self_assign", "production", "development", "emulator", "device"]
)
def test_each_way_to_reach_more_phones_is_wider(flag: str) -> None:
    nobody = Audience(
        default=False,
        platforms=("ios",),
        self_assign=False,
        production=False,
        development=False,
        emulator=False,
        device=False,
    )
    more = replace(nobody, **{flag: True})

    assert widens(nobody, more)
    assert not widens(more, nobody)
    assert not widens(nobody, nobody)
    assert widens(nobody, replace(nobody, platforms=("android", "ios")))
    assert widens(nobody, replace(nobody, platforms=("android",)))
