"""Growth in steps.

In the order of the code: (1) a step takes its time, in which only what pacing did not withhold
counts, unless the reverse test excludes an excess sooner and the strategy allows that; (2) it takes
its proof: missing data never advances a rollout; (3) a gate waits for a person; (4) one step at a
time, and after the last one the end.
"""

from collections.abc import Mapping
from datetime import timedelta

from sluice.resources.fields import BASIS_POINTS
from sluice.rollout.decision import Complete, Hold, Number, Offer, Progress
from sluice.rollout.ending import finish
from sluice.rollout.look import Look
from sluice.rollout.reverse import ENOUGH, log_reverse, margin_at
from sluice.rollout.strategy import Step, Steps

__all__ = ["begin", "onward"]

EARLY_SECONDS_MIN = 600
"""Least time in a step before it may be left early: some reports must have had time to come."""


def begin(steps: Steps, look: Look) -> Offer:
    """Return the first step."""
    return look.offer(look.progress, steps.steps[0].share_bp, "Started")


def onward(steps: Steps, look: Look) -> Offer | Hold | Complete:
    """Return the next step, what it waits for, or the end."""
    at = min(look.progress.step, len(steps.steps) - 1)
    step, last = steps.steps[at], at == len(steps.steps) - 1
    margin = margin_at(step.share_bp / BASIS_POINTS)
    if look.progress.soaking_since is not None:
        return finish(look, margin=margin, manual=step.manual)
    waits = _waits(steps, step, look, margin)
    if waits is not None:
        return waits
    numbers = _numbers(look, margin)
    if last and not look.returned:
        return look.hold(
            "ReturnsMissing", "Too few phones came back yet to exclude that some are lost"
        )
    if last:
        return finish(look, margin=margin, manual=step.manual)
    if step.manual and at not in look.progress.gate_opened_steps:
        return look.hold(
            "GateClosed",
            f"Step {at + 1} waits for a person: promote the rollout to go on",
            numbers=numbers,
        )
    following = Progress(
        step=at + 1,
        step_since=look.now,
        looked_at=look.now,
        gate_opened_steps=look.progress.gate_opened_steps,
    )
    return look.offer(following, steps.steps[at + 1].share_bp, "Advanced", numbers)


def _waits(steps: Steps, step: Step, look: Look, margin: float) -> Hold | None:
    """Return what the step waits for, if it has not had its time or its proof."""
    numbers = _numbers(look, margin)
    left = step.hold_seconds - (look.wall_seconds - look.withheld_seconds)
    if left > 0 and not _may_go_early(steps, look, margin):
        share = f"Offered to {step.share_bp * 100 / BASIS_POINTS:g} % of phones"
        if look.evidence.withheld:
            message = f"{share}, {look.evidence.out} of them not heard of yet"
            return look.hold("AwaitingReports", message, numbers=numbers)
        until = look.now + timedelta(seconds=left)
        return look.hold("StepHolds", share, until=until, numbers=numbers)
    proven = look.evidence.candidate.proven
    if proven < step.min_devices:
        message = f"{proven} of {step.min_devices} phones needed have started it twice"
        return look.hold("EvidenceMissing", f"{message} without failure", numbers=numbers)
    return None


def _may_go_early(steps: Steps, look: Look, margin: float) -> bool:
    return (
        steps.early
        and look.returned
        and look.wall_seconds >= EARLY_SECONDS_MIN
        and log_reverse(look.evidence.crashes, margin) >= ENOUGH
    )


def _numbers(look: Look, margin: float) -> Mapping[str, Number]:
    return {
        "step.seconds": look.wall_seconds,
        "step.withheldSeconds": look.withheld_seconds,
        "reverse": log_reverse(look.evidence.crashes, margin),
        "reverse.limit": ENOUGH,
        "reverse.margin": margin,
    }
