"""The README's table is that of the tests, and every defence that it names is there."""

import re
from pathlib import Path
from typing import get_args

from attacks.table import README, ROWS, with_table
from sluice.policy.reasons import AnyReason

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "controller" / "sluice"
ATTACKS_MIN = 60


def test_the_table_is_up_to_date() -> None:
    text = README.read_text()

    assert with_table(text) == text, "run `python -m attacks.table` (see attacks/table.py)"


def test_there_are_enough_and_none_has_the_name_of_another() -> None:
    names = [each.name for each, _, _ in ROWS]

    assert len(names) >= ATTACKS_MIN
    assert sorted(set(names)) == sorted(names)


def test_every_defence_is_where_the_table_says() -> None:
    missing = []
    for each, _, _ in ROWS:
        path, _, name = each.defence.partition(": ")
        file = PACKAGE / path if not path.startswith("tests/") else REPOSITORY / path
        source = file.read_text() if file.is_file() else ""
        if not re.search(rf"\b(def|class) {re.escape(name)}\b", source):
            missing.append(each.defence)

    assert missing == []


def test_every_row_of_the_threat_list_is_accounted_for() -> None:
    told = {int(each) for each in re.findall(r"^\| (\d+) \|", _elsewhere(), re.MULTILINE)}
    shown = {each.row for each, _, _ in ROWS}

    assert set(range(1, 59)) - shown == told


def test_what_is_elsewhere_is_there() -> None:
    named = re.findall(r"`((?:tests|controller|charts)/[\w./-]+)`", _elsewhere())

    assert [each for each in named if not (REPOSITORY / each).exists()] == []


def test_reasons_are_spelt_as_codes() -> None:
    codes = {each.reason for each, _, _ in ROWS}

    # What phones are told is in the spelling of their protocol.
    assert [each for each in codes if not re.fullmatch(r"[A-Z][A-Za-z]+|[a-z_]+", each)] == []
    assert len(codes & set(get_args(AnyReason))) > len(codes) // 2


def _elsewhere() -> str:
    return README.read_text().partition("## Elsewhere, and open")[2].partition("\n## ")[0]
