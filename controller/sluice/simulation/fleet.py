"""A fleet of phones, and what is wrong with a release.

Times are in minutes, rates and shares between 0 and 1. A phone checks in at random, with its own
mean gap; it is given the release at a check-in, and reports some minutes later that it is ready or
that it failed.
"""

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["GAP_CLASSES", "SEGMENT_SHARES", "Fault", "Fleet"]

GAP_CLASSES = 12
"""Kinds of phones by how often they check in, where gaps are heavy-tailed."""

SEGMENT_SHARES = (0.03,) * 6 + (0.1,) * 5 + (0.3,) * 4
"""How many phones are of each kind (OS major, native version, ...), independently of each other.
The first kind is the one that a segment fault breaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Phones, as they are with any release."""

    phones: int = 100_000
    gap_minutes: float = 240.0
    """Mean time between two check-ins of a phone; of the median phone, where tails are heavy."""
    heavy_tailed: bool = False
    """Whether phones differ in how often they check in: log-normally, with sigma 1.2."""
    diurnal: float = 0.0
    """How much check-ins swing around their mean over a day; 0.6: from 0.4 to 1.6 times."""
    base: float = 0.005
    """Share of phones that fail with any release."""
    drift: float = 0.0
    """How much `base` swings around its mean every ten hours."""
    reports: Literal["prompt", "slow"] = "prompt"
    """Reports come after 3 minutes on average (exponential), or after 10 in the median with one in
    a hundred after 3 hours (log-normal)."""
    install_base: float = 0.002
    """Share of phones on which any release can't be installed."""
    segments: bool = False
    """Whether reports are also counted by kind of phone. It costs time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with a release: shares of phones that it breaks, beyond the usual ones."""

    crashes: float = 0.0
    """Phones that crash with it, wherever they are from."""
    segment: float = 0.0
    """Phones of the first kind that crash with it."""
    not_started: float = 0.0
    """Phones that take it and never report ready."""
    silent: float = 0.0
    """Phones that report ready and never come back."""
    installs: float = 0.0
    """Phones that cannot install it."""
    liars: int = 0
    """Sources that report failures that never were, one each."""
    liars_come: Literal["at once", "spread"] = field(default="at once")
    """Whether they report in the fourth minute, all together, or one in six of those that are
    offered the release is one of them until all were."""
