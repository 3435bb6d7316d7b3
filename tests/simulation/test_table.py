"""The guard in numbers, in short: a few dozen runs a row, fixed seeds, bounds that chance keeps.

`make simulate-table` runs each row a thousand times, against what is required to the letter.
"""

import pytest

from support.guard_table import ROWS, Row

RUNS = 40
LASTING_RUNS = 10

LASTING = ("harm budget of 50, +0.05", "harm budget of 50, +0.1", "harm budget of 50, +0.2", "120")
"""Rows whose runs last for days: a few must do."""


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_the_guard_does_what_is_required(row: Row) -> None:
    lasts = row.strategy.waits_for_returns or row.name.startswith(LASTING)
    outcomes = row.simulated(LASTING_RUNS if lasts else RUNS, seed=21)

    missed = [
        f"{bound.name}: {bound.of(outcomes):g}, required {bound.required()}"
        for bound in row.bounds
        if not bound.kept(outcomes, slack=True)
    ]

    assert missed == []


def test_every_row_requires_something() -> None:
    assert [row.name for row in ROWS if not row.bounds] == []
