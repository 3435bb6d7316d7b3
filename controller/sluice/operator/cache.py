"""What the API server holds, as last seen: fed by events, and replaced whole by a list.

A watch may lose an event, and a delete may hide behind a 410. So a list is taken every minute and
replaces the kind: what is not in it is gone, whether anybody said so or not.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sluice.resources.kinds import KINDS, Key, Resource, parse_resource

__all__ = ["Cache", "key_of"]


def key_of(kind: str, body: Mapping[str, Any]) -> Key:
    """Return the key of an API object."""
    meta = body["metadata"]
    namespace = meta.get("namespace", "") if KINDS[kind].namespaced else ""
    return Key(kind, namespace, meta["name"])


class Cache:
    """Resources by kind and namespace. What changes it returns the keys that changed."""

    def __init__(self) -> None:
        self._kinds: dict[str, dict[str, dict[Key, Resource]]] = {kind: {} for kind in KINDS}
        self._touched: dict[str, set[Key]] = {kind: set() for kind in KINDS}

    def get(self, key: Key) -> Resource | None:
        """Return a resource, or None when it is not there."""
        return self._kinds[key.kind].get(key.namespace, {}).get(key)

    def of_kind(self, kind: str, namespace: str | None = None) -> Iterator[Resource]:
        """Yield the resources of a kind, in one namespace or in all, in the order of names."""
        spaces = self._kinds[kind]
        for name in sorted(spaces) if namespace is None else (namespace,):
            for _, resource in sorted(spaces.get(name, {}).items()):
                yield resource

    def is_echo(self, kind: str, body: Mapping[str, Any]) -> bool:
        """Return whether an object is told as it was before what is known of it already.

        Events of our own status writes come back late. Versions of one kind are comparable numbers
        (Kubernetes API concepts, "resource versions").
        """
        known = self.get(key_of(kind, body))
        meta = body["metadata"]
        if known is None or known.uid != meta.get("uid"):
            return False
        told, seen = meta.get("resourceVersion", ""), known.resource_version
        return told.isdigit() and seen.isdigit() and int(told) < int(seen)

    def apply(self, kind: str, body: Mapping[str, Any], *, deleted: bool) -> set[Key]:
        """Take in one event."""
        resource = parse_resource(kind, body)
        known = self.get(resource.key)
        self._touched[kind].add(resource.key)
        if deleted:
            if known is None or known.uid != resource.uid:
                return set()
            del self._kinds[kind][resource.key.namespace][resource.key]
            return {resource.key}
        self._put(self._kinds[kind], resource)
        return set() if known is not None and _same(known, resource) else {resource.key}

    def begin_list(self, kind: str) -> None:
        """Say that a list is being asked for: events from here on are newer than its answer."""
        self._touched[kind].clear()

    def replace(self, kind: str, bodies: Iterable[Mapping[str, Any]]) -> set[Key]:
        """Take in a whole list of one kind, but for what events have changed meanwhile."""
        before = {each.key: each for each in self.of_kind(kind)}
        after = {each.key: each for each in (parse_resource(kind, body) for body in bodies)}
        for key in self._touched[kind]:
            after.pop(key, None)
            if key in before:
                after[key] = before[key]
        spaces: dict[str, dict[Key, Resource]] = {}
        for resource in after.values():
            self._put(spaces, resource)
        self._kinds[kind] = spaces
        return {
            key
            for key in before.keys() | after.keys()
            if key not in before or key not in after or not _same(before[key], after[key])
        }

    def written(self, key: Key, body: Mapping[str, Any]) -> None:
        """Take in an object as our own status write left it, so that the next write fits."""
        resource = parse_resource(key.kind, body)
        known = self.get(key)
        if known is not None and known.uid == resource.uid:
            self._put(self._kinds[key.kind], resource)

    def over(self, resource: Resource) -> "Cache":
        """Return the cache as it would be with one more object, or with another state of one.

        Everything else is shared, not copied: use it at once, and only to look.
        """
        view = Cache()
        view._kinds = {kind: dict(spaces) for kind, spaces in self._kinds.items()}
        spaces = view._kinds[resource.key.kind]
        spaces[resource.key.namespace] = dict(spaces.get(resource.key.namespace, {}))
        self._put(spaces, resource)
        return view

    @staticmethod
    def _put(spaces: dict[str, dict[Key, Resource]], resource: Resource) -> None:
        spaces.setdefault(resource.key.namespace, {})[resource.key] = resource


def _same(one: Resource, other: Resource) -> bool:
    """Return whether two states of an object ask for the same; only the spec does the asking."""
    return one.uid == other.uid and one.generation == other.generation and one.spec == other.spec
