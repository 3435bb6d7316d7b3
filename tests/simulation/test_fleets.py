"""Counting phones is the same, in distribution, as following each one; and runs can be repeated."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from scipy.stats import ks_2samp

from sluice.rollout.strategy import HarmBudget, Step, Steps, Strategy
from sluice.simulation.fleet import Fault, Fleet
from sluice.simulation.outcomes import Outcome, Outcomes, percentile
from sluice.simulation.phones import PhoneFleet
from sluice.simulation.run import simulate, simulate_on

STRATEGY = Strategy(
    growth=Steps(
        steps=tuple(Step(share_bp=bp, hold_seconds=1200) for bp in (1000, 4000, 10_000)),
        early=True,
    ),
    undecided="Promote",
)
FLEET = Fleet(phones=1000, gap_minutes=30, base=0.01)
MINUTES_MAX = 120


def phone_by_phone(fleet: Fleet, fault: Fault, runs: int) -> Outcomes:
    each = [
        simulate_on(
            PhoneFleet(fleet, fault, seed=seed),
            STRATEGY,
            fleet,
            runs=1,
            seed=seed,
            minutes_max=MINUTES_MAX,
        ).runs[0]
        for seed in range(runs)
    ]
    return Outcomes(runs=tuple(each))


CASES = {
    "healthy": (FLEET, Fault()),
    "crashes": (FLEET, Fault(crashes=0.1)),
    "uneven, drifting, slow": (
        replace(FLEET, heavy_tailed=True, diurnal=0.5, drift=0.5, reports="slow"),
        Fault(crashes=0.3),
    ),
    "one segment": (replace(FLEET, segments=True), Fault(segment=0.9)),
    "not started": (FLEET, Fault(not_started=0.2)),
    "installs": (FLEET, Fault(installs=0.2)),
}
NUMBERS: dict[str, Callable[[Outcome], int]] = {
    "minutes": lambda each: each.minutes,
    "failed": lambda each: each.failed,
    "harmed": lambda each: each.harmed,
    "offered": lambda each: each.offered,
}


@pytest.mark.parametrize("case", CASES)
def test_counting_phones_is_the_same_as_following_each_one(case: str) -> None:
    fleet, fault = CASES[case]
    counted = simulate(STRATEGY, fleet, fault, runs=120, seed=1, minutes_max=MINUTES_MAX)
    followed = phone_by_phone(fleet, fault, runs=30)

    chances = {
        name: ks_2samp(counted.values(of), followed.values(of)).pvalue
        for name, of in NUMBERS.items()
    }

    # 24 comparisons with fixed seeds: below 1 in 1,000 would be a difference.
    assert min(chances.values()) > 0.001, chances


def test_the_same_seed_gives_the_same_runs_and_another_one_others() -> None:
    fault = Fault(crashes=0.05)
    one, same, other = (
        simulate(STRATEGY, FLEET, fault, runs=5, seed=seed, minutes_max=100) for seed in (1, 1, 2)
    )

    assert one == same
    assert one != other


def test_ten_million_phones_are_counted_like_any_other_fleet() -> None:
    fleet = Fleet(phones=10_000_000)
    growth = replace(STRATEGY, growth=HarmBudget(phones=50))

    outcomes = simulate(growth, fleet, Fault(crashes=0.5), runs=3, seed=1, minutes_max=600)

    assert outcomes.share("rolled back") == 1
    assert max(outcomes.values(lambda each: each.harmed)) <= 15


def test_nobody_is_offered_it_twice_and_at_all_phones_everybody_is() -> None:
    fleet = replace(FLEET, phones=500)
    slow = Strategy(
        growth=Steps(steps=(Step(share_bp=10_000, hold_seconds=600 * 60),)), undecided="Promote"
    )

    outcomes = simulate(slow, fleet, Fault(), runs=5, seed=4, minutes_max=1500)

    assert [each.end for each in outcomes.runs] == ["completed"] * 5
    assert outcomes.values(lambda each: each.offered) == [500] * 5


def test_a_run_that_has_not_ended_is_left_open() -> None:
    outcomes = simulate(STRATEGY, FLEET, Fault(), runs=2, seed=1, minutes_max=5)

    assert [(each.end, each.minutes) for each in outcomes.runs] == [("open", 5)] * 2


def test_returns_are_only_followed_where_phones_are_alike() -> None:
    waiting = replace(STRATEGY, waits_for_returns=True)

    with pytest.raises(ValueError, match="one even rate"):
        simulate(waiting, replace(FLEET, diurnal=0.1), Fault(), runs=1, seed=1)


def test_percentiles_lie_between_the_nearest_values() -> None:
    assert [percentile([4, 0, 2], q) for q in (0, 25, 50, 100)] == [0, 1, 2, 4]
