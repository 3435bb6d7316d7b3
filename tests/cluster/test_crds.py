"""The CustomResourceDefinitions on a real API server."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from sluice.resources.canonical import release_digest
from sluice.resources.kinds import KINDS, parse_resource
from sluice.resources.manifest import read_manifests, spec_of
from sluice.resources.release import ReleaseSpec
from support.cluster import Cluster
from support.manifests import a_manifest, the_largest_policy
from support.refusals import REFUSALS

REPOSITORY = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_a_definition_is_established_and_structural(cluster: Cluster, kind: Any) -> None:
    status = cluster.get("crd", f"{kind.plural}.sluice.dev")["status"]

    assert {each["type"]: each["status"] for each in status["conditions"]} == {
        "Established": "True",
        "NamesAccepted": "True",
    }


def test_the_server_has_nothing_to_warn_about(cluster: Cluster) -> None:
    cluster.kubectl(
        "apply",
        "--server-side",
        "--force-conflicts",
        "--dry-run=server",
        "--warnings-as-errors",
        "--validate=strict",
        f"--filename={REPOSITORY / 'crds'}",
    )


def create(cluster: Cluster, objects: list[Mapping[str, Any]], *options: str) -> str:
    """Try to create objects, and return what the server said against it."""
    done = cluster.kubectl(
        "create", "--filename=-", *options, input=yaml.safe_dump_all(objects), check=False
    )
    return done.stderr


def test_a_usual_object_of_each_kind_is_accepted_whole(cluster: Cluster, namespace: str) -> None:
    objects = [
        a_manifest(kind.name, "usual", namespace=namespace if kind.namespaced else "")
        for kind in KINDS.values()
    ]

    said = create(cluster, objects, "--validate=strict", "--dry-run=server")

    assert said == ""


def test_every_mistake_is_refused_in_the_words_that_mend_it(
    cluster: Cluster, namespace: str
) -> None:
    objects = [
        a_manifest(each.kind, f"mistake-{index}", namespace=namespace, changes=each.changes)
        for index, each in enumerate(REFUSALS)
    ]

    said = create(cluster, objects, "--validate=ignore", "--dry-run=server")

    answers = {
        int(index): answer
        for index, answer in re.findall(r'"mistake-([0-9]+)" is invalid: (.*)', said)
    }
    expected = {
        index: each.says if each.server is None else each.server
        for index, each in enumerate(REFUSALS)
        if each.server != ""
    }
    assert {
        REFUSALS[index].what: (words, answers.get(index))
        for index, words in expected.items()
        if words not in answers.get(index, "")
    } == {}
    assert expected.keys() == answers.keys()
    assert "evaluating rule" not in said, "a rule stumbled"


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("App", "shadow"),
        ("Release", "bundle.shadow"),
        ("Release", "attestations.0.shadow"),
        ("Approval", "shadow"),
        ("Channel", "rollout.steps.1.shadow"),
        ("ReleasePolicy", "people.0.identities.0.shadow"),
    ],
)
def test_an_unknown_field_is_refused_by_a_strict_apply(
    cluster: Cluster, namespace: str, kind: str, field: str
) -> None:
    manifest = a_manifest(kind, "odd", namespace=namespace, changes={field: 1})

    done = cluster.kubectl(
        "apply", "--validate=strict", "--filename=-", input=json.dumps(manifest), check=False
    )

    path = re.sub(r"\.([0-9]+)", r"[\1]", field)
    assert done.returncode == 1
    assert f'unknown field "spec.{path}"' in done.stderr


CHANGES = [
    ("App", {"appId": "com.example.other"}, "appId never changes"),
    ("Approval", {"release": "shop-1.4.3"}, "an Approval never changes"),
    ("Approval", {"sigstoreBundle": "{ }"}, "an Approval never changes"),
    ("Channel", {"app": "shop-2"}, "app never changes"),
    *(
        ("Release", changes, "a Release never changes")
        for changes in (
            {"app": "shop-2"},
            {"version": "1.4.3"},
            {"bundle.url": "https://cdn.example.com/other.zip"},
            {"bundle.sha256": "0" * 64},
            {"bundle.size": 1},
            {"native": None},
            {"native.max": "7.0.0"},
            {"native.max": None},
            {"source": None},
            {"source.authors": None},
            {"source.authors.0": "eve@example.com"},
            {"attestations": None},
            {"attestations.0": None},
            {"attestations.0.inline": "{ }"},
            {"notes": None},
            {"notes": "Nothing to see here."},
        )
    ),
]


@pytest.mark.parametrize(("kind", "changes", "words"), CHANGES)
def test_what_never_changes_is_refused_when_it_does(
    cluster: Cluster, namespace: str, kind: str, changes: dict[str, Any], words: str
) -> None:
    create(cluster, [a_manifest(kind, "fixed", namespace=namespace)])
    other = a_manifest(kind, "fixed", namespace=namespace, changes=changes)

    done = cluster.kubectl("replace", "--filename=-", input=json.dumps(other), check=False)

    assert done.returncode == 1
    assert words in done.stderr


def test_every_field_of_a_release_is_in_that_table() -> None:
    changed = {
        path.split(".")[0] for kind, changes, _ in CHANGES if kind == "Release" for path in changes
    }

    assert {field.alias for field in ReleaseSpec.model_fields.values()} - {"revoked"} == changed


def test_a_field_cannot_be_added_to_a_release_later(cluster: Cluster, namespace: str) -> None:
    bare = {"native": None, "source": None, "attestations": None, "notes": None}
    create(cluster, [a_manifest("Release", "bare", namespace=namespace, changes=bare)])

    answers = {
        field: cluster.kubectl(
            "replace",
            "--filename=-",
            input=json.dumps(
                a_manifest(
                    "Release",
                    "bare",
                    namespace=namespace,
                    changes={other: None for other in bare if other != field},
                )
            ),
            check=False,
        ).stderr
        for field in bare
    }

    assert [each for each in answers.values() if "a Release never changes" not in each] == []


def test_a_revocation_comes_and_stays(cluster: Cluster, namespace: str) -> None:
    def replace(changes: Mapping[str, Any]) -> str:
        manifest = a_manifest("Release", "shop-1.4.2", namespace=namespace, changes=changes)
        done = cluster.kubectl("replace", "--filename=-", input=json.dumps(manifest), check=False)
        return done.stderr

    create(cluster, [a_manifest("Release", "shop-1.4.2", namespace=namespace)])

    assert replace({"revoked": {"reason": "It loses orders."}}) == ""
    assert "a revocation is never taken back" in replace({})
    assert "a revocation never changes" in replace({"revoked": {"reason": "None."}})
    assert replace({"revoked": {"reason": "It loses orders."}}) == ""


def test_a_release_may_be_revoked_from_the_start(cluster: Cluster, namespace: str) -> None:
    """A cluster that is set up anew gets it so from git."""
    changes = {"revoked": {"reason": "It loses orders."}}

    assert (
        create(cluster, [a_manifest("Release", "old", namespace=namespace, changes=changes)]) == ""
    )


def test_the_largest_policy_is_within_the_servers_limits(cluster: Cluster, namespace: str) -> None:
    """In bytes, and in the cost of the rules, which the server ends at a limit of its own."""
    manifest = {
        **a_manifest("ReleasePolicy", "largest", namespace=namespace),
        "spec": the_largest_policy(),
    }

    said = create(cluster, [manifest])

    assert said == ""
    assert parse_resource("ReleasePolicy", manifest).problem is None


def test_explain_tells_what_a_field_is_for_and_its_default(cluster: Cluster) -> None:
    steps = cluster.kubectl("explain", "channel.spec.rollout.steps", "--recursive").stdout
    hold = cluster.kubectl("explain", "channel.spec.rollout.steps.hold").stdout
    devices = cluster.kubectl("explain", "chan.spec.rollout.steps.minDevices").stdout

    assert re.findall(r"^  (\w+)\t<(\w+)>", steps, re.MULTILINE) == [
        ("hold", "string"),
        ("minDevices", "integer"),
        ("share", "string"),
    ]
    assert "Least time in this step before the next one, e.g. 30m" in " ".join(hold.split())
    assert "Default: 1." in devices


RELEASES_IN_GIT = r"""
# Whatever YAML offers for saying the same thing.
apiVersion: sluice.dev/v1alpha1
kind: Release
metadata:
  name: shop-1.4.2
spec:
  notes: |
    Pay by card again…
      * "quoted" <b>&amp;</b>

    100 % naïve café 👩‍👩‍👧 \n no escape
  version: 1.4.2
  app: 'shop'
  source: {revision: cccccccccccccccccccccccccccccccccccccccc, authors: [],
           "repository": "https://git.example.com/\
             acme/shop"}
  attestations:
  - inline: "{\"a\": \"\u00e9\x41\u2028\t\"}"
    name: signature
  bundle:
    size: 1048576
    url: https://cdn.example.com/shop-1.4.2.zip#fragment
    sha256: abababababababababababababababababababababababababababababababab
---
apiVersion: sluice.dev/v1alpha1
kind: Release
metadata: {name: bare}
spec:
  app: shop
  version: "2.0.0"
  attestations: []
  bundle:
    url: "file:///bundles/a.zip"
    sha256: "abababababababababababababababababababababababababababababababab"
    size: 1
"""


@pytest.mark.parametrize("nulls", ["", "  native: null\n  notes:\n"])
@pytest.mark.parametrize("side", ["client", "server"])
def test_the_digest_of_the_file_is_that_of_what_the_server_stores(
    cluster: Cluster, namespace: str, side: str, nulls: str
) -> None:
    if side == "server" and nulls:
        pytest.skip("a server-side apply refuses null")
    written = RELEASES_IN_GIT + nulls
    cluster.kubectl(
        "apply",
        f"--server-side={'true' if side == 'server' else 'false'}",
        f"--namespace={namespace}",
        "--filename=-",
        input=written,
    )

    signed = {
        each.value["metadata"]["name"]: digest_of(spec_of(each))
        for each in read_manifests(written.encode())
    }
    stored = {
        each["metadata"]["name"]: digest_of(parse_resource("Release", each).spec)
        for each in cluster.get("releases", f"--namespace={namespace}")["items"]
    }

    assert signed == stored
    assert {"shop-1.4.2", "bare"} == signed.keys()


def digest_of(spec: Any) -> str:
    assert isinstance(spec, ReleaseSpec)
    return release_digest(spec)
