"""Which kind of phone is it? Names the segment in which the candidate's failures crowd.

The tests of segments decide *whether* to roll back; this only says where, for a person to read: how
likely is it that as many of all failures fall on this segment as did, if each device were as likely
to fail as any other? Corrected for having looked at every place (Bonferroni).
"""

from collections.abc import Iterable
from math import exp, lgamma, log

from sluice.rollout.evidence import Segment, Tally

__all__ = ["SEGMENTS_MAX", "crowded"]

SEGMENTS_MAX = 40
"""Places for segments. The signal's share of false alarms is divided by it whether they are used or
not, so that a segment may appear in the middle of a rollout."""

CHANCE_MAX = 0.05


def crowded(whole: Tally, segments: Iterable[Segment]) -> tuple[str, float] | None:
    """Return the segment that stands out most and the chance of that, or None if none does.

    Args:
        whole: crashes and errors of all phones.
        segments: the same by kind of phone.
    """
    found: tuple[str, float] | None = None
    for each in segments:
        share = each.tally.candidate / max(whole.candidate, 1)
        chance = min(_at_least(each.tally.failed, whole.failed, share) * SEGMENTS_MAX, 1.0)
        if chance <= CHANCE_MAX and (found is None or chance < found[1]):
            found = (each.name, chance)
    return found


def _at_least(hits: int, trials: int, chance: float) -> float:
    """Return P(X >= hits) for a binomial X."""
    if hits <= 0:
        return 1.0
    if not 0 < chance < 1:
        return 1.0 if chance >= 1 and hits <= trials else 0.0
    return sum(
        exp(
            lgamma(trials + 1)
            - lgamma(k + 1)
            - lgamma(trials - k + 1)
            + k * log(chance)
            + (trials - k) * log(1 - chance)
        )
        for k in range(hits, trials + 1)
    )
