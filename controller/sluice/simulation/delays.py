"""How long reports take, and what is on its way."""

from math import erf, exp, log, sqrt
from typing import Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Due", "chances", "returns", "spread"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Kind = TypeVar("Kind", np.int64, np.float64)

PROMPT_MINUTES = 3.0
PROMPT_MAX = 62

SLOW_MEDIAN = 10.0
SLOW_SIGMA = log(18) / 2.326
"""One in a hundred takes 18 times the median: 3 hours."""
SLOW_MAX = 720
SOONEST = 1e-9


def chances(reports: Literal["prompt", "slow"]) -> Floats:
    """Return the chance that a report comes 1, 2, ... minutes after the check-in; they sum to 1."""
    most = PROMPT_MAX if reports == "prompt" else SLOW_MAX
    by_then = [_by_then(reports, minutes) for minutes in range(most)]
    return np.diff(np.array([*by_then, 1.0]))


def _by_then(reports: Literal["prompt", "slow"], minutes: int) -> float:
    match reports:
        case "prompt":
            return 1 - exp(-minutes / PROMPT_MINUTES)
        case "slow":
            past = log(max(minutes, SOONEST) / SLOW_MEDIAN) / (SLOW_SIGMA * sqrt(2))
            return 0.5 * (1 + erf(past))


def returns(gap_minutes: float, gaps: float) -> Floats:
    """Return the chance that a phone is back after 1, 2, ... minutes, and last that it is not.

    Args:
        gap_minutes: its mean gap; check-ins are at random, so the time is exponential.
        gaps: for how many gaps.
    """
    cumulated = -np.expm1(-np.arange(round(gap_minutes * gaps) + 1) / gap_minutes)
    return np.append(np.diff(cumulated), 1 - cumulated[-1])


def spread(draw: np.random.Generator, counts: Ints, among: Floats) -> Ints:
    """Return how many of each run's `counts` come after each delay: shape (runs, delays)."""
    return draw.multinomial(counts, among)


class Due(Generic[Kind]):
    """Numbers that are due in coming minutes, for many runs at once."""

    def __init__(self, runs: int, minutes_max: int, kind: type[Kind]) -> None:
        self._rows: NDArray[Kind] = np.zeros((minutes_max + 1, runs), dtype=kind)
        self._at = 0

    def pop(self) -> NDArray[Kind]:
        """Go on by a minute, and return what is due in it: shape (runs,)."""
        self._at = (self._at + 1) % len(self._rows)
        due: NDArray[Kind] = self._rows[self._at].copy()
        self._rows[self._at] = 0
        return due

    def add(self, numbers: NDArray[Kind]) -> None:
        """Add what is due in 1, 2, ... minutes: shape (runs, minutes)."""
        minutes = numbers.shape[1]
        first = (self._at + 1) % len(self._rows)
        before_wrap = min(minutes, len(self._rows) - first)
        later = self._rows[first : first + before_wrap]
        np.add(later, numbers[:, :before_wrap].T, out=later)
        wrapped = self._rows[: minutes - before_wrap]
        np.add(wrapped, numbers[:, before_wrap:].T, out=wrapped)

    def add_at(self, minutes: int, numbers: NDArray[Kind]) -> None:
        """Add what is due in so many minutes: shape (runs,)."""
        row = self._rows[(self._at + minutes) % len(self._rows)]
        np.add(row, numbers, out=row)

    def keep(self, runs: NDArray[np.bool_]) -> None:
        """Forget all runs but these."""
        self._rows = np.ascontiguousarray(self._rows[:, runs])
