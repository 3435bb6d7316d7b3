"""The records of a zip, read so that every reader must see the same files in it.

A zip says everything twice: in a header before each file and in a directory at the end. Android's
client streams through the headers, iOS's reads the directory; a zip whose two stories differ is two
bundles with one digest (attack 26). Here the two must agree, and the headers with their data must
cover everything before the directory, without a gap or an overlap.

Source: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3 and 4.4.
"""

import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from sluice.errors import VerificationError
from sluice.verify.reasons import refusal
from sluice.verify.zip_names import decoded_name, shown

__all__ = ["DEFLATED", "STORED", "Entry", "read_entries"]

STORED: Final = 0
DEFLATED: Final = 8

_END: Final = struct.Struct("<4s4H2IH")
_END_MARK: Final = b"PK\5\6"
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_CENTRAL_MARK: Final = b"PK\1\2"
_LOCAL: Final = struct.Struct("<4s5H3I2H")
_LOCAL_MARK: Final = b"PK\3\4"
_DESCRIPTOR: Final = struct.Struct("<4s3I")
_DESCRIPTOR_MARK: Final = b"PK\7\x08"

_COMMENT_BYTES_MAX: Final = 0xFFFF
_NONE_16: Final = 0xFFFF
_NONE_32: Final = 0xFFFFFFFF

_DIRECTORY_BYTES_PER_ENTRY_MAX: Final = 2048
"""Most bytes an entry may take in the directory, on average: 46 fixed ones, a name of 1,024 at
most, times and owners in some 60."""

_VERSION_MAX: Final = 45
"""Highest version of the format needed; later ones are about encryption and other methods."""

_ENCRYPTED: Final = 0x2041
"""Flags: encrypted, strongly encrypted, directory encrypted."""

_DESCRIBED_AFTER: Final = 0x0008
"""Flag: sizes and checksum follow the data, as a writer into a pipe does it."""

_UTF8_NAME: Final = 0x0800
"""Flag: the name is UTF-8."""

_KNOWN_FLAGS: Final = 0x0006 | _DESCRIBED_AFTER | _UTF8_NAME
"""Flags that may be set: how hard it was compressed, and the two above."""

_ZIP64: Final = 0x0001
_AES: Final = 0x9901
_UNICODE_NAME: Final = 0x7075
_FOLDER_ATTRIBUTE: Final = 0x10


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file or folder, as header and directory agree on it."""

    name: str
    """Path with `/` between its parts; ends in `/` for a folder."""

    method: int
    """STORED or DEFLATED."""

    crc32: int
    compressed_bytes: int
    size_bytes: int
    data_offset: int
    """Where the compressed data begins in the archive."""

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.name.endswith("/")


@dataclass(frozen=True, slots=True)
class _Listed:
    """One record of the directory."""

    raw_name: bytes
    version: int
    flags: int
    method: int
    crc32: int
    compressed_bytes: int
    size_bytes: int
    external_attributes: int
    offset: int
    extra: bytes


@dataclass(frozen=True, slots=True)
class _End:
    """Where the directory is."""

    count: int
    offset: int
    size_bytes: int


def read_entries(file: BinaryIO, *, entries_max: int) -> tuple[Entry, ...]:
    """Return the entries of a zip, in the order of their data.

    Args:
        file: the zip, seekable.
        entries_max: most entries.

    Raises:
        VerificationError: the records can't be read, or readers could differ about them.
        OSError: the file can't be read.
    """
    size_bytes = file.seek(0, 2)
    end = _end(file, size_bytes)
    if end.count > entries_max:
        raise refusal("ArchiveTooLarge", f"The zip has more than {entries_max} entries.")
    if end.size_bytes > end.count * _DIRECTORY_BYTES_PER_ENTRY_MAX:
        raise refusal("ArchiveUnreadable", "The zip's directory is longer than its entries need.")
    directory = _at(file, end.offset, end.size_bytes)
    listed = sorted(_listed(directory, end.count), key=lambda each: each.offset)
    # Each header begins where the data before it ends: no gap hides a file, none overlap.
    entries = []
    place = 0
    for each in listed:
        if each.offset != place:
            raise _hidden("The zip has bytes that its directory does not tell of, or tells twice.")
        entry, place = _entry(file, each)
        entries.append(entry)
    if place != end.offset:
        raise _hidden("The zip has bytes between its last file and its directory.")
    return tuple(entries)


def _end(file: BinaryIO, size_bytes: int) -> _End:
    start = max(0, size_bytes - _END.size - _COMMENT_BYTES_MAX)
    tail = _at(file, start, size_bytes - start)
    place = tail.rfind(_END_MARK)
    if place < 0 or place + _END.size > len(tail):
        raise refusal("ArchiveUnreadable", "This is no zip: it has no end record; zip it again.")
    (_, disk, first_disk, here, count, size, offset, comment) = _END.unpack_from(tail, place)
    # Readers look for the end from the back; a mark in the comment would be an end to some of them.
    after = tail[place + _END.size :]
    if len(after) != comment or b"PK" in after:
        raise _hidden("The zip has something after its end; zip it again.")
    if _NONE_16 in (disk, first_disk, here, count) or _NONE_32 in (size, offset):
        raise refusal("ArchiveTooLarge", "The zip is in the zip64 form for very large archives.")
    if disk or first_disk or here != count:
        raise refusal("ArchiveUnreadable", "The zip is one part of several; give it as one.")
    if offset + size != start + place:
        raise _hidden("The zip's directory is not where its end says; zip it again.")
    return _End(count=count, offset=offset, size_bytes=size)


def _listed(directory: bytes, count: int) -> Iterator[_Listed]:
    place = 0
    for _ in range(count):
        if place + _CENTRAL.size > len(directory):
            raise refusal("ArchiveUnreadable", "The zip's directory is cut off.")
        fields = _CENTRAL.unpack_from(directory, place)
        (mark, _, version, flags, method, _, _, crc32, compressed, size) = fields[:10]
        (name_length, extra_length, comment_length, disk, _, attributes, offset) = fields[10:]
        place += _CENTRAL.size
        after = place + name_length + extra_length + comment_length
        if mark != _CENTRAL_MARK or disk != 0 or after > len(directory):
            raise refusal("ArchiveUnreadable", "The zip's directory has a record that is broken.")
        if _NONE_32 in (compressed, size, offset):
            raise refusal("ArchiveTooLarge", "The zip has a file in the zip64 form for large ones.")
        yield _Listed(
            raw_name=directory[place : place + name_length],
            version=version & 0xFF,
            flags=flags,
            method=method,
            crc32=crc32,
            compressed_bytes=compressed,
            size_bytes=size,
            external_attributes=attributes,
            offset=offset,
            extra=directory[place + name_length : place + name_length + extra_length],
        )
        place = after
    if place != len(directory):
        raise _hidden("The zip's directory holds more than the entries it counts.")


def _entry(file: BinaryIO, listed: _Listed) -> tuple[Entry, int]:
    """Return the entry and the place after its data."""
    header = _LOCAL.unpack(_at(file, listed.offset, _LOCAL.size))
    (mark, version, flags, method, _, _, *said, name_length, extra_length) = header
    variable = _at(file, listed.offset + _LOCAL.size, name_length + extra_length)
    name = decoded_name(listed.raw_name, utf8=bool(listed.flags & _UTF8_NAME))
    if (mark, flags, method, variable[:name_length]) != (
        _LOCAL_MARK,
        listed.flags,
        listed.method,
        listed.raw_name,
    ):
        raise _two_stories(name)
    if max(version & 0xFF, listed.version) > _VERSION_MAX:
        raise refusal("ArchiveUnreadable", f"{shown(name)} needs a newer reader than clients have.")
    _refuse_flags(name, listed)
    _refuse_extra(name, listed.raw_name, listed.extra)
    _refuse_extra(name, listed.raw_name, variable[name_length:])
    _refuse_special(name, listed.external_attributes)
    begin = listed.offset + _LOCAL.size + len(variable)
    after = _after_data(file, name, listed, tuple(said), begin + listed.compressed_bytes)
    entry = Entry(
        name=name,
        method=method,
        crc32=listed.crc32,
        compressed_bytes=listed.compressed_bytes,
        size_bytes=listed.size_bytes,
        data_offset=begin,
    )
    return entry, after


def _after_data(
    file: BinaryIO, name: str, listed: _Listed, said: tuple[int, ...], place: int
) -> int:
    """Return the place after the data and what is said of it there, if that agrees."""
    known = (listed.crc32, listed.compressed_bytes, listed.size_bytes)
    if listed.flags & _DESCRIBED_AFTER:
        # A header written into a pipe has noughts for what was not known yet.
        said = tuple(one or true for one, true in zip(said, known, strict=True))
        if _DESCRIPTOR.unpack(_at(file, place, _DESCRIPTOR.size)) != (_DESCRIPTOR_MARK, *known):
            raise _two_stories(name)
        place += _DESCRIPTOR.size
    if said != known:
        raise _two_stories(name)
    return place


def _refuse_flags(name: str, listed: _Listed) -> None:
    if listed.flags & _ENCRYPTED:
        raise refusal("ArchiveEncrypted", f"{shown(name)} is encrypted; zip it without password.")
    if listed.flags & ~_KNOWN_FLAGS:
        raise refusal("ArchiveUnreadable", f"{shown(name)} has zip flags that no client knows.")
    if listed.method not in (STORED, DEFLATED):
        raise refusal(
            "ArchiveMethodUnknown",
            f"{shown(name)} is compressed by method {listed.method}; clients know only deflate.",
        )
    if listed.method == STORED and listed.flags & _DESCRIBED_AFTER:
        raise refusal(
            "ArchiveStreamedStored",
            f"{shown(name)} is stored with its size after it, which Android's client can't read;"
            " write the zip to a file rather than into a pipe.",
        )


def _refuse_extra(name: str, raw_name: bytes, extra: bytes) -> None:
    place = 0
    while place < len(extra):
        kind, length = (
            struct.unpack_from("<2H", extra, place) if place + 4 <= len(extra) else (0, _NONE_16)
        )
        value = extra[place + 4 : place + 4 + length]
        place += 4 + length
        if place > len(extra):
            raise refusal("ArchiveUnreadable", f"{shown(name)} has an extra field that is cut off.")
        if kind == _ZIP64:
            raise refusal("ArchiveTooLarge", f"{shown(name)} is in the zip64 form for large files.")
        if kind == _AES:
            raise refusal("ArchiveEncrypted", f"{shown(name)} is encrypted; zip it unencrypted.")
        if kind == _UNICODE_NAME and value[5:] != raw_name:
            raise _two_stories(name)


def _refuse_special(name: str, attributes: int) -> None:
    folder = name.endswith("/")
    kind = stat.S_IFMT(attributes >> 16)
    wanted = stat.S_IFDIR if folder else stat.S_IFREG
    if kind not in (0, wanted) or (attributes & _FOLDER_ATTRIBUTE and not folder):
        raise refusal(
            "ArchiveSpecialFile",
            f"{shown(name)} is no plain file or folder (a link or device?); put a file there.",
        )


def _at(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    data = file.read(length)
    if len(data) != length:
        raise refusal("ArchiveUnreadable", "The zip is cut off; build it again.")
    return data


def _two_stories(name: str) -> VerificationError:
    return _hidden(f"The zip's directory and the header of {shown(name)} differ; zip it again.")


def _hidden(message: str) -> VerificationError:
    return refusal("ArchiveHiddenEntry", message)
