"""Conditions as kstatus reads them."""

from datetime import UTC, datetime, timedelta

import pytest

from sluice.resources.conditions import State, carry_over, conditions_for, with_condition
from sluice.resources.status import Condition, ConditionStatus

NOW = datetime(2026, 6, 1, 12, 0, 30, 123456, tzinfo=UTC)
WHOLE = NOW.replace(microsecond=0)
LATER = NOW + timedelta(minutes=5)


def condition(kind: str, status: ConditionStatus, reason: str = "Some") -> Condition:
    return Condition(type=kind, status=status, reason=reason, message="A sentence.")


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("Current", {"Ready": "True"}),
        ("InProgress", {"Ready": "False", "Reconciling": "True"}),
        ("Stalled", {"Ready": "False", "Stalled": "True"}),
    ],
)
def test_a_state_is_told_as_kstatus_wants_it(state: State, expected: dict[str, str]) -> None:
    found = conditions_for(state, reason="Some", message="A sentence.", generation=3)

    assert expected == {each.type: each.status for each in found}
    assert {("Some", "A sentence.", 3)} == {
        (each.reason, each.message, each.observed_generation) for each in found
    }


def test_a_new_condition_is_dated_now_in_whole_seconds() -> None:
    (found,) = with_condition((), condition("Ready", "True"), NOW)

    assert found.last_transition_time == WHOLE


def test_the_time_stays_while_only_the_reason_changes() -> None:
    before = with_condition((), condition("Ready", "False", "Waiting"), NOW)

    (after,) = with_condition(before, condition("Ready", "False", "Refused"), LATER)

    assert (after.reason, after.last_transition_time) == ("Refused", WHOLE)


def test_the_time_moves_with_the_status() -> None:
    before = with_condition((), condition("Ready", "False"), NOW)

    (after,) = with_condition(before, condition("Ready", "True"), LATER)

    assert after.last_transition_time == LATER.replace(microsecond=0)


def test_a_condition_takes_the_place_of_the_old_one() -> None:
    before = carry_over((), [condition("Ready", "False"), condition("Stalled", "True")], NOW)

    after = with_condition(before, condition("Ready", "True"), LATER)

    assert [(each.type, each.status) for each in after] == [("Ready", "True"), ("Stalled", "True")]
    assert after[1] == before[1]


def test_what_is_no_longer_wanted_goes() -> None:
    before = carry_over((), conditions_for("Stalled", reason="A", message="", generation=1), NOW)

    after = carry_over(
        before, conditions_for("InProgress", reason="B", message="", generation=1), LATER
    )

    assert [(each.type, each.last_transition_time) for each in after] == [
        ("Ready", WHOLE),
        ("Reconciling", LATER.replace(microsecond=0)),
    ]


def test_a_time_that_somebody_put_into_the_new_condition_does_not_count() -> None:
    forged = condition("Ready", "True").model_copy(update={"last_transition_time": LATER})

    (found,) = carry_over((), [forged], NOW)

    assert found.last_transition_time == WHOLE
