"""Decisions in one file, with all they need."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.errors import Refused
from sluice.gate.document import Exported, as_document, read_document
from sluice.gate.vsa import sign_summary
from sluice.resources.canonical import sha256_hex
from support.decisions import Decided, a_case, the_record
from support.storing import SEAL_KEY


def an_exported(**changes: Any) -> Exported:
    kept = the_record(a_case(**changes))
    return Exported(record=kept.data, summary=sign_summary(kept, SEAL_KEY), pieces=kept.pieces)


def test_a_document_holds_decisions_in_their_order_and_their_pieces_once() -> None:
    one, other = an_exported(), an_exported(evidence=())

    text = as_document([one, other])
    found = read_document(text.encode())

    assert [(each.record, each.summary) for each in found] == [
        (one.record, one.summary),
        (other.record, other.summary),
    ]
    assert [each.read() for each in found] == [one.read(), other.read()]
    assert json.loads(text)["pieces"].keys() == {*one.pieces, *other.pieces}
    assert text.isascii()


@given(st.one_of(st.binary(), st.text(st.characters(exclude_categories=["Cs"])).map(str.encode)))
def test_pieces_of_any_bytes_come_back(data: bytes) -> None:
    one = an_exported()
    held = Exported(record=one.record, summary=one.summary, pieces={sha256_hex(data): data})

    [found] = read_document(as_document([held]).encode())

    assert found.pieces == held.pieces


async def test_a_document_of_real_decisions_is_read_without_a_store(decided: Decided) -> None:
    kept = await decided.read()

    found = read_document(as_document(kept).encode())

    assert [each.read() for each in found] == [each.read() for each in kept]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": "sluice.dev/decisions/v2"}, "format"),
        ({"mood": 1}, "other parts"),
        ({"decisions": {}}, "no list"),
        ({"pieces": []}, "no object"),
        ({"pieces": {"a": 1}}, "neither text nor base64"),
        ({"pieces": {"a": {"base64": "?"}}}, "no base64"),
        ({"pieces": {"a": {"base64": "", "more": 1}}}, "neither text nor base64"),
        ({"decisions": [1]}, "not a record and a summary"),
        ({"decisions": [{"record": {}, "summary": {}, "mood": 1}]}, "not a record and a summary"),
        ({"decisions": [{"record": {"a": 1.5}, "summary": {}}]}, "with a point"),
    ],
)
def test_what_is_no_document_is_refused(changes: dict[str, Any], words: str) -> None:
    document = {**json.loads(as_document([an_exported()])), **changes}

    with pytest.raises(Refused, match=words) as refused:
        read_document(json.dumps(document).encode())

    assert refused.value.reason == "DocumentUnreadable"


@pytest.mark.parametrize("data", [b"", b"\xff", b"[]", b"null", b'{"a":1,"a":1}', b"[" * 99_999])
def test_what_is_no_json_object_is_refused(data: bytes) -> None:
    with pytest.raises(Refused) as refused:
        read_document(data)

    assert refused.value.reason == "DocumentUnreadable"
