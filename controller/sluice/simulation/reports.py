"""What phones report after they were given a bundle, and when: one arm, many runs at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sluice.rollout.not_started import HEARD_BY_THEN
from sluice.simulation.delays import Due, chances, spread
from sluice.simulation.fleet import SEGMENT_SHARES, Fleet
from sluice.simulation.seen import Ints

__all__ = ["Given", "Reports", "by_segment", "ready_minutes"]


def ready_minutes(fleet: Fleet) -> int:
    """Return the age by which 99.5 % of healthy phones have reported, in minutes."""
    return int(np.searchsorted(np.cumsum(chances(fleet.reports)), HEARD_BY_THEN)) + 1


@dataclass(slots=True, kw_only=True)
class Given:
    """Devices that were given a bundle in a minute: shape (runs, parts).

    A part is those of the first kind, and all others.
    """

    devices: Ints
    failed: Ints
    """Of `devices`, those that will report a failure."""
    bricks: Ints
    """Of `devices`, those that will report nothing."""


class Reports:
    """One arm's reports."""

    def __init__(self, fleet: Fleet, runs: int, draw: np.random.Generator) -> None:
        self._draw = draw
        self._chances = chances(fleet.reports)
        self._patience = min(ready_minutes(fleet), len(self._chances))
        minutes = len(self._chances)
        parts = 2 if fleet.segments else 1
        self._fine = [Due(runs, minutes, np.int64) for _ in range(parts)]
        self._failed = [Due(runs, minutes, np.int64) for _ in range(parts)]
        self._on_time = Due(runs, self._patience, np.int64)
        self._due_ready = Due(runs, self._patience, np.int64)
        self._late = Due(runs, self._patience, np.int64)
        self.out = np.zeros(runs, dtype=np.int64)
        """Given it, not heard, and not late yet."""

    def keep(self, runs: NDArray[np.bool_]) -> None:
        """Forget all runs but these."""
        for each in (*self._fine, *self._failed, self._on_time, self._due_ready, self._late):
            each.keep(runs)
        self.out = self.out[runs]

    def pop(self) -> tuple[Ints, Ints, Ints, Ints]:
        """Go on by a minute.

        Returns:
            Devices heard that are fine, and that failed, both of shape (runs, parts); devices that
            had their time to report, and those of them not heard.
        """
        fine = np.stack([each.pop() for each in self._fine], axis=1)
        failed = np.stack([each.pop() for each in self._failed], axis=1)
        ready, late = self._due_ready.pop(), self._late.pop()
        self.out = self.out - self._on_time.pop() - late
        return fine, failed, ready, late

    def give(self, given: Given) -> None:
        """Note who was given a bundle in this minute."""
        everybody = given.devices.sum(1)
        on_time = np.zeros((len(everybody), self._patience), dtype=np.int64)
        for part in range(given.devices.shape[1]):
            failed = given.failed[:, part]
            fine = given.devices[:, part] - failed - given.bricks[:, part]
            for counts, due in ((fine, self._fine[part]), (failed, self._failed[part])):
                coming = spread(self._draw, counts, self._chances)
                due.add(coming)
                on_time += coming[:, : self._patience]
        self._on_time.add(on_time)
        self._due_ready.add_at(self._patience, everybody)
        self._late.add_at(self._patience, everybody - on_time.sum(1))
        self.out = self.out + everybody


def by_segment(draw: np.random.Generator, counts: Ints) -> Ints:
    """Return how many devices are of each kind: shape (runs, segments).

    Args:
        draw: randomness.
        counts: devices of the first kind and all others: shape (runs, 2).
    """
    everybody = counts.sum(1)
    others = draw.binomial(everybody[:, None], SEGMENT_SHARES[1:])
    return np.concatenate((counts[:, :1], others), axis=1)
