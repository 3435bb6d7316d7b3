"""A fleet as counts: a minute is some binomial draws, whatever its size, for many runs at once.

Phones of one kind are exchangeable: whoever of them checks in, is offered it or fails is drawn with
the same chance. So counting them is the same, in distribution, as following each one, which
`phones.py` does for comparison.
"""

from dataclasses import dataclass
from math import pi, sin

import numpy as np
from numpy.typing import NDArray

from sluice.simulation.delays import Due, chances, spread
from sluice.simulation.fleet import SEGMENT_SHARES, Fault, Fleet
from sluice.simulation.homecoming import Homecoming
from sluice.simulation.pool import Pool
from sluice.simulation.reports import Given, Reports, by_segment
from sluice.simulation.seen import Counts, Harm, Ints, Returned, Seen

__all__ = ["CountedFleet", "base_rate_at"]

DRIFT_MINUTES = 600
LIARS_AT_MINUTE = 3
LIARS_ONE_IN = 6


def base_rate_at(fleet: Fleet, minute: int) -> float:
    """Return the share of phones that fail with any release they are given in this minute."""
    return fleet.base * (1 + fleet.drift * sin(2 * pi * minute / DRIFT_MINUTES))


@dataclass(slots=True, kw_only=True)
class Arm:
    """What an arm is waited for."""

    reports: Reports
    homecoming: Homecoming | None


class CountedFleet:
    """Many runs over the same fleet."""

    def __init__(self, fleet: Fleet, fault: Fault, runs: int, *, returns: bool, seed: int) -> None:
        """Begin.

        Args:
            fleet: the phones.
            fault: what is wrong with the release.
            runs: how many times it is rolled out.
            returns: whether it is also followed who comes back.
            seed: the same seed gives the same runs.
        """
        self._fleet, self._fault = fleet, fault
        self._draw = draw = np.random.default_rng(seed)
        self._pool = Pool(fleet, runs, draw)
        self._arms = [
            Arm(
                reports=Reports(fleet, runs, draw),
                homecoming=Homecoming(fleet.gap_minutes, runs, draw) if returns else None,
            )
            for _ in range(2)
        ]
        self._install_chances = chances("prompt")
        self._install_failures = Due(runs, len(self._install_chances), np.int64)
        self._liars = np.full(runs, fault.liars)
        self._lies = np.zeros(runs, dtype=np.int64)
        nobody = np.zeros(runs, dtype=np.int64)
        self.harm = Harm(failed=nobody, caused=nobody.copy(), offered=nobody.copy())

    def check_ins_a_minute(self) -> float:
        """Return how many phones check in in a minute, on average."""
        return self._pool.check_ins_a_minute()

    def keep(self, runs: NDArray[np.bool_]) -> None:
        """Forget all runs but these."""
        self._pool.keep(runs)
        for arm in self._arms:
            arm.reports.keep(runs)
            if arm.homecoming is not None:
                arm.homecoming.keep(runs)
        self._install_failures.keep(runs)
        self._liars, self._lies = self._liars[runs], self._lies[runs]
        harm = self.harm
        self.harm = Harm(
            failed=harm.failed[runs], caused=harm.caused[runs], offered=harm.offered[runs]
        )

    def minute(self, minute: int, shares: NDArray[np.float64], grants: Ints) -> Seen:
        """Return what is seen in the next minute, at these shares and with these grants."""
        fine, failed, ready, late = self._arms[0].reports.pop()
        control_fine, control_failed, control_ready, control_late = self._arms[1].reports.pop()
        tested = [arm.homecoming.pop() for arm in self._arms if arm.homecoming is not None]
        install_failures = self._install_failures.pop()
        check_ins = self._pool.minute(minute, shares, grants)
        offers, lies = self._lied(minute, check_ins.offers)
        self._give(minute, offers, check_ins.control)
        return Seen(
            crashes=Counts(
                candidate=(fine + failed).sum(1) + lies,
                failed=failed.sum(1) + lies,
                control=(control_fine + control_failed).sum(1),
                control_failed=control_failed.sum(1),
            ),
            not_started=Counts(
                candidate=ready, failed=late, control=control_ready, control_failed=control_late
            ),
            segments=self._by_segment(fine, failed, control_fine, control_failed),
            returned=self._returned(tested),
            offers=check_ins.offers,
            control=check_ins.control,
            install_failures=install_failures,
            out=self._arms[0].reports.out + self._lies,
            withheld=check_ins.withheld,
            drawn=check_ins.drawn,
            drawn_control=check_ins.drawn_control,
        )

    def _give(self, minute: int, offers: Ints, control: Ints) -> None:
        draw, fault = self._draw, self._fault
        base = base_rate_at(self._fleet, minute)
        candidate, stable = self._arms
        devices = self._parts(offers)
        bricks = draw.binomial(devices, fault.not_started)
        excess = np.array([fault.crashes + fault.segment, fault.crashes])[: devices.shape[1]]
        rates = np.minimum(base + excess, 1.0)
        failed = draw.binomial(devices - bricks, rates)
        candidate.reports.give(Given(devices=devices, failed=failed, bricks=bricks))
        broken = draw.binomial(failed, 1 - base)
        caused = draw.binomial(broken, np.minimum(excess / np.maximum(rates, 1e-12), 1.0))
        silent = draw.binomial(offers, fault.silent)
        self.harm.failed = self.harm.failed + broken.sum(1) + bricks.sum(1) + silent
        self.harm.caused = self.harm.caused + caused.sum(1) + bricks.sum(1) + silent
        self.harm.offered = self.harm.offered + offers
        devices = self._parts(control)
        failed = draw.binomial(devices, base)
        stable.reports.give(Given(devices=devices, failed=failed, bricks=np.zeros_like(devices)))
        if candidate.homecoming is not None and stable.homecoming is not None:
            candidate.homecoming.give(offers, silent)
            stable.homecoming.give(control, np.zeros_like(control))
        failed = draw.binomial(offers, min(self._fleet.install_base + fault.installs, 1.0))
        self._install_failures.add(spread(draw, failed, self._install_chances))

    def _parts(self, devices: Ints) -> Ints:
        """Return devices of the first kind and all others, where kinds are told apart."""
        if not self._fleet.segments:
            return devices[:, None]
        first = self._draw.binomial(devices, SEGMENT_SHARES[0])
        return np.stack((first, devices - first), axis=1)

    def _lied(self, minute: int, offers: Ints) -> tuple[Ints, Ints]:
        """Return the offers that honest phones got, and the lies that are heard now."""
        heard = self._lies
        self._lies = np.zeros_like(heard)
        if self._fault.liars_come == "at once":
            return offers, heard + (self._liars if minute == LIARS_AT_MINUTE else 0)
        lying = np.minimum(self._draw.binomial(offers, 1 / LIARS_ONE_IN), self._liars)
        self._liars = self._liars - lying
        self._lies = lying
        return offers - lying, heard

    def _by_segment(
        self, fine: Ints, failed: Ints, control_fine: Ints, control_failed: Ints
    ) -> Counts | None:
        if not self._fleet.segments:
            return None
        ok, bad, control_ok, control_bad = (
            by_segment(self._draw, each) for each in (fine, failed, control_fine, control_failed)
        )
        return Counts(
            candidate=ok + bad,
            failed=bad,
            control=control_ok + control_bad,
            control_failed=control_bad,
        )

    def _returned(self, tested: list[list[tuple[Ints, Ints]]]) -> Returned | None:
        homecoming = self._arms[0].homecoming
        if homecoming is None:
            return None
        excess, information = homecoming.score()
        return Returned(
            tests=tuple(
                Counts(candidate=n, failed=f, control=nc, control_failed=fc)
                for (n, f), (nc, fc) in zip(*tested, strict=True)
            ),
            unreturned=homecoming.unreturned,
            excess=excess,
            information=information,
        )
