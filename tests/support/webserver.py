"""A web server that says exactly what a test tells it to, byte by byte, and counts its callers."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from support.certificates import KeyPair

__all__ = ["Talk", "Web", "answer", "one_by_one", "web_server"]

Talk = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]
"""What is said to a request; the connection is closed when it returns."""


@dataclass
class Web:
    """A server that runs."""

    port: int
    talk: Talk
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)

    def url(self, path: str = "/", *, scheme: str = "http", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


def answer(body: bytes = b"", status: str = "200 OK", **headers: str) -> Talk:
    """Answer at once with a whole response; `content_length=...` and the like are its headers."""
    fields = {"Content-Length": str(len(body)), "Connection": "close"}
    fields |= {name.replace("_", "-").title(): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())

    async def talk(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body)
        await writer.drain()

    return talk


def one_by_one(*talks: Talk) -> Talk:
    """Say one thing to the first caller, and another one to the next."""
    left = iter(talks)

    async def talk(request: bytes, writer: asyncio.StreamWriter) -> None:
        await next(left)(request, writer)

    return talk


@asynccontextmanager
async def web_server(talk: Talk, pair: KeyPair | None = None) -> AsyncIterator[Web]:
    """Run a server on a free port of 127.0.0.1 until the block ends; with a key pair, by TLS."""
    tls = None
    if pair is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(pair.certificate, pair.key)
    talks: set[asyncio.Task[None]] = set()
    callers: set[asyncio.Task[None]] = set()

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            request = await reader.readuntil(b"\r\n\r\n")
            web.requests.append(request)
            await web.talk(request, writer)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        caller = asyncio.current_task()
        assert caller is not None
        callers.add(caller)
        web.connections += 1
        # A task of its own, for asyncio complains about a caller's own task when it is cancelled.
        talk = asyncio.create_task(speak(reader, writer))
        talks.add(talk)
        await asyncio.wait({talk})
        writer.close()
        if talk.cancelled():
            writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    web = Web(server.sockets[0].getsockname()[1], talk)
    try:
        yield web
    finally:
        server.close()
        for talking in talks:
            talking.cancel()
        await asyncio.gather(*callers)
