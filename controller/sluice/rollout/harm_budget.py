"""Growth without steps: as fast as the evidence allows, while few enough phones can be harmed.

If the true excess were the largest that the evidence leaves possible,

    U = (max(f - n p0, 0) + 2 + 1.5 sqrt(n p0)) / (n + 3),

then heard + out <= N / U keeps the harmed at N, whatever it is: what was heard counts as much as
what is out. The share follows what may be out: one part in ten a minute at most, up to where the
phones that check in each minute are as many as may be out; above 90 % it is all phones.

It bounds the *excess*. Phones that fail with any release fail with this one too, and no rule that
looks at failures can tell them from the others.
"""

from dataclasses import replace
from math import floor, sqrt

from sluice.resources.fields import BASIS_POINTS
from sluice.rollout.decision import Complete, Hold, Offer
from sluice.rollout.ending import finish
from sluice.rollout.evidence import Evidence
from sluice.rollout.look import Look
from sluice.rollout.pacing import Pace
from sluice.rollout.reverse import ENOUGH, log_reverse
from sluice.rollout.strategy import HarmBudget

__all__ = ["begin_growing", "excess_max", "grow", "within_budget"]

SHARE_FIRST = 0.0001
GROWTH_A_MINUTE = 1.1
ALL_FROM = 0.9

MARGIN = 0.005
"""Excess that must be excluded before the end."""

ALL_SECONDS_MIN = 600
"""Least time at all phones before the end."""

UNDECIDED_SECONDS_MIN = 86_400
"""Time at all phones after which too few were heard: phones that come daily had their turn."""

EXCESS_PRIOR = 2.0
HEARD_PRIOR = 3.0
DEVIATIONS = 1.5

MINUTES_MAX = 60.0
"""After a pause the share grows as after one hour of looks."""


def excess_max(evidence: Evidence, usual: float) -> float:
    """Return U, an upper bound of the excess of the failure rate.

    Args:
        evidence: what was heard.
        usual: control's failure rate.
    """
    heard, failed = evidence.crashes.candidate, evidence.crashes.failed
    beyond = max(failed - heard * usual, 0.0) + EXCESS_PRIOR + DEVIATIONS * sqrt(heard * usual)
    return beyond / (heard + HEARD_PRIOR)


def within_budget(budget: HarmBudget, evidence: Evidence, paced: Pace) -> Pace:
    """Return the pace that also keeps to the budget."""
    exposed = evidence.crashes.candidate + evidence.out
    left = floor(budget.phones / excess_max(evidence, paced.base_rate) - exposed)
    allowance = min(paced.allowance, max(evidence.out + left, 0))
    return replace(paced, allowance=allowance, grant=max(0, allowance - evidence.out))


def begin_growing(look: Look) -> Offer:
    """Return the first share."""
    progress = replace(look.progress, share=SHARE_FIRST)
    return look.offer(progress, _basis_points(SHARE_FIRST), "Started")


def grow(look: Look, allowance: int) -> Offer | Hold | Complete:
    """Return the next share, what it waits for, or the end.

    Args:
        look: what is known.
        allowance: phones that may be out.
    """
    share = SHARE_FIRST if look.progress.share is None else look.progress.share
    if share >= 1:
        return _at_all_phones(look)
    if look.grant == 0 and look.evidence.out == 0:
        return _spent(look)
    wanted = _wanted(look, share, allowance)
    stayed = replace(look.stayed, share=wanted, step_since=look.now)
    if _basis_points(wanted) > _basis_points(share):
        return look.offer(stayed, _basis_points(wanted), "Advanced")
    shown = _basis_points(share) * 100 / BASIS_POINTS
    return look.hold("AwaitingReports", f"Offered to {shown:g} % of phones", progress=stayed)


def _wanted(look: Look, share: float, allowance: int) -> float:
    last = look.progress.looked_at or look.now
    minutes = min(max((look.now - last).total_seconds() / 60, 0.0), MINUTES_MAX)
    wanted = share * GROWTH_A_MINUTE**minutes
    if look.evidence.check_ins_a_minute > 0:
        wanted = min(wanted, max(allowance, 1) / look.evidence.check_ins_a_minute)
    wanted = max(wanted, share)
    return 1.0 if wanted > ALL_FROM else wanted


def _at_all_phones(look: Look) -> Hold | Complete:
    if look.progress.soaking_since is not None:
        return finish(look, margin=MARGIN)
    if look.grant == 0 and look.evidence.out == 0:
        return _spent(look)
    decided = log_reverse(look.evidence.crashes, MARGIN) >= ENOUGH
    least = ALL_SECONDS_MIN if decided else UNDECIDED_SECONDS_MIN
    if look.wall_seconds < least or look.evidence.withheld:
        return look.hold("AwaitingReports", "Offered to 100 % of phones")
    if not look.returned:
        return look.hold("ReturnsMissing", "Too few phones came back yet to exclude losses")
    return finish(look, margin=MARGIN)


def _spent(look: Look) -> Hold:
    return look.hold(
        "BudgetSpent", "The harm budget is spent, and no phone is out from which to learn more"
    )


def _basis_points(share: float) -> int:
    return max(1, floor(share * BASIS_POINTS))
