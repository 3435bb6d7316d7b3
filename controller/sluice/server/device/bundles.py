"""Bundles by their digest, from the folder of blobs.

No byte leaves before the file it is in was hashed by this very process, since that file last
changed: neither a failing disk nor whoever can write to the folder makes a phone install something
else. A phone with an encrypted connection to us is not protected by its own check alone, for older
plugins make none when told of no checksum.
"""

import asyncio
import hashlib
import logging
import os
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from sluice.server.device.asgi import Header, Response, Scope, Send, request_header, send_response
from sluice.server.device.capgo import error_response
from sluice.server.device.metrics import Metrics

__all__ = ["Bundles"]

PART_BYTES: Final = 256 * 1024
"""Read and sent at a time: memory for one download, and the price of one hop to a thread."""

PART_SECONDS_MAX: Final = 60.0
"""How long one part may take on its way: 35 kbit/s; slower phones resume with Range."""

DOWNLOADS_MAX: Final = 512
"""Downloads at once: each holds a file open, and processes may often open no more than 1024."""

HASHED_MAX: Final = 4096
"""Files whose hash is remembered."""

RETRY_AFTER: Final = (b"retry-after", b"10")
"""The plugin tries a 503 again by itself, after 10 s, 20 s and so on."""

_WHOLE: Final = 200
_PART: Final = 206
_NO_SUCH_PART: Final = 416
_RANGE: Final = re.compile(rb"bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))")

_logger = logging.getLogger(__name__)

_Stamp = tuple[int, int, int, int]
"""Inode, size, and both times of the last change: the one of the inode cannot be set by hand."""


class Bundles:
    """The folder of bundles.

    Args:
        path_of: where a bundle of that digest is, when it is there.
        metrics: where refusals are counted.
    """

    def __init__(self, path_of: Callable[[str], Path], metrics: Metrics) -> None:
        self._path_of = path_of
        self._metrics = metrics
        self._hashed: dict[tuple[str, _Stamp], asyncio.Task[bool]] = {}
        self._downloads = 0

    async def serve(self, digest: str, scope: Scope, send: Send) -> int:
        """Answer GET or HEAD for a bundle, and return the status that was sent.

        Args:
            digest: 64 lower-case hexadecimal digits.
            scope: the request.
            send: where the answer goes.
        """
        if self._downloads >= DOWNLOADS_MAX:
            return await _refuse(send, "overloaded", "Too many downloads; try again later.")
        self._downloads += 1
        try:
            async with _opened(self._path_of(digest)) as file:
                if file is None:
                    await send_response(send, error_response(404, "not_found", "Not found"))
                    return 404
                if not await self._is_whole(digest, file):
                    return await _refuse(send, "bundle_unavailable", "The bundle is not available.")
                size = os.fstat(file).st_size
                return await _send_file(file, size, digest, scope, send)
        finally:
            self._downloads -= 1

    async def _is_whole(self, digest: str, file: int) -> bool:
        """Return whether the open file is what its name says; hashed once for many requests."""
        status = os.fstat(file)
        stamp = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        task = self._hashed.get((digest, stamp))
        if task is None:
            while len(self._hashed) >= HASHED_MAX:
                del self._hashed[next(iter(self._hashed))]
            # A descriptor of its own: the hash goes on when the phone that asked first hangs up.
            task = asyncio.create_task(self._hash(digest, os.dup(file), (digest, stamp)))
            self._hashed[digest, stamp] = task
        return await asyncio.shield(task)

    async def _hash(self, digest: str, file: int, key: tuple[str, _Stamp]) -> bool:
        try:
            found = await asyncio.to_thread(_sha256, file)
        except OSError:
            # A disk that cannot be read now is asked again by the next phone.
            self._hashed.pop(key, None)
            found = ""
        if found != digest:
            self._metrics.bundles_refused += 1
            _logger.error("bundle %s is not served: the file is not what its name says", digest)
        return found == digest


async def _send_file(file: int, size: int, digest: str, scope: Scope, send: Send) -> int:
    tag = b'"' + digest.encode() + b'"'
    headers: list[Header] = [
        (b"etag", tag),
        (b"accept-ranges", b"bytes"),
        # Compressed on the way, it would not hash to its digest on some phones.
        (b"cache-control", b"public, max-age=31536000, immutable, no-transform"),
        (b"content-type", b"application/zip"),
    ]
    if tag in (request_header(scope, b"if-none-match") or b""):
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return 304
    status, start, end = _wanted(scope, size, tag)
    if status == _NO_SUCH_PART:
        headers.append((b"content-range", b"bytes */%d" % size))
        await send_response(send, Response(status, b"", headers))
        return status
    if status == _PART:
        headers.append((b"content-range", b"bytes %d-%d/%d" % (start, end - 1, size)))
    headers.append((b"content-length", b"%d" % (end - start)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if scope["method"] == "HEAD" or start == end:
        await send({"type": "http.response.body", "body": b""})
    else:
        await _send_part(file, start, end, send)
    return status


async def _send_part(file: int, start: int, end: int, send: Send) -> None:
    # A file that is cut off meanwhile, or a phone that does not read on, ends the connection short
    # of what was announced: nobody takes the part for the whole.
    place = start
    while place < end:
        data = await asyncio.to_thread(os.pread, file, min(PART_BYTES, end - place), place)
        if not data:
            break
        place += len(data)
        try:
            async with asyncio.timeout(PART_SECONDS_MAX):
                await send({"type": "http.response.body", "body": data, "more_body": place < end})
        except TimeoutError:
            break


def _wanted(scope: Scope, size: int, tag: bytes) -> tuple[int, int, int]:
    """Return the status, and the part to send: its first byte, and the first after it.

    A range that cannot be read, or several at once, are left aside: the whole is sent.
    """
    asked = _RANGE.fullmatch(request_header(scope, b"range") or b"")
    if asked is None or request_header(scope, b"if-range") not in {None, tag}:
        return _WHOLE, 0, size
    first, last, suffix = asked.groups()
    if suffix is not None:
        start, end = max(0, size - int(suffix)), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return _WHOLE, 0, size
    return (_PART, start, end) if start < end else (_NO_SUCH_PART, 0, 0)


@asynccontextmanager
async def _opened(path: Path) -> AsyncIterator[int | None]:
    try:
        file = await asyncio.to_thread(os.open, path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        yield None
        return
    try:
        yield file
    finally:
        os.close(file)


def _sha256(file: int) -> str:
    with os.fdopen(file, "rb") as opened:
        opened.seek(0)
        return hashlib.file_digest(opened, "sha256").hexdigest()


async def _refuse(send: Send, error: str, message: str) -> int:
    response = error_response(503, error, message)
    headers: Sequence[Header] = (RETRY_AFTER,)
    await send_response(send, Response(503, response.body, more_headers=headers))
    return 503
