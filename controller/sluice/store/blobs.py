"""Bundles and other bytes, each in a file that is named by its digest.

The order of effects is what makes a name trustworthy: a temporary file is written and brought to
disk, then renamed, then the folder is brought to disk, then all of it is read again. A process that
is killed on the way leaves a temporary file, which `sweep` removes, or a complete one.
"""

import asyncio
import hashlib
import os
import re
import tempfile
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from sluice.errors import Refused, Unavailable
from sluice.store.crashpoints import Crashpoint, unharmed

__all__ = ["Blobs"]

CHUNK_BYTES: Final = 1024 * 1024
"""Bytes that are read or written at once, so that the way into a thread costs little."""

DIGEST: Final = re.compile(r"[0-9a-f]{64}")

READ_ONLY: Final = 0o444


class Blobs:
    """A folder of blobs, which several processes may use at once.

    Args:
        folder: where they are; it is made when something is put there.
        crashpoint: called at the stages in `crashpoints.BLOB_STAGES`.
    """

    def __init__(self, folder: Path, *, crashpoint: Crashpoint = unharmed) -> None:
        self._folder = folder
        self._crashpoint = crashpoint

    def path(self, digest: str) -> Path:
        """Return where a blob is, if it is there.

        Raises:
            Refused: `DigestInvalid`: it is no lower-case SHA-256.
        """
        if not DIGEST.fullmatch(digest):
            raise Refused("DigestInvalid", "A digest is 64 lower-case hexadecimal digits.")
        return self._folder / "sha256" / digest[:2] / digest

    async def size(self, digest: str) -> int | None:
        """Return the size of a blob in bytes, or None when it is not there.

        Raises:
            Refused: `DigestInvalid`.
            Unavailable: `BlobsFailed`.
        """
        return await asyncio.to_thread(_size, self.path(digest))

    async def has(self, digest: str) -> bool:
        """Return whether a blob is there; `verify` says whether it is sound, too.

        Raises:
            Refused: `DigestInvalid`.
            Unavailable: `BlobsFailed`.
        """
        return await self.size(digest) is not None

    async def verify(self, digest: str) -> int | None:
        """Read a blob through: return its size in bytes, or None when it is missing or damaged.

        Raises:
            Refused: `DigestInvalid`.
            Unavailable: `BlobsFailed`.
        """
        return await asyncio.to_thread(_verified_size, self.path(digest), digest)

    async def put(self, digest: str, chunks: AsyncIterable[bytes]) -> int:
        """Store bytes under their digest; return their number once they are sure to stay.

        A sound blob that is there already is left as it is, and `chunks` are not read.

        Raises:
            Refused: `DigestInvalid`, or `DigestMismatch`: these are other bytes; none are kept.
            Unavailable: `BlobsFailed`: disk full or unreadable; none are kept.
        """
        path = self.path(digest)
        size = await self.verify(digest)
        if size is not None:
            return size
        self._crashpoint("blob:begun")
        temporary = await asyncio.to_thread(self._new_file)
        try:
            found = await self._write(temporary, chunks)
            if found != digest:
                raise Refused(
                    "DigestMismatch",
                    f"The bytes have the digest {found}, not {digest}: name the digest of what is"
                    " to be stored, or put it where it belongs.",
                )
            await asyncio.to_thread(self._rename, Path(temporary.name), path)
        finally:
            await asyncio.to_thread(_discard, temporary)
        size = await self.verify(digest)
        if size is None:
            raise Unavailable("BlobsFailed", f"The disk gives other bytes for {digest} than it got")
        self._crashpoint("blob:counted")
        return size

    async def read(self, digest: str, *, size_max: int) -> bytes:
        """Return a blob whose bytes are checked once more.

        Raises:
            Refused: `DigestInvalid`.
            Unavailable: `BlobsFailed`; `BlobMissing`: not there, damaged, or more than `size_max`
                bytes.
        """
        data = await asyncio.to_thread(_read, self.path(digest), size_max)
        if data is None or hashlib.sha256(data).hexdigest() != digest:
            raise Unavailable("BlobMissing", f"There is no sound blob {digest} of that size.")
        return data

    async def stream(
        self, digest: str, *, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[bytes]:
        """Yield the bytes of a blob from `start` up to `stop` (None: the end), unchecked.

        Raises:
            Refused: `DigestInvalid`.
            Unavailable: `BlobsFailed`; `BlobMissing`.
        """
        file = await asyncio.to_thread(_open, self.path(digest), start)
        left = stop - start if stop is not None else None
        try:
            while left is None or left > 0:
                chunk = await asyncio.to_thread(file.read, min(left or CHUNK_BYTES, CHUNK_BYTES))
                if not chunk:
                    return
                left = None if left is None else left - len(chunk)
                yield chunk
        finally:
            file.close()

    async def sweep(self, *, before: datetime) -> int:
        """Remove what processes left behind that were killed; return how many files it was.

        Args:
            before: files that were written to since (in UTC) may be in use, and stay.

        Raises:
            Unavailable: `BlobsFailed`.
        """
        return await asyncio.to_thread(_sweep, self._incoming, before)

    @property
    def _incoming(self) -> Path:
        return self._folder / "incoming"

    def _new_file(self) -> IO[bytes]:
        with _disk_errors_stop_here():
            self._incoming.mkdir(parents=True, exist_ok=True)
            return tempfile.NamedTemporaryFile(dir=self._incoming, delete=False)

    async def _write(self, file: IO[bytes], chunks: AsyncIterable[bytes]) -> str:
        found = hashlib.sha256()
        gathered = bytearray()
        async for chunk in chunks:
            gathered += chunk
            if len(gathered) >= CHUNK_BYTES:
                await asyncio.to_thread(_append, file, found, bytes(gathered))
                gathered.clear()
                self._crashpoint("blob:part-written")
        await asyncio.to_thread(_append, file, found, bytes(gathered))
        self._crashpoint("blob:written")
        await asyncio.to_thread(_bring_to_disk, file)
        self._crashpoint("blob:synced")
        return found.hexdigest()

    def _rename(self, temporary: Path, path: Path) -> None:
        with _disk_errors_stop_here():
            new = [each for each in (path.parent, path.parent.parent) if not each.is_dir()]
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.chmod(READ_ONLY)
            temporary.replace(path)
            self._crashpoint("blob:renamed")
            for folder in (path.parent, *(each.parent for each in new)):
                _sync_folder(folder)


@contextmanager
def _disk_errors_stop_here() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable("BlobsFailed", f"The folder of blobs did not do it: {error}") from error


def _append(file: IO[bytes], found: "hashlib._Hash", data: bytes) -> None:
    found.update(data)
    with _disk_errors_stop_here():
        file.write(data)


def _bring_to_disk(file: IO[bytes]) -> None:
    with _disk_errors_stop_here():
        file.flush()
        os.fsync(file.fileno())


def _discard(file: IO[bytes]) -> None:
    """Close a file, and remove it if it has not been renamed."""
    with suppress(OSError):
        file.close()
    with suppress(OSError):
        Path(file.name).unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _size(path: Path) -> int | None:
    with _disk_errors_stop_here():
        try:
            return path.stat().st_size
        except FileNotFoundError:
            return None


def _verified_size(path: Path, digest: str) -> int | None:
    with _disk_errors_stop_here():
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
                return file.tell() if found == digest else None
        except FileNotFoundError:
            return None


def _read(path: Path, size_max: int) -> bytes | None:
    with _disk_errors_stop_here():
        try:
            with path.open("rb") as file:
                data = file.read(size_max + 1)
        except FileNotFoundError:
            return None
    return data if len(data) <= size_max else None


def _open(path: Path, start: int) -> IO[bytes]:
    with _disk_errors_stop_here():
        try:
            file = path.open("rb")
        except FileNotFoundError as error:
            raise Unavailable("BlobMissing", f"There is no blob {path.name}.") from error
        file.seek(start)
        return file


def _sweep(folder: Path, before: datetime) -> int:
    swept = 0
    with _disk_errors_stop_here():
        for file in folder.glob("*"):
            try:
                if datetime.fromtimestamp(file.stat().st_mtime, UTC) < before:
                    file.unlink()
                    swept += 1
            except FileNotFoundError:
                continue  # its writer has just finished
    return swept
