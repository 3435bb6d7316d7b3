"""What `sluice simulate` shows: a fleet and a fault from options, and their outcomes as text."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from sluice.resources.text import plain
from sluice.simulation.chart import chart
from sluice.simulation.fleet import Fault, Fleet
from sluice.simulation.outcomes import Outcomes, percentile
from sluice.simulation.run import simulate
from sluice.simulation.strategy_file import read_strategy

__all__ = ["Simulated", "simulated"]

MINUTES_A_DAY = 1440
NAME_CHARACTERS_MAX = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """A fleet, what was wrong with the release, and how its runs ended."""

    fleet: Fleet
    fault: Fault
    seed: int
    outcomes: Outcomes

    def as_json(self) -> Mapping[str, object]:
        """Return everything as plain values."""
        return {
            "fleet": asdict(self.fleet),
            "fault": asdict(self.fault),
            "seed": self.seed,
            **self.outcomes.as_json(),
        }

    def as_text(self) -> str:
        """Return a table for people."""
        outcomes = self.outcomes
        harmless = not any(_shares(self.fault).values())
        rows = [
            ("release", self._release()),
            ("runs", str(len(outcomes.runs))),
            (
                "rolled back falsely" if harmless else "rolled back",
                f"{outcomes.share('rolled back'):.1%}{_minutes(outcomes, 'rolled back')}",
            ),
            (
                "completed",
                f"{outcomes.share('completed'):.1%}{_minutes(outcomes, 'completed')}",
            ),
            ("still open", f"{outcomes.share('open'):.1%}"),
            ("phones harmed", _summary(outcomes.values(lambda each: each.harmed))),
            ("phones that fail", _summary(outcomes.values(lambda each: each.failed))),
            ("phones offered it", _summary(outcomes.values(lambda each: each.offered))),
        ]
        found = outcomes.as_json()
        rows += [
            (name, ", ".join(f"{plain(str(k), NAME_CHARACTERS_MAX)} {n}" for k, n in each.items()))
            for name in ("reasons", "signals", "segments")
            if isinstance(each := found[name], dict) and each
        ]
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name.ljust(width)}  {value}" for name, value in rows)

    def plotted(self) -> str:
        """Return a plot as SVG."""
        return chart(self.outcomes, f"{self.fleet.phones} phones, release: {self._release()}")

    def _release(self) -> str:
        faults = [f"{name} +{share:g}" for name, share in _shares(self.fault).items() if share]
        liars = [f"{self.fault.liars} liars"] if self.fault.liars else []
        return ", ".join(faults + liars) or "healthy"


def simulated(
    strategy: bytes, fleet: Fleet, fault: Fault, *, runs: int, seed: int, days: float
) -> Simulated:
    """Return how a release fares by the strategy in a file.

    Raises:
        Refused: the file has to be mended.
        ValueError: the strategy and the fleet do not go together.
    """
    outcomes = simulate(
        read_strategy(strategy),
        fleet,
        fault,
        runs=runs,
        seed=seed,
        minutes_max=round(days * MINUTES_A_DAY),
    )
    return Simulated(fleet=fleet, fault=fault, seed=seed, outcomes=outcomes)


def _shares(fault: Fault) -> dict[str, float]:
    return {
        "crashes": fault.crashes,
        "crashes in one segment": fault.segment,
        "not started": fault.not_started,
        "silent": fault.silent,
        "installs": fault.installs,
    }


def _minutes(outcomes: Outcomes, end: str) -> str:
    values = [each.minutes for each in outcomes.runs if each.end == end]
    if not values:
        return ""
    return f", after {percentile(values, 50):.0f} minutes (p95 {percentile(values, 95):.0f})"


def _summary(values: list[int]) -> str:
    mean = sum(values) / len(values)
    return f"{percentile(values, 50):.0f} (p95 {percentile(values, 95):.0f}, mean {mean:.1f})"
