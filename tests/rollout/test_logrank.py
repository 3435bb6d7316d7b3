"""The safe log-rank test: against its formula, and exactly a supermartingale."""

from itertools import product
from math import comb, exp, inf, log, log1p

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.rollout.evidence import Stratum, Tally
from sluice.rollout.logrank import (
    PRIOR,
    SEGMENT_PRIOR,
    SILENCE_PRIOR,
    failures_min,
    heard,
    log_e,
)
from sluice.rollout.odds import Prior

PRIORS = (PRIOR, SEGMENT_PRIOR, SILENCE_PRIOR)


def a_stratum(candidate: int, failed: int, control: int, control_failed: int) -> Stratum:
    return Stratum(
        candidate=candidate, failed=failed, control=control, control_failed=control_failed
    )


def tallied(strata: list[Stratum], prior: Prior = PRIOR) -> Tally:
    tally = Tally()
    for each in strata:
        tally = heard(tally, each, prior)
    return tally


def by_the_formula(looks: list[Stratum], lies: int, prior: Prior) -> float:
    """The test as it is written down: strata closed one by one, then the likelihood as a sum."""
    strata, opened = [], [0, 0, 0, 0]
    for look in looks:
        new = (look.candidate, look.failed, look.control, look.control_failed)
        opened = [a + b for a, b in zip(opened, new, strict=True)]
        if opened[0] and opened[2]:
            strata.append(tuple(opened))
            opened = [0, 0, 0, 0]
    if sum(each.failed for each in looks) < (lies + 4 if lies else 0):
        return -inf
    factors = sorted(n / (n + c) for n, f, c, _ in strata for _ in range(f))[:lies]
    total = 0.0
    for theta, weight in zip(prior.thetas, prior.weights, strict=True):
        m = 0.0
        for n_t, f_t, n_c, f_c in strata:
            r = n_t / (n_t + n_c)
            m += f_t * log(theta) - (f_t + f_c) * log1p(r * (theta - 1))
        for r in factors:
            m -= log(theta) - log1p(r * (theta - 1))
        total += weight / sum(prior.weights) * exp(m)
    return log(total)


def arm(most: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.integers(0, most).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))


looks = st.lists(st.builds(lambda t, c: a_stratum(*t, *c), arm(6), arm(30)), max_size=12)


@given(looks, st.integers(0, 4), st.sampled_from(PRIORS))
def test_it_is_the_likelihood_ratio_that_its_documentation_says(
    seen: list[Stratum], lies: int, prior: Prior
) -> None:
    expected = by_the_formula(seen, lies, prior)

    actual = log_e(tallied(seen, prior), lies=lies, prior=prior)

    assert actual == pytest.approx(expected, abs=1e-9)


@given(looks)
def test_totals_count_everybody_once(seen: list[Stratum]) -> None:
    tally = tallied(seen)

    assert (tally.candidate, tally.failed, tally.control, tally.control_failed) == (
        sum(each.candidate for each in seen),
        sum(each.failed for each in seen),
        sum(each.control for each in seen),
        sum(each.control_failed for each in seen),
    )


def test_a_stratum_stays_open_until_both_arms_were_heard() -> None:
    one_arm = tallied([a_stratum(3, 2, 0, 0), a_stratum(1, 1, 0, 0)])
    both = heard(one_arm, a_stratum(0, 0, 4, 1))

    assert (one_arm.open, log_e(one_arm, lies=0)) == (a_stratum(4, 3, 0, 0), 0.0)
    assert both == heard(Tally(), a_stratum(4, 3, 4, 1))


def test_strata_without_failure_change_nothing_but_the_totals() -> None:
    before = tallied([a_stratum(3, 2, 40, 1)])
    after = heard(before, a_stratum(5, 0, 50, 0))

    assert (after.terms, after.ratios) == (before.terms, before.ratios)


@pytest.mark.parametrize("prior", PRIORS)
def test_the_weights_of_a_prior_are_one_together(prior: Prior) -> None:
    assert sum(exp(each) for each in prior.log_weights) == pytest.approx(1)
    assert sum(prior.weights) == pytest.approx(1)
    assert min(prior.thetas) > 1


def outcomes(candidate: int, control: int, failures: int) -> list[tuple[float, int]]:
    """Chances of how many of the failures are the candidate's, when the arms are alike."""
    ways = comb(candidate + control, failures)
    return [
        (comb(candidate, hits) * comb(control, failures - hits) / ways, hits)
        for hits in range(max(0, failures - control), min(candidate, failures) + 1)
    ]


@pytest.mark.parametrize("prior", PRIORS)
def test_no_stratum_is_expected_to_speak_against_a_healthy_release(prior: Prior) -> None:
    """By enumeration: the expected factor of a stratum is 1 at most, whoever fails anyway."""
    worst = 0.0
    for candidate, control in product(range(1, 8), range(1, 12)):
        for failures in range(candidate + control + 1):
            expected = sum(
                chance
                * exp(
                    log_e(
                        heard(Tally(), a_stratum(candidate, hits, control, failures - hits), prior),
                        lies=0,
                        prior=prior,
                    )
                )
                for chance, hits in outcomes(candidate, control, failures)
            )
            worst = max(worst, expected)

    assert worst <= 1 + 1e-12


@pytest.mark.parametrize("lies", [0, 1, 2])
def test_looking_after_each_stratum_raises_no_more_false_alarms_than_paid_for(lies: int) -> None:
    """By enumeration of every course of four strata, stopped at the first alarm."""
    level = 0.2
    sizes = [(3, 9, 2), (2, 10, 2), (4, 4, 3), (5, 5, 4)]

    def alarms(tally: Tally, left: list[tuple[int, int, int]]) -> float:
        if log_e(tally, lies=lies) >= -log(level):
            return 1.0
        if not left:
            return 0.0
        (candidate, control, failures), *rest = left
        return sum(
            chance
            * alarms(heard(tally, a_stratum(candidate, hits, control, failures - hits)), rest)
            for chance, hits in outcomes(candidate, control, failures)
        )

    false_alarm = alarms(Tally(), sizes)

    assert 0 < false_alarm <= level


def test_lies_are_taken_from_the_failures_that_weigh_most() -> None:
    strong, weak = a_stratum(1, 1, 99, 0), a_stratum(50, 4, 50, 0)

    mixed = tallied([weak, strong, strong])

    assert log_e(mixed, lies=2) == pytest.approx(log_e(tallied([weak]), lies=0))


@given(looks, st.integers(1, 4))
def test_no_lie_can_speak_for_itself(seen: list[Stratum], lies: int) -> None:
    """As many failures as may be lies, whenever they come, never raise the evidence above 1."""
    honest = [a_stratum(each.candidate, 0, each.control, each.control_failed) for each in seen]
    lied = honest[:1] + [a_stratum(1, 1, 1000, 0)] * lies + honest[1:]

    assert log_e(tallied(lied), lies=lies) <= 1e-9


def test_a_signal_needs_four_failures_beyond_the_lies() -> None:
    def alone(failed: int) -> float:
        return log_e(tallied([a_stratum(1, 1, 1000, 0)] * failed), lies=2)

    assert (failures_min(0), failures_min(2)) == (0, 6)
    assert alone(5) == -inf
    assert alone(6) > log(1 / 0.0062)


@given(looks, st.integers(0, 8))
def test_another_failure_of_the_candidate_never_weakens_the_evidence(
    seen: list[Stratum], at: int
) -> None:
    worse = [
        a_stratum(each.candidate, each.failed + 1, each.control, each.control_failed)
        if i == at and each.failed < each.candidate
        else each
        for i, each in enumerate(seen)
    ]

    for lies in (0, 2):
        assert log_e(tallied(worse), lies=lies) >= log_e(tallied(seen), lies=lies) - 1e-9
