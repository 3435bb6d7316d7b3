"""Is it good enough? The test in the other direction, for promotion before the time is up.

"It fails at least `margin` more often than control" is excluded once the likelihood ratio of
control's rate p0 against p0 + margin, for Poisson counts, reaches 20:

    f log(p0 / (p0 + margin)) + n margin >= log 20.
"""

from itertools import pairwise
from math import log

from sluice.rollout.evidence import Tally
from sluice.rollout.pacing import base_rate

__all__ = ["ENOUGH", "log_reverse", "margin_at"]

ENOUGH = log(20)

MARGINS = ((0.01, 0.04), (0.05, 0.017), (0.25, 0.007), (0.5, 0.0075), (1.0, 0.012))
"""Share, and the excess that must be excluded before it is left. Coarse at first, where few phones
are risked by going on; found by search, so that +0.5 points are caught in most rollouts."""


def log_reverse(tally: Tally, margin: float) -> float:
    """Return the log evidence that the candidate fails less than `margin` more often.

    Args:
        tally: what was heard.
        margin: excess of the failure rate, between 0 and 1.
    """
    usual = base_rate(tally)
    return tally.failed * log(usual / (usual + margin)) + tally.candidate * margin


def margin_at(share: float) -> float:
    """Return the excess to be excluded at a share (0 to 1).

    Between the shares that were searched for it is linear in the logarithm of the share; below the
    smallest it stays.
    """
    for (low, margin), (high, following) in pairwise(MARGINS):
        if share <= low:
            return margin
        if share < high:
            way = log(share / low) / log(high / low)
            return margin + way * (following - margin)
    return MARGINS[-1][1]
