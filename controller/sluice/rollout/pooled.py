"""Everything seen, without regard to when: for small fleets, and after the last step.

Strata need both arms at once; where they seldom meet, four counters are all there is. The
hypothesis is wider in return, since rates of different hours are compared: the candidate fails at
most twice as often as control, and `tolerance` more.

The e-process is a product of two Beta-binomial mixture martingales, one an arm, over the largest
likelihood of all pairs of rates that the hypothesis allows (Ramdas et al., Game-theoretic
statistics and safe anytime-valid inference, 2023, section 4). It depends on four counters alone.
"""

from math import inf, lgamma, log

from sluice.rollout.evidence import ArmCounts
from sluice.rollout.logrank import failures_min

__all__ = ["log_e_pooled"]

CANDIDATE_PRIOR = (0.5, 10.0)
CONTROL_PRIOR = (0.5, 60.0)
"""Beta priors of the failure rates: wide, around 5 % and 1 %."""

TIMES = 2.0
"""How many times as often as control the candidate may fail."""

RATE_MIN = 1e-12
"""Of a rate, and of what a rate lacks to 1: less is lost in rounding."""

BISECTIONS = 48
"""Halvings of an interval within 0 to 1: the likelihood is flat where they end."""


def log_e_pooled(candidate: ArmCounts, control: ArmCounts, *, lies: int, tolerance: float) -> float:
    """Return the natural logarithm of the e-value against "not much worse than control".

    Args:
        candidate: devices that were given it; one counts from then on, as not failed so far: a
            failure is heard sooner than health is proven, and counting only who was heard would
            make every release look bad at first.
        control: devices that were seen without it.
        lies: how many failures of the candidate do not count (they count as devices).
        tolerance: excess of the failure rate that the hypothesis allows, between 0 and 1.

    Returns:
        0 or less while nothing speaks against the candidate; -inf while too few failed to count.
    """
    if candidate.failed < failures_min(lies):
        return -inf
    failed = max(candidate.failed - lies, 0)
    fine = max(candidate.devices - failed, 0)
    control_fine = max(control.devices - control.failed, 0)
    rate, control_rate = _likeliest(failed, fine, control.failed, control_fine, tolerance)
    return (
        _mixture(failed, fine, *CANDIDATE_PRIOR)
        + _mixture(control.failed, control_fine, *CONTROL_PRIOR)
        - _likelihood(failed, fine, rate)
        - _likelihood(control.failed, control_fine, control_rate)
    )


def _likeliest(
    failed: int, fine: int, control_failed: int, control_fine: int, tolerance: float
) -> tuple[float, float]:
    """Return the pair of rates within the hypothesis that explains the counts best."""
    rate = failed / max(failed + fine, 1)
    control_rate = control_failed / max(control_failed + control_fine, 1)
    low, high = max(control_rate, RATE_MIN), (rate - tolerance) / TIMES
    if high <= low:
        return rate, control_rate
    # On the border rate = TIMES p + tolerance the log likelihood is concave in p, and rises to both
    # observed rates: so its top is where its slope is zero between them.
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        bound = TIMES * middle + tolerance
        slope = (
            TIMES * (failed / bound - fine / max(1 - bound, RATE_MIN))
            + control_failed / middle
            - control_fine / (1 - middle)
        )
        low, high = (middle, high) if slope > 0 else (low, middle)
    return TIMES * low + tolerance, low


def _likelihood(failed: int, fine: int, rate: float) -> float:
    return (failed * log(rate) if failed else 0.0) + (fine * log(1 - rate) if fine else 0.0)


def _mixture(failed: int, fine: int, a: float, b: float) -> float:
    """Return the log probability of the counts, in one order, under a Beta prior."""
    return (
        lgamma(a + failed)
        + lgamma(b + fine)
        - lgamma(a + b + failed + fine)
        - lgamma(a)
        - lgamma(b)
        + lgamma(a + b)
    )
