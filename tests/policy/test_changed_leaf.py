"""An approval is of every leaf of a Release: whichever one changes, nobody has approved that."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from sluice.policy.evaluate import evaluate
from sluice.resources.canonical import canonical_json, release_digest
from sluice.resources.release import ReleaseSpec
from support.builders import BUNDLE, NOW, a_policy, a_subject, an_approval, approvals_needed, facts

Path = tuple[Any, ...]

FULL: dict[str, Any] = {
    "app": "shop",
    "version": "1.2.0",
    "bundle": {"url": "https://cdn.example.com/shop.zip", "sha256": BUNDLE, "size": 1000},
    "native": {"min": "1.0.0", "max": "2.0.0"},
    "source": {
        "repository": "https://x",
        "revision": "c" * 40,
        "authors": ["dora@example.com", "eve@example.com"],
    },
    "attestations": [
        {"name": "provenance", "inline": "{}"},
        {"name": "scan", "url": "https://cdn.example.com/scan.json", "sha256": "5" * 64},
    ],
    "notes": "Faster.",
}
OTHER: dict[str, Any] = {
    "app": "shop2",
    "version": "1.2.1",
    "url": "https://evil.example.com/shop.zip",
    "sha256": "0" * 64,
    "size": 1001,
    "min": "0.9.0",
    "max": "3.0.0",
    "revision": "d" * 40,
    "name": "other",
}


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from leaves(item, (*path, key))
    else:
        yield path


def inner(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every part that can be taken out: fields and list items, whole objects included."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield (*path, key)
            yield from inner(item, (*path, key))


def spec_of(fields: Any) -> ReleaseSpec:
    return ReleaseSpec.model_validate_json(canonical_json(fields))


def copy_with(path: Path, change: Any) -> Any:
    fields: Any = spec_of(FULL).model_dump(mode="json", by_alias=True, exclude_none=True)
    at = fields
    for part in path[:-1]:
        at = at[part]
    change(at, path[-1])
    return fields


def nobody_has_approved(changed: ReleaseSpec) -> None:
    original = spec_of(FULL)
    approval = facts(an_approval("alice", a_subject(original)))
    policies = (a_policy(approvals_needed()),)
    as_it_was = evaluate(policies, a_subject(original), approval, NOW)
    # The version is approved by name as well; the digest alone must do.
    verdict = evaluate(policies, a_subject(changed), approval, NOW)

    assert release_digest(changed) != release_digest(original)
    assert as_it_was.answer == "allowed"
    assert verdict.answer == "held"
    assert "sign for this release itself" in verdict.message


def test_every_field_of_a_release_is_tried() -> None:
    def names(kind: Any) -> Iterator[str]:
        for name, field in kind.model_fields.items():
            yield field.alias or name

    untried = set(names(ReleaseSpec)) - set(FULL)

    assert untried == {"revoked"}


@pytest.mark.parametrize("path", list(leaves(FULL)), ids=lambda path: ".".join(map(str, path)))
def test_no_changed_leaf_keeps_an_approval_valid(path: Path) -> None:
    def change(at: Any, key: Any) -> None:
        at[key] = OTHER.get(key, "something else")

    nobody_has_approved(spec_of(copy_with(path, change)))


@pytest.mark.parametrize("path", list(inner(FULL)), ids=lambda path: ".".join(map(str, path)))
def test_nothing_that_is_taken_out_keeps_an_approval_valid(path: Path) -> None:
    def change(at: Any, key: Any) -> None:
        del at[key]

    try:
        changed = spec_of(copy_with(path, change))
    except ValidationError:
        return  # what is needed can't be taken out
    nobody_has_approved(changed)


@pytest.mark.parametrize("path", [("source", "authors"), ("attestations",)])
@pytest.mark.parametrize("reverse", [True, False], ids=["another order", "one more"])
def test_no_other_list_keeps_an_approval_valid(path: Path, reverse: bool) -> None:
    def change(at: Any, key: Any) -> None:
        more = {"name": "more", "inline": "{}"} if key == "attestations" else "more@example.com"
        at[key] = at[key][::-1] if reverse else [*at[key], more]

    nobody_has_approved(spec_of(copy_with(path, change)))


@given(st.sampled_from(list(leaves(FULL))), st.text(max_size=20) | st.integers(0, 10**6))
def test_no_random_leaf_keeps_an_approval_valid(path: Path, value: Any) -> None:
    def change(at: Any, key: Any) -> None:
        assume(at[key] != value)
        at[key] = value

    try:
        changed = spec_of(copy_with(path, change))
    except (ValidationError, ValueError):
        return  # a Release is refused that can't be one
    nobody_has_approved(changed)
