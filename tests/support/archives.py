"""Zips built record by record, so that any of them can lie.

`build` writes what it is told: each header, directory record and the end can say something else
than the data. What is not told is honest.
"""

import stat
import struct
import zlib
from dataclasses import dataclass, field

__all__ = ["DESCRIBED_AFTER", "REGULAR", "UTF8", "Told", "ZipFileEntry", "build", "deflated"]

UTF8 = 0x0800
DESCRIBED_AFTER = 0x0008
DEFLATED = 8
REGULAR = (stat.S_IFREG | 0o644) << 16


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a header or a directory record tells instead of the truth; None is the truth."""

    name: bytes | None = None
    flags: int | None = None
    method: int | None = None
    crc32: int | None = None
    compressed_bytes: int | None = None
    size_bytes: int | None = None
    version: int = 20
    extra: bytes = b""


@dataclass(frozen=True, kw_only=True)
class ZipFileEntry:
    """One entry, honest unless told otherwise."""

    name: bytes = b"index.html"
    data: bytes = b"<html></html>"
    flags: int = UTF8
    method: int = DEFLATED
    packed: bytes | None = None
    """Compressed data, instead of the data compressed."""

    attributes: int = REGULAR
    local: Told = field(default_factory=Told)
    central: Told = field(default_factory=Told)
    descriptor: bytes | None = None
    """What follows the data; by default a true descriptor if the flags ask for one."""

    comment: bytes = b""
    before: bytes = b""
    """Bytes before the header that nothing tells of."""

    listed: bool = True
    """Whether the directory has it."""

    offset: int | None = None
    """Where the directory says that it is."""


def deflated(data: bytes, end: int = zlib.Z_FINISH) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return deflate.compress(data) + deflate.flush(end)


def build(
    *entries: ZipFileEntry,
    between: bytes = b"",
    comment: bytes = b"",
    after: bytes = b"",
    prefix: bytes = b"",
    count: int | None = None,
    directory_after: bytes = b"",
    disk: int = 0,
) -> bytes:
    """Return a zip of these entries.

    Args:
        entries: in the order of their data and of the directory.
        between: bytes between the last file and the directory.
        comment: of the archive.
        after: bytes after the end record.
        prefix: bytes before everything; offsets are told as if they were not there.
        count: entries that the end record tells of.
        directory_after: bytes in the directory after its records.
        disk: number of this part, as the end record tells it.
    """
    files, directory, listed = b"", b"", 0
    for entry in entries:
        files += entry.before
        if entry.listed:
            directory += _central(entry, len(files) if entry.offset is None else entry.offset)
            listed += 1
        files += _local(entry)
    files += between
    directory += directory_after
    told = listed if count is None else count
    end = struct.pack(
        "<4s4H2IH", b"PK\5\6", disk, disk, told, told, len(directory), len(files), len(comment)
    )
    return prefix + files + directory + end + comment + after


def _packed(entry: ZipFileEntry) -> bytes:
    if entry.packed is not None:
        return entry.packed
    return deflated(entry.data) if entry.method == DEFLATED else entry.data


def _numbers(entry: ZipFileEntry, told: Told, *, described_after: bool) -> tuple[int, int, int]:
    true = (zlib.crc32(entry.data), len(_packed(entry)), len(entry.data))
    usual = (0, 0, 0) if described_after else true
    said = (told.crc32, told.compressed_bytes, told.size_bytes)
    crc32, compressed, size = (
        default if one is None else one for one, default in zip(said, usual, strict=True)
    )
    return crc32, compressed, size


def _local(entry: ZipFileEntry) -> bytes:
    told = entry.local
    name = entry.name if told.name is None else told.name
    flags = entry.flags if told.flags is None else told.flags
    method = entry.method if told.method is None else told.method
    described_after = bool(flags & DESCRIBED_AFTER)
    numbers = _numbers(entry, told, described_after=described_after)
    fixed = struct.pack("<4s5H", b"PK\3\4", told.version, flags, method, 0, 0x21)
    lengths = struct.pack("<3I2H", *numbers, len(name), len(told.extra))
    descriptor = entry.descriptor
    if descriptor is None:
        true = _numbers(entry, Told(), described_after=False)
        descriptor = struct.pack("<4s3I", b"PK\7\x08", *true) if described_after else b""
    return fixed + lengths + name + told.extra + _packed(entry) + descriptor


def _central(entry: ZipFileEntry, offset: int) -> bytes:
    told = entry.central
    name = entry.name if told.name is None else told.name
    flags = entry.flags if told.flags is None else told.flags
    method = entry.method if told.method is None else told.method
    numbers = _numbers(entry, told, described_after=False)
    fixed = struct.pack("<4s6H", b"PK\1\2", 0x0314, told.version, flags, method, 0, 0x21)
    lengths = struct.pack(
        "<3I5H2I",
        *numbers,
        len(name),
        len(told.extra),
        len(entry.comment),
        0,
        0,
        entry.attributes,
        offset,
    )
    return fixed + lengths + name + told.extra + entry.comment
