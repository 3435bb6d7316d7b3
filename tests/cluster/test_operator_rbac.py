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
        return cluster.may(operator_kubeconfig, VERBS, resource)

    assert allowed(f"{kind}.sluice.dev") == {"get", "list", "watch"}
    assert allowed(f"{kind}.sluice.dev/status") == {"patch", "update"}


def test_the_operator_keeps_its_own_lease_and_no_other(
    cluster: Cluster, namespace: str, operator_kubeconfig: Path
) -> None:
    def allowed(name: str, where: str = namespace) -> set[str]:
        leases = "leases.coordination.k8s.io"
        return cluster.may(operator_kubeconfig, VERBS, leases, name=name, namespace=where)

    assert allowed(OPERATOR) == {"create", "get", "update"}
    assert allowed("another") == {"create"}
    assert allowed("") == {"create"}
    assert allowed(OPERATOR, where="default") == set()


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
    assert cluster.may(operator_kubeconfig, [verb], resource) == set()
    assert cluster.may(operator_kubeconfig, [verb], resource, namespace=namespace) == set()
