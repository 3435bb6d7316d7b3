"""The admission webhook over HTTPS: reads a review, has it answered, writes the review back."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Generator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import uvicorn
from typing_extensions import override

from sluice.errors import Unavailable
from sluice.operator.admission import Admission, Answer, response

__all__ = ["WebhookSettings", "application", "serve_webhook"]

LOG: Final = logging.getLogger("sluice.admission")

PATH: Final = "/validate"

REVIEW_BYTES_MAX: Final = 8 * 1024 * 1024
"""Largest review: an object and its old state, 1.5 MiB each, and what stands around them."""

AT_ONCE_MAX: Final = 4
"""Reviews answered at the same time: more wait, so that the operator's own work goes on."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """Where and as whom the webhook answers."""

    host: str
    port: int
    certificate: Path
    """Certificate chain (PEM) that the API server trusts for the Service's name."""
    key: Path
    """Its private key (PEM)."""


def application(admission: Admission) -> Application:
    """Return the ASGI application."""
    places = asyncio.Semaphore(AT_ONCE_MAX)

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["method"] != "POST" or scope["path"] != PATH:
            await _send(send, 404, {"error": f"POST an AdmissionReview to {PATH}"})
            return
        async with places:
            request = _request(await _body(receive))
            if request is None:
                await _send(send, 400, {"error": "this is no AdmissionReview v1"})
                return
            await _send(send, 200, response(request, await _answer(admission, request)))

    return app


class _Server(uvicorn.Server):
    """A server inside a process that has its own signal handling."""

    @contextmanager
    @override
    def capture_signals(self) -> Generator[None]:
        yield


async def serve_webhook(settings: WebhookSettings, admission: Admission) -> None:
    """Answer until cancelled.

    Raises:
        Unavailable: `WebhookFailed`: it can't listen, or ended by itself.
    """
    try:
        server = _Server(
            uvicorn.Config(
                application(admission),
                host=settings.host,
                port=settings.port,
                ssl_certfile=str(settings.certificate),
                ssl_keyfile=str(settings.key),
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                limit_concurrency=AT_ONCE_MAX * 16,
            )
        )
        await server.serve()
    except (OSError, SystemExit) as error:
        message = f"The admission webhook can't answer on {settings.host}:{settings.port}."
        raise Unavailable("WebhookFailed", message) from error
    raise Unavailable("WebhookFailed", "The admission webhook ended; the process starts again.")


async def _answer(admission: Admission, request: Mapping[str, Any]) -> Answer:
    try:
        return await admission.answer(request)
    except Exception:
        # A fault of ours must not keep anybody from applying: the operator decides anyway.
        LOG.exception("admission failed")
        return Answer(
            allowed=True, warnings=("Sluice could not judge this; its status will tell.",)
        )


async def _body(receive: Receive) -> bytes | None:
    """Return a request's body, or None when it is too large or does not arrive whole."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        part = message.get("body", b"")
        size += len(part)
        if size > REVIEW_BYTES_MAX:
            return None
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _request(body: bytes | None) -> Mapping[str, Any] | None:
    try:
        review = json.loads(body) if body is not None else None
    except (ValueError, RecursionError):
        return None
    request = review.get("request") if isinstance(review, dict) else None
    return request if isinstance(request, dict) else None


async def _send(send: Send, status: int, value: Mapping[str, Any]) -> None:
    body = json.dumps(value).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
