"""Bytes from a file of this machine, where the settings let it: for local runs and the demo."""

import asyncio
import os
import stat
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import IO, Final
from urllib.parse import unquote

from sluice.errors import Refused, Unavailable
from sluice.fetch.places import Place

__all__ = ["read_file"]

CHUNK_BYTES: Final = 256 * 1024


async def read_file(place: Place, allowed: Sequence[Path]) -> AsyncGenerator[bytes, None]:
    """Yield a file's bytes.

    Args:
        place: a `file` URL.
        allowed: folders in one of which the file must be, after all links are followed.

    Raises:
        Refused: `FetchSchemeNotAllowed` when there is no such folder, or `FetchPathNotAllowed`.
        Unavailable: `FetchNotFound`, `FetchFailed`.
    """
    if not allowed:
        raise Refused(
            "FetchSchemeNotAllowed",
            "file:// is fetched only where the operator's settings name a folder: use https://.",
        )
    if place.host not in {"", "localhost"}:
        raise Refused("FetchPathNotAllowed", "A file:// URL has three slashes, and no host.")
    file = await asyncio.to_thread(_open, unquote(place.url.raw_path), allowed)
    try:
        while chunk := await asyncio.to_thread(_read, file):
            yield chunk
    finally:
        file.close()


def _open(text: str, allowed: Sequence[Path]) -> IO[bytes]:
    try:
        path = Path(text).resolve()
        inside = any(path.is_relative_to(folder.resolve()) for folder in allowed)
    except (OSError, RuntimeError, ValueError) as error:
        raise Refused("FetchPathNotAllowed", "The path of the file can't be followed.") from error
    if not inside:
        # Said before it is looked for: nobody shall learn what is elsewhere.
        raise Refused("FetchPathNotAllowed", "The file is in no folder that may be fetched from.")
    try:
        # A pipe would keep us waiting, and the last part must not have become a link meanwhile.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise Unavailable("FetchNotFound", "There is no such file: put it there.") from error
    except OSError as error:
        raise Unavailable("FetchFailed", f"The file can't be opened: {error.strerror}.") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Refused("FetchPathNotAllowed", "This is no regular file.")
    return os.fdopen(descriptor, "rb")


def _read(file: IO[bytes]) -> bytes:
    try:
        return file.read(CHUNK_BYTES)
    except OSError as error:
        raise Unavailable("FetchFailed", f"The file can't be read: {error.strerror}.") from error
