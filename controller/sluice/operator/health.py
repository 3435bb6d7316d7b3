"""Probes: is this process alive, is it ready? Answered from memory, over plain HTTP."""

import asyncio
from collections.abc import Callable
from typing import Final

__all__ = ["serve_health"]

REQUEST_SECONDS_MAX: Final = 5.0
REQUEST_BYTES_MAX: Final = 4096

Check = Callable[[], bool]


async def serve_health(host: str, port: int, *, alive: Check, ready: Check) -> asyncio.Server:
    """Answer GET /livez and GET /readyz with 200 or 503 until the server is closed."""
    checks = {b"/livez": alive, b"/readyz": ready}

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_SECONDS_MAX):
                line = await reader.readline()
                path = [*line.split(b" "), b"", b""][1]
                check = checks.get(path)
                status = b"404 Not Found" if check is None else _status(well=check())
                writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n")
                writer.write(b"Connection: close\r\n\r\n")
                await writer.drain()
        except (TimeoutError, ConnectionError, ValueError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(answer, host, port, limit=REQUEST_BYTES_MAX)


def _status(*, well: bool) -> bytes:
    return b"200 OK" if well else b"503 Service Unavailable"
