"""Connections that cannot be held open for nothing.

uvicorn's protocol has no limit on how long or how large a request's head may be, nor on how slowly
a body comes in. Here a request has to be complete within `REQUEST_SECONDS_MAX` of its first byte,
and a connection that was just made sends that byte as soon.
"""

import asyncio
import json
from typing import Any, Final

import uvicorn
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["BoundedHttp", "configured"]

REQUEST_SECONDS_MAX: Final = 20.0
"""As long as the plugin waits for an answer; what takes longer to ask is not asked in earnest."""

HEAD_BYTES_MAX: Final = 32 * 1024
"""Largest head; the plugin's, with all in the query of a GET, has 1 KB, and proxies add some."""

CONNECTIONS_MAX: Final = 8_192
"""Connections of one server; each takes some 20 KB."""

KEEP_ALIVE_SECONDS: Final = 15
"""How long an idle connection is kept: a phone asks and reports within seconds, then for hours not
at all."""

FINISH_SECONDS: Final = 20
"""How long requests and downloads may go on after the last one was taken; Kubernetes kills after
30 s."""


def configured(app: Any, host: str, port: int) -> uvicorn.Config:
    """Return how uvicorn is to serve `app`, the device server's ASGI application.

    Args:
        app: the application.
        host: name or address to listen on.
        port: 0 takes a free one.
    """
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=BoundedHttp,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        backlog=4096,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=FINISH_SECONDS,
    )


class BoundedHttp(HttpToolsProtocol):
    """HTTP/1.1 on one connection, with limits."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None
        self._in_head = True
        self._in_request = False
        self._head_bytes = 0

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_MAX:
            transport.close()
            return
        self._set_deadline()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._clear_deadline()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._in_request:
            return
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX:
                self.send_400_response("The head of the request is too large.")
                return
        if self._deadline is None:
            self._set_deadline()

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_request = self._in_head = True
        self._head_bytes = 0

    @override
    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    @override
    def on_message_complete(self) -> None:
        self._in_request = False
        self._clear_deadline()
        super().on_message_complete()

    @override
    def send_400_response(self, msg: str) -> None:
        # As the protocol's other errors, for whoever sends something that is no HTTP.
        body = json.dumps({"error": "invalid_request", "message": msg}).encode()
        self.transport.write(
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json; charset=utf-8\r\n"
            b"connection: close\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
        )
        self.transport.close()

    def _set_deadline(self) -> None:
        self._deadline = self.loop.call_later(REQUEST_SECONDS_MAX, self._give_up)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.close()
