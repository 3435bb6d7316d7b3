"""How many phones may be offered it before more is heard?

What is out and not heard of is what a bad release harms before anybody knows. So the first phone is
waited for, then a few more, and the faster the more is heard, as long as no more fail than control
does: with n heard and an excess of `ex` failures, at most

    L = 0.5 boost (n + 3) / (ex + 1.05)   phones may be out, and one at least,

boost = 1 + n/80, up to 4, while the candidate fails no more often than control. A decision grants
L less what is out, once, until the next look.
"""

from dataclasses import dataclass
from math import floor

from sluice.rollout.evidence import Evidence, Tally

__all__ = ["Pace", "base_rate", "pace"]

SPEED = 0.5
HEARD_PRIOR = 3.0
EXCESS_PRIOR = 1.05
"""One phone first: floor(0.5 * 3 / 1.05) = 1. A first failure then halves what may be out, a second
thirds it: the first failures are met with one or two phones out each."""

BOOST_DEVICES = 80
BOOST_MAX = 4.0
"""Up to four times the speed, once some hundreds were heard without excess."""

FAILED_PRIOR = 0.5
CONTROL_PRIOR = 100.0
"""Control's rate before control is heard: 0.5 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast it may go."""

    base_rate: float
    """Failure rate of control."""
    excess: float
    """Failures, and phones overdue, beyond what control would have had."""
    allowance: int
    """Phones that may be out."""
    grant: int
    """Phones that may be offered it until the next look."""


def base_rate(tally: Tally) -> float:
    """Return control's failure rate, a little above zero where none has failed."""
    return (tally.control_failed + FAILED_PRIOR) / (tally.control + CONTROL_PRIOR)


def pace(evidence: Evidence) -> Pace:
    """Return how many phones may be out, and how many more that are."""
    crashes, late = evidence.crashes, evidence.not_started
    usual = base_rate(crashes)
    beyond = crashes.failed - crashes.candidate * usual
    overdue = late.failed - late.candidate * base_rate(late)
    excess = max(beyond, 0.0) + max(overdue, 0.0)
    boost = min(BOOST_MAX, 1 + crashes.candidate / BOOST_DEVICES) if beyond <= 0 else 1.0
    most = SPEED * boost * (crashes.candidate + HEARD_PRIOR) / (excess + EXCESS_PRIOR)
    allowance = max(1, floor(most))
    return Pace(
        base_rate=usual,
        excess=excess,
        allowance=allowance,
        grant=max(0, allowance - evidence.out),
    )
