"""What the models refuse: a typo never silently means the default."""

from typing import Any

import pytest

from sluice.resources.faults import Fault
from sluice.resources.fields import basis_points, seconds
from sluice.resources.kinds import KINDS, parse_spec
from support.manifests import a_spec
from support.refusals import REFUSALS, Refusal


@pytest.mark.parametrize("kind", KINDS)
def test_a_usual_spec_is_accepted(kind: str) -> None:
    assert isinstance(parse_spec(kind, a_spec(kind)), KINDS[kind].model)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda each: f"{each.kind}-{each.what}")
def test_a_mistake_is_refused_in_words_and_at_its_place(refusal: Refusal) -> None:
    faults = parse_spec(refusal.kind, a_spec(refusal.kind, refusal.changes))

    assert isinstance(faults, tuple)
    assert [(str(each).split(": ")[0], True) for each in faults] == [
        (refusal.at, refusal.says in each.message) for each in faults
    ]


def places_of_objects(value: Any, path: str = "") -> list[str]:
    match value:
        case dict():
            inner = [
                found for key in value for found in places_of_objects(value[key], f"{path}{key}.")
            ]
            return [path, *inner]
        case list():
            return [
                found
                for index, item in enumerate(value)
                for found in places_of_objects(item, f"{path}{index}.")
            ]
        case _:
            return []


@pytest.mark.parametrize(
    ("kind", "place"),
    [(kind, place) for kind in KINDS for place in places_of_objects(a_spec(kind))],
)
def test_an_unknown_field_is_refused_wherever_it_stands(kind: str, place: str) -> None:
    found = parse_spec(kind, a_spec(kind, {f"{place}shadow": "x"}))

    assert isinstance(found, tuple)
    assert [each.path[-1] for each in found] == ["shadow"]
    assert [each.message for each in found] == ["there is no such field"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [None, [], "x", 1, True, {"spec": {}}])
def test_a_spec_that_is_none_is_refused(kind: str, value: Any) -> None:
    assert isinstance(parse_spec(kind, value), tuple)


def test_every_mistake_is_told_at_once_and_safely() -> None:
    spec = a_spec("Release", {"version": 1.1, "bundle.size": "x", "ev\x1b[31mil\n": 1})

    found = parse_spec("Release", spec)

    assert found == (
        Fault(
            path=("spec", "version"),
            message="this must be text and is a number or true/false: put it in quotes",
        ),
        Fault(path=("spec", "bundle", "size"), message="Input should be a valid integer"),
        Fault(path=("spec", "ev\x1b[31mil\n"), message="there is no such field"),
    )
    assert str(found[2]) == "spec.ev\N{REPLACEMENT CHARACTER}[31mil : there is no such field"


@pytest.mark.parametrize(
    ("percent", "expected"),
    [("0%", 0), ("0.01%", 1), ("0.2%", 20), ("1%", 100), ("12.5%", 1250), ("100.00%", 10_000)],
)
def test_a_percentage_is_exact_in_basis_points(percent: str, expected: int) -> None:
    assert expected == basis_points(percent)


@pytest.mark.parametrize(
    ("duration", "expected"),
    [("0s", 0), ("90s", 90), ("30m", 1800), ("1h30m", 5400), ("2d", 172_800), ("1d1h1m1s", 90_061)],
)
def test_a_duration_adds_up(duration: str, expected: int) -> None:
    assert expected == seconds(duration)
