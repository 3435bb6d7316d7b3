"""The operator's identity may do what its work needs, and nothing that an attacker would want."""

from pathlib import Path

import pytest

from support.chart import OPERATOR
from support.cluster import Cluster

KINDS = (
    "apps",
    "releases",
    "approvals",
    "channels",
    "releasepolicies",
    "clusterreleasepolicies",
)

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")


@pytest.mark.parametrize("kind", KINDS)
def test_the_operator_reads_every_kind_everywhere_and_writes_only_status(
    cluster: Cluster, operator_kubeconfig: Path, kind: str
) -> None:
    def allowed(resource: str) -> set[str]:
        return {verb for verb in VERBS if cluster.may(operator_kubeconfig, verb, resource)}

    assert allowed(f"{kind}.sluice.dev") == {"get", "list", "watch"}
    assert allowed(f"{kind}.sluice.dev/status") == {"patch", "update"}


def test_the_operator_keeps_its_own_lease_and_no_other(
    cluster: Cluster, namespace: str, operator_kubeconfig: Path
) -> None:
    def may(verb: str, name: str = "", where: str = namespace) -> bool:
        leases = "leases.coordination.k8s.io"
        return cluster.may(operator_kubeconfig, verb, leases, name=name, namespace=where)

    assert may("create")
    assert may("get", OPERATOR)
    assert may("update", OPERATOR)
    assert not may("update", "another")
    assert not may("delete", OPERATOR)
    assert not may("list")
    assert not may("update", OPERATOR, where="default")


@pytest.mark.parametrize(
    ("verb", "resource"),
    [
        ("get", "secrets"),
        ("list", "secrets"),
        ("get", "configmaps"),
        ("create", "pods"),
        ("create", "serviceaccounts/token"),
        ("patch", "customresourcedefinitions.apiextensions.k8s.io"),
        ("impersonate", "users"),
        ("escalate", "clusterroles.rbac.authorization.k8s.io"),
        ("bind", "clusterroles.rbac.authorization.k8s.io"),
    ],
)
def test_the_operator_cannot_take_over_the_cluster(
    cluster: Cluster, namespace: str, operator_kubeconfig: Path, verb: str, resource: str
) -> None:
    assert not cluster.may(operator_kubeconfig, verb, resource)
    assert not cluster.may(operator_kubeconfig, verb, resource, namespace=namespace)
