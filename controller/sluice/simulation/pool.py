"""Who checks in: phones of a fleet by how often they do, and on which side of the share they are.

Phones of one kind check in at random, so which of them do is of no importance: a minute is a few
binomial draws, whatever the size of the fleet. `phones.py` has them one by one instead.
"""

from dataclasses import dataclass
from math import exp, pi, sin
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from sluice.simulation.fleet import GAP_CLASSES, Fleet
from sluice.simulation.seen import Ints

__all__ = ["CheckIns", "Pool", "gaps", "rate_factor"]

SIGMA = 1.2
"""Of the logarithm of gaps, where they are heavy-tailed: one phone in ten comes 5 times as seldom
as the median, and one in ten 5 times as often."""

DAY_MINUTES = 1440


def gaps(fleet: Fleet) -> tuple[float, ...]:
    """Return the mean gap of each kind of phone, in minutes; all kinds have as many phones."""
    if not fleet.heavy_tailed:
        return (fleet.gap_minutes,)
    quantiles = [(i + 0.5) / GAP_CLASSES for i in range(GAP_CLASSES)]
    return tuple(fleet.gap_minutes * exp(SIGMA * NormalDist().inv_cdf(q)) for q in quantiles)


def rate_factor(fleet: Fleet, minute: int) -> float:
    """Return how many times its mean the rate of check-ins is."""
    return 1 + fleet.diurnal * sin(2 * pi * minute / DAY_MINUTES)


@dataclass(slots=True, kw_only=True)
class CheckIns:
    """Who checked in in a minute, by run."""

    offers: Ints
    withheld: NDArray[np.bool_]
    control: Ints
    drawn: Ints
    drawn_control: Ints


class Pool:
    """The phones that were not offered it yet. Counts have the shape (runs, kinds)."""

    def __init__(self, fleet: Fleet, runs: int, draw: np.random.Generator) -> None:
        self._fleet, self._draw = fleet, draw
        self._rates = 1 / np.array(gaps(fleet))
        kinds = len(self._rates)
        sizes = [len(part) for part in np.array_split(np.empty(fleet.phones), kinds)]
        self._share = np.zeros(runs)
        self._fresh = np.zeros((runs, kinds), dtype=np.int64)
        """In the share, never seen in this rollout."""
        self._known = self._fresh.copy()
        """In the share, seen before: in control, or refused an offer."""
        self._outside = np.tile(np.array(sizes, dtype=np.int64), (runs, 1))
        """Outside the share, never seen."""
        self._control = self._fresh.copy()
        """Outside the share, seen."""

    def keep(self, runs: NDArray[np.bool_]) -> None:
        """Forget all runs but these."""
        self._share = self._share[runs]
        self._fresh, self._known = self._fresh[runs], self._known[runs]
        self._outside, self._control = self._outside[runs], self._control[runs]

    def check_ins_a_minute(self) -> float:
        """Return how many phones check in in a minute, on average."""
        sizes = self._fleet.phones / len(self._rates)
        return float((sizes * self._rates).sum())

    def minute(self, minute: int, shares: NDArray[np.float64], grants: Ints) -> CheckIns:
        """Return who checks in, after the share has grown to `shares`."""
        self._grow(shares)
        chance = -np.expm1(-self._rates * rate_factor(self._fleet, minute))
        fresh = self._draw.binomial(self._fresh, chance)
        known = self._draw.binomial(self._known, chance)
        control = self._draw.binomial(self._outside, chance)
        due = fresh.sum(1) + known.sum(1)
        offers = np.minimum(due, grants)
        offered = self._chosen(np.concatenate((fresh, known), axis=1), due, offers)
        kinds = fresh.shape[1]
        self._fresh -= fresh
        self._known += fresh - offered[:, :kinds] - offered[:, kinds:]
        self._outside -= control
        self._control += control
        seen = control.sum(1)
        return CheckIns(
            offers=offers,
            withheld=offers < due,
            control=seen,
            drawn=fresh.sum(1),
            drawn_control=seen,
        )

    def _grow(self, shares: NDArray[np.float64]) -> None:
        larger = shares > self._share
        if not larger.any():
            return
        part = np.where(larger, (shares - self._share) / np.maximum(1 - self._share, 1e-12), 0.0)
        part = np.minimum(part, 1.0)[:, None]
        fresh = self._draw.binomial(self._outside, part)
        known = self._draw.binomial(self._control, part)
        self._outside -= fresh
        self._control -= known
        self._fresh += fresh
        self._known += known
        self._share = np.where(larger, shares, self._share)

    def _chosen(self, due: Ints, due_in_all: Ints, offers: Ints) -> Ints:
        """Return how many of each sort get the offers, if each phone is as likely as any other."""
        if (offers == due_in_all).all():
            return due
        chosen = np.zeros_like(due)
        others, left = due_in_all.copy(), offers.copy()
        for sort in range(due.shape[1]):
            mine = due[:, sort]
            others = others - mine
            chosen[:, sort] = self._draw.hypergeometric(mine, others, left)
            left = left - chosen[:, sort]
        return chosen
