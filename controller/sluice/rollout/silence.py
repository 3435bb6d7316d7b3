"""Phones that take the candidate and are never heard again.

Nobody can see them sooner than they would have come back anyway. So a strategy that wants to be
safe from them lets only so many be out of sight that about seven of them would be lost at the
highest rate that what came back so far leaves possible:

    U = (max(Z, 0) + sqrt(I) + 6) / (I + 40),   L = 7 / U,

where Z counts who is missing beyond control and I what that count is worth (see
`evidence.Silence`). The first wave is 46 phones. Once U is at most 1.5 points the limit is lifted.
"""

from collections.abc import Callable, Iterable
from math import floor, sqrt

from sluice.rollout.evidence import Silence

__all__ = ["GAPS_MAX", "LIFTED_AT", "missing_max", "returns_grant", "returns_score"]

GAPS_MAX = 3.0
"""Age, in a phone's own gaps, beyond which its absence says nothing new."""

LIFTED_AT = 0.015
LOST_MAX = 7.0
MISSING_PRIOR = 6.0
INFORMATION_PRIOR = 40.0

SURVIVAL_MIN = 1e-3
"""So few of control are still away at any age up to 3 gaps, at least: an estimate of none would
make one missing phone weigh infinitely."""


def missing_max(silence: Silence) -> float:
    """Return U, an upper bound of the share of phones that are lost beyond control's."""
    missing = max(silence.excess, 0.0) + sqrt(max(silence.information, 0.0)) + MISSING_PRIOR
    return missing / (max(silence.information, 0.0) + INFORMATION_PRIOR)


def returns_grant(silence: Silence) -> int | None:
    """Return how many phones may be offered it before more come back, or None: no limit."""
    bound = missing_max(silence)
    if bound <= LIFTED_AT:
        return None
    return max(0, max(1, floor(LOST_MAX / bound)) - silence.unreturned)


def returns_score(
    ages: Iterable[tuple[float, bool]], survival: Callable[[float], float]
) -> tuple[float, float]:
    """Return (excess, information) of the phones that were given the candidate.

    Args:
        ages: for each, how many of its own gaps ago that was, and whether it is still away.
        survival: share of control that is still away at an age in gaps.
    """
    excess = information = 0.0
    for age, away in ages:
        weight = 1 / max(survival(min(age, GAPS_MAX)), SURVIVAL_MIN)
        excess += (weight if away else 0.0) - 1
        information += weight - 1
    return excess, information
