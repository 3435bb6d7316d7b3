"""The device server: a bare ASGI application, because an update check is asked for very often.

 POST /updates            what is this phone to run?
 POST /stats              what happened on it
 POST, PUT, DELETE, GET /channel_self
 GET, HEAD /files/DIGEST.zip
 GET /healthz /livez      this process answers
 GET /readyz              it knows what is served, and is not going away
 GET /metrics

It can say yes to nothing: it looks up what the operator sealed. There is always an answer, and no
part of a request is ever logged.
"""

import logging
import random
import re
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from sluice.errors import Unavailable
from sluice.server.device import capgo
from sluice.server.device.asgi import (
    Disconnected,
    Message,
    Receive,
    Response,
    Scope,
    Send,
    TooLarge,
    read_body,
    send_response,
)
from sluice.server.device.bundles import Bundles
from sluice.server.device.channels import Channels
from sluice.server.device.metrics import Metrics
from sluice.server.device.reports import Recorder, read_events
from sluice.server.device.table import LiveTable
from sluice.serving.classify import sighting
from sluice.serving.device import Device
from sluice.serving.select import Answer, NoUpdate, select
from sluice.serving.table import ServingTable

__all__ = ["DeviceServer"]

UPDATE_BYTES_MAX: Final = 64 * 1024
"""Largest body about one phone; the plugin's has some 500 bytes."""

STATS_BYTES_MAX: Final = 1024 * 1024
"""Largest body of reports: the plugin keeps 200 events at most, of some 500 bytes each without
metadata."""

IN_FLIGHT_MAX: Final = 2_000
"""Requests at once, but for downloads. One takes some 0.1 ms, or waits some 10 ms for the disk."""

RETRY_AFTER_SECONDS_MAX: Final = 30.0
"""Phones that are told to come again do so evenly spread over this time, so that they do not all
come at the same moment again."""

_BUNDLE: Final = re.compile(r"/files/([0-9a-f]{64})\.zip")
_OK: Final = 200
_NOT_FOUND: Final = capgo.error_response(404, "not_found", "Not found")
_TEXT: Final = ((b"content-type", b"text/plain; version=0.0.4; charset=utf-8"),)

_logger = logging.getLogger(__name__)


class DeviceServer:
    """The ASGI application.

    Args:
        table: what is served.
        recorder: where phones' reports go.
        channels: where their choices of a channel go.
        bundles: where bundles are.
        metrics: counters.
        public_url: where phones reach this server, without a slash at the end.
    """

    def __init__(
        self,
        *,
        table: LiveTable,
        recorder: Recorder,
        channels: Channels,
        bundles: Bundles,
        metrics: Metrics,
        public_url: str,
    ) -> None:
        self._table = table
        self._recorder = recorder
        self._channels = channels
        self._bundles = bundles
        self._metrics = metrics
        self._public_url = public_url
        self.draining = False
        """Whether this process is about to end: it still answers, but wants no new phones."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        bundle = _BUNDLE.fullmatch(path) if path.startswith("/files/") else None
        if bundle is not None and scope["method"] in {"GET", "HEAD"}:
            await self._send_bundle(bundle[1], scope, send)
            return
        self._metrics.in_flight += 1
        try:
            response = await self._answer(path, scope, receive)
        except Disconnected:
            return
        finally:
            self._metrics.in_flight -= 1
        self._metrics.requests[path if path in _ROUTES else "other", response.status] += 1
        await send_response(send, response)

    async def _answer(self, path: str, scope: Scope, receive: Receive) -> Response:
        methods = _ROUTES.get(path)
        if methods is None:
            return _NOT_FOUND
        handler = methods.get(scope["method"])
        if handler is None:
            return _not_allowed(methods)
        if self._metrics.in_flight > IN_FLIGHT_MAX:
            return self._come_again("InFlight")
        try:
            return await handler(self, scope, receive)
        except capgo.ProtocolError as error:
            return capgo.error_response(error.status, error.error, error.message)
        except TooLarge:
            response = capgo.error_response(413, "body_too_large", "The body is too large")
            return Response(413, response.body, more_headers=((b"connection", b"close"),))
        except Unavailable as error:
            return self._come_again(error.reason)
        except Disconnected:
            raise
        except Exception as error:  # noqa: BLE001 - a phone is answered whatever happens
            return self._crashed(error)

    async def _send_bundle(self, digest: str, scope: Scope, send: Send) -> None:
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            status = await self._bundles.serve(digest, scope, sending)
        except Exception as error:  # noqa: BLE001 - a phone is answered whatever happens
            response = self._crashed(error)
            status = response.status
            if not begun:
                await send_response(send, response)
        self._metrics.requests["/files", status] += 1

    async def updates(self, scope: Scope, receive: Receive) -> Response:
        """POST /updates."""
        device = capgo.update_request_of(await read_body(scope, receive, UPDATE_BYTES_MAX))
        table = self._served()
        answer = await self._recorded(table, device)
        kind = answer.reason if isinstance(answer, NoUpdate) else type(answer).__name__
        self._metrics.answers[kind] += 1
        return capgo.answer_response(answer, device, self._public_url)

    async def _recorded(self, table: ServingTable, device: Device) -> Answer:
        """Return what the phone gets, once it is on disk that it gets it.

        While the database does not answer, nobody new is offered a candidate, for nobody would know
        whom it may have harmed; what is stable is served on.
        """
        answer = select(table, device)
        seen = sighting(answer, device)
        if seen is None:
            return answer
        try:
            await self._recorder.saw(seen)
        except Unavailable as error:
            if error.reason in {"Overloaded", "Closing"}:
                raise
            self._metrics.unrecorded += 1
            return select(table, device, candidates=False)
        return answer

    async def stats(self, scope: Scope, receive: Receive) -> Response:
        """POST /stats."""
        body = await read_body(scope, receive, STATS_BYTES_MAX)
        items, response = read_events(self._served(), body)
        await self._recorder.write(items)
        return response

    async def choose_channel(self, scope: Scope, receive: Receive) -> Response:
        """POST /channel_self."""
        body = await read_body(scope, receive, UPDATE_BYTES_MAX)
        request, device = capgo.channel_request_of(body)
        return await self._channels.choose(self._serving(device), request, device)

    async def tell_channel(self, scope: Scope, receive: Receive) -> Response:
        """PUT /channel_self."""
        body = await read_body(scope, receive, UPDATE_BYTES_MAX)
        request, device = capgo.channel_request_of(body)
        return self._channels.tell(self._serving(device), request, device)

    async def leave_channel(self, scope: Scope, _receive: Receive) -> Response:
        """DELETE /channel_self."""
        _, device = capgo.channel_request_of_query(scope["query_string"], of_device=True)
        return await self._channels.leave(self._serving(device), device)

    async def list_channels(self, scope: Scope, _receive: Receive) -> Response:
        """GET /channel_self."""
        request, device = capgo.channel_request_of_query(scope["query_string"], of_device=False)
        return self._channels.answer_get(self._serving(device), request, device)

    async def alive(self, _scope: Scope, _receive: Receive) -> Response:
        """GET /healthz and /livez."""
        return Response(_OK, b"ok\n", _TEXT)

    async def ready(self, _scope: Scope, _receive: Receive) -> Response:
        """GET /readyz."""
        if self.draining:
            return Response(503, b"draining\n", _TEXT)
        if self._table.current is None:
            return Response(503, b"the store has not answered yet\n", _TEXT)
        return Response(_OK, b"ok\n", _TEXT)

    async def metrics(self, _scope: Scope, _receive: Receive) -> Response:
        """GET /metrics."""
        return Response(_OK, self._metrics.text().encode(), _TEXT)

    def _served(self) -> ServingTable:
        """Return what is served.

        Raises:
            Unavailable: nothing is known of it yet.
        """
        if self._table.current is None:
            raise Unavailable("NotReady", "The store has not answered yet.")
        return self._table.current

    def _serving(self, device: Device) -> ServingTable:
        """Return what is served, for an app that is.

        Raises:
            ProtocolError: the app is not served here.
            Unavailable: nothing is known of it yet.
        """
        table = self._served()
        if device.app_id not in table.channels:
            raise capgo.unknown_app()
        return table

    def _come_again(self, reason: str) -> Response:
        """Return the answer of a server that cannot do it now.

        429, because plugins honour its Retry-After, in seconds, and repeat a 5xx each second.
        """
        self._metrics.shed[reason] += 1
        # Full jitter: who came together shall not come back together.
        seconds = 1 + random.random() * RETRY_AFTER_SECONDS_MAX  # noqa: S311 - no secret
        response = capgo.error_response(429, "overloaded", "Too many requests; come again later")
        after = (b"retry-after", str(int(seconds)).encode())
        return Response(429, response.body, more_headers=(after,))

    def _crashed(self, error: Exception) -> Response:
        self._metrics.crashes += 1
        # Where, but not what: the text of an error may hold what the phone sent.
        place = traceback.extract_tb(error.__traceback__)[-1]
        _logger.error(
            "a request failed: %s at %s:%s", type(error).__name__, place.name, place.lineno
        )
        return capgo.error_response(500, "internal_error", "The server failed; it is not the phone")


_Handler = Callable[[DeviceServer, Scope, Receive], Awaitable[Response]]

_ROUTES: Final[Mapping[str, Mapping[str, _Handler]]] = {
    "/updates": {"POST": DeviceServer.updates},
    "/stats": {"POST": DeviceServer.stats},
    "/channel_self": {
        "POST": DeviceServer.choose_channel,
        "PUT": DeviceServer.tell_channel,
        "DELETE": DeviceServer.leave_channel,
        "GET": DeviceServer.list_channels,
    },
    "/healthz": {"GET": DeviceServer.alive, "HEAD": DeviceServer.alive},
    "/livez": {"GET": DeviceServer.alive, "HEAD": DeviceServer.alive},
    "/readyz": {"GET": DeviceServer.ready, "HEAD": DeviceServer.ready},
    "/metrics": {"GET": DeviceServer.metrics},
}


def _not_allowed(methods: Mapping[str, _Handler]) -> Response:
    response = capgo.error_response(405, "method_not_allowed", "Method not allowed")
    allowed = (b"allow", ", ".join(methods).encode())
    return Response(405, response.body, more_headers=(allowed,))
