"""Events of the API server, by kopf: it lists, watches, and comes back after every interruption.

kopf is used as an event source and nothing else: one `on.event` handler a kind, which only puts the
object into the cache. No change handlers (they keep their state in annotations that any git author
can forge, and lose a result on one 409), no peering (a fake peer object pauses it), no `kopf.index`
(it keeps ghosts after a 410), no posting of events, no scanning for CRDs.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import kopf

from sluice.errors import Unavailable
from sluice.operator.cluster import load_access
from sluice.resources.kinds import GROUP, KINDS, VERSION

__all__ = ["watch"]


class Take(Protocol):
    """Takes in one event."""

    def __call__(self, kind: str, body: Mapping[str, Any], *, deleted: bool) -> None:
        """Take in that an object is so now, or is gone."""


SERVER_SECONDS: Final = 300
INACTIVITY_SECONDS: Final = 70
"""The API server sends a bookmark every minute: a watch that is silent for longer is dead."""

CONNECT_SECONDS, REQUEST_SECONDS = 10, 30
ERROR_BACKOFFS: Final = (1, 2, 3, 5, 8, 13, 21, 34)
"""Longer in all than an API server takes to be upgraded; after that the process ends, and starts
afresh."""


async def watch(take: Take, kubeconfig: Path | None, stop: asyncio.Event) -> None:
    """Watch all kinds in all namespaces until `stop` is set.

    Raises:
        Unavailable: kopf gave up: the process should end too, and start again.
    """
    registry = kopf.OperatorRegistry()
    for kind in KINDS.values():
        _handle(registry, kind.name, kind.plural, take)

    @kopf.on.login(registry=registry)
    async def _login(**_: Any) -> kopf.ConnectionInfo:
        access = await load_access(kubeconfig)
        return kopf.ConnectionInfo(
            server=access.host,
            ca_path=access.ssl_ca_cert,
            insecure=not access.verify_ssl,
            certificate_path=access.cert_file,
            private_key_path=access.key_file,
            token=access.api_key.get("BearerToken", "").partition(" ")[2] or None,
        )

    try:
        await kopf.operator(
            registry=registry,
            settings=_settings(),
            clusterwide=True,
            standalone=True,
            stop_flag=stop,
        )
    except Exception as error:  # whatever ends kopf for good, we end, too, and start afresh
        message = f"Watching ended ({type(error).__name__}): are all CRDs installed?"
        raise Unavailable("WatchFailed", message) from error


def _handle(registry: kopf.OperatorRegistry, kind: str, plural: str, take: Take) -> None:
    @kopf.on.event(GROUP, VERSION, plural, id=f"see-{plural}", registry=registry)
    def _see(type: str | None, body: kopf.Body, **_: Any) -> None:  # noqa: A002 - kopf's word
        take(kind, dict(body), deleted=type == "DELETED")


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.watching.server_timeout = SERVER_SECONDS
    settings.watching.inactivity_timeout = INACTIVITY_SECONDS
    settings.networking.connect_timeout = CONNECT_SECONDS
    settings.networking.request_timeout = REQUEST_SECONDS
    settings.networking.error_backoffs = ERROR_BACKOFFS
    settings.networking.enforce_retry_after = True
    settings.queueing.idle_timeout = 1
    settings.persistence.finalizer = f"{GROUP}/finalizer"
    settings.process.ultimate_exiting_timeout = 20
    return settings
