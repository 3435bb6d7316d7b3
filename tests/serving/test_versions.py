import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.serving.versions import coerced, parsed

ASCENDING = [
    "0.0.9",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.1",
    "1.2.0",
    "1.10.0",
    "2.0.0",
]


def test_versions_are_in_the_order_of_semver():
    versions = [parsed(text) for text in ASCENDING]

    assert None not in versions
    assert sorted(versions) == versions


def test_build_metadata_makes_no_difference():
    assert parsed("1.2.3") == parsed("1.2.3+build.7")


@pytest.mark.parametrize(
    ("build", "version"),
    [("1", "1.0.0"), ("1.2", "1.2.0"), ("1.2.3", "1.2.3"), (" 7 ", "7.0.0"), ("v1.2", "1.2.0")],
)
def test_the_version_of_a_build_is_completed(build, version):
    assert parsed(version) == coerced(build)


@pytest.mark.parametrize(
    "text",
    ["", "builtin", "unknown", "1.2.3.4", "01.2.3", "1.2.x", "\u0661.2.3", "1.2.3\n4", "1" * 999],
)
def test_what_is_no_version_is_none(text):
    assert coerced(text) is None


@given(st.text())
def test_any_text_is_a_version_or_none(text):
    found = coerced(text)

    assert found is None or parsed(".".join(map(str, found[:3]))) is not None
