"""The chart renders what it promises, and a real API server accepts it."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from sluice.cli.operator import operator
from sluice.cli.serve import serve
from sluice.operator.lease import LEASE_NAME
from sluice.resources.genesis import read_genesis
from sluice.resources.kinds import KINDS
from support.chart import CHART, OPERATOR, operator_rbac, rules
from support.cluster import Cluster
from support.go_tools import CONTROL_PLANE
from support.sealing import SshPerson

REPOSITORY = CHART.parent.parent
NAMESPACE = "sluice-system"
REQUIRED = ("devices.publicUrl=https://updates.example.com", "clusterName=prod")

Render = Callable[..., list[dict[str, Any]]]


def run_helm(helm: Path, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([helm, command, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def render(helm: Path) -> Render:
    """Return a function from settings to the manifests that the chart renders with them."""

    def manifests(*settings: str, flags: Sequence[str] = ()) -> list[dict[str, Any]]:
        done = run_helm(
            helm,
            "template",
            "sluice",
            str(CHART),
            f"--namespace={NAMESPACE}",
            f"--kube-version={CONTROL_PLANE.version()}",
            *(f"--set={setting}" for setting in (*REQUIRED, *settings)),
            *flags,
        )
        if done.returncode != 0:
            raise ValueError(done.stderr)
        return [each for each in yaml.safe_load_all(done.stdout) if each]

    return manifests


def the(kind: str, manifests: list[dict[str, Any]], name: str | None = None) -> dict[str, Any]:
    """Return the only manifest of a kind (and name)."""
    [found] = [
        each
        for each in manifests
        if each["kind"] == kind and name in (None, each["metadata"]["name"])
    ]
    return found


def pod(manifests: list[dict[str, Any]]) -> dict[str, Any]:
    spec: dict[str, Any] = the("Deployment", manifests)["spec"]["template"]["spec"]
    return spec


def containers(manifests: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in pod(manifests)["containers"]}


def mounts(container: dict[str, Any]) -> set[str]:
    return {each["name"] for each in container["volumeMounts"]}


def test_lint_finds_nothing(helm: Path) -> None:
    done = run_helm(helm, "lint", str(CHART), "--strict", *(f"--set={each}" for each in REQUIRED))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stdout


def test_the_operator_gets_exactly_the_rights_that_the_tests_give_it(render: Render) -> None:
    wanted = operator_rbac(NAMESPACE)
    names = {(each["kind"], each["metadata"]["name"]) for each in wanted}

    rendered = [each for each in render() if (each["kind"], each["metadata"]["name"]) in names]
    for each in rendered:
        del each["metadata"]["labels"]

    assert sorted(rendered, key=str) == sorted(wanted, key=str)


def test_the_rules_name_every_kind_and_the_lease_of_the_code() -> None:
    reads, writes = rules("operator-cluster-role")
    plurals = [kind.plural for kind in KINDS.values()]

    assert sorted(reads["resources"]) == sorted(plurals)
    assert sorted(writes["resources"]) == sorted(f"{plural}/status" for plural in plurals)
    assert [rule.get("resourceNames") for rule in rules("operator-role")] == [None, [LEASE_NAME]]
    assert LEASE_NAME == OPERATOR


def test_nobody_else_is_bound_to_anything(render: Render) -> None:
    bindings = [each for each in render() if each["kind"].endswith("RoleBinding")]

    assert [each["subjects"] for each in bindings] == [
        [{"kind": "ServiceAccount", "name": OPERATOR, "namespace": NAMESPACE}]
    ] * 2


def test_only_the_operator_has_a_token(render: Render) -> None:
    manifests = render()

    assert pod(manifests)["automountServiceAccountToken"] is False
    assert {name for name, each in containers(manifests).items() if "identity" in mounts(each)} == {
        "operator"
    }


def test_every_container_is_confined_and_has_resources(render: Render) -> None:
    manifests = render()

    assert set(containers(manifests)) == {"operator", "devices"}
    assert pod(manifests)["securityContext"]["runAsNonRoot"] is True
    assert pod(manifests)["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers(manifests).values():
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}
        assert set(container["resources"]["limits"]) == {"memory"}
        assert {"livenessProbe", "readinessProbe"} <= set(container)


def test_the_embedded_store_is_never_shared_by_two_pods(render: Render) -> None:
    deployment = the("Deployment", render())["spec"]

    assert deployment["replicas"] == 1
    assert deployment["strategy"] == {"type": "Recreate"}


def test_phones_are_served_while_the_operator_is_down(render: Render) -> None:
    assert the("Service", render())["spec"]["publishNotReadyAddresses"] is True


def test_the_service_leads_to_the_device_server(render: Render) -> None:
    manifests = render()
    deployment = the("Deployment", manifests)["spec"]
    service = the("Service", manifests)["spec"]
    labels = deployment["template"]["metadata"]["labels"]

    assert service["selector"].items() <= labels.items()
    assert deployment["selector"]["matchLabels"].items() <= labels.items()
    assert [each["targetPort"] for each in service["ports"]] == [
        each["name"] for each in containers(manifests)["devices"]["ports"]
    ]


def test_the_claim_outlives_the_release_and_can_be_brought_along(render: Render) -> None:
    own = render()
    brought = render("store.existingClaim=ours")

    assert the("PersistentVolumeClaim", own)["metadata"]["annotations"] == {
        "helm.sh/resource-policy": "keep"
    }
    assert "PersistentVolumeClaim" not in {each["kind"] for each in brought}
    assert {"claimName": "ours"} in [
        volume.get("persistentVolumeClaim") for volume in pod(brought)["volumes"]
    ]


def test_a_change_of_settings_replaces_the_pod(render: Render) -> None:
    def annotations(*settings: str) -> dict[str, str]:
        template = the("Deployment", render(*settings))["spec"]["template"]
        found: dict[str, str] = template["metadata"]["annotations"]
        return found

    assert annotations() == annotations()
    assert annotations() != annotations("operator.logLevel=debug")
    assert annotations("policy.genesis=a") != annotations("policy.genesis=b")


def test_root_owners_reach_the_operator_as_they_are_written(render: Render, tmp_path: Path) -> None:
    genesis = f"threshold: 1\nowners:\n  - {{name: rita, keys: ['{SshPerson().public_key}']}}\n"
    values = tmp_path / "values.yaml"
    values.write_text(yaml.safe_dump({"policy": {"genesis": genesis}}))
    manifests = render(flags=[f"--values={values}"])

    written = the("ConfigMap", manifests, "sluice-genesis")["data"]["genesis.yaml"]
    pod = the("Deployment", manifests)["spec"]["template"]["spec"]
    mounts = {
        container["name"]: mount["mountPath"]
        for container in pod["containers"]
        for mount in container["volumeMounts"]
        if mount["name"] == "genesis"
    }
    settings = the("ConfigMap", manifests, "sluice-operator")["data"]

    assert read_genesis(written.encode()).threshold == 1
    assert mounts == {"operator": "/etc/sluice/genesis"}
    assert settings["SLUICE_GENESIS"] == "/etc/sluice/genesis/genesis.yaml"
    assert not any(each["metadata"]["name"] == "sluice-genesis" for each in render())


@pytest.mark.parametrize(("setting", "value"), [("false", "false"), ("true", "true")])
def test_policies_without_owners_count_only_when_asked_for(
    render: Render, setting: str, value: str
) -> None:
    default = the("ConfigMap", render(), "sluice-operator")["data"]
    given = the("ConfigMap", render(f"policy.allowUnsealed={setting}"), "sluice-operator")["data"]

    assert default["SLUICE_ALLOW_UNSEALED_POLICIES"] == "false"
    assert given["SLUICE_ALLOW_UNSEALED_POLICIES"] == value


def test_people_get_roles_through_the_clusters_own(render: Render) -> None:
    manifests = render()

    def joins(name: str) -> set[str]:
        labels = the("ClusterRole", manifests, name)["metadata"]["labels"]
        return {each.partition("aggregate-to-")[2] for each in labels if "aggregate-to-" in each}

    assert joins("sluice-viewer") == {"view", "edit", "admin"}
    assert joins("sluice-editor") == {"edit", "admin"}
    assert joins("sluice-policy-editor") == set()


@pytest.mark.parametrize(
    ("setting", "word"),
    [
        ("clusterName=", "name this cluster"),
        ("devices.publicUrl=", "say where phones reach the device server"),
        ("devices.publicUrl=updates.example.com", "publicUrl"),
        ("operator.logLevel=loud", "logLevel"),
        ("image.digest=sha256:12", "digest"),
        ("oprator.logLevel=info", "oprator"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(render: Render, setting: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        render(setting)


def test_the_chart_carries_the_generated_resource_definitions(render: Render) -> None:
    carried = {
        each["metadata"]["name"]: each
        for each in render(flags=["--include-crds"])
        if each["kind"] == "CustomResourceDefinition"
    }
    generated = [yaml.safe_load(path.read_text()) for path in (REPOSITORY / "crds").glob("*.yaml")]

    assert len(generated) == 6
    assert carried == {each["metadata"]["name"]: each for each in generated}


def test_a_real_server_accepts_every_manifest(cluster: Cluster, render: Render) -> None:
    cluster.namespace(NAMESPACE)
    manifests = render()

    answer = cluster.kubectl(
        "create",
        "--dry-run=server",
        "--validate=strict",
        "--filename=-",
        "--output=name",
        f"--namespace={NAMESPACE}",
        input=yaml.safe_dump_all(manifests),
    )

    assert answer.stderr == ""
    assert len(answer.stdout.split()) == len(manifests)


def test_the_pod_passes_the_restricted_standard(
    cluster: Cluster, namespace: str, render: Render
) -> None:
    enforce = "pod-security.kubernetes.io/enforce=restricted"
    cluster.kubectl("label", "namespace", namespace, enforce)
    manifests = render()
    account = the("ServiceAccount", manifests)
    account["metadata"]["namespace"] = namespace
    cluster.apply(account)

    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "as-in-the-chart", "namespace": namespace},
            "spec": pod(manifests),
        }
    )


def test_what_faces_phones_cannot_seal_anything(render: Render) -> None:
    manifests = render()
    keys = {
        volume["name"]: [item["key"] for item in volume["secret"]["items"]]
        for volume in pod(manifests)["volumes"]
        if "secret" in volume
    }
    seen = {
        name: sorted(key for volume in mounts(each) & keys.keys() for key in keys[volume])
        for name, each in containers(manifests).items()
    }

    assert seen == {"operator": ["seal.pem"], "devices": ["seal.pub.pem"]}


@pytest.mark.parametrize(
    ("config", "command"), [("sluice-operator", operator), ("sluice-devices", serve)]
)
def test_every_setting_is_one_that_the_program_reads(
    render: Render, config: str, command: click.Command
) -> None:
    given = the("ConfigMap", render(), config)["data"]
    read = {each.envvar for each in command.params}
    needed = {each.envvar for each in command.params if each.required}

    assert set(given) <= read
    assert needed <= set(given)
