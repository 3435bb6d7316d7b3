"""How a release may grow, and when it is taken back.

Shares are in basis points (10,000 are all phones).
"""

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["LIES_MAX", "Budget", "HarmBudget", "Step", "Steps", "Strategy"]

LIES_MAX = 8
"""Most failures that may be ignored. Twelve phones must then fail before anything is stopped, and
each signal keeps so many; beyond that the guard is slow without being safer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: how many phones, how long at least, and how many must have proved themselves."""

    share_bp: int
    hold_seconds: int
    """Least time in this step, counting only time in which pacing withheld nothing."""
    min_devices: int = 0
    manual: bool = False
    """Whether a person must ask for promotion before this step is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Grow in steps."""

    steps: tuple[Step, ...]
    early: bool = False
    """Whether a step is left before its time once the reverse test has excluded an excess."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HarmBudget:
    """Grow all the time, as long as no more than `phones` are expected to be harmed."""

    phones: int
    """Excess failures to be risked before one is sure; failures that phones have with any release
    are not in it, since no rule can bound them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Each signal's share of the false alarms. The sum is 1 at most."""

    crashes: float = 0.62
    segments: float = 0.14
    """Divided evenly over all places for segments, used or not."""
    not_started: float = 0.14
    silence: float = 0.05
    pooled: float = 0.03
    installs: float = 0.02

    def __post_init__(self) -> None:
        """Refuse shares that do not fit into one.

        Raises:
            ValueError: a share is negative, or the sum is more than 1.
        """
        shares = [getattr(self, name) for name in self.__dataclass_fields__]
        if min(shares) < 0 or sum(shares) > 1 + 1e-9:
            msg = f"shares of the budget must be 0 or more, and 1 at most together: {shares}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """How a release may grow, and when it is taken back."""

    growth: Steps | HarmBudget
    false_alarm: float = 0.01
    """Largest probability that a healthy release is ever taken back, over the whole rollout."""
    tolerance: float = 0.002
    """Excess of a failure rate over what is usual that is not worth stopping for, where the
    comparison is not concurrent (pooled counts, installations)."""
    lies: int = 2
    """Failures that never count, in each signal those that weigh most: so many sources may lie."""
    budget: Budget = field(default_factory=Budget)
    waits_for_returns: bool = False
    """Whether growth waits until phones come back: the only way to see a bundle that breaks phones
    without a word, at the price of hours."""
    soak_seconds: int = 0
    """How long the watch goes on after the last step before the release is the stable one."""
    undecided: Literal["Hold", "Promote"] = "Hold"
    """What to do when all steps have had their time and too few phones were heard to tell whether
    the candidate is as good as control. All phones are offered it by then, so `Hold` keeps nothing
    from anybody: it keeps the watch and the way back, until a person promotes it."""

    def __post_init__(self) -> None:
        """Refuse what nothing can be decided by.

        Raises:
            ValueError: a level is no probability, there is no step, or `lies` is out of range.
        """
        if not 0 < self.false_alarm < 1:
            msg = f"false_alarm must be more than 0 and less than 1: {self.false_alarm}"
            raise ValueError(msg)
        if not 0 <= self.lies <= LIES_MAX:
            msg = f"lies must be from 0 to {LIES_MAX}: {self.lies}"
            raise ValueError(msg)
        if isinstance(self.growth, Steps) and not self.growth.steps:
            msg = "a strategy needs a step"
            raise ValueError(msg)
