"""All signals together: one budget of false alarms, one verdict.

Each signal has an e-value of its own; their mean, weighted by each one's share of the budget, is an
e-value again. So the candidate is rolled back when that mean reaches 1 / `false_alarm`, and the
chance that this ever happens to a healthy release is at most `false_alarm`, however often one looks
and however the signals hang together.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import exp, inf, log

from sluice.rollout.decision import Number, Signal
from sluice.rollout.evidence import Evidence, Tally
from sluice.rollout.installs import log_e_installs
from sluice.rollout.logrank import SEGMENT_PRIOR, SILENCE_PRIOR, log_e
from sluice.rollout.odds import log_sum
from sluice.rollout.pooled import log_e_pooled
from sluice.rollout.segments import SEGMENTS_MAX, crowded
from sluice.rollout.strategy import Strategy

__all__ = ["LOG_SHOWN_MAX", "Judgement", "judge"]

PLACED = ("crashes", "segments", "pooled")
"""Signals that are made of crashes and errors, which are kept by segment."""

SILENCE_TESTS = 3

LOG_SHOWN_MAX = 700.0
"""Evidence beyond e^700 is shown as that: it is the largest power that a float holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the signals say."""

    log_evidence: float
    """Logarithm of the weighted mean; -inf while no signal counts."""
    signal: Signal
    """The one that says most."""
    segment: str | None
    """Where failures crowd, once the verdict is against the candidate."""
    against: bool
    """Whether it is to be rolled back."""
    numbers: Mapping[str, Number]
    message: str
    """What was seen of the signal that says most."""


def judge(strategy: Strategy, evidence: Evidence) -> Judgement:
    """Return the verdict on what was seen so far."""
    parts: dict[Signal, list[float]] = {}
    for name, part in _parts(strategy, evidence):
        if part > -inf:
            parts.setdefault(name, []).append(part)
    totals = {name: log_sum(some) for name, some in parts.items()}
    log_evidence = log_sum(list(totals.values())) if totals else -inf
    signal: Signal = max(totals, key=totals.__getitem__) if totals else "crashes"
    against = log_evidence >= -log(strategy.false_alarm)
    place = crowded(evidence.crashes, evidence.segments[:SEGMENTS_MAX]) if against else None
    segment = place[0] if place and signal in PLACED else None
    numbers: dict[str, Number] = {"evidence": _shown(log_evidence)}
    numbers["evidence.limit"] = 1 / strategy.false_alarm
    numbers |= {f"evidence.{name}": _shown(total) for name, total in totals.items()}
    if segment and place:
        numbers["segment.chance"] = place[1]
    return Judgement(
        log_evidence=log_evidence,
        signal=signal,
        segment=segment,
        against=against,
        numbers=numbers,
        message=_seen(signal, evidence) + (f"; they crowd in {segment}" if segment else ""),
    )


def _parts(strategy: Strategy, evidence: Evidence) -> Iterator[tuple[Signal, float]]:
    """Yield each e-value times its share, as a logarithm, with its signal."""
    budget, lies = strategy.budget, strategy.lies
    yield "crashes", _log(budget.crashes) + log_e(evidence.crashes, lies=lies)
    yield "not_started", _log(budget.not_started) + log_e(evidence.not_started, lies=lies)
    share = _log(budget.segments / SEGMENTS_MAX)
    for segment in evidence.segments[:SEGMENTS_MAX]:
        yield "segments", share + log_e(segment.tally, lies=lies, prior=SEGMENT_PRIOR)
    share = _log(budget.silence / SILENCE_TESTS)
    for tally in evidence.silence.tests[:SILENCE_TESTS]:
        yield "silence", share + log_e(tally, lies=lies, prior=SILENCE_PRIOR)
    pooled = log_e_pooled(
        evidence.candidate, evidence.control, lies=lies, tolerance=strategy.tolerance
    )
    yield "pooled", _log(budget.pooled) + pooled
    # One half of the share is spent on the limit that the installations are compared with.
    half = budget.installs / 2
    if half:
        installs = log_e_installs(
            evidence.installs,
            lies=lies,
            tolerance=strategy.tolerance,
            false_alarm=half * strategy.false_alarm,
        )
        yield "installs", _log(half) + installs


def _seen(signal: Signal, evidence: Evidence) -> str:
    silence = evidence.silence.tests[-1] if evidence.silence.tests else Tally()
    installs = evidence.installs
    match signal:
        case "not_started":
            return _compared(evidence.not_started, "did not report in time that it started")
        case "silence":
            return _compared(silence, "did not come back in three of their usual gaps")
        case "installs":
            return (
                f"{installs.failed} of {installs.candidate} phones could not install it,"
                f" {installs.stable_failed} of {installs.stable} the stable release"
            )
        case "crashes" | "segments":
            return _compared(evidence.crashes, "failed")
        case "pooled":
            candidate, control = evidence.candidate, evidence.control
            return (
                f"{candidate.failed} of {candidate.devices} phones failed with it,"
                f" {control.failed} of {control.devices} without"
            )


def _compared(tally: Tally, how: str) -> str:
    return (
        f"{tally.failed} of {tally.candidate} phones {how} with it,"
        f" {tally.control_failed} of {tally.control} without"
    )


def _log(share: float) -> float:
    return log(share) if share else -inf


def _shown(logarithm: float) -> float:
    return exp(min(logarithm, LOG_SHOWN_MAX))
