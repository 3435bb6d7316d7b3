"""The place of what strict JSON refuses: compared with where a test has put it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.errors import VerificationError
from sluice.verify.json_place import LOCATED_CHARS_MAX, place_of_duplicate, place_of_number
from sluice.verify.json_strict import parse

VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)


def spelled(at: int, text: str) -> str:
    before = text[:at]
    return f"line {before.count(chr(10)) + 1}, column {len(before.rpartition(chr(10))[2]) + 1}"


@given(st.dictionaries(st.text(max_size=4), VALUES, min_size=1), VALUES, st.sampled_from([None, 1]))
def test_a_key_that_stands_twice_is_found_where_it_stands(
    value: dict[str, Any], other: Any, indent: int | None
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    key = json.dumps(next(iter(value)))
    doubled = f"{text[:-1]},\n {key}: {json.dumps(other)}}}"
    at = len(text[:-1]) + len(",\n ")

    assert place_of_duplicate(text) == ""
    assert place_of_duplicate(doubled) == spelled(at, doubled)
    with pytest.raises(VerificationError) as refused:
        parse(doubled.encode(), what="x", reason="StatementUnreadable")
    assert f"({spelled(at, doubled)})" in refused.value.message


@given(st.dictionaries(st.text(max_size=4), VALUES), st.sampled_from(["NaN", "-Infinity", "1e999"]))
def test_a_number_that_is_refused_is_found_where_it_stands(
    value: dict[str, Any], number: str
) -> None:
    text = json.dumps({"x": value}, indent=1)
    bad = f'{text[:-1]}, "n":\n  {number}}}'
    at = bad.rindex(number)

    assert place_of_number(bad, number) == spelled(at, bad)


def test_a_key_in_another_spelling_is_the_same_key() -> None:
    assert place_of_duplicate('{"a": 1, "\\u0061": 2}') == "line 1, column 10"


def test_a_text_that_only_looks_like_a_key_is_none() -> None:
    assert place_of_duplicate('{"a": ["a", "a"], "b": "a", "c": {"a": 1}}') == ""


def test_no_place_is_looked_for_in_what_is_long() -> None:
    long = f'{{"a": "{"x" * LOCATED_CHARS_MAX}", "a": NaN}}'

    assert place_of_duplicate(long) == ""
    assert place_of_number(long, "NaN") == ""
