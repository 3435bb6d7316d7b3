"""The guard in numbers: rows of fleets and faults, what is required of each, and what it does.

`python -m support.guard_table` runs each row a thousand times, prints it, and writes
build/simulation.json. The tests run the same rows a few dozen times, with generous bounds.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sluice.rollout.strategy import Budget, HarmBudget, Step, Steps, Strategy
from sluice.simulation.fleet import Fault, Fleet
from sluice.simulation.outcomes import Outcomes, percentile
from sluice.simulation.run import simulate

__all__ = ["ROWS", "Bound", "Row", "main"]

RUNS = 1000
SEED = 8

HEALTHY = Fault()

STEPS = tuple(Step(share_bp=bp, hold_seconds=3600) for bp in (100, 500, 2500, 5000, 10_000))
BY_TIME = Strategy(growth=Steps(steps=STEPS), undecided="Promote")
EARLY = replace(BY_TIME, growth=Steps(steps=STEPS, early=True))
TRUSTING = replace(EARLY, lies=0)
TRUSTING_BY_TIME = replace(BY_TIME, lies=0)
RETURNS = replace(EARLY, waits_for_returns=True)
BUDGET = replace(EARLY, growth=HarmBudget(phones=50))

FLEET = Fleet()
SLOW = replace(FLEET, reports="slow")
KINDS = replace(FLEET, segments=True)
SMALL = replace(FLEET, phones=800)
UNEVEN = replace(FLEET, heavy_tailed=True, diurnal=0.6)


@dataclass(frozen=True, kw_only=True)
class Bound:
    """One number of a row, and what it has to be."""

    name: str
    of: Callable[[Outcomes], float]
    most: float | None = None
    least: float | None = None
    slack: float = 0.0
    """How much a few dozen runs may miss it by, by chance."""

    def kept(self, outcomes: Outcomes, *, slack: bool = False) -> bool:
        """Return whether the number is as required, give or take the slack."""
        value, by = self.of(outcomes), self.slack if slack else 0.0
        high_enough = self.least is None or value >= self.least - by
        return high_enough and (self.most is None or value <= self.most + by)

    def required(self) -> str:
        """Return what is required, in short."""
        least = "" if self.least is None else f">= {self.least:g}"
        return least + ("" if self.most is None else f"<= {self.most:g}")


@dataclass(frozen=True, kw_only=True)
class Row:
    """A fleet, a fault, a strategy, and what is required."""

    name: str
    strategy: Strategy
    fleet: Fleet = FLEET
    fault: Fault = HEALTHY
    bounds: tuple[Bound, ...] = ()
    minutes_max: int = 2880

    def simulated(self, runs: int, seed: int = SEED) -> Outcomes:
        """Return how the runs of the row end."""
        return simulate(
            self.strategy,
            self.fleet,
            self.fault,
            runs=runs,
            seed=seed,
            minutes_max=self.minutes_max,
        )


def back(*, least: float | None = None, most: float | None = None, slack: float = 0.0) -> Bound:
    """Bound the share of runs that are rolled back."""
    return Bound(
        name="rolled back",
        of=lambda outcomes: outcomes.share("rolled back"),
        least=least,
        most=most,
        slack=slack,
    )


def minutes(most: float, slack: float = 0.0) -> Bound:
    """Bound the median of the minutes until all phones have it."""
    return Bound(
        name="minutes to complete (median)",
        of=lambda outcomes: outcomes.minutes("completed") or float("inf"),
        most=most,
        slack=slack,
    )


def failed(median: float, p95: float, slack: float = 2.0) -> tuple[Bound, ...]:
    """Bound the phones that fail with it and would not have without, as peers' figures count."""
    return (
        Bound(
            name="fail (median)",
            of=lambda o: _percentile_of(o, "failed", 50),
            most=median,
            slack=slack,
        ),
        Bound(
            name="fail (p95)",
            of=lambda o: _percentile_of(o, "failed", 95),
            most=p95,
            slack=3 * slack,
        ),
    )


def harmed(median: float, p95: float | None = None, slack: float = 2.0) -> tuple[Bound, ...]:
    """Bound the phones that are harmed by what is wrong with it."""
    middle = Bound(
        name="harmed (median)",
        of=lambda o: _percentile_of(o, "harmed", 50),
        most=median,
        slack=slack,
    )
    if p95 is None:
        return (middle,)
    return (
        middle,
        Bound(
            name="harmed (p95)",
            of=lambda o: _percentile_of(o, "harmed", 95),
            most=p95,
            slack=3 * slack,
        ),
    )


def mean(name: str, most: float, slack: float = 0.0) -> Bound:
    """Bound the mean of phones that are harmed, or that fail."""
    return Bound(name=f"{name} (mean)", of=lambda o: _mean_of(o, name), most=most, slack=slack)


def named(least: float) -> Bound:
    """Bound how many of those rolled back name the first segment."""
    return Bound(name="segment named", of=_rightly_named, least=least, slack=0.15)


def _percentile_of(outcomes: Outcomes, name: str, q: float) -> float:
    return percentile(outcomes.values(lambda each: int(getattr(each, name))), q)


def _mean_of(outcomes: Outcomes, name: str) -> float:
    values = outcomes.values(lambda each: int(getattr(each, name)))
    return sum(values) / len(values)


def _rightly_named(outcomes: Outcomes) -> float:
    segments = [each.segment for each in outcomes.runs if each.end == "rolled back"]
    return sum(each == "segment 1" for each in segments) / max(len(segments), 1)


def _healthy() -> Iterable[Row]:
    fleets = {
        "base 0.1 %": replace(FLEET, base=0.001),
        "base 2 %": replace(FLEET, base=0.02),
        "drifting": replace(FLEET, drift=0.6),
        "uneven check-ins": UNEVEN,
        "by segment": KINDS,
    }
    yield Row(name="healthy", strategy=EARLY, bounds=(back(most=0.01), minutes(120, 30)))
    yield Row(name="healthy, by time", strategy=BY_TIME, bounds=(back(most=0.01),))
    for name, fleet in fleets.items():
        yield Row(name=f"healthy, {name}", strategy=EARLY, fleet=fleet, bounds=(back(most=0.01),))
    yield Row(
        name="healthy, slow reports",
        strategy=EARLY,
        fleet=SLOW,
        bounds=(back(most=0.01), minutes(300, 150)),
    )


def _crashes() -> Iterable[Row]:
    some = (mean("failed", 60, 10),)
    yield Row(
        name="+0.5 points",
        strategy=EARLY,
        fault=Fault(crashes=0.005),
        bounds=(back(least=0.6, slack=0.15), *some),
    )
    yield Row(
        name="+0.5 points, by time",
        strategy=BY_TIME,
        fault=Fault(crashes=0.005),
        bounds=(back(least=0.85, slack=0.15), *some),
    )
    required = (
        ("+2 points", 0.02, (13, 20), (9, 16), (13, 25)),
        ("+10 points", 0.1, (6, 9), (4, 6), (6, 9)),
        ("+50 points", 0.5, (6, 8), (3, 5), (6, 8)),
    )
    for name, excess, default, trusting, slow in required:
        fault = Fault(crashes=excess)
        yield Row(name=name, strategy=EARLY, fault=fault, bounds=failed(*default))
        yield Row(name=f"{name}, no lies", strategy=TRUSTING, fault=fault, bounds=failed(*trusting))
        yield Row(
            name=f"{name}, slow reports",
            strategy=EARLY,
            fleet=SLOW,
            fault=fault,
            bounds=failed(*slow),
        )


def _segments() -> Iterable[Row]:
    for name, strategy, bounds in (
        ("3 % segment, +50 points", EARLY, harmed(11, 16)),
        ("3 % segment, +50 points, no lies", TRUSTING, harmed(6, 9)),
    ):
        yield Row(
            name=name,
            strategy=strategy,
            fleet=KINDS,
            fault=Fault(segment=0.5),
            bounds=(*bounds, named(0.9)),
        )


def _bricks() -> Iterable[Row]:
    rows = (
        ("not started, +10 points", EARLY, Fault(not_started=0.1), harmed(30)),
        ("not started, +50 points", EARLY, Fault(not_started=0.5), harmed(15)),
        ("installs, +50 points", EARLY, Fault(installs=0.5), (back(least=0.95, slack=0.05),)),
        ("silent, +10 points", RETURNS, Fault(silent=0.1), harmed(40, 60, 4)),
        ("silent, +50 points", RETURNS, Fault(silent=0.5), harmed(40, 60, 4)),
        ("silent, healthy", RETURNS, HEALTHY, (back(most=0.01), minutes(1800))),
    )
    for name, strategy, fault, bounds in rows:
        days = 3 if strategy is RETURNS else 2
        yield Row(name=name, strategy=strategy, fault=fault, bounds=bounds, minutes_max=days * 1440)


def _liars() -> Iterable[Row]:
    few = (back(most=0.05, slack=0.05),)
    at_once, spread = Fault(liars=4), Fault(liars=4, liars_come="spread")
    yield Row(name="4 liars at once", strategy=EARLY, fault=at_once, bounds=few)
    yield Row(name="4 liars among the first", strategy=EARLY, fault=spread, bounds=few)


def _budget() -> Iterable[Row]:
    for excess in (0.0, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5):
        bounds = (back(most=0.01), minutes(150, 30)) if excess == 0 else (mean("harmed", 50, 10),)
        yield Row(
            name=f"harm budget of 50, +{excess * 100:g} points",
            strategy=BUDGET,
            fault=Fault(crashes=excess),
            bounds=bounds,
            minutes_max=1440,
        )


def _small() -> Iterable[Row]:
    yield Row(name="800 phones, healthy", strategy=EARLY, fleet=SMALL, bounds=(back(most=0.01),))
    yield Row(
        name="800 phones, +50 points",
        strategy=EARLY,
        fleet=SMALL,
        fault=Fault(crashes=0.5),
        bounds=(back(least=0.95, slack=0.05),),
    )
    tiny = replace(FLEET, phones=120)
    yield Row(
        name="120 phones, healthy: cannot decide",
        strategy=replace(EARLY, undecided="Hold"),
        fleet=tiny,
        bounds=(
            back(most=0.0),
            Bound(
                name="says it cannot decide",
                least=0.9,
                slack=0.1,
                of=lambda o: sum(e.reason == "CannotDecide" for e in o.runs) / len(o.runs),
            ),
        ),
    )


def _false_alarms() -> Iterable[Row]:
    """Each signal alone, with its share: what it may cost is that share of one in a hundred."""
    none = dict.fromkeys(Budget.__dataclass_fields__, 0.0)
    for name, share in ((each, getattr(Budget(), each)) for each in none):
        strategy = replace(TRUSTING_BY_TIME, budget=Budget(**{**none, name: 1.0}))
        if name == "silence":
            strategy = replace(strategy, waits_for_returns=True)
        fleet = replace(KINDS if name == "segments" else FLEET, base=0.02)
        yield Row(
            name=f"false alarms of {name}, given everything (share {share:g})",
            strategy=strategy,
            fleet=fleet,
            bounds=(back(most=0.01, slack=0.05),),
        )


ROWS: tuple[Row, ...] = (
    *_healthy(),
    *_crashes(),
    *_segments(),
    *_bricks(),
    *_liars(),
    *_budget(),
    *_small(),
    *_false_alarms(),
)


def main(arguments: list[str]) -> None:
    """Run the rows whose names start with an argument, or all, and write what they did.

    `--runs=N` runs each row so often.
    """
    starts = tuple(each for each in arguments if not each.startswith("--runs="))
    runs = [int(each.removeprefix("--runs=")) for each in arguments if each not in starts]
    done = [
        _measured(row, runs[-1] if runs else RUNS)
        for row in ROWS
        if not starts or row.name.startswith(starts)
    ]
    path = Path("build/simulation.json")
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(done, indent=1) + "\n", encoding="utf-8")


def _measured(row: Row, runs: int) -> Mapping[str, object]:
    outcomes = row.simulated(runs)
    print(f"{row.name} ({runs} runs)", flush=True)
    bounds = []
    for bound in row.bounds:
        value = bound.of(outcomes)
        missed = "" if bound.kept(outcomes) else "   MISSED"
        print(f"    {bound.name:30} {bound.required():>10}   ours {value:.4g}{missed}", flush=True)
        bounds.append({"name": bound.name, "required": bound.required(), "ours": value})
    return {"row": row.name, "bounds": bounds, **outcomes.as_json()}


if __name__ == "__main__":
    main(sys.argv[1:])
