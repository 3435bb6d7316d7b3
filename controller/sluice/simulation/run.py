"""Roll a release out many times, and see how each run ends."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sluice.resources.fields import BASIS_POINTS
from sluice.rollout.decision import Complete, Hold, Offer, RollBack, Signal
from sluice.rollout.strategy import Strategy
from sluice.simulation.counted import CountedFleet
from sluice.simulation.fleet import Fault, Fleet
from sluice.simulation.outcomes import End, Outcome, Outcomes
from sluice.simulation.seen import Harm, Ints, Seen
from sluice.simulation.watch import Watch

__all__ = ["MINUTES_MAX", "SimulatedFleet", "simulate", "simulate_on"]

MINUTES_MAX = 2880
"""Two days, if nothing else is asked for."""

STABLE_ROLLOUT_MAX = 100_000
"""Devices of the stable release's own rollout that installations are compared with, at most."""

SILENCE_NEEDS = (
    "phones that come back are followed only in fleets whose phones all check in at one even rate"
)


class SimulatedFleet(Protocol):
    """Many runs over one fleet, minute by minute."""

    harm: Harm

    def check_ins_a_minute(self) -> float:
        """Return how many phones check in in a minute, on average."""
        ...

    def minute(self, minute: int, shares: NDArray[np.float64], grants: Ints) -> Seen:
        """Return what is seen in the next minute."""
        ...

    def keep(self, runs: NDArray[np.bool_]) -> None:
        """Forget all runs but these."""
        ...


def simulate(
    strategy: Strategy,
    fleet: Fleet,
    fault: Fault,
    *,
    runs: int,
    seed: int,
    minutes_max: int = MINUTES_MAX,
) -> Outcomes:
    """Return how a release fares in so many runs.

    Args:
        strategy: how it may grow.
        fleet: the phones.
        fault: what is wrong with the release; nothing, by default.
        runs: how many times it is rolled out.
        seed: the same seed gives the same runs.
        minutes_max: when a run that has not ended is left open.

    Raises:
        ValueError: the strategy waits for returns, and the fleet's phones are not alike.
    """
    returns = strategy.waits_for_returns
    if returns and (fleet.heavy_tailed or fleet.diurnal):
        raise ValueError(SILENCE_NEEDS)
    counted = CountedFleet(fleet, fault, runs, returns=returns, seed=seed)
    return simulate_on(counted, strategy, fleet, runs=runs, seed=seed, minutes_max=minutes_max)


def simulate_on(  # noqa: PLR0913 - each is an option of the command line
    phones: SimulatedFleet,
    strategy: Strategy,
    fleet: Fleet,
    *,
    runs: int,
    seed: int,
    minutes_max: int,
    on_look: Callable[[Watch, int], None] | None = None,
) -> Outcomes:
    """Return how a release fares on a fleet that is given.

    Args:
        phones: the fleet, at its beginning.
        strategy: how it may grow.
        fleet: what the phones are like.
        runs: how many there are in `phones`.
        seed: for the stable release's own rollout.
        minutes_max: when a run that has not ended is left open.
        on_look: called after each decision of each run.
    """
    watches = _watches(phones, strategy, fleet, runs, seed)
    places = np.arange(runs)
    outcomes: list[Outcome | None] = [None] * runs
    for minute in range(minutes_max):
        shares = np.array([each.share_bp / BASIS_POINTS for each in watches])
        grants = np.array([each.grant for each in watches], dtype=np.int64)
        seen = phones.minute(minute, shares, grants)
        going = np.ones(len(watches), dtype=np.bool_)
        for run, watch in enumerate(watches):
            watch.look(seen, run, minute)
            if on_look is not None:
                on_look(watch, minute)
            going[run] = isinstance(watch.decision, Offer | Hold)
            if not going[run]:
                outcomes[places[run]] = _outcome(watch, phones.harm, run, minute)
        if not going.all():
            watches = [each for each, goes in zip(watches, going, strict=True) if goes]
            places = places[going]
            phones.keep(going)
        if not watches:
            break
    for run, watch in enumerate(watches):
        outcomes[places[run]] = _outcome(watch, phones.harm, run, minutes_max)
    return Outcomes(runs=tuple(each for each in outcomes if each is not None))


def _watches(
    phones: SimulatedFleet, strategy: Strategy, fleet: Fleet, runs: int, seed: int
) -> list[Watch]:
    # Another stream than the fleet's own: what happened before must not change with it.
    before = np.random.default_rng((seed, 1))
    stable = min(fleet.phones, STABLE_ROLLOUT_MAX)
    failed = before.binomial(stable, fleet.install_base, size=runs)
    return [
        Watch(
            strategy,
            check_ins_a_minute=phones.check_ins_a_minute(),
            stable=stable,
            stable_failed=int(each),
        )
        for each in failed
    ]


def _outcome(watch: Watch, harm: Harm, run: int, minute: int) -> Outcome:
    decision = watch.decision
    end: End = "open"
    signal: Signal | None = None
    segment: str | None = None
    match decision:
        case RollBack():
            end, signal, segment = "rolled back", decision.signal, decision.segment
        case Complete():
            end = "completed"
        case Offer() | Hold():
            pass
    return Outcome(
        end=end,
        reason=decision.reason,
        minutes=minute,
        failed=int(harm.failed[run]),
        harmed=int(harm.caused[run]),
        offered=int(harm.offered[run]),
        signal=signal,
        segment=segment,
    )
