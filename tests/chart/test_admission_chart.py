"""Admission as the chart installs it, on a real API server where that can be."""

import base64
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sluice.cli.operator import operator
from support.chart import CHART, OPERATOR
from support.cluster import Cluster
from support.go_tools import CONTROL_PLANE
from support.installation import wait_until
from support.manifests import a_manifest

ENABLED = ("admission.enabled=true", f"admission.caBundle={base64.b64encode(b'ca').decode()}")
HOSTS = "admission.bundleHosts={cdn.example.com,ci.example.com:8443}"

Render = Callable[..., list[dict[str, Any]]]


def rendered(helm: Path, namespace: str, *settings: str) -> list[dict[str, Any]]:
    required = ("devices.publicUrl=https://updates.example.com", "clusterName=prod")
    done = subprocess.run(
        [
            helm,
            "template",
            "sluice",
            str(CHART),
            f"--namespace={namespace}",
            f"--kube-version={CONTROL_PLANE.version()}",
            *(f"--set={setting}" for setting in (*required, *settings)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ValueError(done.stderr)
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def of(kind: str, manifests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in manifests if each["kind"] == kind]


def test_the_webhook_is_a_convenience_that_can_be_down(helm: Path) -> None:
    [configuration] = of("ValidatingWebhookConfiguration", rendered(helm, "sluice", *ENABLED))
    [webhook] = configuration["webhooks"]

    assert webhook["failurePolicy"] == "Ignore"
    assert webhook["sideEffects"] == "None"
    assert of("ValidatingWebhookConfiguration", rendered(helm, "sluice")) == []


def test_the_webhook_leads_to_the_operator(helm: Path) -> None:
    manifests = rendered(helm, "sluice", *ENABLED)
    [deployment] = of("Deployment", manifests)
    containers = {
        each["name"]: each for each in deployment["spec"]["template"]["spec"]["containers"]
    }
    [service] = [
        each for each in of("Service", manifests) if each["metadata"]["name"] == "sluice-admission"
    ]
    [settings] = [
        each for each in of("ConfigMap", manifests) if each["metadata"]["name"] == "sluice-operator"
    ]

    assert {"name": "admission", "containerPort": 9443} in containers["operator"]["ports"]
    assert service["spec"]["ports"] == [{"name": "https", "port": 443, "targetPort": "admission"}]
    assert set(settings["data"]) <= {each.envvar for each in operator.params}
    assert "admission" not in {each["name"] for each in containers["devices"]["volumeMounts"]}


def test_a_webhook_that_nobody_would_trust_is_refused(helm: Path) -> None:
    with pytest.raises(ValueError, match="admission-cert"):
        rendered(helm, "sluice", "admission.enabled=true")


@pytest.fixture
def policies(cluster: Cluster, namespace: str, helm: Path) -> Iterator[None]:
    """Install the chart's ValidatingAdmissionPolicies, and take them away again."""
    manifests = [
        each
        for each in rendered(helm, namespace, HOSTS)
        if each["kind"].startswith("ValidatingAdmissionPolicy")
    ]
    assert len(manifests) == 4
    for each in of("ValidatingAdmissionPolicy", manifests):
        # Other tests share the server.
        labels = {"kubernetes.io/metadata.name": namespace}
        each["spec"]["matchConstraints"]["namespaceSelector"] = {"matchLabels": labels}
    cluster.apply(manifests)
    yield
    for each in manifests:
        cluster.kubectl("delete", each["kind"], each["metadata"]["name"])


def refusal(cluster: Cluster, *arguments: str, **named: Any) -> str:
    return cluster.kubectl(*arguments, check=False, **named).stderr


@pytest.mark.usefixtures("policies")
def test_bundles_come_from_the_hosts_that_are_listed(cluster: Cluster, namespace: str) -> None:
    def applied(url: str) -> str:
        changes = {"bundle": {"url": url, "sha256": "a" * 64, "size": 1}}
        release = a_manifest("Release", "shop-9", namespace=namespace, changes=changes)
        text = yaml.safe_dump(release)
        return refusal(cluster, "create", "--dry-run=server", "--filename=-", input=text)

    said = wait_until(lambda: applied("https://evil.example.com/b.zip"), "the policy is in force")

    assert "bundles come from cdn.example.com, ci.example.com:8443 alone" in said
    for other in (
        "https://cdn.example.com.evil.example/b.zip",
        "https://cdn.example.com@evil.example/b.zip",
        "https://ci.example.com/b.zip",
        "https://evil.example/?cdn.example.com",
        "file:///etc/passwd",
    ):
        assert "alone" in applied(other), other
    assert applied("https://cdn.example.com/b.zip") == ""
    assert applied("https://ci.example.com:8443/b.zip") == ""


@pytest.mark.usefixtures("policies")
def test_nobody_but_the_operator_writes_status(
    cluster: Cluster, namespace: str, operator_kubeconfig: Path
) -> None:
    """Not even who may do everything in the namespace; those who own the cluster can."""
    # kubectl reads before it patches, which the operator's own role does not allow.
    admins = ("--user=mallory", f"--serviceaccount={namespace}:{OPERATOR}")
    grant = ("create", "rolebinding", "admins", "--clusterrole=cluster-admin", *admins)
    cluster.kubectl(*grant, f"--namespace={namespace}")
    cluster.apply(a_manifest("App", "shop", namespace=namespace))

    def written(*as_whom: str, kubeconfig: Path | None = None) -> str:
        return refusal(
            cluster,
            "patch",
            "app",
            "shop",
            f"--namespace={namespace}",
            "--subresource=status",
            "--type=merge",
            '--patch={"status": {"observedGeneration": 1}}',
            *as_whom,
            kubeconfig=kubeconfig,
        )

    said = wait_until(lambda: written("--as=mallory"), "the policy is in force")

    assert "status is output" in said
    assert written(kubeconfig=operator_kubeconfig) == ""
    assert written() == ""
