"""Which keys want a lap when one object has changed."""

from collections.abc import Iterator

from sluice.operator.cache import Cache
from sluice.resources.app import AppSpec
from sluice.resources.approval import ApprovalSpec
from sluice.resources.channel import ChannelSpec
from sluice.resources.kinds import Key, Resource
from sluice.resources.release import ReleaseSpec

__all__ = ["related", "release_of"]

POLICY_KINDS = ("ReleasePolicy", "ClusterReleasePolicy")


def related(cache: Cache, key: Key) -> set[Key]:
    """Return the key itself and everything whose observation reads it."""
    return {key, *_readers(cache, key)}


def _readers(cache: Cache, key: Key) -> Iterator[Key]:
    match key.kind:
        case "App":
            # Another App may be waiting for the appId that this one has given up.
            yield from (each.key for each in cache.of_kind("App"))
            yield from _channels(cache, key.namespace, app=key.name)
        case "Release":
            yield from _channels(cache, key.namespace, release=key.name)
            yield from _approvals(cache, key.namespace, key.name)
            # A revoked release is taken away wherever it is served, whoever points at it now.
            app = _app_of(cache.get(key))
            if app is not None:
                yield from _channels(cache, key.namespace, app=app)
        case "Approval":
            resource = cache.get(key)
            if resource and isinstance(resource.spec, ApprovalSpec):
                yield from _channels(cache, key.namespace, release=resource.spec.release)
            else:
                yield from _channels(cache, key.namespace)
        case "Channel":
            yield from release_of(cache, key)
            yield from _policies(cache)
        case "ReleasePolicy":
            yield from _channels(cache, key.namespace)
            yield from (each.key for each in cache.of_kind("Approval", key.namespace))
        case "ClusterReleasePolicy":
            yield from (each.key for each in cache.of_kind("Channel"))
            yield from (each.key for each in cache.of_kind("Approval"))
        case _:
            return


def release_of(cache: Cache, key: Key) -> Iterator[Key]:
    """Yield the key of the Release that a channel names, if it names one."""
    resource = cache.get(key)
    if resource and isinstance(resource.spec, ChannelSpec) and resource.spec.release:
        yield Key("Release", key.namespace, resource.spec.release)


def _channels(
    cache: Cache, namespace: str, *, app: str | None = None, release: str | None = None
) -> Iterator[Key]:
    for each in cache.of_kind("Channel", namespace):
        spec = each.spec
        if not isinstance(spec, ChannelSpec) or (
            app in (None, spec.app) and release in (None, spec.release)
        ):
            yield each.key


def _approvals(cache: Cache, namespace: str, release: str) -> Iterator[Key]:
    for each in cache.of_kind("Approval", namespace):
        if isinstance(each.spec, ApprovalSpec) and each.spec.release == release:
            yield each.key


def _policies(cache: Cache) -> Iterator[Key]:
    for kind in POLICY_KINDS:
        yield from (each.key for each in cache.of_kind(kind))


def _app_of(resource: Resource | None) -> str | None:
    spec = resource.spec if resource else None
    if isinstance(spec, ReleaseSpec | ChannelSpec):
        return spec.app
    return spec.app_id if isinstance(spec, AppSpec) else None
