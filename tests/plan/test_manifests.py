"""Which files are looked into, what stands in them, and what is told of the rest."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.plan.manifests import File, ManifestReader, Manifests
from sluice.resources.kinds import Key
from support.manifests import a_manifest
from support.pull_request import text

APP = text(a_manifest("App", "shop", namespace="shop"))


def read(content: str | bytes, *, namespace: str = "", path: str = "a.yaml") -> Manifests:
    data = content if isinstance(content, bytes) else content.encode()
    return ManifestReader(namespace).read([File(path=path, data=data)])


def told(manifests: Manifests) -> list[str]:
    return [f"{each.spot} {each.reason}" for each in manifests.problems]


def test_objects_are_found_with_their_places() -> None:
    found = read(f"kind: ConfigMap\n---\n{APP}").objects[Key("App", "shop", "shop")]

    assert str(found.spot("spec", "appId")) == "a.yaml:9:10"
    assert str(found.spot("spec", "nothing", "there")) == "a.yaml:9:3"


@pytest.mark.parametrize(
    "content",
    [
        "kind: Deployment\nspec: {a: 1, a: 2}",
        "{{ helm.template }}",
        "apiVersion: apiextensions.k8s.io/v1\nspec: {group: sluice.dev}",
        b"\x00\xff binary",
    ],
)
def test_what_is_not_ours_is_left_alone(content: str | bytes) -> None:
    assert read(content) == Manifests()


def test_a_manifest_of_ours_that_cannot_be_read_is_a_problem_with_its_place() -> None:
    assert told(read(APP + "kind: App\n")) == ["a.yaml:9:1 ManifestUnreadable"]


def test_every_fault_has_its_own_place() -> None:
    release = a_manifest("Release", "r", namespace="shop", changes={"version": 1.1, "typo": "x"})
    problems = read(text(release)).problems

    assert [each.reason for each in problems] == ["SpecInvalid", "SpecInvalid"]
    assert len({each.spot for each in problems}) == 2
    assert any("put it in quotes" in each.message for each in problems)


def test_the_group_cannot_be_hidden_by_escapes() -> None:
    hidden = APP.replace("sluice.dev/v1alpha1", '"slu\\x69ce.dev/v1alpha1"')
    assert hidden != APP

    assert list(read(hidden).objects) == [Key("App", "shop", "shop")]


def test_what_may_be_ours_and_cannot_be_read_is_told_as_left_out() -> None:
    hidden = APP.replace("sluice.dev/v1alpha1", '"slu\\x69ce.dev/v1alpha1"') + "kind: App\n"

    assert read(hidden).left_out == ("a.yaml",)


def test_objects_in_a_list_are_found() -> None:
    """As `kubectl get -o yaml` writes them."""
    items = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [a_manifest("App", "shop", namespace="shop")],
    }
    found = read(text(items)).objects[Key("App", "shop", "shop")]

    assert found.spot("spec", "appId").line > 5


def test_an_object_that_stands_twice_holds_nowhere() -> None:
    manifests = read(f"{APP}---\n{APP.replace('com.example.shop', 'com.example.evil')}")

    assert manifests.objects == {}
    assert [each.reason for each in manifests.problems] == ["ObjectTwice"]


def test_a_namespace_is_needed_and_may_be_given() -> None:
    without = APP.replace("  namespace: shop\n", "")

    assert told(read(without)) == ["a.yaml:2:7 NameInvalid"]
    assert list(read(without, namespace="till").objects) == [Key("App", "till", "shop")]


@pytest.mark.parametrize("name", ["", "Shop", "a b", "x" * 254, "a\u202eb", "-a", "a\n"])
def test_a_name_that_kubernetes_would_refuse_is_refused(name: str) -> None:
    assert [
        each.reason for each in read(text(a_manifest("App", name, namespace="shop"))).problems
    ] == ["NameInvalid"]


def test_an_unknown_kind_or_version_of_our_group_is_a_problem() -> None:
    other = APP.replace("kind: App", "kind: Apps")
    older = APP.replace("v1alpha1", "v1alpha0")

    assert told(read(other)) == ["a.yaml:2:7 KindUnknown"]
    assert told(read(older)) == ["a.yaml:2:7 KindUnknown"]


def test_paths_are_shown_without_what_steers_a_terminal() -> None:
    [problem] = read(APP + "kind: App\n", path="a\x1b[31m\n.yaml").problems

    assert str(problem.spot) == "a�[31m .yaml:9:1"


def test_a_file_in_utf_16_is_told_as_left_out() -> None:
    assert read(APP.encode("utf-16")).left_out == ("a.yaml",)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
OURS = st.fixed_dictionaries(
    {"apiVersion": st.sampled_from(["sluice.dev/v1alpha1", "sluice.dev/v2", ["sluice.dev/"]])},
    optional={
        "kind": st.sampled_from(["App", "Release", "Channel", "List", "x"]) | JSON,
        "metadata": st.fixed_dictionaries({}, optional={"name": JSON, "namespace": JSON}) | JSON,
        "spec": JSON,
        "items": JSON,
    },
)


@given(OURS)
def test_no_object_of_our_group_goes_unsaid(value: dict[str, Any]) -> None:
    """Whatever it holds, it is an object or a problem, and never an error."""
    manifests = read(json.dumps(value))

    assert manifests.objects or manifests.problems or not isinstance(value["apiVersion"], str)


@given(st.binary(max_size=200).map(lambda data: b"apiVersion: sluice.dev/v1alpha1\n" + data))
def test_no_bytes_are_an_error(data: bytes) -> None:
    manifests = read(data)

    assert manifests.objects or manifests.problems or manifests.left_out
