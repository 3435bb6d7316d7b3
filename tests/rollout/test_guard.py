"""The guard's error rates, by simulation with fixed seeds: looked at after every single phone."""

import random
from math import log

from hypothesis import given
from hypothesis import strategies as st

from sluice.rollout.decision import ArmCounts, Evidence
from sluice.rollout.guard import log_evidence

TOLERANCE = 0.002
LIMIT = log(1 / 0.05)


def alarm_after(rate: float, control_rate: float, phones: int, seed: int) -> int | None:
    """Return after how many phones the guard speaks; ten of eleven phones are in control."""
    draw = random.Random(seed)  # noqa: S311 - a simulation, repeatable by its seed
    failed = control = control_failed = 0
    for n in range(1, phones + 1):
        failed += draw.random() < rate
        control += 10
        control_failed += sum(draw.random() < control_rate for _ in range(10))
        heard = Evidence(
            candidate=ArmCounts(devices=n, failed=failed),
            control=ArmCounts(devices=control, failed=control_failed),
        )
        if log_evidence(heard, TOLERANCE) >= LIMIT:
            return n
    return None


def test_a_healthy_release_raises_a_false_alarm_no_more_often_than_asked_for() -> None:
    runs = 60
    alarms = sum(alarm_after(0.02, 0.02, 250, seed) is not None for seed in range(runs))

    # 5 % of 60 runs are 3; 9 or more would have a chance below 1 in 250 at exactly 5 %.
    assert alarms <= 8


def test_a_release_that_fails_on_every_second_phone_is_stopped_within_a_dozen() -> None:
    stops = [alarm_after(0.5, 0.005, 100, seed) for seed in range(40)]
    found = sorted(each for each in stops if each is not None)

    assert len(found) == len(stops)
    assert found[len(found) // 2] <= 12


def test_without_control_there_is_no_verdict() -> None:
    alone = Evidence(candidate=ArmCounts(devices=50, failed=25))

    assert log_evidence(alone, TOLERANCE) < 0


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 100), st.integers(0, 100))
def test_a_release_that_fails_no_more_often_than_control_raises_no_alarm(
    devices: int, more_control: int, scale: int, failed: int
) -> None:
    failed = min(failed, devices)
    heard = Evidence(
        candidate=ArmCounts(devices=devices, failed=failed),
        control=ArmCounts(
            devices=devices * scale, failed=min(failed + more_control, devices) * scale
        ),
    )

    assert log_evidence(heard, TOLERANCE) <= 0.1


@given(st.integers(0, 300), st.integers(0, 60), st.integers(100, 2000), st.integers(0, 20))
def test_another_failure_never_ends_an_alarm(
    fine: int, failed: int, control: int, control_failed: int
) -> None:
    def heard(more: int) -> float:
        return log_evidence(
            Evidence(
                candidate=ArmCounts(devices=fine + failed + 1, failed=failed + more),
                control=ArmCounts(devices=control + control_failed, failed=control_failed),
            ),
            TOLERANCE,
        )

    assert heard(0) < LIMIT or heard(1) >= LIMIT
