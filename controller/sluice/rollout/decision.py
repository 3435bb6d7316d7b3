"""The values that a rollout is decided from, and the decisions.

Shares are in basis points (10,000 are all phones); times are in UTC; counts are of devices, each
counted once.
"""

from dataclasses import dataclass, field
from datetime import datetime

__all__ = [
    "ArmCounts",
    "Complete",
    "Decision",
    "Evidence",
    "Hold",
    "Offer",
    "Progress",
    "RollBack",
    "Step",
    "Strategy",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: how many phones, how long at least, and how many must have proved themselves."""

    share_bp: int
    hold_seconds: int
    min_devices: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """How a release may grow, and when it is taken back."""

    steps: tuple[Step, ...]
    false_alarm: float
    """Largest probability that a healthy release is ever taken back, over the whole rollout."""
    tolerance: float
    """Excess of the failure rate over control that is not worth stopping for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmCounts:
    """What is known of one arm. `failed` and `proven` are disjoint; the rest has not been heard."""

    devices: int = 0
    """Devices that were given the candidate (or, in the control arm, seen without it)."""
    failed: int = 0
    """Devices that reported a failure."""
    proven: int = 0
    """Devices that started a second time without failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What phones reported in this rollout."""

    candidate: ArmCounts = field(default_factory=ArmCounts)
    control: ArmCounts = field(default_factory=ArmCounts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a rollout is."""

    step: int
    """Index into the strategy's steps."""
    step_since: datetime
    """When this step began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Go on to a further step."""

    step: int
    share_bp: int
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Stay; the reason says what is waited for."""

    reason: str
    message: str
    until: datetime | None = None
    """When time alone may change the decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollBack:
    """Take it back from everybody."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """It has replaced the stable release."""

    reason: str
    message: str


Decision = Offer | Hold | RollBack | Complete
