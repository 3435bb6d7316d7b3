"""How far may it go? One call, on data alone: the operator and the simulator make the same.

In the order of the code: (1) the way back comes first and needs nobody's leave; (2) arms that were
not drawn as the share says stop everything else, and nothing more is granted; (3) growth, in steps
or within a harm budget; the share only grows. Whether growth is *permitted* (verdict, pause) is not
asked here: the caller does what shrinks always, and what grows only when it may.
"""

from datetime import datetime
from math import exp, log

from sluice.rollout.decision import Complete, Decision, Hold, Number, Offer, Progress, RollBack
from sluice.rollout.evidence import Evidence, Tally
from sluice.rollout.harm_budget import begin_growing, excess_max, grow, within_budget
from sluice.rollout.judgement import LOG_SHOWN_MAX, Judgement, judge
from sluice.rollout.look import Look
from sluice.rollout.pacing import Pace, pace
from sluice.rollout.sample_ratio import FALSE_ALARM, log_e_draw
from sluice.rollout.silence import missing_max, returns_grant
from sluice.rollout.steps import begin, onward
from sluice.rollout.strategy import HarmBudget, Steps, Strategy

__all__ = ["advance"]


def advance(
    strategy: Strategy, progress: Progress | None, evidence: Evidence, now: datetime
) -> Decision:
    """Return what to do with a rollout.

    Args:
        strategy: how it may grow, and when it is taken back.
        progress: where the rollout is, as the last decision said, or None when it has not begun.
        evidence: what phones have reported in it so far.
        now: the time of the decision, in UTC.
    """
    judged = judge(strategy, evidence)
    paced = _paced(strategy, evidence)
    log_ratio = log_e_draw(evidence.draw)
    numbers = _numbers(strategy, evidence, judged, paced, log_ratio)
    if progress is not None and judged.against:
        shown = f"evidence {numbers['evidence']:.3g}, limit {1 / strategy.false_alarm:.3g}"
        return RollBack(
            reason="WorseThanControl",
            message=f"Phones do worse: {judged.message} ({shown}).",
            signal=judged.signal,
            segment=judged.segment,
            numbers=numbers,
        )
    mismatch = log_ratio >= -log(FALSE_ALARM)
    look = Look(
        strategy=strategy,
        progress=progress or Progress(step=0, step_since=now, looked_at=now),
        evidence=evidence,
        now=now,
        grant=0 if mismatch else paced.grant,
        returned=not strategy.waits_for_returns or returns_grant(evidence.silence) is None,
        seen=_seen(evidence),
        numbers=numbers,
    )
    if mismatch:
        return _mismatched(look)
    return _grown(strategy.growth, look, paced, begins=progress is None)


def _grown(
    growth: Steps | HarmBudget, look: Look, paced: Pace, *, begins: bool
) -> Offer | Hold | Complete:
    match growth:
        case Steps():
            return begin(growth, look) if begins else onward(growth, look)
        case HarmBudget():
            return begin_growing(look) if begins else grow(look, paced.allowance)


def _paced(strategy: Strategy, evidence: Evidence) -> Pace:
    paced = pace(evidence)
    if isinstance(strategy.growth, HarmBudget):
        paced = within_budget(strategy.growth, evidence, paced)
    missing = returns_grant(evidence.silence) if strategy.waits_for_returns else None
    if missing is None or missing >= paced.grant:
        return paced
    return Pace(
        base_rate=paced.base_rate,
        excess=paced.excess,
        allowance=paced.allowance,
        grant=missing,
    )


def _mismatched(look: Look) -> Hold:
    draw = look.evidence.draw
    return look.hold(
        "SampleRatioMismatch",
        f"{draw.candidate} of {draw.candidate + draw.control} phones were drawn for the candidate,"
        f" where the share says about {draw.expected:.0f}: the arms cannot be compared, and it is"
        " offered to nobody else. Look for phones that choose their arm, or that are refused before"
        " they are counted",
    )


def _seen(evidence: Evidence) -> str:
    candidate, control = evidence.candidate, evidence.control
    return (
        f"{candidate.failed} of {candidate.devices} phones failed with it,"
        f" {control.failed} of {control.devices} without"
    )


def _numbers(
    strategy: Strategy, evidence: Evidence, judged: Judgement, paced: Pace, log_ratio: float
) -> dict[str, Number]:
    """Return what the decision is made from, by name."""
    transfers, installs = evidence.transfers, evidence.installs
    numbers: dict[str, Number] = {
        **judged.numbers,
        **_counts("crashes", evidence.crashes),
        **_counts("notStarted", evidence.not_started),
        "devices": evidence.candidate.devices,
        "devices.failed": evidence.candidate.failed,
        "devices.proven": evidence.candidate.proven,
        "control.devices": evidence.control.devices,
        "control.failed": evidence.control.failed,
        "installs": installs.candidate,
        "installs.failed": installs.failed,
        "offers": transfers.offers,
        "downloads": transfers.downloads,
        "reports": transfers.reports,
        "drawn": evidence.draw.candidate,
        "drawn.control": evidence.draw.control,
        "drawn.expected": evidence.draw.expected,
        "ratio.evidence": exp(min(log_ratio, LOG_SHOWN_MAX)),
        "ratio.limit": 1 / FALSE_ALARM,
        "out": evidence.out,
        "baseRate": paced.base_rate,
        "excess": paced.excess,
        "allowance": paced.allowance,
        "grant": paced.grant,
    }
    if strategy.waits_for_returns:
        numbers["silence.missingMax"] = missing_max(evidence.silence)
        numbers["silence.unreturned"] = evidence.silence.unreturned
    if isinstance(strategy.growth, HarmBudget):
        numbers["harmBudget"] = strategy.growth.phones
        numbers["harmBudget.excessMax"] = excess_max(evidence, paced.base_rate)
    return numbers


def _counts(name: str, tally: Tally) -> dict[str, Number]:
    return {
        name: tally.candidate,
        f"{name}.failed": tally.failed,
        f"{name}.control": tally.control,
        f"{name}.controlFailed": tally.control_failed,
    }
