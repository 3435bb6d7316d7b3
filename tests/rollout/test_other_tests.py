"""Installations, the draw of lots, segments, phones that stay away, and the reverse test."""

from itertools import pairwise, product
from math import comb, exp, inf, log

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom

from sluice.rollout.evidence import Draw, Installs, Segment, Silence, Tally
from sluice.rollout.installs import log_e_installs, usual_max
from sluice.rollout.not_started import ready_age
from sluice.rollout.reverse import ENOUGH, log_reverse, margin_at
from sluice.rollout.sample_ratio import FALSE_ALARM, drawn, log_e_draw
from sluice.rollout.segments import SEGMENTS_MAX, crowded
from sluice.rollout.silence import (
    LIFTED_AT,
    SURVIVAL_MIN,
    missing_max,
    returns_grant,
    returns_score,
)

counts = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def installs(failed: int, devices: int, stable_failed: int, stable: int, lies: int = 0) -> float:
    return log_e_installs(
        Installs(candidate=devices, failed=failed, stable=stable, stable_failed=stable_failed),
        lies=lies,
        tolerance=0.002,
        false_alarm=0.0001,
    )


@given(counts, st.sampled_from([0.1, 0.01, 0.0001]))
def test_the_stable_release_is_given_the_benefit_of_the_doubt(
    seen: tuple[int, int], level: float
) -> None:
    failed, devices = seen
    posterior = beta(failed + 1, devices - failed).isf(level) if failed < devices else 1.0

    assert usual_max(failed, devices, level) >= posterior - 1e-9


def test_no_outcome_of_installations_is_expected_to_speak_against_a_usual_release() -> None:
    """By enumeration at the limit and below it."""
    usual = usual_max(20, 4000, 0.0001)
    limit = 2 * usual + 0.002
    for devices, rate in product((1, 7, 40), (limit, limit / 2, 0.0)):
        expected = sum(
            comb(devices, f)
            * rate**f
            * (1 - rate) ** (devices - f)
            * exp(installs(f, devices, 20, 4000))
            for f in range(devices + 1)
        )

        assert expected <= 1 + 1e-12


def test_a_release_that_nobody_can_install_is_seen() -> None:
    assert installs(8, 8, 20, 4000, lies=2) > log(100 / 0.01)
    assert installs(5, 8, 20, 4000, lies=2) == -inf


def test_installations_that_may_be_lies_count_as_devices_that_did_not_fail() -> None:
    assert installs(6, 300, 20, 4000, lies=2) == installs(4, 300, 20, 4000, lies=0)


def test_without_history_installations_prove_nothing() -> None:
    assert installs(50, 50, 0, 0) == -inf


def mismatch(*looks: tuple[int, int, int]) -> float:
    """Return the evidence of looks, each a share and the phones drawn, and not drawn, at it."""
    draw = Draw()
    for share_bp, candidate, control in looks:
        draw = drawn(draw, share_bp=share_bp, candidate=candidate, control=control)
    return log_e_draw(draw)


def test_a_draw_as_the_share_says_is_no_mismatch() -> None:
    assert mismatch((100, 100, 9900), (500, 300, 5700), (5000, 1000, 1000)) < 0


@pytest.mark.parametrize(
    "wrong",
    [(100, 200, 9900), (100, 30, 9900), (5000, 1300, 1000)],
    ids=["twice as many", "too few", "a third more"],
)
def test_too_many_or_too_few_phones_in_an_arm_are_a_mismatch(wrong: tuple[int, int, int]) -> None:
    assert mismatch((500, 50, 950), wrong) > -log(FALSE_ALARM)


def test_when_all_phones_are_drawn_there_is_nothing_to_compare() -> None:
    assert mismatch((10_000, 900, 7), (0, 3, 900), (500, 0, 0)) == 0


def test_a_draw_says_how_many_were_expected() -> None:
    draw = drawn(Draw(), share_bp=100, candidate=3, control=97)
    draw = drawn(draw, share_bp=5000, candidate=6, control=4)

    assert (draw.candidate, draw.control, draw.expected) == (9, 101, 6.0)


def test_no_draw_is_expected_to_be_a_mismatch() -> None:
    """By enumeration: the mean over all outcomes of two shares is 1."""
    expected = sum(
        float(binom(9, 0.05).pmf(a) * binom(6, 0.5).pmf(b))
        * exp(mismatch((500, a, 9 - a), (5000, b, 6 - b)))
        for a in range(10)
        for b in range(7)
    )

    assert expected == pytest.approx(1)


def tally(candidate: int, failed: int) -> Tally:
    return Tally(candidate=candidate, failed=failed)


def test_the_segment_in_which_failures_crowd_is_named_with_its_chance() -> None:
    segments = [
        Segment(name="platform=ios", tally=tally(50, 1)),
        Segment(name="os=android 9", tally=tally(3, 7)),
        Segment(name="plugin=7", tally=tally(60, 5)),
    ]

    found = crowded(tally(100, 8), segments)

    assert found is not None
    assert found[0] == "os=android 9"
    assert found[1] == pytest.approx(binom(8, 0.03).sf(6) * SEGMENTS_MAX)


def test_no_segment_is_named_where_failures_are_spread() -> None:
    segments = [Segment(name=str(i), tally=tally(25, 2)) for i in range(4)]

    assert crowded(tally(100, 8), segments) is None
    assert crowded(Tally(), []) is None


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 400), st.integers(1, 400))
def test_the_chance_of_crowding_is_the_binomial_one(
    failed: int, others: int, part: int, rest: int
) -> None:
    whole = tally(part + rest, failed + others)
    expected = binom(failed + others, part / (part + rest)).sf(failed - 1) * SEGMENTS_MAX

    found = crowded(whole, [Segment(name="a", tally=tally(part, failed))])

    if expected <= 0.049:
        assert found == ("a", pytest.approx(expected, rel=1e-6))
    if expected > 0.051:
        assert found is None


def test_the_first_wave_of_a_rollout_that_waits_for_returns_is_46_phones() -> None:
    assert returns_grant(Silence()) == 46
    assert returns_grant(Silence(unreturned=40)) == 6
    assert returns_grant(Silence(unreturned=50)) == 0


def test_the_limit_is_lifted_once_few_enough_can_be_lost() -> None:
    good = Silence(information=5500.0)
    bad = Silence(information=5500.0, excess=60.0, unreturned=700)

    assert missing_max(good) <= LIFTED_AT
    assert returns_grant(good) is None
    assert returns_grant(bad) == 0


@given(st.floats(-1e3, 1e4), st.floats(0, 1e5), st.integers(0, 10_000))
def test_more_missing_phones_never_let_more_out(z: float, i: float, unreturned: int) -> None:
    def grant(excess: float) -> float:
        found = returns_grant(Silence(excess=excess, information=i, unreturned=unreturned))
        return inf if found is None else found

    assert grant(z + 10) <= grant(z)


def test_a_phone_that_is_away_weighs_by_how_few_of_control_are() -> None:
    def survival(age: float) -> float:
        return 0.5**age

    excess, information = returns_score([(1, True), (2, False), (9, True)], survival)

    assert (excess, information) == (2 - 1 - 1 + 8 - 1, (2 - 1) + (4 - 1) + (8 - 1))
    assert returns_score([(1, True)], lambda _: 0.0)[0] == 1 / SURVIVAL_MIN - 1


def test_phones_are_late_beyond_the_age_by_which_199_in_200_were_ready() -> None:
    assert ready_age(float(i) for i in range(1, 1001)) == 995
    assert ready_age([1.0] * 990 + [inf] * 10) == inf
    assert ready_age([1.0] * 199) is None


@given(st.integers(0, 2000), st.integers(0, 50), st.floats(0.001, 0.1))
def test_a_failure_never_helps_promotion_and_health_always_does(
    fine: int, failed: int, margin: float
) -> None:
    def reverse(failed: int, fine: int) -> float:
        heard = Tally(candidate=failed + fine, failed=failed, control=10_000, control_failed=50)
        return log_reverse(heard, margin)

    assert reverse(failed, fine) <= reverse(failed, fine + 1)
    assert reverse(failed + 1, fine) <= reverse(failed, fine + 1)


def test_seventy_five_phones_without_failure_exclude_four_points() -> None:
    assert log_reverse(tally(75, 0), 0.04) >= ENOUGH
    assert log_reverse(tally(74, 0), 0.04) < ENOUGH


def test_the_margin_at_a_share_lies_between_those_that_were_searched_for() -> None:
    known = [0.01, 0.05, 0.25, 0.5, 1.0]

    assert [margin_at(share) for share in known] == [0.04, 0.017, 0.007, 0.0075, 0.012]
    assert margin_at(0.0001) == 0.04
    for low, high in pairwise(known):
        middle = margin_at((low * high) ** 0.5)
        assert middle == pytest.approx((margin_at(low) + margin_at(high)) / 2)
