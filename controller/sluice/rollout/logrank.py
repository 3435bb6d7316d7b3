"""Is the candidate worse than control? The safe log-rank test, which may be looked at at any time.

In a stratum with n_t candidate and n_c control devices of which f_t and f_c failed, a failure is
the candidate's with probability r = n_t / (n_t + n_c) if the arms are alike, whatever the base rate
is at that hour; and with r theta / (1 + r (theta - 1)) if its odds are theta times as large.
The likelihood ratio of the strata is

    log M(theta) = sum over strata of  f_t log(theta) - (f_t + f_c) log(1 + r (theta - 1)).

Given how many failed, f_t is hypergeometric when the arms are alike, which is less spread than the
binomial (Hoeffding 1963, theorem 4), so M(theta) is a non-negative supermartingale with no nuisance
rate: the chance that it ever reaches 1/a is at most a (Ville). So is any mixture over theta
(Grünwald, Ly, Pérez-Ortiz, ter Schure: The safe logrank test, 2020). Strata without failure
contribute a factor of 1.

**Telemetry that lies.** Whatever n failures can stop, n lying sources can stop. So the strongest
`lies` failures never count: those of the candidate in the strata with the smallest r. What is left
after their factors were taken out is what the honest ones prove, and is never more than M(theta).
"""

from math import inf

from sluice.rollout.evidence import NOTHING, Stratum, Tally
from sluice.rollout.odds import Prior, log_mixture, log_ratios
from sluice.rollout.strategy import LIES_MAX

__all__ = ["PRIOR", "SEGMENT_PRIOR", "SILENCE_PRIOR", "failures_min", "heard", "log_e"]

FAILURES_BEYOND_LIES_MIN = 4
"""Where lies are expected, a signal counts only with so many failures more: otherwise the lies
would have to be joined by one chance failure only."""


PRIOR = Prior(
    (1.25, 1.5, 2.0, 3.5, 5.0, 22.0, 33.0, 50.0),
    (0.02, 0.12, 0.08, 0.13, 0.15, 0.42, 0.07, 0.01),
)
"""Crashes, and devices that did not start. Found by search over +0.5, +2, +10 and +50 points at a
base rate of 0.5 %: most weight where a release is plainly broken, since there speed counts."""

SEGMENT_PRIOR = Prior((3.0, 7.0, 15.0, 33.0, 70.0, 150.0), (0.05, 0.1, 0.2, 0.25, 0.25, 0.15))
"""One kind of phone: whoever is broken there is broken badly, or another test sees it."""

SILENCE_PRIOR = Prior((1.3, 1.6, 2.0, 2.6, 3.5, 5.0, 7.0, 10.0), (1 / 8,) * 8)
"""Devices that did not come back: 37 % of control are not after one gap, so ratios are small."""


def failures_min(lies: int) -> int:
    """Return how many failures a signal needs before it counts at all."""
    return lies + FAILURES_BEYOND_LIES_MIN if lies else 0


def heard(tally: Tally, more: Stratum, prior: Prior = PRIOR) -> Tally:
    """Return the tally after one more look.

    Args:
        tally: what was known at the last look.
        more: devices that were heard since, by arm.
        prior: the signal's; always the same for one tally.
    """
    failed = tally.open.failed + more.failed
    control_failed = tally.open.control_failed + more.control_failed
    candidate = tally.open.candidate + more.candidate
    control = tally.open.control + more.control
    terms, ratios, left = tally.terms, tally.ratios, NOTHING
    if not (candidate and control):
        left = Stratum(
            candidate=candidate, failed=failed, control=control, control_failed=control_failed
        )
    elif failed or control_failed:
        ratio = candidate / (candidate + control)
        terms = log_ratios(
            prior, hits=failed, trials=failed + control_failed, chance=ratio, onto=terms
        )
        ratios = tuple(sorted((*ratios, *(ratio,) * min(failed, LIES_MAX)))[:LIES_MAX])
    return Tally(
        candidate=tally.candidate + more.candidate,
        failed=tally.failed + more.failed,
        control=tally.control + more.control,
        control_failed=tally.control_failed + more.control_failed,
        open=left,
        terms=terms,
        ratios=ratios,
    )


def log_e(tally: Tally, *, lies: int, prior: Prior = PRIOR) -> float:
    """Return the natural logarithm of the e-value against "the candidate is no worse".

    Args:
        tally: what was heard.
        lies: how many of the strongest failures do not count.
        prior: the one that the tally was made with.

    Returns:
        -inf while there are too few failures to count.
    """
    if tally.failed < failures_min(lies):
        return -inf
    terms = tally.terms
    for ratio in tally.ratios[:lies]:
        terms = log_ratios(prior, hits=-1, trials=-1, chance=ratio, onto=terms)
    return log_mixture(prior, terms)
