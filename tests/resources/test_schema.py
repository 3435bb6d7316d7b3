"""The CustomResourceDefinitions that the models make."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import Field, TypeAdapter

from sluice.cli.crds import manifest
from sluice.resources.columns import COLUMNS
from sluice.resources.fields import Model
from sluice.resources.kinds import KINDS, Kind
from sluice.resources.requirements import REQUIREMENT_KINDS
from sluice.resources.schema import custom_resource_definition, structural
from support.manifests import the_largest_policy

CRDS = Path(__file__).resolve().parent.parent.parent / "crds"

SPEC_CHARACTERS_MAX = 1_150_000
STATUS_CHARACTERS_MAX = 300_000
"""Together they leave 100,000 of etcd's 1.5 MiB to the metadata."""


def test_the_files_in_the_repository_are_what_the_models_make_now() -> None:
    expected = {f"{kind.plural}.yaml": manifest(kind) for kind in KINDS.values()}

    assert expected == {path.name: path.read_text() for path in CRDS.iterdir()}, "run `make crds`"


def parts(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from parts(inner, f"{path}.{name}")
    if "items" in schema:
        yield from parts(schema["items"], f"{path}[]")


def all_parts() -> list[tuple[str, dict[str, Any]]]:
    return [
        part
        for kind in KINDS.values()
        for path, model in (("spec", kind.model), ("status", kind.status))
        for part in parts(structural(model), f"{kind.name}.{path}")
    ]


def test_every_field_has_a_type_and_is_explained() -> None:
    fields = [(path, part) for path, part in all_parts() if not path.endswith("[]")]

    assert len(fields) > 150
    assert [path for path, part in all_parts() if "type" not in part] == []
    assert [path for path, part in fields if not part["description"].endswith((".", "?"))] == []
    assert [path for path, part in fields if "\n" in part["description"]] == []


def test_nothing_has_a_default_that_the_server_would_fill_in() -> None:
    """What is stored, and signed, is what its author wrote."""
    assert [path for path, part in all_parts() if "default" in part or "nullable" in part] == []


def test_every_list_and_text_has_an_end() -> None:
    endless = [
        path
        for path, part in all_parts()
        if (part["type"] == "array" and "maxItems" not in part)
        or (part["type"] == "string" and not part.keys() & {"maxLength", "enum", "format"})
    ]

    assert endless == []


def test_lists_are_taken_from_git_as_a_whole() -> None:
    """But for those whose items nobody else may add: a Release never changes, a status is ours."""
    merged = {
        path
        for path, part in all_parts()
        if part.get("x-kubernetes-list-type", "atomic") != "atomic"
    }

    assert {path for path in merged if ".status.conditions" not in path} == {
        "Release.spec.attestations"
    }
    assert len(merged) == 1 + len(KINDS)


ONE_OF = (
    frozenset(REQUIREMENT_KINDS),
    frozenset({"sigstoreBundle", "ssh"}),
    frozenset({"identities", "keys"}),
    frozenset({"inline", "url"}),
)
"""Properties that rules allow one of, or as many of together as of the larger one alone."""


def size(schema: dict[str, Any]) -> int:
    """Return how many characters of JSON the largest value has that a schema lets in."""
    if "enum" in schema:
        return 2 + max(len(word) for word in schema["enum"])
    match schema["type"]:
        case "object":
            sizes = {
                each: len(each) + 4 + size(part) for each, part in schema["properties"].items()
            }
            for choice in ONE_OF:
                if choice <= sizes.keys():
                    largest = max(sizes[each] for each in choice)
                    sizes = {each: sizes[each] for each in sizes.keys() - choice} | {"": largest}
            return 2 + sum(sizes.values())
        case "array":
            return 2 + int(schema["maxItems"]) * (1 + size(schema["items"]))
        case "string":
            return 2 + int(schema.get("maxLength", 32))
    return 20


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_the_largest_object_leaves_room_for_its_status(kind: Kind) -> None:
    assert size(structural(kind.model)) <= SPEC_CHARACTERS_MAX
    assert size(structural(kind.status)) <= STATUS_CHARACTERS_MAX


def test_the_largest_policy_of_the_tests_is_as_large_as_the_schema_lets_it_be() -> None:
    written = TypeAdapter(Any).dump_json(the_largest_policy())

    assert size(structural(KINDS["ReleasePolicy"].model)) * 0.9 < len(written)


def test_every_field_of_a_release_but_the_revocation_is_fixed() -> None:
    schema = structural(KINDS["Release"].model)
    rules = [each["rule"] for each in schema["x-kubernetes-validations"]]

    fixed = {
        name
        for name in schema["properties"]
        if any(f"self.{name} == oldSelf.{name}" in rule for rule in rules)
    }

    assert fixed == schema["properties"].keys() - {"revoked"}


def test_every_column_shows_something_that_there_is() -> None:
    for kind in KINDS.values():
        version = custom_resource_definition(kind)["spec"]["versions"][0]
        schema = version["schema"]["openAPIV3Schema"]
        for column in COLUMNS[kind.name]:
            part = schema
            for name in column.path.split("[")[0].strip(".").split("."):
                if name == "metadata":
                    break
                part = part["properties"][name]
            assert part


class Choice(Model):
    """Has no structural form."""

    value: int | str
    """One or the other."""


class Odd(Model):
    """Has words that the API server does not know."""

    value: dict[str, int]
    """Anything."""
    other: int = Field(multiple_of=3)
    """Threes."""


@pytest.mark.parametrize("model", [Choice, Odd])
def test_what_has_no_structural_form_is_an_error(model: type[Model]) -> None:
    with pytest.raises(ValueError, match="no structural form"):
        structural(model)


class Numbers(Model):
    """All that the models may use later."""

    between: int = Field(gt=0, lt=10)
    """Between."""
    fixed: Literal["only"]
    """Fixed."""


def test_open_bounds_and_single_values_have_their_form() -> None:
    assert structural(Numbers)["properties"] == {
        "between": {
            "description": "Between.",
            "type": "integer",
            "minimum": 0,
            "exclusiveMinimum": True,
            "maximum": 10,
            "exclusiveMaximum": True,
        },
        "fixed": {"description": "Fixed.", "type": "string", "enum": ["only"]},
    }
