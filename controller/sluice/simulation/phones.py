"""A fleet phone by phone, with the real draw of lots: what `counted.py` is compared with.

One run, and nothing that is only counted there (who comes back, liars). It costs time for each
phone in each minute, so it is for small fleets.
"""

import numpy as np
from numpy.typing import NDArray

from sluice.resources.fields import BASIS_POINTS
from sluice.simulation.counted import base_rate_at
from sluice.simulation.delays import chances
from sluice.simulation.fleet import SEGMENT_SHARES, Fault, Fleet
from sluice.simulation.lots import are_in_share, positions
from sluice.simulation.pool import gaps, rate_factor
from sluice.simulation.reports import ready_minutes
from sluice.simulation.seen import Counts, Harm, Ints, Seen

__all__ = ["PhoneFleet"]

Flags = NDArray[np.bool_]

NEVER = np.iinfo(np.int64).max // 2
"""A minute that never comes, with room to add to it."""


class PhoneFleet:
    """One run over a fleet, every phone by itself."""

    def __init__(self, fleet: Fleet, fault: Fault, *, seed: int) -> None:
        """Begin.

        Args:
            fleet: the phones.
            fault: what is wrong with the release; `silent` and `liars` are left out.
            seed: the same seed gives the same run.
        """
        self._fleet, self._fault = fleet, fault
        self._draw = draw = np.random.default_rng(seed)
        count = fleet.phones
        kinds = np.array(gaps(fleet))
        self._rates = 1 / kinds[np.arange(count) * len(kinds) // count]
        self._lots = positions(f"run {seed}", (f"phone-{i}" for i in range(count)))
        self._is_of = draw.random((count, len(SEGMENT_SHARES))) < SEGMENT_SHARES
        self._chances = chances(fleet.reports)
        self._install_chances = chances("prompt")
        self._patience = min(ready_minutes(fleet), len(self._chances))
        self._arms = [_Arm(count), _Arm(count)]
        self._install_fails_at = np.full(count, NEVER)
        self._seen = np.zeros(count, dtype=np.bool_)
        self.harm = Harm(failed=_one(0), caused=_one(0), offered=_one(0))

    def check_ins_a_minute(self) -> float:
        """Return how many phones check in in a minute, on average."""
        return float(self._rates.sum())

    def keep(self, runs: Flags) -> None:
        """Forget all runs but these: there is only one."""

    def minute(self, minute: int, shares: NDArray[np.float64], grants: Ints) -> Seen:
        """Return what is seen in the next minute, at this share and with this grant."""
        crashes, late, segments = self._heard(minute)
        chance = -np.expm1(-self._rates * rate_factor(self._fleet, minute))
        due = self._draw.random(len(chance)) < chance
        share_bp = round(float(shares[0]) * BASIS_POINTS)
        drawn = are_in_share(self._lots, share_bp)
        candidate, control = self._arms
        wanted = np.nonzero(due & drawn & (candidate.given_at == NEVER))[0]
        offered = self._draw.permutation(wanted)[: int(grants[0])]
        others = np.nonzero(due & ~drawn & (control.given_at == NEVER))[0]
        fresh = due & ~self._seen
        self._seen |= due
        self._offer(minute, offered)
        fails = self._draw.random(len(others)) < base_rate_at(self._fleet, minute)
        control.give(minute, others, fails, self._delays(len(others), self._chances))
        return Seen(
            crashes=crashes,
            not_started=late,
            segments=segments if self._fleet.segments else None,
            returned=None,
            offers=_one(len(offered)),
            control=_one(len(others)),
            install_failures=_one(int((self._install_fails_at == minute).sum())),
            out=_one(int(candidate.out(minute, self._patience))),
            withheld=np.array([len(offered) < len(wanted)]),
            drawn=_one(int((fresh & drawn).sum())),
            drawn_control=_one(int((fresh & ~drawn).sum())),
        )

    def _offer(self, minute: int, phones: Ints) -> None:
        draw, fault, count = self._draw, self._fault, len(phones)
        base = base_rate_at(self._fleet, minute)
        excess = fault.crashes + fault.segment * self._is_of[phones, 0] * self._fleet.segments
        lot = draw.random(count)
        bricks = draw.random(count) < fault.not_started
        fails = (lot < base + excess) & ~bricks
        broken = fails & (draw.random(count) >= base)
        caused = broken & (lot < excess)
        delays = np.where(bricks, NEVER, self._delays(count, self._chances))
        self._arms[0].give(minute, phones, fails, delays)
        cannot = draw.random(count) < self._fleet.install_base + fault.installs
        failing = self._delays(count, self._install_chances)
        self._install_fails_at[phones] = np.where(cannot, minute + failing, NEVER)
        self.harm.failed += int(broken.sum()) + int(bricks.sum())
        self.harm.caused += int(caused.sum()) + int(bricks.sum())
        self.harm.offered += count

    def _delays(self, count: int, among: NDArray[np.float64]) -> Ints:
        return self._draw.choice(len(among), size=count, p=among) + 1

    def _heard(self, minute: int) -> tuple[Counts, Counts, Counts]:
        told = [arm.told_at == minute for arm in self._arms]
        failed = [now & arm.fails for now, arm in zip(told, self._arms, strict=True)]
        ready = [arm.given_at + self._patience == minute for arm in self._arms]
        late = [of & (arm.told_at > minute) for of, arm in zip(ready, self._arms, strict=True)]
        kinds = self._is_of
        return (
            _counts([each.sum() for each in (told[0], failed[0], told[1], failed[1])]),
            _counts([each.sum() for each in (ready[0], late[0], ready[1], late[1])]),
            _counts([kinds[each].sum(0) for each in (told[0], failed[0], told[1], failed[1])]),
        )


class _Arm:
    """What each phone was given, in one arm, and will tell."""

    def __init__(self, count: int) -> None:
        self.given_at = np.full(count, NEVER)
        self.told_at = np.full(count, NEVER)
        self.fails = np.zeros(count, dtype=np.bool_)

    def give(self, minute: int, phones: Ints, fails: Flags, delays: Ints) -> None:
        self.given_at[phones] = minute
        self.told_at[phones] = minute + delays
        self.fails[phones] = fails

    def out(self, minute: int, patience: int) -> int:
        given = self.given_at <= minute
        young = self.given_at + patience > minute
        return int((given & young & (self.told_at > minute)).sum())


def _one(value: int) -> Ints:
    return np.array([value], dtype=np.int64)


def _counts(numbers: list[Ints]) -> Counts:
    """Return counts of one run: of numbers, or of rows of segments."""
    n, f, nc, fc = (np.array([each], dtype=np.int64) for each in numbers)
    return Counts(candidate=n, failed=f, control=nc, control_failed=fc)
