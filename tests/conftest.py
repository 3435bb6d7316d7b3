"""Fixtures that any test may ask for; asking for a cluster is what marks a test as one."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.chart import OPERATOR, operator_rbac
from support.controlplane import Cluster, ControlPlane, ExternalCluster
from support.go_tools import CONTROL_PLANE, HELM, build

REPOSITORY = Path(__file__).resolve().parent.parent

OTHER_CLUSTER = "SLUICE_TEST_KUBECONFIG"
"""Names the kubeconfig of a cluster to test against instead of a control plane of our own."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"cluster", "helm"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("cluster")


def pytest_collection_finish(session: pytest.Session) -> None:
    # A cold build takes longer than any one test may, so it must not happen inside one.
    asked = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    for fixture, tools in (("cluster", CONTROL_PLANE), ("helm", HELM)):
        if fixture in asked:
            build(tools)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster with Sluice's custom resources, as its administrator."""
    kubeconfig = os.environ.get(OTHER_CLUSTER)
    with ExternalCluster(Path(kubeconfig)) if kubeconfig else ControlPlane() as found:
        found.install_crds(REPOSITORY / "crds")
        yield found


@pytest.fixture(scope="session")
def helm() -> Path:
    """The program helm."""
    return build(HELM)["helm"]


@pytest.fixture(scope="session")
def control_plane(cluster: Cluster) -> ControlPlane:
    """The same cluster, whose servers may be stopped, paused and restarted."""
    if not isinstance(cluster, ControlPlane):
        pytest.skip(f"the cluster of {OTHER_CLUSTER} is not ours to stop")
    return cluster


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace of the test's own, whose custom resources are gone after the test.

    The namespace itself stays: no controller would finish its deletion.
    """
    name = cluster.namespace(f"test-{secrets.token_hex(4)}")
    yield name
    if found := cluster.sluice_kinds():
        cluster.kubectl("delete", ",".join(found), "--all", "--wait=false", f"--namespace={name}")


@pytest.fixture
def operator_kubeconfig(cluster: Cluster, namespace: str) -> Path:
    """The operator's own identity: a service account in `namespace` with the chart's RBAC."""
    cluster.apply(operator_rbac(namespace))
    return cluster.kubeconfig_for_service_account(namespace, OPERATOR)
