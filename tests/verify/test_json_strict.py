"""JSON that readers could differ about is refused (attack 49)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.errors import VerificationError
from sluice.verify.json_strict import JSON_BYTES_MAX, JSON_DEPTH_MAX, canonical_text, parse

HOSTILE = {
    "nothing": b"",
    "a key twice": b'{"required":2,"required":0}',
    "a key twice, deep inside": b'[{"a":{"b":1,"b":1}}]',
    "a key twice, spelled differently": b'{"a":1,"\\u0061":2}',
    "not a number": b"[NaN]",
    "infinity": b"[-Infinity]",
    "a number that rounds to infinity": b"[1e999]",
    "an integer beyond 53 bits": b"[9007199254740992]",
    "an integer of a million digits": b"9" * 1_000_000,
    "half a character": b'"\\ud83d"',
    "half a character in a key": b'{"\\ude00":1}',
    "bytes that are no UTF-8": b'"\xff"',
    "half a character in UTF-8": b'"\xed\xa0\xbd"',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "a level too deep": b"[" * (JSON_DEPTH_MAX + 1) + b"]" * (JSON_DEPTH_MAX + 1),
    "depth that exhausts a stack": b'{"a":' * 100_000,
    "a text without end": b'"\\' * 400_000,
    "quotes without end": b'"' * 1_000_000,
    "something after the end": b"{} {}",
    "a trailing comma": b"[1,]",
    "a comment": b"[1] // yes",
    "a line break in a text": b'"a\nb"',
    "more than fits": b" " * JSON_BYTES_MAX + b"1",
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.timeout(10)
def test_json_that_can_mean_two_things_is_refused(case: str) -> None:
    with pytest.raises(VerificationError) as refused:
        parse(HOSTILE[case], what="approval", reason="ApprovalUnreadable")

    assert refused.value.reason == "ApprovalUnreadable"
    assert refused.value.message.startswith("The approval")
    assert len(refused.value.message) < 100


def test_the_place_of_a_fault_is_told() -> None:
    with pytest.raises(VerificationError, match=r"line 2, column 4"):
        parse(b"[\n 1 2]", what="approval", reason="ApprovalUnreadable")


def test_the_deepest_nesting_allowed_is_read() -> None:
    deepest = b"[" * JSON_DEPTH_MAX + b"1" + b"]" * JSON_DEPTH_MAX

    assert canonical_text(parse(deepest, what="x", reason="BundleUnreadable")) == deepest.decode()


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(value=VALUES, ascii_only=st.booleans())
def test_honest_json_is_read_as_it_was_written(value: Any, ascii_only: bool) -> None:
    data = json.dumps(value, ensure_ascii=ascii_only).encode()

    assert parse(data, what="x", reason="BundleUnreadable") == value
    again = parse(canonical_text(value).encode(), what="x", reason="BundleUnreadable")
    assert canonical_text(again) == canonical_text(value)


@given(
    st.binary(max_size=60) | st.text(alphabet='{}[]",:\\u0d81eE+-. ', max_size=60).map(str.encode)
)
def test_no_bytes_break_the_reader(data: bytes) -> None:
    try:
        value = parse(data, what="x", reason="BundleUnreadable")
    except VerificationError:
        return

    assert canonical_text(value) == canonical_text(json.loads(data))
