"""The release digest: what people sign."""

import json
import random
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from sluice.resources.canonical import canonical_json, release_digest
from sluice.resources.kinds import parse_spec
from sluice.resources.release import ReleaseSpec
from support.manifests import a_spec


def digest(value: dict[str, Any]) -> str:
    spec = parse_spec("Release", value)
    assert isinstance(spec, ReleaseSpec), spec
    return release_digest(spec)


def test_a_digest_that_was_signed_stays() -> None:
    """Whoever makes this fail makes every approval in the world worthless."""
    assert (
        digest(a_spec("Release")),
        digest(a_spec("Release", {"native": None, "source": None, "attestations": None})),
    ) == (
        "33a8a4ac0f05336b6ea7164f54c781b5e3aa04f660f131c79e5c6646caaa3449",
        "261508fa8b56335ba767d3c2300ccd3513d569e67657091160057b210acd6fae",
    )


# Two values for each leaf, both valid wherever the leaf stands.
LEAVES: dict[str, tuple[Any, Any]] = {
    "app": ("shop", "shop-2"),
    "version": ("1.4.2", "1.4.3"),
    "bundle.url": ("https://a.example.com/1", "https://a.example.com/2"),
    "bundle.sha256": ("a" * 64, "b" * 64),
    "bundle.size": (1, 2),
    "native": (None, {"max": "7.0.0"}),
    "native.min": (None, "5.0.0"),
    "native.max": ("6.0.0", "6.0.1"),
    "source": (None, {"repository": "r", "revision": "c" * 40}),
    "source.repository": ("https://a", "https://b"),
    "source.revision": ("c" * 40, "d" * 40),
    "source.authors": (["dora@example.com"], ["dora@example.com", "eve@example.com"]),
    "source.authors.0": ("dora@example.com", "eve@example.com"),
    "attestations": ([], [{"name": "x", "inline": "{}"}]),
    "attestations.0.name": ("provenance", "signature"),
    "attestations.0.inline": ("{}", "{ }"),
    "attestations.1.url": ("https://a.example.com/1", "https://a.example.com/2"),
    "attestations.1.sha256": ("a" * 64, "b" * 64),
    "notes": (None, "Notes."),
}


def leaves_of(model: type[BaseModel], path: str = "") -> set[str]:
    found: set[str] = set()
    for field in model.model_fields.values():
        name = f"{path}{field.alias}"
        inner, many = inner_model(field)
        found |= {name} if inner is None else leaves_of(inner, f"{name}.{'#.' if many else ''}")
    return found


def inner_model(field: FieldInfo) -> tuple[type[BaseModel] | None, bool]:
    """Return the model that a field holds, and whether it holds a list of them."""
    kinds = [field.annotation, *get_args(field.annotation)]
    items = [item for kind in kinds for item in get_args(kind)]
    for kind in (*kinds, *items):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind, tuple in (getattr(each, "__origin__", None) for each in kinds)
    return None, False


def test_the_table_of_leaves_has_every_field_of_a_release() -> None:
    said = {
        ".".join("#" if part.isdigit() else part for part in path.split(".")) for path in LEAVES
    }

    assert leaves_of(ReleaseSpec) - {"revoked.reason"} <= said


@pytest.mark.parametrize("path", LEAVES)
def test_any_change_of_a_leaf_changes_the_digest(path: str) -> None:
    one, other = LEAVES[path]

    assert digest(changed(path, one)) != digest(changed(path, other))


def changed(path: str, value: Any) -> dict[str, Any]:
    spec = a_spec("Release")
    *way, last = path.split(".")
    inner: Any = spec
    for part in way:
        inner = inner[int(part)] if isinstance(inner, list) else inner[part]
    if value is None:
        inner.pop(last)
    else:
        inner[int(last) if isinstance(inner, list) else last] = value
    return spec


@st.composite
def releases(draw: st.DrawFn) -> dict[str, Any]:
    spec = a_spec("Release")
    for path, values in LEAVES.items():
        if "." not in path and draw(st.booleans()):
            spec[path] = draw(st.sampled_from([each for each in values if each is not None]))
    for path in ("native", "source", "attestations", "notes"):
        if draw(st.booleans()):
            spec.pop(path)
    if "notes" in spec:
        spec["notes"] = draw(st.text(st.characters(codec="utf-8"), max_size=20))
    return spec


@given(releases(), releases())
def test_two_releases_have_one_digest_only_if_they_say_the_same(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    same = parse_spec("Release", one) == parse_spec("Release", other)

    assert same == (digest(one) == digest(other))


@given(releases(), st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_count(spec: dict[str, Any], chance: random.Random) -> None:
    assert digest(spec) == digest(shuffled(spec, chance))


def shuffled(value: Any, chance: random.Random) -> Any:
    match value:
        case dict():
            keys = list(value)
            chance.shuffle(keys)
            return {key: shuffled(value[key], chance) for key in keys}
        case list():
            return [shuffled(item, chance) for item in value]
        case _:
            return value


def test_what_says_nothing_does_not_count() -> None:
    said = a_spec("Release", {"attestations": None, "notes": None, "source.authors": None})
    empty = a_spec("Release", {"attestations": [], "source.authors": []})
    empty["notes"] = None

    assert digest(said) == digest(empty)


def test_a_revocation_leaves_the_digest_as_it_was() -> None:
    assert digest(a_spec("Release")) == digest(a_spec("Release", {"revoked": {"reason": "Bad."}}))


def test_the_default_of_an_optional_field_of_a_release_is_that_it_says_nothing() -> None:
    """The digest rests on it: see `release_digest`."""
    models, optional = [ReleaseSpec], []
    while models:
        for field in models.pop().model_fields.values():
            inner, _ = inner_model(field)
            models += [inner] if inner else []  # type: ignore[list-item]  # any model will do
            if not field.is_required():
                optional.append((field.alias, field.default, list_or_none(field)))

    assert len(optional) > 5
    assert [each for each in optional if each[1] not in (None, ()) or each[2]] == []


def list_or_none(field: FieldInfo) -> bool:
    """Whether both None and an empty list are allowed: they could mean two things."""
    kinds = get_args(field.annotation)
    return type(None) in kinds and any(getattr(each, "__origin__", None) is tuple for each in kinds)


@pytest.mark.parametrize(
    "value", [1.0, {"a": 0.5}, {1: "a"}, [object()], b"x", {"a": {1}}, float("nan")]
)
def test_what_has_no_single_form_is_an_error(value: Any) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)


@pytest.mark.parametrize("value", [2**53, -(2**53), [2**64], "\ud800", {"\udfff": 1}])
def test_what_other_readers_would_change_is_an_error(value: Any) -> None:
    with pytest.raises(ValueError, match=r"out of range|surrogates"):
        canonical_json(value)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
)


@given(JSON, st.randoms(use_true_random=False))
def test_canonical_bytes_hold_the_value_whatever_its_order(
    value: Any, chance: random.Random
) -> None:
    assert value == json.loads(canonical_json(value))
    assert canonical_json(value) == canonical_json(shuffled(value, chance))
