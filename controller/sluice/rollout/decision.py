"""Where a rollout is, and what is decided about it.

Shares are in basis points (10,000 are all phones); times are in UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

__all__ = ["Complete", "Decision", "Hold", "Number", "Offer", "Progress", "RollBack", "Signal"]

Number = float | int

Signal = Literal["crashes", "segments", "not_started", "silence", "pooled", "installs"]
"""What a release can be judged by: crashes and JavaScript errors of all phones, the same by kind of
phone, phones that did not report ready, phones that did not come back, failures without regard to
when, and installations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a rollout is. Each decision says what it is from then on."""

    step: int
    """Index into the strategy's steps; 0 where there are none."""
    step_since: datetime
    """When this step began; without steps, when all phones were offered it."""
    withheld_seconds: float = 0.0
    """How long pacing withheld offers in this step: it is not counted as time in the step."""
    looked_at: datetime | None = None
    """When the last decision was made."""
    share: float | None = None
    """Share of phones, from 0 to 1, where it grows without steps."""
    soaking_since: datetime | None = None
    """When the last step had passed."""
    gate_opened_steps: frozenset[int] = frozenset()
    """Steps for which a person asked for promotion. Not decided here: the caller adds to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Go on to a larger share."""

    step: int
    share_bp: int
    reason: str
    message: str
    grant: int
    """Phones that may newly be offered it until the next look. Reports that come meanwhile do not
    refill it."""
    progress: Progress
    numbers: Mapping[str, Number] = field(default_factory=dict)
    """What the decision was made from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Stay at this share; the reason says what is waited for."""

    reason: str
    message: str
    grant: int
    """As in `Offer`."""
    progress: Progress
    until: datetime | None = None
    """When time alone may change the decision."""
    numbers: Mapping[str, Number] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RollBack:
    """Take it back from everybody."""

    reason: str
    message: str
    signal: Signal
    """What showed it, most of all."""
    segment: str | None = None
    """The kind of phone in which the failures crowd, if they do."""
    numbers: Mapping[str, Number] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """It has replaced the stable release."""

    reason: str
    message: str
    numbers: Mapping[str, Number] = field(default_factory=dict)


Decision = Offer | Hold | RollBack | Complete
