"""All signals together: whoever speaks loudest is named, and all share one budget."""

from dataclasses import fields, replace
from math import exp, inf, log
from typing import Any

import pytest

from sluice.rollout.advance import advance
from sluice.rollout.decision import Decision, Hold, RollBack
from sluice.rollout.evidence import (
    ArmCounts,
    Evidence,
    Installs,
    Segment,
    Silence,
    Stratum,
    Tally,
)
from sluice.rollout.installs import log_e_installs
from sluice.rollout.judgement import judge
from sluice.rollout.logrank import PRIOR, SEGMENT_PRIOR, SILENCE_PRIOR, heard, log_e
from sluice.rollout.odds import Prior
from sluice.rollout.segments import SEGMENTS_MAX
from sluice.rollout.strategy import Budget, Steps, Strategy
from support.fleets import NOW, STEPS, a_fleet, at

STRATEGY = Strategy(growth=Steps(steps=STEPS))


def told(failed: int, prior: Prior, *, others: int = 0) -> Tally:
    """One phone a look fails, among a hundred of control; `others` do not."""
    tally = Tally()
    for _ in range(failed):
        tally = heard(tally, Stratum(candidate=1, failed=1, control=100), prior)
    return heard(tally, Stratum(candidate=others, control=100), prior)


def decided(**evidence: Any) -> Decision:
    return advance(STRATEGY, at(0, 1), Evidence(**evidence), NOW)


SEGMENTS = (
    Segment(name="os=ios 17", tally=told(0, SEGMENT_PRIOR, others=200)),
    Segment(name="os=android 9", tally=told(7, SEGMENT_PRIOR)),
)
BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "crashes": ({"crashes": told(7, PRIOR)}, "7 of 7 phones failed"),
    "segments": (
        {"segments": SEGMENTS, "crashes": heard(told(7, PRIOR), Stratum(candidate=200), PRIOR)},
        "they crowd in os=android 9",
    ),
    "not_started": ({"not_started": told(8, PRIOR)}, "8 of 8 phones did not report in time"),
    "silence": (
        {"silence": Silence(tests=(told(14, SILENCE_PRIOR),) * 3)},
        "14 of 14 phones did not come back",
    ),
    "pooled": (
        {
            "candidate": ArmCounts(devices=12, failed=10),
            "control": ArmCounts(devices=4000, failed=20),
        },
        "10 of 12 phones failed with it, 20 of 4000 without",
    ),
    "installs": (
        {"installs": Installs(candidate=9, failed=9, stable=4000, stable_failed=20)},
        "9 of 9 phones could not install it, 20 of 4000 the stable release",
    ),
}


@pytest.mark.parametrize("signal", BROKEN)
def test_each_signal_takes_a_broken_release_back_and_is_named(signal: str) -> None:
    evidence, message = BROKEN[signal]

    decision = decided(**evidence)

    assert isinstance(decision, RollBack)
    assert decision.reason == "WorseThanControl"
    assert message in decision.message
    assert signal in ("segments", decision.signal)
    assert decision.segment == ("os=android 9" if signal == "segments" else None)
    assert decision.numbers["evidence"] >= decision.numbers["evidence.limit"] == 100


@pytest.mark.parametrize("signal", BROKEN)
def test_a_signal_without_a_share_of_the_budget_says_nothing(signal: str) -> None:
    evidence, _ = BROKEN[signal]
    shares = {each.name: 0.0 for each in fields(Budget)} | {signal: 1.0}
    nothing = Budget(**dict.fromkeys(shares, 0.0))

    alone = judge(replace(STRATEGY, budget=Budget(**shares)), Evidence(**evidence))

    assert (alone.against, alone.signal) == (True, signal)
    assert judge(replace(STRATEGY, budget=nothing), Evidence(**evidence)).log_evidence == -inf


def test_the_evidence_is_the_mean_of_all_signals_by_their_shares() -> None:
    crashes, late, kind = told(6, PRIOR), told(6, PRIOR, others=30), told(6, SEGMENT_PRIOR)
    away = told(6, SILENCE_PRIOR)
    evidence = Evidence(
        crashes=crashes,
        not_started=late,
        segments=(Segment(name="a", tally=kind),) * 2,
        silence=Silence(tests=(away, away)),
    )
    expected = (
        0.62 * exp(log_e(crashes, lies=2))
        + 0.14 * exp(log_e(late, lies=2))
        + 0.14 / 40 * 2 * exp(log_e(kind, lies=2, prior=SEGMENT_PRIOR))
        + 0.05 / 3 * 2 * exp(log_e(away, lies=2, prior=SILENCE_PRIOR))
    )

    judged = judge(STRATEGY, evidence)

    assert judged.log_evidence == pytest.approx(log(expected))


def test_installations_pay_half_their_share_for_the_limit_they_are_compared_with() -> None:
    installs = Installs(candidate=9, failed=7, stable=4000, stable_failed=20)
    alone = log_e_installs(installs, lies=2, tolerance=0.002, false_alarm=0.01 * 0.02 / 2)

    judged = judge(STRATEGY, Evidence(installs=installs))

    assert judged.log_evidence == pytest.approx(log(0.02 / 2) + alone)


def test_a_release_is_taken_back_exactly_when_the_evidence_reaches_one_in_false_alarm() -> None:
    evidence = Evidence(crashes=told(7, PRIOR))
    reached = exp(-judge(STRATEGY, evidence).log_evidence)

    against = [
        judge(replace(STRATEGY, false_alarm=reached * by), evidence).against for by in (0.99, 1.01)
    ]

    assert against == [False, True]


def test_the_default_budget_is_spent_wholly_and_never_twice() -> None:
    assert sum(getattr(Budget(), each.name) for each in fields(Budget)) == pytest.approx(1)
    with pytest.raises(ValueError, match="1 at most"):
        Budget(crashes=0.7)
    with pytest.raises(ValueError, match="0 or more"):
        Budget(crashes=-0.1)


def test_segments_beyond_their_places_do_not_count() -> None:
    fine = Segment(name="fine", tally=Tally())
    broken = Segment(name="broken", tally=told(9, SEGMENT_PRIOR))

    within = decided(segments=(fine,) * (SEGMENTS_MAX - 1) + (broken,))
    beyond = decided(segments=(fine,) * SEGMENTS_MAX + (broken,))

    assert isinstance(within, RollBack)
    assert isinstance(beyond, Hold)


@pytest.mark.parametrize("failed", [4, 5])
def test_four_lying_sources_and_a_chance_failure_force_nothing(failed: int) -> None:
    evidence = replace(
        a_fleet(candidate=failed, failed=failed, control=10_000),
        crashes=told(failed, PRIOR),
        not_started=told(failed, PRIOR),
        segments=(Segment(name="a", tally=told(failed, SEGMENT_PRIOR)),),
        installs=Installs(candidate=failed, failed=failed, stable=4000),
    )

    assert isinstance(advance(STRATEGY, at(0, 1), evidence, NOW), Hold)


def test_nothing_heard_proves_nothing() -> None:
    judged = judge(STRATEGY, Evidence())

    assert (judged.log_evidence, judged.against, judged.numbers["evidence"]) == (-inf, False, 0.0)


def test_evidence_beyond_what_a_float_holds_is_shown_as_its_largest() -> None:
    numbers = decided(crashes=told(400, PRIOR)).numbers

    assert numbers["evidence"] == exp(700)
