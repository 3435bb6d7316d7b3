"""Patterns: anchored, separator-aware, and quick on hostile text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.policy.patterns import identity_matches, name_matches

MAIN = "https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main"


@pytest.mark.parametrize(
    ("pattern", "identity", "fits"),
    [
        (MAIN, MAIN, True),
        (MAIN, MAIN + "\n", False),
        (MAIN, "x" + MAIN, False),
        (MAIN, MAIN.replace(".", "x"), False),
        ("*@example.com", "alice@example.com", True),
        ("*@example.com", "alice@evil.com@example.com", False),
        ("*@example.com", "alice@example.com.evil.com", False),
        ("*@example.com", "a/b@example.com", False),
        ("https://github.com/acme/*", "https://github.com/acme/shop", True),
        ("https://github.com/acme/*", "https://github.com/acme/shop/evil", False),
        ("https://github.com/acme/app*", "https://github.com/acme/app-evil/x", False),
        (
            "https://github.com/acme/*/w.yml@refs/tags/*",
            "https://github.com/acme/a/w.yml@refs/tags/1",
            True,
        ),
        ("*", "", True),
        ("", "", True),
        ("", "x", False),
    ],
)
def test_identities(pattern: str, identity: str, fits: bool) -> None:
    assert identity_matches(pattern, identity) is fits


@given(st.text("ab*", max_size=8), st.text("ab", max_size=12))
def test_names_agree_with_an_anchored_regular_expression(pattern: str, name: str) -> None:
    expected = re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), name) is not None

    assert name_matches(pattern, name) == expected


@given(st.text("ab/@*", max_size=8), st.text("ab/@", max_size=10))
def test_identities_agree_with_a_regular_expression(pattern: str, text: str) -> None:
    expected = re.fullmatch(re.escape(pattern).replace(r"\*", "[^/@]*"), text) is not None

    assert identity_matches(pattern, text) == expected


def test_a_hostile_pattern_takes_a_bounded_number_of_steps() -> None:
    assert not name_matches("*a" * 100 + "b", "a" * 20_000)
