"""Strategies as files: the words of a Channel's rollout."""

import pytest

from sluice.errors import Refused
from sluice.rollout.strategy import HarmBudget, Step, Steps, Strategy
from sluice.simulation.strategy_file import read_strategy

STEPS = b"""
steps:
  - {share: 1%, hold: 30m, minDevices: 3}
  - {share: 100%, hold: 2h, gate: manual}
early: true
guard: {falseAlarm: "0.05", tolerance: 1%, lies: 0}
waitsForReturns: true
soak: 1d
undecided: Promote
"""


def test_steps_and_everything_else_are_read() -> None:
    assert read_strategy(STEPS) == Strategy(
        growth=Steps(
            steps=(
                Step(share_bp=100, hold_seconds=1800, min_devices=3),
                Step(share_bp=10_000, hold_seconds=7200),
            ),
            early=True,
        ),
        false_alarm=0.05,
        tolerance=0.01,
        lies=0,
        waits_for_returns=True,
        soak_seconds=86_400,
        undecided="Promote",
    )


def test_what_is_not_said_is_the_default() -> None:
    assert read_strategy(b"harmBudget: 50") == Strategy(growth=HarmBudget(phones=50))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("early: true", "give either steps or harmBudget"),
        ("{harmBudget: 5, steps: [{share: 100%, hold: 1h}]}", "give either steps or harmBudget"),
        ("steps: [{share: 10%, hold: 1h}]", "shares of steps must grow"),
        ("steps: [{share: 100%, hold: 1h}]\nearlly: true", "earlly: there is no such field"),
        ("harmBudget: '50'", "harmBudget: "),
        ("harmBudget: 0", "harmBudget: "),
        ("guard: {lies: 9}\nharmBudget: 5", "guard.lies: "),
        ("", "there are 0"),
        ("a: 1\n---\nb: 1", "there are 2"),
        ("a: &x 1", "line 1, column 4"),
    ],
)
def test_a_file_that_means_nothing_is_refused_with_what_to_mend(text: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        read_strategy(text.encode())

    assert said in str(refused.value)
