"""The end of a rollout: all phones are offered it, and what is left is to be sure.

In the order of the code: (1) the watch goes on for the soak time; (2) who asked for promotion of
the last step gets it; (3) a gate on that step, or an undecided comparison, waits for a person.
"""

from dataclasses import replace
from datetime import timedelta

from sluice.rollout.decision import Complete, Hold, Number
from sluice.rollout.look import Look
from sluice.rollout.reverse import ENOUGH, log_reverse

__all__ = ["finish"]


def finish(look: Look, *, margin: float, manual: bool = False) -> Hold | Complete:
    """Return what is left to wait for after the last step, or the end.

    Args:
        look: what is known.
        margin: excess of the failure rate that must be excluded for the rollout to be decided.
        manual: whether the last step waits for a person.
    """
    progress, strategy = look.progress, look.strategy
    since = progress.soaking_since or look.now
    soaked_at = since + timedelta(seconds=strategy.soak_seconds)
    stayed = replace(look.stayed, soaking_since=since)
    if look.now < soaked_at:
        return look.hold("Soaking", "All steps have passed", until=soaked_at, progress=stayed)
    reverse = log_reverse(look.evidence.crashes, margin)
    numbers: dict[str, Number] = {
        "reverse": reverse,
        "reverse.limit": ENOUGH,
        "reverse.margin": margin,
    }
    if progress.step in progress.gate_opened_steps:
        return look.complete("Promoted", "All phones are offered it, as was asked for", numbers)
    if manual:
        return look.hold(
            "GateClosed",
            "The last step waits for a person: promote the rollout to go on",
            progress=stayed,
            numbers=numbers,
        )
    if reverse >= ENOUGH:
        return look.complete("Completed", "All phones are offered it", numbers)
    heard = look.evidence.crashes.candidate
    why = (
        f"After {heard} phones that were heard, {margin * 100:g} points more failures than without"
        " it can neither be shown nor excluded"
    )
    if strategy.undecided == "Promote":
        return look.complete("CannotDecide", f"{why}; the strategy promotes it anyway", numbers)
    return look.hold(
        "CannotDecide",
        f"{why}: all phones are offered it, the watch goes on; promote the rollout to end it",
        progress=stayed,
        numbers=numbers,
    )
