"""Growth without steps, within a harm budget."""

from dataclasses import replace
from datetime import timedelta

import pytest

from sluice.rollout.advance import advance
from sluice.rollout.decision import Complete, Hold, Offer, Progress, RollBack
from sluice.rollout.evidence import Evidence
from sluice.rollout.strategy import HarmBudget, Strategy
from support.fleets import NOW, a_fleet

STRATEGY = Strategy(growth=HarmBudget(phones=50))
GOOD = replace(
    a_fleet(candidate=5000, failed=20, control=20_000, control_failed=100),
    check_ins_a_minute=400.0,
    out=100,
)


def growing(share: float, minutes: float = 1.0) -> Progress:
    last = NOW - timedelta(minutes=minutes)
    return Progress(step=0, step_since=last, looked_at=last, share=share)


def test_it_begins_with_one_phone_in_ten_thousand() -> None:
    decision = advance(STRATEGY, None, Evidence(), NOW)

    assert isinstance(decision, Offer)
    assert (decision.share_bp, decision.grant, decision.progress.share) == (1, 1, 0.0001)


def test_the_share_grows_by_a_tenth_a_minute() -> None:
    decision = advance(STRATEGY, growing(0.02), GOOD, NOW)

    assert isinstance(decision, Offer)
    assert (decision.share_bp, decision.reason) == (220, "Advanced")
    assert decision.progress.share == pytest.approx(0.022)


@pytest.mark.parametrize("minutes", [0.1, 3, 60, 100_000])
def test_it_grows_with_time_and_not_with_looks(minutes: float) -> None:
    decision = advance(STRATEGY, growing(0.002, minutes), GOOD, NOW)

    assert isinstance(decision, Offer | Hold)
    expected = 0.002 * 1.1 ** min(minutes, 60)
    assert decision.progress.share == pytest.approx(expected)


def test_the_share_is_no_larger_than_what_may_be_out_needs() -> None:
    little = replace(a_fleet(candidate=30, control=500), check_ins_a_minute=400.0)

    decision = advance(STRATEGY, growing(0.05, 10), little, NOW)

    assert isinstance(decision, Offer)
    assert decision.progress.share == pytest.approx(decision.numbers["allowance"] / 400)
    shrunk = advance(STRATEGY, growing(0.2, 10), little, NOW)
    assert isinstance(shrunk, Hold)
    assert (shrunk.reason, shrunk.progress.share) == ("AwaitingReports", 0.2)


def test_above_nine_tenths_it_is_all_phones() -> None:
    decision = advance(STRATEGY, growing(0.85), GOOD, NOW)

    assert isinstance(decision, Offer)
    assert (decision.share_bp, decision.progress.share) == (10_000, 1.0)
    assert decision.progress.step_since == NOW


@pytest.mark.parametrize(
    ("evidence", "minutes", "reason"),
    [
        (GOOD, 9.9, "AwaitingReports"),
        (GOOD, 10, "Completed"),
        (replace(GOOD, withheld=True), 10, "AwaitingReports"),
        (replace(a_fleet(candidate=300, control=0), out=5), 60, "AwaitingReports"),
        (replace(a_fleet(candidate=300, control=0), out=5), 1440, "CannotDecide"),
    ],
    ids=["too soon", "decided", "starved", "undecided", "undecided for a day"],
)
def test_it_ends_at_all_phones_when_an_excess_of_half_a_point_is_excluded(
    evidence: Evidence, minutes: float, reason: str
) -> None:
    at_all = replace(growing(1.0), step_since=NOW - timedelta(minutes=minutes))

    assert advance(STRATEGY, at_all, evidence, NOW).reason == reason


def test_it_holds_when_the_budget_is_spent_and_nothing_is_out() -> None:
    spent = a_fleet(candidate=4200, failed=70, control=20_000, control_failed=100)
    tolerant = replace(STRATEGY, false_alarm=1e-15)

    for progress in (growing(0.5), growing(1.0)):
        decision = advance(tolerant, progress, spent, NOW)

        assert isinstance(decision, Hold)
        assert (decision.reason, decision.grant) == ("BudgetSpent", 0)
        assert decision.numbers["harmBudget.excessMax"] > 50 / 4200


def test_a_worse_release_is_taken_back_here_too() -> None:
    worse = a_fleet(candidate=100, failed=20, control=20_000, control_failed=100)

    assert isinstance(advance(STRATEGY, growing(0.1), worse, NOW), RollBack)
    assert isinstance(advance(STRATEGY, growing(1.0, 11), GOOD, NOW), Complete)
