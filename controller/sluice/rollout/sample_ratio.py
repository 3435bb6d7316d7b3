"""Are as many phones drawn as the share says? If not, the arms are not alike, and prove nothing.

While the share is s, each phone that is seen for the first time is in the candidate's arm with
probability s, whatever it runs into later. The test is the binomial likelihood ratio, two-sided,
and may be looked at at any time.
"""

from sluice.resources.fields import BASIS_POINTS
from sluice.rollout.evidence import Draw
from sluice.rollout.odds import Prior, log_mixture, log_ratios

__all__ = ["FALSE_ALARM", "drawn", "log_e_draw"]

FALSE_ALARM = 0.001
"""Probability that a rollout is ever stopped although the draw was right."""

PRIOR = Prior((0.25, 0.5, 0.8, 0.9, 1.1, 1.25, 2.0, 4.0), (1.0,) * 8)
"""How many times too many are drawn, as odds."""


def drawn(draw: Draw, *, share_bp: int, candidate: int, control: int) -> Draw:
    """Return the draw after one more look.

    Args:
        draw: what was known at the last look.
        share_bp: the share since then; at 0 and at 100 % there is nothing to draw.
        candidate: phones that were seen for the first time since then, and are within the share.
        control: those outside it.
    """
    if not 0 < share_bp < BASIS_POINTS or candidate + control == 0:
        return draw
    trials, share = candidate + control, share_bp / BASIS_POINTS
    return Draw(
        candidate=draw.candidate + candidate,
        control=draw.control + control,
        expected=draw.expected + trials * share,
        terms=log_ratios(PRIOR, hits=candidate, trials=trials, chance=share, onto=draw.terms),
    )


def log_e_draw(draw: Draw) -> float:
    """Return the natural logarithm of the e-value against "drawn as the share says"."""
    return log_mixture(PRIOR, draw.terms)
