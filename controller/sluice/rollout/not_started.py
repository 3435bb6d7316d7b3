"""Phones that took it and never reported that the app is ready.

A phone is late if it is not heard at the age by which 99.5 % of control's were; that is an outcome
in both arms, and goes through the same test as crashes. Until that age it counts as out.
"""

from collections.abc import Iterable
from math import ceil

__all__ = ["HEARD_BY_THEN", "ready_age"]

HEARD_BY_THEN = 0.995

DEVICES_MIN = 200
"""Fewer cannot show what one in two hundred does."""


def ready_age(ages: Iterable[float]) -> float | None:
    """Return the age by which 99.5 % had reported ready, or None while too few are known.

    It is to be fixed when a rollout begins: an age that moved with the evidence would let the test
    choose its own outcome.

    Args:
        ages: of phones that run the stable release: how long after their check-in they reported
            ready, in any unit. Those that never did count as infinite.
    """
    ordered = sorted(ages)
    if len(ordered) < DEVICES_MIN:
        return None
    return ordered[ceil(HEARD_BY_THEN * len(ordered)) - 1]
