"""Pooled counts: against an optimiser, and their error rates by simulation with fixed seeds."""

import random
from math import comb, exp, inf, log

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import betaln, xlogy

from sluice.rollout.evidence import ArmCounts
from sluice.rollout.pooled import log_e_pooled

TOLERANCE = 0.002
LIMIT = log(1 / 0.05)


def log_e(failed: int, devices: int, control_failed: int, control: int, *, lies: int = 0) -> float:
    return log_e_pooled(
        ArmCounts(devices=devices, failed=failed),
        ArmCounts(devices=control, failed=control_failed),
        lies=lies,
        tolerance=TOLERANCE,
    )


def by_an_optimiser(failed: int, devices: int, control_failed: int, control: int) -> float:
    fine, control_fine = devices - failed, control - control_failed
    mixture = betaln(0.5 + failed, 10 + fine) - betaln(0.5, 10)
    mixture += betaln(0.5 + control_failed, 60 + control_fine) - betaln(0.5, 60)

    def unlikelihood(p: float) -> float:
        bound = min(2 * p + TOLERANCE, 1.0)
        q = min(failed / devices if devices else 0.0, bound)
        return -(
            xlogy(failed, q)
            + xlogy(fine, 1 - q)
            + xlogy(control_failed, p)
            + xlogy(control_fine, 1 - p)
        )

    found = minimize_scalar(unlikelihood, bounds=(0, 1), method="bounded", options={"xatol": 1e-12})
    corners = [unlikelihood(p) for p in (1e-12, 1.0, control_failed / max(control, 1))]
    return float(mixture + min(found.fun, *corners))


def alarm_after(rate: float, control_rate: float, phones: int, seed: int) -> int | None:
    """Return after how many phones the guard speaks; ten of eleven phones are in control."""
    draw = random.Random(seed)  # noqa: S311 - a simulation, repeatable by its seed
    failed = control = control_failed = 0
    for n in range(1, phones + 1):
        failed += draw.random() < rate
        control += 10
        control_failed += sum(draw.random() < control_rate for _ in range(10))
        if log_e(failed, n, control_failed, control) >= LIMIT:
            return n
    return None


counts = st.integers(0, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, counts)
def test_it_is_the_smallest_evidence_over_all_rates_of_the_hypothesis(
    candidate: tuple[int, int], control: tuple[int, int]
) -> None:
    expected = by_an_optimiser(*candidate, *control)

    assert log_e(*candidate, *control) == pytest.approx(expected, abs=1e-4)


def test_a_healthy_release_raises_a_false_alarm_no_more_often_than_asked_for() -> None:
    runs = 60
    alarms = sum(alarm_after(0.042, 0.02, 250, seed) is not None for seed in range(runs))

    # 5 % of 60 runs are 3; 9 or more would have a chance below 1 in 250 at exactly 5 %.
    assert alarms <= 8


def test_a_release_that_fails_on_every_second_phone_is_stopped_within_a_dozen() -> None:
    stops = [alarm_after(0.5, 0.005, 100, seed) for seed in range(40)]
    found = sorted(each for each in stops if each is not None)

    assert len(found) == len(stops)
    assert found[len(found) // 2] <= 12


def test_without_control_there_is_no_verdict() -> None:
    assert log_e(25, 50, 0, 0) < 0


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 100), st.integers(0, 100))
def test_a_release_that_fails_no_more_often_than_control_raises_no_alarm(
    devices: int, more_control: int, scale: int, failed: int
) -> None:
    failed = min(failed, devices)
    control_failed = min(failed + more_control, devices) * scale

    assert log_e(failed, devices, control_failed, devices * scale) <= 0.1


@given(st.integers(0, 300), st.integers(0, 60), st.integers(100, 2000), st.integers(0, 20))
def test_another_failure_never_ends_an_alarm(
    fine: int, failed: int, control: int, control_failed: int
) -> None:
    def heard(more: int) -> float:
        devices = fine + failed + 1
        return log_e(failed + more, devices, control_failed, control + control_failed)

    assert heard(0) < LIMIT or heard(1) >= LIMIT


@given(counts, counts, st.sampled_from([0.0, 0.002, 0.5, 0.999]), st.sampled_from([0, 2]))
@example((1, 1), (0, 0), 0.999, 0)
@example((25, 25), (0, 0), 0.002, 0)
@example((3000, 3000), (3000, 3000), 0.0, 2)
def test_no_counts_and_no_tolerance_break_it(
    candidate: tuple[int, int], control: tuple[int, int], tolerance: float, lies: int
) -> None:
    (failed, devices), (control_failed, control_devices) = candidate, control

    value = log_e_pooled(
        ArmCounts(devices=devices, failed=failed),
        ArmCounts(devices=control_devices, failed=control_failed),
        lies=lies,
        tolerance=tolerance,
    )

    assert value < inf


def test_failures_that_may_be_lies_count_as_devices_that_did_not_fail() -> None:
    assert log_e(5, 10, 0, 1000, lies=2) == -inf
    assert log_e(6, 10, 0, 1000, lies=2) == log_e(4, 10, 0, 1000)


def test_no_prior_rate_that_the_hypothesis_allows_is_expected_to_raise_evidence() -> None:
    """By enumeration: the mean over all outcomes is 1 at most, at the edge of the hypothesis."""
    devices, control = 12, 20
    for p in (0.01, 0.05, 0.2, 0.4):
        q = 2 * p + TOLERANCE
        expected = sum(
            binomial(devices, f, q) * binomial(control, c, p) * exp(log_e(f, devices, c, control))
            for f in range(devices + 1)
            for c in range(control + 1)
        )

        assert expected <= 1 + 1e-9


def binomial(trials: int, hits: int, chance: float) -> float:
    return comb(trials, hits) * chance**hits * (1 - chance) ** (trials - hits)
