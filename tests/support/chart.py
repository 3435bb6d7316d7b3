"""What the chart grants, for tests and the demo that install it without helm."""

from pathlib import Path
from typing import Any

import yaml

__all__ = ["CHART", "OPERATOR", "operator_rbac", "rules"]

CHART = Path(__file__).resolve().parent.parent.parent / "charts" / "sluice"

OPERATOR = "sluice-operator"
"""The operator's service account, its roles, its bindings and its Lease."""

RBAC = "rbac.authorization.k8s.io"


def rules(role: str) -> list[dict[str, Any]]:
    """Return the rules of a role, such as `operator-cluster-role`, as the chart installs them."""
    loaded: list[dict[str, Any]] = yaml.safe_load((CHART / "files" / f"{role}.yaml").read_text())[
        "rules"
    ]
    return loaded


def operator_rbac(namespace: str) -> list[dict[str, Any]]:
    """Return the operator's service account and all that it may do, as manifests.

    These are the very objects that the chart renders (a test compares them), but for labels.
    """
    cluster_wide = f"{OPERATOR}-{namespace}"
    return [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": OPERATOR, "namespace": namespace},
            "automountServiceAccountToken": False,
        },
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": cluster_wide},
            "rules": rules("operator-cluster-role"),
        },
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": cluster_wide},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": cluster_wide},
            "subjects": [_operator(namespace)],
        },
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "Role",
            "metadata": {"name": OPERATOR, "namespace": namespace},
            "rules": rules("operator-role"),
        },
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": OPERATOR, "namespace": namespace},
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": OPERATOR},
            "subjects": [_operator(namespace)],
        },
    ]


def _operator(namespace: str) -> dict[str, str]:
    return {"kind": "ServiceAccount", "name": OPERATOR, "namespace": namespace}
