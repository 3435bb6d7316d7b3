"""What is on its way arrives once, at its time."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.rollout.silence import returns_score
from sluice.simulation.delays import Due, chances, returns
from sluice.simulation.fleet import Fleet
from sluice.simulation.homecoming import Homecoming
from sluice.simulation.reports import Given, Reports, ready_minutes


def test_reports_come_as_late_as_is_said() -> None:
    prompt, slow = np.cumsum(chances("prompt")), np.cumsum(chances("slow"))

    assert (prompt[-1], slow[-1]) == (pytest.approx(1), pytest.approx(1))
    assert prompt[2] == pytest.approx(1 - np.exp(-1))
    assert slow[9] == pytest.approx(0.5)
    assert slow[179] == pytest.approx(0.99, abs=0.001)


def test_a_phone_is_late_when_199_in_200_have_reported() -> None:
    assert ready_minutes(Fleet()) == 16
    assert 235 <= ready_minutes(Fleet(reports="slow")) <= 255


def test_a_phone_is_back_after_one_gap_in_63_of_100_cases() -> None:
    chance = returns(240, 3)

    assert len(chance) == 721
    assert chance.sum() == pytest.approx(1)
    assert chance[:240].sum() == pytest.approx(1 - np.exp(-1))
    assert chance[-1] == pytest.approx(np.exp(-3))


@given(st.lists(st.lists(st.integers(0, 9), min_size=7, max_size=7), max_size=30))
def test_what_is_due_is_due_once_and_at_its_minute(added: list[list[int]]) -> None:
    due, expected, actual = Due(1, 7, np.int64), Counter[int](), []
    for minute, counts in enumerate(added + [[0] * 7] * 8):
        actual.append(int(due.pop()[0]))
        due.add(np.array([counts]))
        due.add_at(7, np.array([1]))
        expected.update({minute + 7: 1})
        for after, count in enumerate(counts, start=1):
            expected.update({minute + after: count})

    assert actual == [expected[minute] for minute in range(len(actual))]


def test_forgotten_runs_take_nothing_of_the_others_with_them() -> None:
    due = Due(3, 2, np.int64)
    due.add(np.array([[1, 2], [3, 4], [5, 6]]))
    due.keep(np.array([True, False, True]))

    assert [due.pop().tolist(), due.pop().tolist()] == [[1, 5], [2, 6]]


def test_every_phone_reports_once_or_is_late_for_ever() -> None:
    reports = Reports(Fleet(), 2, np.random.default_rng(3))
    heard = late = ready = np.zeros(2)
    for minute in range(200):
        fine, failed, of_age, unheard = reports.pop()
        heard, late = heard + fine.sum(1) + failed.sum(1), late + unheard
        ready = ready + of_age
        if minute < 50:
            some = np.array([[40], [10]])
            reports.give(Given(devices=some, failed=some // 10, bricks=some // 5))

    assert heard.tolist() == [50 * 32, 50 * 8]
    assert ready.tolist() == [2000, 500]
    assert reports.out.tolist() == [0, 0]
    assert (late >= np.array([400, 100])).all()
    assert (late <= np.array([430, 115])).all()


def given_in(minutes: int, lost: bool) -> tuple[Homecoming, int]:
    homecoming = Homecoming(20, 500, np.random.default_rng(7))
    for minute in range(minutes):
        homecoming.pop()
        devices = np.full(500, 3 * (minute < 25))
        homecoming.give(devices, devices * lost)
    return homecoming, minutes


@pytest.mark.parametrize("minutes", [1, 20, 61, 90])
def test_the_score_of_phones_that_are_away_is_the_one_that_the_guard_documents(
    minutes: int,
) -> None:
    homecoming, now = given_in(minutes, lost=True)
    ages = [((now - 1 - minute) / 20, True) for minute in range(min(now, 25)) for _ in range(3)]
    expected = returns_score(ages, lambda age: float(np.exp(-age)))

    excess, information = homecoming.score()

    assert (excess[0], information[0]) == pytest.approx(expected)
    assert homecoming.unreturned[0] == 3 * sum(
        now - 1 - minute < 60 for minute in range(min(now, 25))
    )


@pytest.mark.parametrize("minutes", [20, 61, 90])
def test_phones_that_come_back_as_usual_have_no_excess(minutes: int) -> None:
    homecoming, _ = given_in(minutes, lost=False)

    excess, information = homecoming.score()

    assert abs(excess.mean()) <= 4 * excess.std() / len(excess) ** 0.5
    assert information[0] == pytest.approx(given_in(minutes, lost=True)[0].score()[1][0])
