"""Phones that come back, or do not: one arm, many runs at once. Ages are up to three gaps.

The weight of a phone that is away at age a is 1/S(a) = e^(a/gap), so that of all phones together
grows by the same factor each minute, and a cohort's weight is known when it sets out.
"""

import numpy as np
from numpy.typing import NDArray

from sluice.rollout.silence import GAPS_MAX
from sluice.simulation.delays import Due, returns, spread
from sluice.simulation.seen import Floats, Ints

__all__ = ["Homecoming"]

TESTED_GAPS = (1, 2, 3)


class Homecoming:
    """One arm's phones that were given a bundle, and are expected back."""

    def __init__(self, gap_minutes: float, runs: int, draw: np.random.Generator) -> None:
        self._draw = draw
        self._chances = returns(gap_minutes, GAPS_MAX)
        self._minutes = len(self._chances) - 1
        self._growth = np.exp(1 / gap_minutes)
        self._weights: Floats = np.exp(np.arange(1, self._minutes + 1) / gap_minutes)
        self._tested = tuple(round(gap_minutes * each) for each in TESTED_GAPS)
        self._back = Due(runs, self._minutes, np.int64)
        self._back_weight = Due(runs, self._minutes, np.float64)
        self._of_age = [Due(runs, each, np.int64) for each in self._tested]
        self._away_at = [Due(runs, each, np.int64) for each in self._tested]
        self.unreturned = np.zeros(runs, dtype=np.int64)
        self._given = np.zeros(runs, dtype=np.int64)
        self._young = np.zeros((2, runs))
        """Weight of those away, and of everybody, that were given it less than three gaps ago."""
        self._old = np.zeros((2, runs))

    def keep(self, runs: NDArray[np.bool_]) -> None:
        """Forget all runs but these."""
        for each in (self._back, *self._of_age, *self._away_at):
            each.keep(runs)
        self._back_weight.keep(runs)
        self.unreturned, self._given = self.unreturned[runs], self._given[runs]
        self._young, self._old = self._young[:, runs], self._old[:, runs]

    def pop(self) -> list[tuple[Ints, Ints]]:
        """Go on by a minute; return for each tested age who reached it, and who of them is away."""
        back = self._back.pop()
        self._young *= self._growth
        self._young[0] -= self._back_weight.pop()
        tested = [
            (of_age.pop(), away.pop())
            for of_age, away in zip(self._of_age, self._away_at, strict=True)
        ]
        grown, lost = tested[-1]
        moved = np.stack((lost, grown)) * self._weights[-1]
        self._young -= moved
        self._old += moved
        self.unreturned = self.unreturned - back - lost
        return tested

    def give(self, devices: Ints, lost: Ints) -> None:
        """Note who was given a bundle in this minute, and who of them will never come back."""
        coming = spread(self._draw, devices - lost, self._chances)[:, :-1]
        self._back.add(coming)
        self._back_weight.add(np.multiply(coming, self._weights, dtype=np.float64))
        for minutes, of_age, away in zip(self._tested, self._of_age, self._away_at, strict=True):
            of_age.add_at(minutes, devices)
            away.add_at(minutes, devices - coming[:, :minutes].sum(1))
        self.unreturned = self.unreturned + devices
        self._given = self._given + devices
        self._young = self._young + devices

    def score(self) -> tuple[Floats, Floats]:
        """Return (excess, information) of each run."""
        away, everybody = self._young + self._old
        return away - self._given, everybody - self._given
