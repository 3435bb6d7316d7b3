"""Objects of the API as typed resources."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.resources.channel import ChannelSpec
from sluice.resources.kinds import KINDS, Key, parse_resource, parse_spec
from support.manifests import a_manifest, a_spec

TEXT = st.text(max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def test_an_object_becomes_what_its_author_wants_and_nothing_that_we_wrote() -> None:
    body = a_manifest("Channel", "production", namespace="it")
    body["metadata"] |= {
        "uid": "u-1",
        "generation": 3,
        "resourceVersion": "17",
        "annotations": {"kopf.zalando.org/last-handled-configuration": "{}"},
    }
    body["status"] = {"generation": 9}

    resource = parse_resource("Channel", body)

    assert resource.key == Key("Channel", "it", "production")
    assert (resource.uid, resource.generation, resource.resource_version) == ("u-1", 3, "17")
    assert isinstance(resource.spec, ChannelSpec)
    assert resource.problem is None
    assert resource == parse_resource("Channel", body | {"status": {}})


def test_an_object_that_does_not_fit_is_kept_with_what_to_mend() -> None:
    body = a_manifest("Release", "r", namespace="it", changes={"version": 1.1, "app": None})

    resource = parse_resource("Release", body)

    assert resource.spec is None
    assert resource.problem is not None
    assert resource.problem.reason == "SpecInvalid"
    assert resource.problem.message == (
        "Mend spec.app: this field is needed; "
        "spec.version: this must be text and is a number or true/false: put it in quotes"
    )


def test_only_the_first_faults_are_listed() -> None:
    body = a_manifest("App", "a", changes={f"field{each:02d}": each for each in range(1000)})

    problem = parse_resource("App", body).problem

    assert problem is not None
    assert problem.message.endswith("; and 995 more")
    assert len(problem.message) < 400


def test_the_namespace_of_a_cluster_scoped_kind_is_empty_whatever_the_object_says() -> None:
    body = a_manifest("ClusterReleasePolicy", "all", namespace="it")

    assert str(parse_resource("ClusterReleasePolicy", body).key) == "ClusterReleasePolicy/all"


@given(st.sampled_from(sorted(KINDS)), st.dictionaries(TEXT, JSON), JSON, JSON)
def test_no_object_is_so_odd_that_it_raises(
    kind: str, body: dict[str, Any], meta: Any, spec: Any
) -> None:
    resource = parse_resource(kind, body | {"metadata": meta, "spec": spec})

    assert (resource.spec is None) == (resource.problem is not None)
    assert isinstance(resource.generation, int)
    assert [part for part in resource.key if not isinstance(part, str)] == []


@given(st.data())
def test_no_leaf_is_so_odd_that_it_raises(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(KINDS)))
    spec = a_spec(kind)
    inner: Any = spec
    while True:
        keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(inner[key], dict | list) or not inner[key] or data.draw(st.booleans()):
            break
        inner = inner[key]
    inner[key] = data.draw(JSON)

    found = parse_spec(kind, spec)

    if isinstance(found, tuple):
        assert all(each.path[0] == "spec" and str(each).isprintable() for each in found)


@pytest.mark.parametrize("depth", [100, 100_000])
def test_nesting_without_end_is_a_fault(depth: int) -> None:
    spec: Any = []
    for _ in range(depth):
        spec = [spec]

    found = parse_spec("App", {"appId": spec})

    assert isinstance(found, tuple)


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb"])
def test_text_that_is_not_unicode_is_a_fault(text: str) -> None:
    assert isinstance(parse_spec("App", {"appId": "com.example.a", "description": text}), tuple)
