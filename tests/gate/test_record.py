"""Everything that a decision was made from is kept, exactly, and nothing else is read."""

import dataclasses
import json
import tomllib
from collections.abc import Iterator
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic.alias_generators import to_camel

from sluice.errors import Refused
from sluice.gate.case import Case
from sluice.gate.codec import MisfitError, as_plain, from_plain, has_form
from sluice.gate.record import SLUICE_VERSION, DecisionRecord, pieces_named, read_record
from sluice.policy.subject import Circumstances, PolicyInForce
from sluice.policy.verdict import Verdict
from sluice.resources.canonical import canonical_json, sha256_hex
from sluice.verify.bundle_report import BundleReport
from support.builders import NOW
from support.decisions import a_case, a_record, cases, judged, the_record, values, verdicts

DERIVED = {(PolicyInForce, "registry")}
"""Fields that their class makes of the others: they are no part of a record."""


def edited(record: DecisionRecord, **changes: Any) -> bytes:
    return canonical_json({**json.loads(record.data), **changes})


@settings(max_examples=200)
@given(cases(), verdicts())
def test_a_record_holds_the_case_and_the_verdict_exactly(case: Case, verdict: Verdict) -> None:
    kept = a_record(case, verdict)

    read = read_record(kept.data, kept.pieces)

    assert (read.case, read.verdict, read.version) == (case, verdict, "0.1.0")
    assert a_record(read.case, read.verdict) == kept


@given(cases(), cases(), verdicts())
def test_two_cases_have_one_record_only_if_they_are_equal(
    one: Case, other: Case, verdict: Verdict
) -> None:
    assert (a_record(one, verdict).data == a_record(other, verdict).data) == (one == other)


def classes_in(kind: Any) -> Iterator[type]:
    """Every dataclass that values of a type are built of."""
    if dataclasses.is_dataclass(kind):
        yield kind
        for each in get_type_hints(kind).values():
            yield from classes_in(each)
    for each in get_args(kind):
        yield from classes_in(each)


JUDGED = sorted({*classes_in(Case), *classes_in(Verdict)}, key=lambda each: each.__qualname__)


def test_the_classes_of_a_case_are_found() -> None:
    names = {each.__name__ for each in JUDGED}

    assert {"Case", "Subject", "Circumstances", "Evidence", "PolicyInForce", "Verdict"} <= names


@pytest.mark.parametrize("kind", [each for each in JUDGED if each is not BundleReport])
@given(data=st.data())
def test_no_field_of_what_is_judged_is_missing_from_the_record(
    kind: Any, data: st.DataObject
) -> None:
    """A field that is not kept would let two decisions look like one."""
    known = {each.name for each in dataclasses.fields(kind) if (kind, each.name) not in DERIVED}
    value = data.draw(values(kind))

    plain = as_plain(value, kind, {})

    defaults = {each.name: each.default for each in dataclasses.fields(kind)}
    assert set(plain) == {
        to_camel(name) for name in known if getattr(value, name) != defaults[name]
    }


def test_everything_that_is_judged_has_a_form() -> None:
    assert has_form(Case)
    assert has_form(Verdict)


class Unheard:
    """A type that nobody has thought of."""


@pytest.mark.parametrize(
    "kind", [Unheard, float, dict[str, str], tuple[Unheard, ...], Unheard | None, str | int]
)
def test_a_type_that_is_not_known_has_none(kind: Any) -> None:
    assert not has_form(kind)


@pytest.mark.parametrize("kind", JUDGED)
def test_a_default_says_nothing(kind: Any) -> None:
    """It is left out of the record: were it a value, to change it would change old decisions."""
    allowed = {None, (), "", False, Circumstances()} | (
        {10_000} if kind is Verdict else set()  # no ceiling: all phones
    )
    defaults = {
        each.default
        for each in dataclasses.fields(kind)
        if each.init and each.default is not dataclasses.MISSING
    }

    assert defaults <= allowed
    assert not any(
        each.default_factory is not dataclasses.MISSING for each in dataclasses.fields(kind)
    )


@given(st.data())
def test_any_other_byte_in_a_piece_is_refused(data: st.DataObject) -> None:
    kept = the_record()
    name = data.draw(st.sampled_from(sorted(kept.pieces)))
    flipped = bytearray(kept.pieces[name])
    place = data.draw(st.integers(0, len(flipped) - 1))
    flipped[place] ^= data.draw(st.integers(1, 255))

    with pytest.raises(Refused, match="other bytes than its name says"):
        read_record(kept.data, {**kept.pieces, name: bytes(flipped)})


def test_a_piece_that_is_missing_is_told() -> None:
    kept = the_record()
    for name in kept.pieces:
        rest = {each: data for each, data in kept.pieces.items() if each != name}
        with pytest.raises(Refused, match="names a piece that is missing"):
            read_record(kept.data, rest)


def test_pieces_that_a_record_does_not_name_are_left_aside() -> None:
    kept = the_record()

    assert read_record(kept.data, {**kept.pieces, sha256_hex(b"x"): b"x"}) == kept
    assert set(pieces_named(kept.data)) == set(kept.pieces)


def add_field(record: DecisionRecord, path: str) -> bytes:
    value = json.loads(record.data)
    inner = value
    for part in path.split(".")[:-1]:
        inner = inner[int(part)] if isinstance(inner, list) else inner[part]
    inner[path.rpartition(".")[2]] = "of a later version"
    value["sluice"] = "9.9.9"
    return canonical_json(value)


@pytest.mark.parametrize(
    "path",
    ["mood", "case.mood", "case.subject.mood", "case.policies.0.mood", "verdict.findings.0.mood"],
)
def test_a_field_that_is_not_known_is_refused_and_the_version_that_knows_it_is_named(
    path: str,
) -> None:
    kept = the_record()

    with pytest.raises(Refused) as refused:
        read_record(add_field(kept, path), kept.pieces)

    assert refused.value.reason == "DecisionOfOtherVersion"
    assert "mood" in refused.value.message
    assert "written by Sluice 9.9.9" in refused.value.message
    assert "use that version to read it" in refused.value.message


def test_a_word_that_is_not_known_is_of_another_version() -> None:
    kept = the_record()
    verdict = {**json.loads(kept.data)["verdict"], "answer": "postponed"}

    with pytest.raises(Refused) as refused:
        read_record(edited(kept, verdict=verdict), kept.pieces)

    assert refused.value.reason == "DecisionOfOtherVersion"


@pytest.mark.parametrize("change", [{"mood": "good"}, {"owners": None}])
def test_a_policy_with_a_field_that_is_not_known_is_of_another_version(
    change: dict[str, Any],
) -> None:
    kept = the_record()
    spec = json.loads(kept.pieces[json.loads(kept.data)["case"]["policies"][0]["spec"]])
    later = canonical_json({**spec, **change})
    case = json.loads(kept.data)["case"]
    case["policies"][0]["spec"] = sha256_hex(later)
    names = sorted({sha256_hex(later), *kept.pieces})

    with pytest.raises(Refused) as refused:
        read_record(
            edited(kept, case=case, pieces=names), {**kept.pieces, sha256_hex(later): later}
        )

    assert refused.value.reason == "DecisionOfOtherVersion"


def test_a_record_of_another_format_is_refused() -> None:
    kept = the_record()

    with pytest.raises(Refused) as refused:
        read_record(edited(kept, format="sluice.dev/decision/v2"), kept.pieces)

    assert refused.value.reason == "DecisionOfOtherVersion"
    assert "sluice.dev/decision/v2" in refused.value.message


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b"\xff",
        b'{"format":"sluice.dev/decision/v1"}',
        b'{"format":1}',
        b"[" * 100_000,
        b'{"format":"sluice.dev/decision/v1","format":"sluice.dev/decision/v1"}',
    ],
)
def test_what_is_no_record_is_refused(data: bytes) -> None:
    with pytest.raises(Refused) as refused:
        read_record(data, {})

    assert refused.value.reason == "DecisionUnreadable"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("case.now", "2026-06-01T12:00:00Z"),
        ("case.now", "2026-06-01T12:00:00.0Z"),
        ("case.now", 5),
        ("case.subject", None),
        ("case.subject.cluster", 1),
        ("case.subject.releaseDigest", "0" * 64),
        ("case.policies", {}),
        ("case.policies.0.class", "PolicySpec"),
        ("case.policies.0.ref.digest", "0" * 64),
        ("case.evidence.0.statement", None),
        ("verdict.ceilingBp", True),
        ("verdict.ceilingBp", 10_000),
        ("verdict.message", "Anything at all."),
        ("verdictSha256", "0" * 64),
        ("pieces", []),
        ("pieces", "all"),
        ("pieces", [1]),
    ],
)
def test_a_record_has_one_form_and_its_digests_are_of_what_it_holds(path: str, value: Any) -> None:
    kept = the_record()
    whole = json.loads(kept.data)
    inner = whole
    *way, last = path.split(".")
    for part in way:
        inner = inner[int(part)] if isinstance(inner, list) else inner[part]
    inner[last] = value

    with pytest.raises(Refused):
        read_record(canonical_json(whole), kept.pieces)


def test_a_record_names_no_piece_that_it_does_not_need() -> None:
    kept, more = the_record(), sha256_hex(b"more")
    named = edited(kept, pieces=sorted({more, *kept.pieces}))

    with pytest.raises(Refused, match="these are not the ones"):
        read_record(named, {**kept.pieces, more: b"more"})


@pytest.mark.parametrize(
    ("plain", "kind"),
    [
        (["b", "a"], frozenset[str]),
        (["a", "a"], frozenset[str]),
        ([1], frozenset[str]),
        ("ab", frozenset[str]),
        ("ab", tuple[str, ...]),
        (1, bool),
        (True, int),
        ({}, str | None),
    ],
)
def test_a_value_has_one_spelling(plain: Any, kind: Any) -> None:
    with pytest.raises(MisfitError):
        from_plain(plain, kind, {}, "here")


@given(st.frozensets(st.text(st.characters(exclude_categories=["Cs"]))))
def test_sets_come_back_whatever_their_order(value: frozenset[str]) -> None:
    plain = as_plain(value, frozenset[str], {})

    assert from_plain(plain, frozenset[str], {}, "here") == value
    assert plain == sorted(value)


def test_white_space_is_another_form() -> None:
    kept = the_record()

    with pytest.raises(Refused, match="one form"):
        read_record(kept.data + b" ", kept.pieces)


def test_hostile_text_in_a_record_does_not_reach_the_terminal() -> None:
    kept = the_record()

    with pytest.raises(Refused) as refused:
        read_record(edited(kept, sluice="\x1b[2J\n", format="\x1b]0;x\x07"), kept.pieces)

    assert refused.value.message.isprintable()


async def test_a_real_decision_is_read_as_it_was(tmp_path: Path) -> None:
    kept = await judged(tmp_path)

    read = read_record(kept.data, kept.pieces)

    assert read.verdict.answer == "allowed"
    assert (read.case, read.verdict) == (kept.case, kept.verdict)
    assert len(read.case.evidence) == 4


def test_a_moment_in_another_zone_is_kept_as_the_same_moment() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=5)))

    assert the_record(a_case(now=there)).data == the_record().data


def test_the_version_that_a_record_names_is_that_of_this_program() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())

    assert project["project"]["version"] == SLUICE_VERSION
