"""The little of ASGI that is needed: a body with a limit, and an answer in one go."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = [
    "Disconnected",
    "Header",
    "Message",
    "Receive",
    "Response",
    "Scope",
    "Send",
    "TooLarge",
    "read_body",
    "request_header",
    "send_response",
]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]

DISCARDED_BYTES_MAX: Final = 8 * 1024 * 1024
"""Most of a body that is too large that is read before its sender is cut off."""

_DIGITS_MAX: Final = 18
"""Digits of a Content-Length that is read as a number; the HTTP parser lets only digits through."""

_JSON: Final[tuple[Header, ...]] = (
    (b"content-type", b"application/json; charset=utf-8"),
    (b"cache-control", b"no-store"),
)


class Disconnected(Exception):  # noqa: N818 - named by what happened; there is nobody to answer
    """The phone is gone, or too slow to be waited for."""


class TooLarge(Exception):  # noqa: N818 - named by what happened
    """The body is larger than its route allows."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer that fits into memory."""

    status: int
    body: bytes
    headers: Sequence[Header] = ()
    """In place of those of a JSON answer, when there are any."""
    more_headers: Sequence[Header] = ()
    """Beside those."""


def request_header(scope: Scope, name: bytes) -> bytes | None:
    """Return the first header of that name (in lower case), or None."""
    for key, value in scope["headers"]:
        if key == name:
            found: bytes = value
            return found
    return None


async def read_body(scope: Scope, receive: Receive, bytes_max: int) -> bytes:
    """Return the whole body of a request.

    Raises:
        TooLarge: it is more than `bytes_max` bytes.
        Disconnected: it ends before its end.
    """
    told = request_header(scope, b"content-length")
    if told is not None and (len(told) > _DIGITS_MAX or int(told) > DISCARDED_BYTES_MAX):
        raise TooLarge
    message = await _part(receive)
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        if len(body) > bytes_max:
            raise TooLarge
        return body
    parts, size = [body], len(body)
    while message.get("more_body", False) and size <= DISCARDED_BYTES_MAX:
        message = await _part(receive)
        body = message.get("body", b"")
        size += len(body)
        # What is too large is read on and thrown away: closed on its sender while it sends, the
        # connection would be reset, and the answer that says why lost.
        parts = [*parts, body] if size <= bytes_max else []
    if size > bytes_max:
        raise TooLarge
    return b"".join(parts)


async def _part(receive: Receive) -> Mapping[str, Any]:
    message = await receive()
    if message["type"] != "http.request":
        raise Disconnected
    return message


async def send_response(send: Send, response: Response) -> None:
    """Send an answer that fits into memory."""
    headers = [
        *(response.headers or _JSON),
        *response.more_headers,
        (b"content-length", str(len(response.body)).encode()),
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
