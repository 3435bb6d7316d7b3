"""One measured number, and how it is measured.

A time is processor time, of the fastest of several batches: what else the machine does can only add
to it, so the fastest is nearest to what the code costs. Two things are compared in one process,
batch by batch in turn, and told as a ratio. What waits for a disk is measured by the clock instead,
and says so.
"""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

__all__ = ["Row", "at_most", "milliseconds", "noted", "ratio"]

Unit = Literal["ms", "µs", "bytes", "ratio", "per second"]

BATCHES = 9
BATCH_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    name: str
    value: float
    unit: Unit
    bar: float | None
    """What is promised; None where nothing is."""
    holds: bool | None
    """Whether the promise holds here; None where there is none."""


def at_most(name: str, value: float, unit: Unit, bar: float) -> Row:
    """Return a row that holds when the value is below the bar."""
    return Row(name=name, value=value, unit=unit, bar=bar, holds=value < bar)


def noted(name: str, value: float, unit: Unit) -> Row:
    """Return a row about which nothing is promised."""
    return Row(name=name, value=value, unit=unit, bar=None, holds=None)


def milliseconds(work: Callable[[], object]) -> float:
    """Return how long some work takes, in milliseconds."""
    return _fastest([work])[0]


def ratio(work: Callable[[], object], other: Callable[[], object]) -> float:
    """Return how many times as long some work takes as another."""
    one, two = _fastest([work, other])
    return one / two


def _fastest(works: list[Callable[[], object]]) -> list[float]:
    repeats = [_repeats(work) for work in works]
    fastest = [float("inf")] * len(works)
    gc.collect()
    for _ in range(BATCHES):
        for place, work in enumerate(works):
            started = time.process_time()
            for _ in range(repeats[place]):
                work()
            took = (time.process_time() - started) / repeats[place]
            fastest[place] = min(fastest[place], took * 1_000)
    return fastest


def _repeats(work: Callable[[], object]) -> int:
    """Return how often work fits into a batch, once it is warm."""
    work()
    started = time.process_time()
    work()
    return max(1, int(BATCH_SECONDS / max(time.process_time() - started, 1e-7)))
