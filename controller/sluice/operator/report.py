"""Status out: one writer, which writes only what changed and only onto the object it looked at.

The last status shown is remembered here, from our own writes and from events; it is never read to
decide anything, only to leave an unchanged status alone and to carry on `lastTransitionTime`.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from sluice.operator.cache import Cache
from sluice.operator.cluster import Cluster
from sluice.resources.conditions import carry_over
from sluice.resources.kinds import Key, Resource
from sluice.resources.status import Condition, Status

__all__ = ["Reporter"]


class Reporter:
    """Writes statuses."""

    def __init__(self, cluster: Cluster, cache: Cache) -> None:
        self._cluster = cluster
        self._cache = cache
        self._shown: dict[Key, tuple[str, Mapping[str, Any]]] = {}

    def saw(self, key: Key, body: Mapping[str, Any]) -> bool:
        """Remember the status that an object shows now; return whether it is another one."""
        shown = (body["metadata"].get("uid", ""), body.get("status") or {})
        changed = self._shown.get(key) != shown
        self._shown[key] = shown
        return changed

    def forget(self, key: Key) -> None:
        """Forget an object that is gone."""
        self._shown.pop(key, None)

    async def report(self, resource: Resource, status: Status, now: datetime) -> bool:
        """Show a status, unless it is what the object shows already.

        Returns:
            Whether it was written.

        Raises:
            MovedError: the object has changed meanwhile: look again.
            Unavailable: the API server did not answer.
        """
        uid, shown = self._shown.get(resource.key, ("", {}))
        if uid != resource.uid:
            shown = {}
        dated = carry_over(_conditions(shown), status.conditions, now)
        wanted = status.model_copy(update={"conditions": dated}).model_dump(
            mode="json", by_alias=True, exclude_none=True
        )
        if wanted == shown:
            return False
        body = await self._cluster.show(
            resource.key, resource.uid, resource.resource_version, wanted
        )
        self._cache.written(resource.key, body)
        self.saw(resource.key, body)
        return True


def _conditions(shown: Mapping[str, Any]) -> tuple[Condition, ...]:
    """Return the conditions that are shown; whatever does not look like ours is left out."""
    found = []
    for each in shown.get("conditions", ()):
        try:
            found.append(Condition.model_validate_json(json.dumps(each)))
        except ValidationError:
            continue
    return tuple(found)
