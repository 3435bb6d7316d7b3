"""`kubectl apply` says what the operator would say; and nothing depends on it."""

import base64
import ipaddress
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509

from sluice.cli.admission_cert import certificate_for
from support.cluster import Cluster
from support.installation import free_port, wait_until
from support.team import Team
from support.watching import Watcher

HOST = "127.0.0.1"


def configuration(name: str, namespace: str, url: str, certificate: bytes) -> dict[str, Any]:
    """Return the registration of a webhook for one namespace."""
    hook = {
        "name": "validate.sluice.dev",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Ignore",
        "timeoutSeconds": 5,
        "clientConfig": {"url": url, "caBundle": base64.b64encode(certificate).decode()},
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "rules": [
            {
                "apiGroups": ["sluice.dev"],
                "apiVersions": ["*"],
                "operations": ["CREATE", "UPDATE", "DELETE"],
                "resources": ["*"],
                "scope": "*",
            }
        ],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [hook],
    }


@pytest.fixture
def webhook(cluster: Cluster, namespace: str, tmp_path: Path) -> Iterator[tuple[str, ...]]:
    """Register a webhook for this namespace; yields the operator's arguments, not yet running."""
    address = x509.IPAddress(ipaddress.ip_address(HOST))
    certificate, key = certificate_for(address, datetime.now(UTC))
    (tmp_path / "tls.crt").write_bytes(certificate)
    (tmp_path / "tls.key").write_bytes(key)
    port = free_port()
    name = f"sluice-{namespace}"
    url = f"https://{HOST}:{port}/validate"
    cluster.apply(configuration(name, namespace, url, certificate))
    yield (
        f"--admission-listen={HOST}:{port}",
        f"--admission-cert={tmp_path / 'tls.crt'}",
        f"--admission-key={tmp_path / 'tls.key'}",
    )
    cluster.kubectl("delete", "validatingwebhookconfiguration", name)


def applied(cluster: Cluster, manifest: dict[str, Any]) -> str:
    """Apply as a person does; return what they read."""
    done = cluster.kubectl("apply", "--filename=-", input=yaml.safe_dump(manifest), check=False)
    return done.stderr


def test_kubectl_apply_tells_the_verdict(
    cluster: Cluster,
    webhook: tuple[str, ...],
    team: Team,
    look: Watcher,
    start: Callable[..., Any],
) -> None:
    start(*webhook)
    release = team.release_manifest("1.0.0")
    cluster.apply([team.app_manifest(), team.policy_manifest(), release])
    look.until("Claimed", "app", "shop")
    look.until("InForceByFirstUse", "releasepolicy", "releases")

    def judged() -> str:
        # Another channel each time: what stays as it is is not judged.
        name = f"channel-{len(cluster.get('channels', f'--namespace={team.namespace}')['items'])}"
        text = applied(cluster, team.channel_manifest("shop-1.0.0", name=name))
        return text if "Warning" in text else ""

    said = wait_until(judged, "the webhook answers")

    assert "held: ApprovalsMissing: approved: 0 of 2 approvals by release-manager" in said


def test_what_the_schema_cannot_say_is_refused_when_it_is_applied(
    cluster: Cluster, webhook: tuple[str, ...], team: Team, start: Callable[..., Any]
) -> None:
    start(*webhook)
    policy = team.policy_manifest()
    policy["spec"]["people"][1] = {**policy["spec"]["people"][0], "name": "bob"}

    def refused() -> str:
        text = applied(cluster, policy)
        if "denied" in text:
            return text
        cluster.kubectl("delete", "releasepolicy", "releases", f"--namespace={team.namespace}")
        return ""

    said = wait_until(refused, "the webhook answers")

    assert "SpecInvalid: " in said


def test_nothing_depends_on_it(
    cluster: Cluster, webhook: tuple[str, ...], team: Team, look: Watcher, start: Callable[..., Any]
) -> None:
    """It is down while everything is applied; the operator holds the release all the same."""
    assert webhook
    release = team.release_manifest("1.0.0")
    policy = team.policy_manifest()
    cluster.apply([team.app_manifest(), policy, release, team.channel_manifest("shop-1.0.0")])

    start()

    assert look.until("ApprovalsMissing")["verdict"]["answer"] == "held"
