"""Are as many phones drawn as the share says? If not, the arms are not alike, and prove nothing.

While the share is s, each phone that is seen for the first time is in the candidate's arm with
probability s, whatever it runs into later. The test is the binomial likelihood ratio, two-sided,
and may be looked at at any time.
"""

from collections.abc import Iterable

from sluice.resources.fields import BASIS_POINTS
from sluice.rollout.evidence import Drawn
from sluice.rollout.odds import Prior, log_mixture, log_ratios

__all__ = ["FALSE_ALARM", "log_e_ratio"]

FALSE_ALARM = 0.001
"""Probability that a rollout is ever stopped although the draw was right."""

PRIOR = Prior((0.25, 0.5, 0.8, 0.9, 1.1, 1.25, 2.0, 4.0), (1.0,) * 8)
"""How many times too many are drawn, as odds."""


def log_e_ratio(drawn: Iterable[Drawn]) -> float:
    """Return the natural logarithm of the e-value against "drawn as the share says"."""
    ratios: tuple[float, ...] = ()
    for each in drawn:
        if 0 < each.share_bp < BASIS_POINTS:
            ratios = log_ratios(
                PRIOR,
                hits=each.candidate,
                trials=each.candidate + each.control,
                chance=each.share_bp / BASIS_POINTS,
                onto=ratios,
            )
    return log_mixture(PRIOR, ratios)
