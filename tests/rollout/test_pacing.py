"""How many phones may be out: exactly the rule that is documented, and its properties."""

from math import floor

from hypothesis import given
from hypothesis import strategies as st

from sluice.rollout.evidence import Evidence, Tally
from sluice.rollout.harm_budget import excess_max, within_budget
from sluice.rollout.pacing import pace
from sluice.rollout.strategy import HarmBudget


def heard(n: int, f: int, nc: int = 0, fc: int = 0, out: int = 0) -> Evidence:
    tally = Tally(candidate=n, failed=f, control=nc, control_failed=fc)
    return Evidence(crashes=tally, out=out)


evidences = st.builds(
    lambda n, f, nc, fc, late, out: Evidence(
        crashes=Tally(candidate=n + f, failed=f, control=nc + fc, control_failed=fc),
        not_started=Tally(candidate=n + f, failed=min(late, n + f), control=nc, control_failed=0),
        out=out,
    ),
    *(st.integers(0, most) for most in (5000, 60, 50_000, 500, 30, 2000)),
)


def test_one_phone_is_waited_for_before_the_next() -> None:
    assert [pace(heard(0, 0, out=out)).grant for out in (0, 1, 2)] == [1, 0, 0]


def test_the_more_is_heard_without_excess_the_more_may_be_out() -> None:
    allowances = [pace(heard(n, 0)).allowance for n in (0, 1, 3, 10, 40, 240, 1000)]

    assert allowances == [1, 1, 2, 6, 30, 462, 1910]


def test_the_first_failures_let_one_phone_out_at_a_time() -> None:
    assert [pace(heard(10 * f, f)).allowance for f in (1, 2, 3, 4)] == [3, 3, 4, 4]
    assert [pace(heard(f, f)).allowance for f in (1, 2, 3, 4, 6)] == [1, 1, 1, 1, 1]


def test_one_failure_beyond_what_is_usual_ends_the_hurry() -> None:
    assert pace(heard(200, 0, nc=40_000)).allowance == 338
    assert pace(heard(200, 1, nc=40_000)).allowance == 49
    assert pace(heard(200, 1, nc=40_000, fc=200)).allowance == 338


@given(evidences)
def test_it_is_the_rule_that_is_documented(evidence: Evidence) -> None:
    crashes, late = evidence.crashes, evidence.not_started
    n, f = crashes.candidate, crashes.failed
    p0 = (crashes.control_failed + 0.5) / (crashes.control + 100)
    overdue = late.failed - late.candidate * (late.control_failed + 0.5) / (late.control + 100)
    excess = max(0, f - n * p0) + max(0, overdue)
    boost = min(4, 1 + n / 80) if f <= n * p0 else 1
    allowance = max(1, floor(0.5 * boost * (n + 3) / (excess + 1.05)))

    paced = pace(evidence)

    assert (paced.allowance, paced.grant) == (allowance, max(0, allowance - evidence.out))


@given(evidences)
def test_what_is_granted_and_out_never_exceeds_what_may_be_out(evidence: Evidence) -> None:
    paced = pace(evidence)

    assert paced.allowance >= 1
    assert paced.grant == 0 or paced.grant + evidence.out == paced.allowance


@given(evidences, st.integers(1, 500))
def test_within_a_harm_budget_nobody_is_exposed_beyond_it(evidence: Evidence, phones: int) -> None:
    paced = pace(evidence)

    kept = within_budget(HarmBudget(phones=phones), evidence, paced)

    exposed = evidence.crashes.candidate + evidence.out + kept.grant
    assert kept.grant <= paced.grant
    assert kept.grant == 0 or exposed * excess_max(evidence, paced.base_rate) <= phones


def test_a_harm_budget_is_spent_by_failures_beyond_what_is_usual() -> None:
    def grant(f: int) -> int:
        evidence = heard(1000, f, nc=20_000, fc=100)
        return within_budget(HarmBudget(phones=50), evidence, pace(evidence)).grant

    assert grant(5) > 1000
    assert grant(50) == 0
