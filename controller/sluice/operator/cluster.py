"""The API server, as far as Sluice speaks to it: list, patch a status, hold a Lease.

Watching is kopf's part (see `watch`). Every request has a time limit, and every failure comes out
as one of ours: `Unavailable` (try again) or its kind `MovedError` (the object is not what we looked
at: look again).
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
from kubernetes.aio import client, config

from sluice.errors import Unavailable
from sluice.resources.kinds import GROUP, KINDS, VERSION, Key

__all__ = ["Cluster", "MovedError", "connect", "load_access"]

REQUEST_SECONDS_MAX: Final = 30.0
"""An API server that accepts and does not answer is given up after this."""

PAGE_OBJECTS: Final = 500
"""Objects a page of a list: a page of the largest Releases stays within some tens of MB."""

OK, NOT_FOUND, CONFLICT, INVALID = 300, 404, 409, 422
"""HTTP statuses; INVALID is also how a JSON patch says that its `test` did not hold."""

ERROR_CHARACTERS_MAX: Final = 300


Object = Mapping[str, Any]
"""An object of the API, as JSON."""


class MovedError(Unavailable):
    """The object has changed, or is gone: look again before writing."""


class Cluster:
    """One API server, spoken to as one identity."""

    def __init__(self, api: client.ApiClient) -> None:
        self._api = api

    async def objects(self, kind: str) -> list[Object]:
        """Return every object of a kind, in all namespaces, as of one moment.

        Raises:
            Unavailable: the API server did not answer, or not in time.
        """
        path = f"/apis/{GROUP}/{VERSION}/{KINDS[kind].plural}"
        found: list[Object] = []
        following = ""
        while True:
            query = [("limit", str(PAGE_OBJECTS))]
            if following:
                query.append(("continue", following))
            page = await self._request("GET", path, query=query)
            found += page["items"]
            following = page["metadata"].get("continue", "")
            if not following:
                return found

    async def show(
        self, key: Key, uid: str, resource_version: str, status: Mapping[str, Any]
    ) -> Object:
        """Replace an object's status, if it is still the object that we looked at.

        Returns:
            The object after the write.

        Raises:
            MovedError: it was changed, deleted, or deleted and made again.
            Unavailable: the API server did not answer.
        """
        patch = [
            {"op": "test", "path": "/metadata/uid", "value": uid},
            {"op": "test", "path": "/metadata/resourceVersion", "value": resource_version},
            {"op": "add", "path": "/status", "value": status},
        ]
        path = f"{_path(key)}/status"
        return await self._request("PATCH", path, body=patch, content="application/json-patch+json")

    async def lease(self, namespace: str, name: str) -> Object | None:
        """Return a Lease, or None when there is none."""
        try:
            return await self._request("GET", f"{_leases(namespace)}/{name}")
        except MovedError:
            return None

    async def write_lease(self, namespace: str, lease: Object) -> Object:
        """Create a Lease, or update it when it has a resourceVersion.

        Raises:
            MovedError: somebody else was faster.
        """
        meta = lease["metadata"]
        if "resourceVersion" in meta:
            return await self._request("PUT", f"{_leases(namespace)}/{meta['name']}", body=lease)
        return await self._request("POST", _leases(namespace), body=lease)

    async def _request(
        self,
        method: str,
        path: str,
        *,
        query: list[tuple[str, str]] | None = None,
        body: Any = None,
        content: str = "application/json",
    ) -> Object:
        headers = {"Accept": "application/json", "Content-Type": content}
        try:
            call = await self._api.param_serialize(
                method,
                path,
                query_params=query or [],
                header_params=headers,
                body=body,
                auth_settings=["BearerToken"],
            )
            answer = await self._api.call_api(*call, _request_timeout=REQUEST_SECONDS_MAX)
            data = await answer.read()  # type: ignore[no-untyped-call]  # the library has no types
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            message = f"The API server did not answer ({type(error).__name__})."
            raise Unavailable("ApiUnavailable", message) from error
        if answer.status < OK:
            found: Object = json.loads(data)
            return found
        said = ascii(data[:ERROR_CHARACTERS_MAX].decode(errors="replace"))
        message = f"{method} {path} was answered with {answer.status}: {said}"
        if answer.status in (NOT_FOUND, CONFLICT, INVALID):
            raise MovedError("Moved", message)
        raise Unavailable("ApiRefused", message)


def _path(key: Key) -> str:
    plural = KINDS[key.kind].plural
    where = f"namespaces/{key.namespace}/" if key.namespace else ""
    return f"/apis/{GROUP}/{VERSION}/{where}{plural}/{key.name}"


def _leases(namespace: str) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"


async def load_access(kubeconfig: Path | None) -> client.Configuration:
    """Return how to reach the API server: as a kubeconfig says, or as this Pod may.

    Raises:
        Unavailable: the configuration can't be read.
    """
    access = client.Configuration()
    try:
        if kubeconfig is None:
            config.load_incluster_config(  # type: ignore[no-untyped-call]  # no types
                client_configuration=access
            )
        else:
            await config.load_kube_config(  # type: ignore[no-untyped-call]  # no types
                str(kubeconfig), client_configuration=access, persist_config=False
            )
    except (config.ConfigException, OSError) as error:
        raise Unavailable("NoKubeconfig", f"Can't read how to reach a cluster: {error}") from error
    return access


@asynccontextmanager
async def connect(kubeconfig: Path | None) -> AsyncIterator[Cluster]:
    """Connect to the API server (see `load_access`)."""
    async with client.ApiClient(await load_access(kubeconfig)) as api:
        yield Cluster(api)
