"""Looks at what Sluice shows in a cluster, and waits for it."""

from typing import Any

from support.cluster import Cluster
from support.installation import wait_until

__all__ = ["QUICK", "Watcher"]

QUICK = {
    "steps": [
        {"share": "50%", "hold": "0s", "minDevices": 0},
        {"share": "100%", "hold": "0s", "minDevices": 0},
    ]
}
"""A rollout that waits for nothing."""


class Watcher:
    """Looks at one channel."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster = cluster
        self._namespace = namespace

    def status(self, kind: str = "channel", name: str = "production") -> dict[str, Any]:
        """Return the status of an object."""
        found = self._cluster.get(kind, name, f"--namespace={self._namespace}")
        return dict(found.get("status") or {})

    def ready(self, kind: str = "channel", name: str = "production") -> dict[str, Any]:
        """Return the Ready condition of an object, or nothing."""
        conditions = self.status(kind, name).get("conditions", [])
        return next((each for each in conditions if each["type"] == "Ready"), {})

    def until(
        self, reason: str, kind: str = "channel", name: str = "production", seconds: float = 60
    ) -> dict[str, Any]:
        """Wait until an object's Ready condition has a reason, and return its status."""
        wait_until(
            lambda: self.ready(kind, name).get("reason") == reason,
            f"{kind} {name} says {reason}",
            seconds,
        )
        return self.status(kind, name)
