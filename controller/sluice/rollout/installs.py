"""Downloads and installations that fail: nobody else installs meanwhile, so control is the past.

The candidate's rate is compared with the most that the stable release's own rollouts may have had:
their upper confidence limit q (Chernoff), at or above the upper end of the Beta posterior of the
same level. Half of the signal's share of false alarms pays for q being wrong, half for the test. As
other bundles have other sizes and other days other networks, twice q and `tolerance` more is still
within the hypothesis. The test is the binomial likelihood ratio against that limit, one-sided.

A device counts from its offer on, as one that did not fail so far. So delays do no harm: the value
is never above that of the final outcomes, which is a supermartingale in the order of offers.
"""

from math import inf, log

from sluice.rollout.evidence import Installs
from sluice.rollout.logrank import failures_min
from sluice.rollout.odds import Prior, log_mixture, log_ratios

__all__ = ["log_e_installs", "usual_max"]

PRIOR = Prior((2.0, 4.0, 10.0, 40.0, 200.0), (1.0, 1.0, 1.0, 1.0, 1.0))
"""How many times the odds of the limit the candidate's may be."""

TIMES = 2.0
BISECTIONS = 40


def log_e_installs(installs: Installs, *, lies: int, tolerance: float, false_alarm: float) -> float:
    """Return the natural logarithm of the e-value against "installs about as well as the stable".

    Args:
        installs: counts of devices.
        lies: how many failures of the candidate do not count (they count as devices).
        tolerance: excess of the failure rate that the hypothesis allows, between 0 and 1.
        false_alarm: probability with which the stable release's limit may be wrong.

    Returns:
        -inf while too few failed to count, and where the stable release has no history.
    """
    if installs.failed < failures_min(lies):
        return -inf
    usual = usual_max(installs.stable_failed, installs.stable, false_alarm)
    limit = TIMES * usual + tolerance
    if limit >= 1:
        return -inf
    failed = max(installs.failed - lies, 0)
    ratios = log_ratios(PRIOR, hits=failed, trials=installs.candidate, chance=limit)
    return log_mixture(PRIOR, ratios)


def usual_max(failed: int, devices: int, level: float) -> float:
    """Return the Chernoff upper confidence limit of a failure rate.

    It is the rate q above the observed one at which `devices` times the divergence of the observed
    rate from q is log(1 / level); 1 where nothing was observed.
    """
    if devices == 0:
        return 1.0
    seen = min(failed / devices, 1.0)
    low, high = seen, 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        beyond = devices * _divergence(seen, middle) > -log(level)
        low, high = (low, middle) if beyond else (middle, high)
    return high


def _divergence(seen: float, rate: float) -> float:
    if rate >= 1:
        return inf if seen < 1 else 0.0
    failed = seen * log(seen / rate) if seen else 0.0
    return failed + ((1 - seen) * log((1 - seen) / (1 - rate)) if seen < 1 else 0.0)
