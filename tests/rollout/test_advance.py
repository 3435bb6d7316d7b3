"""How far a rollout may go, in steps."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.rollout.advance import advance
from sluice.rollout.decision import Complete, Decision, Hold, Offer, Progress, RollBack
from sluice.rollout.evidence import ArmCounts, Draw, Evidence, Silence, Tally, Transfers
from sluice.rollout.sample_ratio import drawn
from sluice.rollout.strategy import Steps, Strategy
from support.fleets import NOW, STEPS, a_fleet, at

STRATEGY = Strategy(growth=Steps(steps=STEPS), undecided="Promote")
EARLY = replace(STRATEGY, growth=Steps(steps=STEPS, early=True))
HEALTHY = Evidence(
    candidate=ArmCounts(devices=50, proven=40), control=ArmCounts(devices=1000, failed=2)
)
FEW = a_fleet(candidate=70, control=400)
WELL_KNOWN = a_fleet(candidate=5000, control=20_000, control_failed=100, failed=20, proven=3)


def test_a_rollout_begins_with_the_first_step_and_one_phone() -> None:
    decision = advance(STRATEGY, None, Evidence(), NOW)

    assert isinstance(decision, Offer)
    assert (decision.step, decision.share_bp, decision.grant) == (0, 100, 1)
    assert decision.progress == Progress(step=0, step_since=NOW, looked_at=NOW)
    assert (decision.reason, decision.message) == (
        "Started",
        "Offered to 1 % of phones; 0 of 0 phones failed with it, 0 of 0 without.",
    )


def test_a_step_takes_at_least_its_time() -> None:
    decision = advance(STRATEGY, at(0, 9.9), HEALTHY, NOW)

    assert isinstance(decision, Hold)
    assert (decision.reason, decision.until) == ("StepHolds", NOW + timedelta(minutes=0.1))


def test_a_step_that_has_its_time_and_its_proof_is_followed_by_the_next() -> None:
    decision = advance(STRATEGY, at(0, 10), HEALTHY, NOW)

    assert isinstance(decision, Offer)
    assert (decision.step, decision.share_bp) == (1, 1000)
    assert decision.progress == Progress(step=1, step_since=NOW, looked_at=NOW)


@pytest.mark.parametrize("proven", [0, 2])
@pytest.mark.parametrize("strategy", [STRATEGY, EARLY], ids=["by time", "early"])
def test_missing_data_never_advances_a_rollout(strategy: Strategy, proven: int) -> None:
    evidence = replace(WELL_KNOWN, candidate=ArmCounts(devices=1000, proven=proven))

    decision = advance(strategy, at(0, 60 * 24 * 365), evidence, NOW)

    assert isinstance(decision, Hold)
    assert decision.reason == "EvidenceMissing"


def test_the_last_step_completes_the_rollout() -> None:
    decision = advance(STRATEGY, at(3, 10), WELL_KNOWN, NOW)

    assert isinstance(decision, Complete)
    assert decision.reason == "Completed"


def test_time_in_which_pacing_withheld_offers_does_not_count() -> None:
    starved = replace(WELL_KNOWN, withheld=True, out=7)
    progress = replace(at(1, 60), withheld_seconds=3400, looked_at=NOW - timedelta(minutes=2))

    decision = advance(STRATEGY, progress, starved, NOW)
    later = advance(STRATEGY, replace(progress, withheld_seconds=2880), starved, NOW)

    assert isinstance(decision, Hold)
    assert (decision.reason, decision.until) == ("AwaitingReports", None)
    assert decision.progress.withheld_seconds == 3520
    assert "7 of them not heard of yet" in decision.message
    assert isinstance(later, Offer)


def test_a_step_is_left_early_when_an_excess_is_excluded_and_the_strategy_allows_it() -> None:
    long = tuple(replace(each, hold_seconds=3600) for each in STEPS)
    by_time, early = (replace(STRATEGY, growth=Steps(steps=long, early=e)) for e in (False, True))
    waiting = replace(early, waits_for_returns=True)
    returned = replace(WELL_KNOWN, silence=Silence(information=6000.0))

    reasons = {
        "early": advance(early, at(0, 10), WELL_KNOWN, NOW).reason,
        "not allowed": advance(by_time, at(0, 10), WELL_KNOWN, NOW).reason,
        "too soon": advance(early, at(0, 9.9), WELL_KNOWN, NOW).reason,
        "too few heard": advance(early, at(0, 10), FEW, NOW).reason,
        "too few back": advance(waiting, at(0, 10), WELL_KNOWN, NOW).reason,
        "enough back": advance(waiting, at(0, 10), returned, NOW).reason,
    }

    assert reasons == {
        "early": "Advanced",
        "not allowed": "StepHolds",
        "too soon": "StepHolds",
        "too few heard": "StepHolds",
        "too few back": "StepHolds",
        "enough back": "Advanced",
    }


def test_a_gate_keeps_a_step_until_a_person_asks_for_promotion() -> None:
    gated = Strategy(growth=Steps(steps=(replace(STEPS[0], manual=True), *STEPS[1:])))
    closed, opened = at(0, 60), replace(at(0, 60), gate_opened_steps=frozenset({0}))
    other = replace(at(0, 60), gate_opened_steps=frozenset({1}))

    decisions = [advance(gated, each, WELL_KNOWN, NOW) for each in (closed, other, opened)]

    assert [each.reason for each in decisions] == ["GateClosed", "GateClosed", "Advanced"]
    assert isinstance(decisions[2], Offer)
    assert decisions[2].progress.gate_opened_steps == {0}


def test_each_gate_is_opened_by_itself() -> None:
    gated = Strategy(growth=Steps(steps=tuple(replace(each, manual=True) for each in STEPS)))
    first_opened = replace(at(1, 60), gate_opened_steps=frozenset({0}))
    last = at(3, 60)

    assert advance(gated, first_opened, WELL_KNOWN, NOW).reason == "GateClosed"
    assert advance(gated, last, WELL_KNOWN, NOW).reason == "GateClosed"


def test_the_watch_goes_on_for_the_soak_time_before_the_release_is_stable() -> None:
    soaking = replace(STRATEGY, soak_seconds=3600)

    begins = advance(soaking, at(3, 10), WELL_KNOWN, NOW)
    assert isinstance(begins, Hold)
    goes_on = advance(soaking, begins.progress, WELL_KNOWN, NOW + timedelta(minutes=59))
    ends = advance(soaking, begins.progress, WELL_KNOWN, NOW + timedelta(minutes=60))
    bad = advance(soaking, begins.progress, BROKEN, NOW + timedelta(minutes=1))

    assert (begins.reason, begins.until) == ("Soaking", NOW + timedelta(hours=1))
    assert isinstance(goes_on, Hold)
    assert (goes_on.reason, goes_on.until) == ("Soaking", NOW + timedelta(hours=1))
    assert isinstance(ends, Complete)
    assert isinstance(bad, RollBack)


UNDECIDED = replace(STRATEGY, undecided="Hold")


def test_too_few_phones_cannot_decide_and_wait_for_a_person() -> None:
    waits = advance(UNDECIDED, at(3, 60), FEW, NOW)
    promoted = replace(at(3, 60), gate_opened_steps=frozenset({3}))

    assert isinstance(waits, Hold)
    assert waits.reason == "CannotDecide"
    assert waits.numbers["reverse"] < waits.numbers["reverse.limit"]
    assert "70 phones that were heard, 1.2 points more failures" in waits.message
    assert advance(UNDECIDED, promoted, FEW, NOW).reason == "Promoted"


def test_a_strategy_may_promote_what_it_cannot_decide_and_says_so() -> None:
    decision = advance(STRATEGY, at(3, 60), FEW, NOW)

    assert isinstance(decision, Complete)
    assert decision.reason == "CannotDecide"


def test_enough_phones_can_decide() -> None:
    enough = a_fleet(candidate=300, control=400)

    assert advance(UNDECIDED, at(3, 60), enough, NOW).reason == "Completed"


def test_phones_that_stay_away_keep_a_rollout_that_waits_for_them() -> None:
    waits = replace(EARLY, waits_for_returns=True)
    away, back = WELL_KNOWN, replace(WELL_KNOWN, silence=Silence(information=6000.0))

    assert advance(waits, at(0, 9.9), away, NOW).reason == "StepHolds"
    assert advance(waits, at(3, 60), away, NOW).reason == "ReturnsMissing"
    assert advance(waits, at(3, 60), back, NOW).reason == "Completed"
    assert grant(advance(waits, at(0, 1), away, NOW)) == 46
    assert grant(advance(waits, at(0, 1), back, NOW)) > 1000


BROKEN = a_fleet(candidate=20, failed=10, control=1000, control_failed=2)


def test_phones_that_do_worse_take_it_back_before_the_step_has_had_its_time() -> None:
    decision = advance(STRATEGY, at(0, 0), BROKEN, NOW)

    assert isinstance(decision, RollBack)
    assert "10 of 20 phones failed with it, 2 of 1000 without" in decision.message


def test_a_fleet_that_fails_anyway_is_not_blamed_on_the_candidate() -> None:
    anyway = a_fleet(candidate=100, failed=10, control=1000, control_failed=100)

    assert not isinstance(advance(STRATEGY, at(0, 0), anyway, NOW), RollBack)


def mismatched(evidence: Evidence) -> Evidence:
    return replace(evidence, draw=drawn(Draw(), share_bp=100, candidate=300, control=9900))


def test_arms_that_were_not_drawn_as_the_share_says_stop_everything_but_the_way_back() -> None:
    held = advance(EARLY, at(0, 60), mismatched(WELL_KNOWN), NOW)

    assert isinstance(held, Hold)
    assert (held.reason, held.grant) == ("SampleRatioMismatch", 0)
    assert "300 of 10200 phones were drawn for the candidate, where the share says about 102:" in (
        held.message
    )
    assert held.numbers["ratio.evidence"] >= held.numbers["ratio.limit"] == 1000
    assert isinstance(advance(EARLY, at(0, 60), mismatched(BROKEN), NOW), RollBack)
    assert isinstance(advance(EARLY, None, mismatched(BROKEN), NOW), Hold)


def test_a_decision_says_what_it_was_made_from() -> None:
    evidence = replace(
        WELL_KNOWN, out=5, transfers=Transfers(offers=5005, downloads=4990, reports=5000)
    )

    numbers = advance(EARLY, at(0, 5), evidence, NOW).numbers

    expected = {
        "crashes": 5000,
        "crashes.failed": 20,
        "crashes.control": 20_000,
        "crashes.controlFailed": 100,
        "devices.proven": 3,
        "offers": 5005,
        "downloads": 4990,
        "reports": 5000,
        "out": 5,
        "evidence.limit": 100.0,
        "step.seconds": 300.0,
    }
    assert {name: numbers[name] for name in expected} == expected
    assert {"evidence", "baseRate", "allowance", "grant", "reverse", "excess"} <= numbers.keys()
    assert all(isinstance(each, int | float) for each in numbers.values())


def grant(decision: Decision) -> int:
    assert isinstance(decision, Offer | Hold)
    return decision.grant


counts = st.integers(0, 500).flatmap(
    lambda devices: st.integers(0, devices).flatmap(
        lambda failed: st.integers(0, devices - failed).map(
            lambda proven: ArmCounts(devices=devices, failed=failed, proven=proven)
        )
    )
)
tallies = st.builds(
    lambda n, f, nc, fc: Tally(candidate=n + f, failed=f, control=nc + fc, control_failed=fc),
    *(st.integers(0, most) for most in (5000, 50, 50_000, 500)),
)
evidence = st.builds(
    Evidence,
    candidate=counts,
    control=counts,
    crashes=tallies,
    not_started=tallies,
    out=st.integers(0, 300),
    withheld=st.booleans(),
)
strategies = st.builds(
    Strategy,
    growth=st.builds(Steps, steps=st.just(STEPS), early=st.booleans()),
    waits_for_returns=st.booleans(),
    soak_seconds=st.sampled_from([0, 600]),
    undecided=st.sampled_from(["Hold", "Promote"]),
)


@given(strategies, evidence, st.integers(0, 3), st.floats(0, 10_000))
def test_the_share_only_grows_and_one_step_at_a_time(
    strategy: Strategy, heard: Evidence, step: int, minutes: float
) -> None:
    decision = advance(strategy, at(step, minutes), heard, NOW)

    if isinstance(decision, Offer):
        assert decision.step == step + 1
        assert decision.share_bp > STEPS[step].share_bp
        assert heard.candidate.proven >= STEPS[step].min_devices
    if isinstance(decision, Complete):
        assert step == 3


@given(strategies, evidence, st.integers(0, 3), st.floats(0, 10_000))
def test_a_decision_is_the_same_whenever_it_is_made_from_the_same_data(
    strategy: Strategy, heard: Evidence, step: int, minutes: float
) -> None:
    again = [advance(strategy, at(step, minutes), heard, NOW) for _ in range(2)]

    assert again[0] == again[1]


@given(strategies, evidence, st.integers(0, 3), st.floats(0, 10_000))
def test_looking_more_often_never_makes_a_step_older(
    strategy: Strategy, heard: Evidence, step: int, minutes: float
) -> None:
    decision = advance(strategy, at(step, minutes), heard, NOW)

    if isinstance(decision, Hold):
        progress = decision.progress
        assert (progress.step, progress.step_since) == (step, NOW - timedelta(minutes=minutes))
        assert 0 <= progress.withheld_seconds <= minutes * 60 + 1e-6
        assert progress.looked_at == NOW


@pytest.mark.parametrize(
    "wrong",
    [
        {"false_alarm": 0.0},
        {"false_alarm": 1.0},
        {"lies": -1},
        {"lies": 9},
        {"growth": Steps(steps=())},
    ],
)
def test_a_strategy_by_which_nothing_can_be_decided_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must be|needs"):
        Strategy(**{"growth": Steps(steps=STEPS), **wrong})
