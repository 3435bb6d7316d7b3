"""Is the candidate worse than what the other phones run? A test that may be looked at at any time.

The candidate's failures are compared with those of phones that do not have it yet (control), over
the same hours. Under the hypothesis "the candidate fails at most `tolerance` more often than
control", the returned evidence is an e-process: whenever and however often one looks, the chance
that it ever reaches 1/a is at most a (Ville's inequality). So it is taken back at 1/`false_alarm`.

The e-process is a product of two Beta-binomial mixture martingales, one an arm, at its smallest
over all pairs of rates that the hypothesis allows (Ramdas et al., Game-theoretic statistics and
safe anytime-valid inference, 2023, section 4). It depends on four counters alone: nothing is kept
between looks, and a look after a restart gives the same number.
"""

from collections.abc import Callable
from math import exp, inf, lgamma, log

from sluice.rollout.decision import ArmCounts, Evidence

__all__ = ["log_evidence"]

PRIOR_FAILED = 0.5
PRIOR_FINE = 30.0
"""Beta prior of a failure rate: about 1.6 % on average, wide. It decides how fast small excesses
are seen, never how often a false alarm is raised."""

RATE_MIN, RATE_MAX = 1e-5, 0.999
"""Failure rates that are considered for control."""

GRID_POINTS = 96
REFINEMENTS = 30
"""The smallest value is bracketed on a logarithmic grid, then found by golden-section search."""

GOLDEN = 0.6180339887498949


def log_evidence(evidence: Evidence, tolerance: float) -> float:
    """Return the natural logarithm of the e-value against "not worse than control".

    Args:
        evidence: devices and failures of both arms. A device counts from the moment it is given
            the candidate (or seen without it): a failure is heard sooner than health is proven, and
            counting only who was heard would make every release look bad at first.
        tolerance: excess of the failure rate that the hypothesis allows, between 0 and 1.

    Returns:
        0 or less while nothing speaks against the candidate; -inf is never returned.
    """
    candidate, control = evidence.candidate, evidence.control
    observed, expected = _rate(candidate), _rate(control)
    if observed <= expected + tolerance:
        # The likeliest pair of rates is one that the hypothesis allows: nothing speaks against it.
        return _martingale(candidate, observed) + _martingale(control, expected)

    def value(rate: float) -> float:
        return _martingale(candidate, min(rate + tolerance, RATE_MAX)) + _martingale(control, rate)

    low, high = log(RATE_MIN), log(RATE_MAX)
    step = (high - low) / GRID_POINTS
    best = min(range(GRID_POINTS + 1), key=lambda i: value(exp(low + i * step)))
    return _smallest(value, max(low, low + (best - 1) * step), min(high, low + (best + 1) * step))


def _smallest(value: Callable[[float], float], low: float, high: float) -> float:
    smallest = inf
    for _ in range(REFINEMENTS):
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        at_left, at_right = value(exp(left)), value(exp(right))
        smallest = min(smallest, at_left, at_right)
        low, high = (low, right) if at_left < at_right else (left, high)
    return smallest


def _rate(arm: ArmCounts) -> float:
    """Return the observed failure rate, within the rates that are considered."""
    return min(max(arm.failed / max(arm.devices, 1), RATE_MIN), RATE_MAX)


def _martingale(arm: ArmCounts, rate: float) -> float:
    """Return the log likelihood ratio of the Beta mixture against one fixed failure rate."""
    failed, fine = arm.failed, max(arm.devices - arm.failed, 0)
    mixture = (
        lgamma(PRIOR_FAILED + failed)
        + lgamma(PRIOR_FINE + fine)
        - lgamma(PRIOR_FAILED + PRIOR_FINE + failed + fine)
        - lgamma(PRIOR_FAILED)
        - lgamma(PRIOR_FINE)
        + lgamma(PRIOR_FAILED + PRIOR_FINE)
    )
    return mixture - failed * log(rate) - fine * log(1 - rate)
