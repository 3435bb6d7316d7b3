"""A bundle's zip, looked at before anybody unpacks it.

Accepted is only what every client unpacks to the same plain files, with a page to start from; all
else is refused with a reason, never half-read. In this order: directory and headers tell the same
story (`zip_records`), names are safe (`zip_names`), what is said to be in it fits the limits, no
two names are one file somewhere, there is an index.html, and the contents are what was said, to the
byte.

Nothing is written anywhere and memory stays flat: contents are unpacked in pieces, hashed, and
dropped.
"""

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from sluice.errors import VerificationError
from sluice.verify.reasons import refusal
from sluice.verify.zip_names import refuse_collisions, shown
from sluice.verify.zip_records import STORED, Entry, read_entries

__all__ = ["Archive", "ArchiveFile", "ArchiveLimits", "inspect"]

PIECE_BYTES: Final = 128 * 1024
"""Contents in memory at a time."""

RATIO_FREE_BYTES: Final = 1024 * 1024
"""Files up to here may compress as well as they like: an empty log, a table of zeros."""

INDEX: Final = "index.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLimits:
    """How large an archive may be."""

    entries_max: int = 10_000
    """Most files and folders; the stock client's own tool makes no delta beyond as many."""

    unpacked_bytes_max: int = 1024 * 1024 * 1024
    """Most bytes unpacked: twice the largest Release, which is more than phones have to spare."""

    ratio_max: int = 200
    """Most bytes out of one byte in: text reaches 20, and a bomb 1,032 (deflate's limit)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveFile:
    """One file in an archive."""

    name: str
    """Path with `/` between its parts, as in the archive."""

    size_bytes: int
    sha256: str
    """Digest of the unpacked contents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """What is in an archive, all of it checked."""

    files: tuple[ArchiveFile, ...]
    """By name."""

    top: str
    """The one folder that everything is in, ending in `/`, or empty. Phones strip it; Electron's
    updater refuses such a bundle."""

    @property
    def size_bytes(self) -> int:
        """Size of all files, unpacked."""
        return sum(file.size_bytes for file in self.files)


def inspect(file: BinaryIO, limits: ArchiveLimits | None = None) -> Archive:
    """Return what is in a zip, after reading all of it.

    Args:
        file: the zip; seekable, opened by the caller, and not to change meanwhile.
        limits: how large it may be.

    Raises:
        VerificationError: with one of the codes in `sluice.verify.reasons.ArchiveReason`.
        OSError: the file can't be read.
    """
    limits = limits or ArchiveLimits()
    entries = read_entries(file, entries_max=limits.entries_max)
    _refuse_bombs(entries, limits)
    refuse_collisions(entry.name for entry in entries)
    top = _top(entries)
    files = tuple(_file(file, entry) for entry in entries)
    return Archive(
        files=tuple(
            sorted(
                (each for each in files if not each.name.endswith("/")), key=lambda each: each.name
            )
        ),
        top=top,
    )


def _refuse_bombs(entries: tuple[Entry, ...], limits: ArchiveLimits) -> None:
    # Sizes are only said so far; unpacking stops where a file exceeds what is said here.
    if sum(entry.size_bytes for entry in entries) > limits.unpacked_bytes_max:
        raise refusal(
            "ArchiveTooLarge", f"The zip unpacks to more than {limits.unpacked_bytes_max} bytes."
        )
    for entry in entries:
        if (
            entry.size_bytes > RATIO_FREE_BYTES
            and entry.size_bytes > limits.ratio_max * entry.compressed_bytes
        ):
            raise refusal(
                "ArchiveBomb",
                f"{shown(entry.name)} unpacks to more than {limits.ratio_max} times its size; is it"
                " meant to be there?",
            )


def _top(entries: tuple[Entry, ...]) -> str:
    names = {entry.name for entry in entries if not entry.is_folder}
    if INDEX in names:
        return ""
    tops = {entry.name.partition("/")[0] for entry in entries}
    if len(tops) == 1 and f"{min(tops)}/{INDEX}" in names:
        return f"{min(tops)}/"
    raise refusal(
        "ArchiveNoIndex",
        "The zip has no index.html at the top, or in the one folder at the top; zip the contents of"
        " the build's output folder.",
    )


def _file(file: BinaryIO, entry: Entry) -> ArchiveFile:
    digest, crc32, size_bytes = hashlib.sha256(), 0, 0
    try:
        for piece in _unpacked(file, entry):
            digest.update(piece)
            crc32 = zlib.crc32(piece, crc32)
            size_bytes += len(piece)
    except zlib.error as error:
        raise _corrupt(entry, "can't be unpacked") from error
    if (size_bytes, crc32) != (entry.size_bytes, entry.crc32):
        raise _corrupt(entry, "is not what the zip says of it (size or checksum)")
    if entry.is_folder and size_bytes:
        raise refusal("ArchiveSpecialFile", f"The folder {shown(entry.name)} has contents.")
    return ArchiveFile(name=entry.name, size_bytes=size_bytes, sha256=digest.hexdigest())


def _unpacked(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    """Yield the contents in pieces, one byte more than the size said at most."""
    if entry.method == STORED:
        yield from _packed(file, entry)
        return
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    room = entry.size_bytes + 1
    for packed in _packed(file, entry):
        data = packed
        while room > 0:
            piece = inflate.decompress(data, min(room, PIECE_BYTES))
            room -= len(piece)
            yield piece
            # A stream that ends early leaves bytes that only some readers would skip.
            if inflate.unused_data:
                raise _hidden(entry)
            data = inflate.unconsumed_tail
            # More may come out when nothing more goes in.
            if not data and not piece:
                break
    if room <= 0:
        raise _corrupt(entry, "is larger than the zip says")
    if not inflate.eof:
        raise _corrupt(entry, "is cut off")


def _packed(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    left = entry.compressed_bytes
    file.seek(entry.data_offset)
    while left > 0:
        piece = file.read(min(left, PIECE_BYTES))
        if not piece:
            raise _corrupt(entry, "is cut off")
        left -= len(piece)
        yield piece


def _hidden(entry: Entry) -> VerificationError:
    return refusal("ArchiveHiddenEntry", f"{shown(entry.name)} has bytes after its contents.")


def _corrupt(entry: Entry, why: str) -> VerificationError:
    return refusal("ArchiveCorrupt", f"{shown(entry.name)} {why}; zip it again.")
