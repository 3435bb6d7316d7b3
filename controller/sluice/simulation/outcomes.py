"""How runs ended, and what they have in common."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import mean
from typing import Literal

__all__ = ["End", "Outcome", "Outcomes", "percentile"]

End = Literal["rolled back", "completed", "open"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one run ended."""

    end: End
    reason: str
    """Of the last decision."""
    minutes: int
    failed: int
    """Devices that fail with it and would not have without, if the two had nothing to do with each
    other: what other tools' figures count. A healthy release has some too."""
    harmed: int
    """Devices that fail, do not start or do not come back because of what is wrong with it."""
    offered: int
    signal: str | None
    segment: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """How all runs ended."""

    runs: tuple[Outcome, ...]

    def share(self, end: End) -> float:
        """Return the share of runs that ended so."""
        return sum(each.end == end for each in self.runs) / len(self.runs)

    def values(self, of: Callable[[Outcome], int], end: End | None = None) -> list[int]:
        """Return a number of each run, or of those that ended so."""
        return [of(each) for each in self.runs if end is None or each.end == end]

    def minutes(self, end: End, q: float = 50) -> float | None:
        """Return a percentile of the minutes of runs that ended so, or None if none did."""
        values = self.values(lambda each: each.minutes, end)
        return percentile(values, q) if values else None

    def as_json(self) -> Mapping[str, object]:
        """Return what the runs have in common, as plain values."""
        return {
            "runs": len(self.runs),
            "rolledBack": self.share("rolled back"),
            "completed": self.share("completed"),
            "open": self.share("open"),
            "minutesToRollBack": _spread(self, "rolled back"),
            "minutesToComplete": _spread(self, "completed"),
            "harmed": _summary(self.values(lambda each: each.harmed)),
            "failed": _summary(self.values(lambda each: each.failed)),
            "offered": _summary(self.values(lambda each: each.offered)),
            "reasons": dict(Counter(each.reason for each in self.runs).most_common()),
            "signals": dict(Counter(e.signal for e in self.runs if e.signal).most_common()),
            "segments": dict(Counter(e.segment for e in self.runs if e.segment).most_common()),
        }


def percentile(values: list[int], q: float) -> float:
    """Return a percentile, linear between the two nearest values."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * q / 100
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def _summary(values: list[int]) -> Mapping[str, float]:
    return {
        "mean": mean(values),
        "median": percentile(values, 50),
        "p95": percentile(values, 95),
        "max": max(values),
    }


def _spread(outcomes: Outcomes, end: End) -> Mapping[str, float] | None:
    values = outcomes.values(lambda each: each.minutes, end)
    return {"median": percentile(values, 50), "p95": percentile(values, 95)} if values else None
