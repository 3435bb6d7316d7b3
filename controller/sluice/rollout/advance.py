"""How far may it go? One call, on data alone: the operator and the simulator make the same.

In the order of the code: (1) the way back comes first and needs nobody's leave; (2) a step takes at
least its time; (3) a step takes at least its proof: missing data never advances a rollout; (4) the
share only grows. Whether growth is *permitted* (verdict, pause) is not asked here: the caller does
what shrinks always, and what grows only when it may.
"""

from datetime import datetime, timedelta
from math import exp, log

from sluice.resources.fields import BASIS_POINTS
from sluice.rollout.decision import (
    Complete,
    Decision,
    Evidence,
    Hold,
    Offer,
    Progress,
    RollBack,
    Strategy,
)
from sluice.rollout.guard import log_evidence

__all__ = ["advance"]

LOG_SHOWN_MAX = 700.0
"""Evidence beyond e^700 is shown as that: it is the largest power that a float holds."""


def advance(
    strategy: Strategy, progress: Progress | None, evidence: Evidence, now: datetime
) -> Decision:
    """Return what to do with a rollout.

    Args:
        strategy: the steps and the guard.
        progress: where the rollout is, or None when it has not begun.
        evidence: what phones have reported in it so far.
        now: the time of the decision, in UTC.
    """
    if progress is None:
        first = strategy.steps[0]
        return Offer(
            step=0, share_bp=first.share_bp, reason="Started", message=_share(first.share_bp)
        )
    return _worse(strategy, evidence) or _onward(strategy, progress, evidence, now)


def _worse(strategy: Strategy, evidence: Evidence) -> RollBack | None:
    strength = log_evidence(evidence, strategy.tolerance)
    if strength < -log(strategy.false_alarm):
        return None
    return RollBack(
        reason="WorseThanControl",
        message=f"Phones do worse: {_measured(evidence)} (evidence"
        f" {exp(min(strength, LOG_SHOWN_MAX)):.3g}, limit {1 / strategy.false_alarm:.3g}).",
    )


def _onward(
    strategy: Strategy, progress: Progress, evidence: Evidence, now: datetime
) -> Offer | Hold | Complete:
    measured = _measured(evidence)
    at = min(progress.step, len(strategy.steps) - 1)
    step = strategy.steps[at]
    ready_at = progress.step_since + timedelta(seconds=step.hold_seconds)
    if now < ready_at:
        message = f"{_share(step.share_bp)}; {measured}."
        return Hold(reason="StepHolds", message=message, until=ready_at)
    proven = evidence.candidate.proven
    if proven < step.min_devices:
        return Hold(
            reason="EvidenceMissing",
            message=f"{proven} of {step.min_devices} phones needed have started it twice without"
            f" failure; {measured}.",
        )
    if at == len(strategy.steps) - 1:
        return Complete(reason="Completed", message=f"All phones are offered it; {measured}.")
    following = strategy.steps[at + 1]
    return Offer(
        step=at + 1,
        share_bp=following.share_bp,
        reason="Advanced",
        message=f"{_share(following.share_bp)}; {measured}.",
    )


def _measured(evidence: Evidence) -> str:
    candidate, control = evidence.candidate, evidence.control
    return (
        f"{candidate.failed} of {candidate.devices} phones failed with it,"
        f" {control.failed} of {control.devices} without"
    )


def _share(share_bp: int) -> str:
    return f"Offered to {share_bp * 100 / BASIS_POINTS:g} % of phones"
