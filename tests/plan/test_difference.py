"""Differences name the field, and lists by what is in them."""

import pytest

from sluice.plan.difference import differences


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ["~ a.b: 1 → 2"]),
        ({}, {"a": "x"}, ["+ a: x"]),
        ({"a": None}, {"a": "x"}, ["~ a: null → x"]),
        ({"a": True}, {}, ["- a: true"]),
        (
            {"roles": [{"name": "qa", "members": ["alice"]}]},
            {"roles": [{"name": "qa", "members": ["alice", "mallory"]}]},
            ["+ roles.qa.members: mallory"],
        ),
        (
            {"roles": [{"name": "a"}, {"name": "b"}]},
            {"roles": [{"name": "b"}]},
            ['- roles.a: {"name": "a"}'],
        ),
        ({"steps": [{"share": "1%"}]}, {"steps": []}, ['~ steps: [{"share": "1%"}] → []']),
        ({"a": ["x", "y"]}, {"a": ["y", "x"]}, ['~ a: ["x", "y"] → ["y", "x"]']),
        ({"a": "x\x1b[1m\n"}, {"a": "y"}, ["~ a: x�[1m  → y"]),
    ],
)
def test_a_difference_is_told_where_it_is(
    before: object, after: object, expected: list[str]
) -> None:
    assert [str(each) for each in differences(before, after)] == expected


def test_long_text_is_told_by_its_digest() -> None:
    [found] = differences({"root": "a" * 500}, {"root": "b" * 500})

    assert found.before is not None
    assert found.before.startswith("(500 characters, sha256:")
