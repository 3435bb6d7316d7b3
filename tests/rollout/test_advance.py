"""How far a rollout may go."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.rollout.advance import advance
from sluice.rollout.decision import (
    ArmCounts,
    Complete,
    Evidence,
    Hold,
    Offer,
    Progress,
    RollBack,
    Step,
    Strategy,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)
STRATEGY = Strategy(
    steps=tuple(
        Step(share_bp=share, hold_seconds=600, min_devices=3) for share in (100, 1000, 5000, 10_000)
    ),
    false_alarm=0.01,
    tolerance=0.002,
)
HEALTHY = Evidence(
    candidate=ArmCounts(devices=50, proven=40), control=ArmCounts(devices=1000, failed=2)
)


def at(step: int, minutes: float) -> Progress:
    return Progress(step=step, step_since=NOW - timedelta(minutes=minutes))


def test_a_rollout_begins_with_the_first_step() -> None:
    decision = advance(STRATEGY, None, Evidence(), NOW)

    assert decision == Offer(
        step=0, share_bp=100, reason="Started", message="Offered to 1 % of phones"
    )


def test_a_step_takes_at_least_its_time() -> None:
    decision = advance(STRATEGY, at(0, 9.9), HEALTHY, NOW)

    assert isinstance(decision, Hold)
    assert (decision.reason, decision.until) == ("StepHolds", NOW + timedelta(minutes=0.1))


def test_a_step_that_has_its_time_and_its_proof_is_followed_by_the_next() -> None:
    decision = advance(STRATEGY, at(0, 10), HEALTHY, NOW)

    assert isinstance(decision, Offer)
    assert (decision.step, decision.share_bp) == (1, 1000)


@pytest.mark.parametrize("proven", [0, 2])
def test_missing_data_never_advances_a_rollout(proven: int) -> None:
    evidence = Evidence(candidate=ArmCounts(devices=1000, proven=proven), control=HEALTHY.control)

    decision = advance(STRATEGY, at(0, 60 * 24 * 365), evidence, NOW)

    assert isinstance(decision, Hold)
    assert decision.reason == "EvidenceMissing"


def test_the_last_step_completes_the_rollout() -> None:
    assert isinstance(advance(STRATEGY, at(3, 10), HEALTHY, NOW), Complete)


def test_phones_that_do_worse_take_it_back_before_the_step_has_had_its_time() -> None:
    evidence = Evidence(
        candidate=ArmCounts(devices=20, failed=10), control=ArmCounts(devices=1000, failed=2)
    )

    decision = advance(STRATEGY, at(0, 0), evidence, NOW)

    assert isinstance(decision, RollBack)
    assert "10 of 20 phones failed with it, 2 of 1000 without" in decision.message


def test_a_fleet_that_fails_anyway_is_not_blamed_on_the_candidate() -> None:
    evidence = Evidence(
        candidate=ArmCounts(devices=100, failed=10, proven=50),
        control=ArmCounts(devices=1000, failed=100),
    )

    assert not isinstance(advance(STRATEGY, at(0, 0), evidence, NOW), RollBack)


counts = st.integers(0, 500).flatmap(
    lambda devices: st.integers(0, devices).flatmap(
        lambda failed: st.integers(0, devices - failed).map(
            lambda proven: ArmCounts(devices=devices, failed=failed, proven=proven)
        )
    )
)
evidence = st.builds(Evidence, candidate=counts, control=counts)


@given(evidence, st.integers(0, 3), st.floats(0, 10_000))
def test_the_share_only_grows_and_one_step_at_a_time(
    heard: Evidence, step: int, minutes: float
) -> None:
    decision = advance(STRATEGY, at(step, minutes), heard, NOW)

    if isinstance(decision, Offer):
        assert decision.step == step + 1
        assert decision.share_bp > STRATEGY.steps[step].share_bp
        assert heard.candidate.proven >= STRATEGY.steps[step].min_devices


@given(evidence, st.integers(0, 3), st.floats(0, 10_000))
def test_a_decision_is_the_same_whenever_it_is_made_from_the_same_data(
    heard: Evidence, step: int, minutes: float
) -> None:
    again = [advance(STRATEGY, at(step, minutes), heard, NOW) for _ in range(2)]

    assert again[0] == again[1]
