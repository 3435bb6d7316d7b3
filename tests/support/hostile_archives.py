"""Honest zips, and zips of every kind of malice with the reason for which each is refused."""

import stat
import struct
import unicodedata
import zlib
from collections.abc import Callable
from dataclasses import replace

from support.archives import (
    DESCRIBED_AFTER,
    REGULAR,
    UTF8,
    Told,
    ZipFileEntry,
    build,
    deflated,
)

__all__ = ["HONEST", "HOSTILE", "INDEX"]

INDEX = ZipFileEntry()
EVIL = ZipFileEntry(name=b"evil.js", data=b"alert(1)")
GOOD = ZipFileEntry(name=b"app.js", data=b"console.log('good')")
FOLDER = ZipFileEntry(name=b"assets/", data=b"", method=0, attributes=(stat.S_IFDIR | 0o755) << 16)


def named(*names: str | bytes) -> Callable[[], bytes]:
    """Return a builder of a zip with an index and files of these names."""
    raw = [name.encode() if isinstance(name, str) else name for name in names]
    return lambda: build(INDEX, *(replace(GOOD, name=name) for name in raw))


def entries(*several: ZipFileEntry) -> Callable[[], bytes]:
    return lambda: build(INDEX, *several)


def mode(kind: int) -> Callable[[], bytes]:
    return entries(replace(GOOD, attributes=(kind | 0o777) << 16))


NFC, NFD = (unicodedata.normalize(form, "café.js") for form in ("NFC", "NFD"))
BOMB = b"\0" * (16 * 1024 * 1024)

HONEST: dict[str, Callable[[], bytes]] = {
    "one page": entries(),
    "a folder": entries(FOLDER, replace(GOOD, name=b"assets/app.js")),
    "stored files": entries(replace(GOOD, method=0)),
    "sizes after the data": entries(replace(GOOD, flags=UTF8 | DESCRIBED_AFTER)),
    "sizes before and after the data": entries(
        replace(GOOD, flags=UTF8 | DESCRIBED_AFTER, local=Told(size_bytes=len(GOOD.data), crc32=0))
    ),
    "an empty file": entries(replace(GOOD, data=b"")),
    "a file that compresses very well": entries(replace(GOOD, data=b"\0" * 900_000)),
    "names beyond ASCII": named("assets/café (1)+%20.txt", "日本語/😀.js", "ÄÖÜ.css"),
    "an ASCII name that is not marked": entries(replace(GOOD, flags=0)),
    "a comment of the archive": lambda: build(INDEX, comment=b"0123456789abcdef"),
    "a comment of a file": entries(replace(GOOD, comment=b"generated")),
    "times of Unix": entries(
        replace(
            GOOD,
            local=Told(extra=struct.pack("<2HBI", 0x5455, 5, 1, 0)),
            central=Told(extra=struct.pack("<2HBI", 0x5455, 5, 1, 0)),
        )
    ),
    "a system without modes": entries(replace(GOOD, attributes=0)),
    "the same name in two folders": named("a/x.js", "b/x.js"),
    "a name that begins like a folder's": named("a/x.js", "a.js", "ab"),
    "dots in names": named(".well-known/x", "a..b", "...a"),
    "a name given twice as Unicode": lambda: build(
        INDEX,
        replace(
            GOOD,
            central=Told(extra=struct.pack("<2HBI", 0x7075, 5 + len(GOOD.name), 1, 0) + GOOD.name),
        ),
    ),
    "one folder at the top": lambda: build(
        replace(INDEX, name=b"dist/index.html"), replace(GOOD, name=b"dist/app.js")
    ),
}

HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    # Not a zip, or not all of one.
    "nothing": (lambda: b"", "ArchiveUnreadable"),
    "no zip": (lambda: b"<html></html>" * 50, "ArchiveUnreadable"),
    "an end alone, cut off": (lambda: build(INDEX)[-22:-1], "ArchiveUnreadable"),
    "an end cut off": (lambda: build(INDEX)[:-1], "ArchiveUnreadable"),
    "an archive without entries": (build, "ArchiveNoIndex"),
    "one part of several": (lambda: build(INDEX, disk=1), "ArchiveUnreadable"),
    "an extra field that is cut off": (
        entries(replace(GOOD, central=Told(extra=b"UT\xff\xff\1"))),
        "ArchiveUnreadable",
    ),
    "a version of the future": (
        entries(replace(GOOD, local=Told(version=84))),
        "ArchiveUnreadable",
    ),
    "a version of the future, in the directory": (
        entries(replace(GOOD, central=Told(version=84))),
        "ArchiveUnreadable",
    ),
    "patched data": (entries(replace(GOOD, flags=UTF8 | 0x20)), "ArchiveUnreadable"),
    # Stories that differ: attack 26.
    "a file that the directory hides": (entries(replace(EVIL, listed=False)), "ArchiveHiddenEntry"),
    "a file hidden before all others": (
        lambda: build(replace(EVIL, listed=False), INDEX),
        "ArchiveHiddenEntry",
    ),
    "a file shadowed by another of its name": (
        lambda: build(INDEX, replace(EVIL, name=b"app.js", listed=False), GOOD),
        "ArchiveHiddenEntry",
    ),
    "another name in the header": (
        entries(replace(GOOD, local=Told(name=b"bad.js"))),
        "ArchiveHiddenEntry",
    ),
    "another method in the header": (
        entries(replace(GOOD, method=0, central=Told(method=8))),
        "ArchiveHiddenEntry",
    ),
    "other flags in the header": (
        entries(replace(GOOD, central=Told(flags=0))),
        "ArchiveHiddenEntry",
    ),
    "another size in the header": (
        entries(replace(GOOD, local=Told(size_bytes=3))),
        "ArchiveHiddenEntry",
    ),
    "another checksum in the header": (
        entries(replace(GOOD, local=Told(crc32=3))),
        "ArchiveHiddenEntry",
    ),
    "another size after the data": (
        entries(replace(GOOD, flags=UTF8 | DESCRIBED_AFTER, descriptor=b"PK\7\x08" + b"\1" * 12)),
        "ArchiveHiddenEntry",
    ),
    "nothing after the data though told": (
        entries(replace(GOOD, flags=UTF8 | DESCRIBED_AFTER, descriptor=b"")),
        "ArchiveHiddenEntry",
    ),
    "another name as Unicode": (
        entries(replace(GOOD, central=Told(extra=struct.pack("<2HBI3s", 0x7075, 8, 1, 0, b"bad")))),
        "ArchiveHiddenEntry",
    ),
    "junk before the first file": (
        lambda: build(INDEX, prefix=b"#!/bin/sh\n"),
        "ArchiveHiddenEntry",
    ),
    "junk before the first file, counted": (
        lambda: build(replace(INDEX, before=b"#!/bin/sh\n")),
        "ArchiveHiddenEntry",
    ),
    "junk between files": (entries(replace(GOOD, before=b"junk")), "ArchiveHiddenEntry"),
    "junk before the directory": (lambda: build(INDEX, between=b"junk"), "ArchiveHiddenEntry"),
    "junk in the directory": (
        lambda: build(INDEX, directory_after=b"junk"),
        "ArchiveHiddenEntry",
    ),
    "junk after the end": (lambda: build(INDEX, after=b"junk"), "ArchiveHiddenEntry"),
    "a second zip after the first": (
        lambda: build(INDEX) + build(INDEX, EVIL),
        "ArchiveHiddenEntry",
    ),
    "a zip in the comment": (
        lambda: build(INDEX, comment=build(INDEX, EVIL)),
        "ArchiveHiddenEntry",
    ),
    "a record in the comment": (
        lambda: build(INDEX, comment=b"PK\1\2 and more"),
        "ArchiveHiddenEntry",
    ),
    "two names for the same data": (
        lambda: build(INDEX, replace(GOOD, offset=0)),
        "ArchiveHiddenEntry",
    ),
    "one entry told twice": (
        lambda: build(INDEX, GOOD, directory_after=build(INDEX, GOOD)[-22 - 46 - 6 : -22], count=3),
        "ArchiveHiddenEntry",
    ),
    "fewer entries told than there are": (
        lambda: build(INDEX, EVIL, count=1),
        "ArchiveHiddenEntry",
    ),
    "more entries told than there are": (lambda: build(INDEX, count=2), "ArchiveUnreadable"),
    "a deflate stream that ends early": (
        entries(replace(GOOD, packed=deflated(GOOD.data) + deflated(EVIL.data))),
        "ArchiveHiddenEntry",
    ),
    # Contents that are not what is said.
    "a smaller size than there is": (
        entries(
            replace(GOOD, local=Told(size_bytes=5), central=Told(size_bytes=5)),
        ),
        "ArchiveCorrupt",
    ),
    "a larger size than there is": (
        entries(
            replace(GOOD, local=Told(size_bytes=99), central=Told(size_bytes=99)),
        ),
        "ArchiveCorrupt",
    ),
    "another checksum": (
        entries(replace(GOOD, local=Told(crc32=1), central=Told(crc32=1))),
        "ArchiveCorrupt",
    ),
    "a deflate stream without end": (
        entries(replace(GOOD, packed=deflated(GOOD.data, zlib.Z_SYNC_FLUSH))),
        "ArchiveCorrupt",
    ),
    "data that is no deflate stream": (
        entries(replace(GOOD, packed=b"\xff" * 20)),
        "ArchiveCorrupt",
    ),
    "a stored file of two sizes": (
        entries(
            replace(GOOD, method=0, local=Told(size_bytes=1), central=Told(size_bytes=1)),
        ),
        "ArchiveCorrupt",
    ),
    "a stored file with its size after it": (
        entries(replace(GOOD, method=0, flags=UTF8 | DESCRIBED_AFTER)),
        "ArchiveStreamedStored",
    ),
    # Names: attack 27.
    "a way out": (named("../evil.js"), "ArchiveUnsafeName"),
    "a way out, inside": (named("a/../../evil.js"), "ArchiveUnsafeName"),
    "a way out, at the end": (named("a/.."), "ArchiveUnsafeName"),
    "an absolute name": (named("/etc/passwd"), "ArchiveUnsafeName"),
    "a network name": (named("//host/share/x"), "ArchiveUnsafeName"),
    "a backslash": (named("..\\evil.js"), "ArchiveUnsafeName"),
    "a drive": (named("C:/evil.js"), "ArchiveUnsafeName"),
    "a hidden stream": (named("app.js:evil"), "ArchiveUnsafeName"),
    "an empty name": (named(""), "ArchiveUnsafeName"),
    "an empty part": (named("a//b.js"), "ArchiveUnsafeName"),
    "this folder": (named("./app.js"), "ArchiveUnsafeName"),
    "the root folder": (entries(replace(FOLDER, name=b"/")), "ArchiveUnsafeName"),
    "a nought in the name": (named("app.js\0.png"), "ArchiveUnsafeName"),
    "a line break in the name": (named("app\n.js"), "ArchiveUnsafeName"),
    "an escape sequence in the name": (named("app\x1b[2J.js"), "ArchiveUnsafeName"),
    "a name that reads backwards": (named("app\u202esj.exe"), "ArchiveUnsafeName"),
    "an invisible character": (named("app\u200b.js"), "ArchiveUnsafeName"),
    "a trailing dot": (named("app.js."), "ArchiveUnsafeName"),
    "a trailing space": (named("assets /app.js"), "ArchiveUnsafeName"),
    "a name that is not UTF-8": (named(b"app\xff.js"), "ArchiveUnsafeName"),
    "a name that is not marked as UTF-8": (
        entries(replace(GOOD, name="café.js".encode(), flags=0)),
        "ArchiveUnsafeName",
    ),
    "a part that is too long": (named("a" * 256), "ArchiveUnsafeName"),
    "a path that is too long": (named("/".join(["a" * 200] * 6)), "ArchiveUnsafeName"),
    "a path that is too deep": (named("/".join("a" * 33)), "ArchiveUnsafeName"),
    # Names that are one file somewhere.
    "a name twice": (entries(GOOD, replace(EVIL, name=GOOD.name)), "ArchiveDuplicate"),
    "a folder twice": (entries(FOLDER, FOLDER), "ArchiveDuplicate"),
    "names that differ in case": (named("app.js", "App.js"), "ArchiveDuplicate"),
    "names that differ in the case of ß": (named("STRASSE.js", "straße.js"), "ArchiveDuplicate"),
    "folders that differ in case": (named("a/x.js", "A/y.js"), "ArchiveDuplicate"),
    "names that differ in composition": (named(NFC, NFD), "ArchiveDuplicate"),
    "names that differ in the order of accents": (
        named("\u03b1\u0345\u0301.js", "\u03b1\u0301\u0345.js"),
        "ArchiveDuplicate",
    ),
    "a file that is also a folder": (named("a", "a/b.js"), "ArchiveDuplicate"),
    "a folder that is also a file": (named("a/b.js", "a"), "ArchiveDuplicate"),
    "a file and a folder told": (
        entries(FOLDER, replace(GOOD, name=b"assets")),
        "ArchiveDuplicate",
    ),
    # What is no plain file.
    "a link": (mode(stat.S_IFLNK), "ArchiveSpecialFile"),
    "a pipe": (mode(stat.S_IFIFO), "ArchiveSpecialFile"),
    "a device": (mode(stat.S_IFCHR), "ArchiveSpecialFile"),
    "a folder's mode on a file": (mode(stat.S_IFDIR), "ArchiveSpecialFile"),
    "a folder's attribute on a file": (
        entries(replace(GOOD, attributes=0x10)),
        "ArchiveSpecialFile",
    ),
    "a file's mode on a folder": (
        entries(replace(FOLDER, attributes=REGULAR)),
        "ArchiveSpecialFile",
    ),
    "a folder with contents": (
        entries(replace(FOLDER, data=b"hidden")),
        "ArchiveSpecialFile",
    ),
    # What clients can't read.
    "encryption": (entries(replace(GOOD, flags=UTF8 | 1)), "ArchiveEncrypted"),
    "strong encryption": (entries(replace(GOOD, flags=UTF8 | 0x40)), "ArchiveEncrypted"),
    "AES": (
        entries(replace(GOOD, local=Told(extra=struct.pack("<2H7s", 0x9901, 7, b"\2\0AE\3\0\0")))),
        "ArchiveEncrypted",
    ),
    "bzip2": (entries(replace(GOOD, method=12, packed=b"x")), "ArchiveMethodUnknown"),
    # Too much.
    "a bomb": (entries(replace(GOOD, data=BOMB)), "ArchiveBomb"),
    "a bomb that denies it": (
        entries(
            replace(GOOD, data=BOMB, local=Told(size_bytes=1000), central=Told(size_bytes=1000))
        ),
        "ArchiveCorrupt",
    ),
    "a thousand bombs": (
        entries(
            *(
                replace(
                    GOOD,
                    name=b"%d" % number,
                    packed=b"x" * 9,
                    data=b"",
                    local=Told(size_bytes=2**24),
                    central=Told(size_bytes=2**24),
                )
                for number in range(1000)
            )
        ),
        "ArchiveTooLarge",
    ),
    "more entries than allowed": (
        entries(*(replace(GOOD, name=b"%d" % number) for number in range(10_000))),
        "ArchiveTooLarge",
    ),
    "a zip64 size": (
        entries(
            replace(
                GOOD,
                central=Told(size_bytes=0xFFFFFFFF, extra=struct.pack("<2HQ", 1, 8, 19)),
            )
        ),
        "ArchiveTooLarge",
    ),
    "a zip64 field that is not needed": (
        entries(replace(GOOD, local=Told(extra=struct.pack("<2HQ", 1, 8, 19)))),
        "ArchiveTooLarge",
    ),
    "a zip64 end": (lambda: build(INDEX, count=0xFFFF), "ArchiveTooLarge"),
    "a directory of nothing but comments": (
        lambda: build(replace(INDEX, comment=b"x" * 60_000)),
        "ArchiveUnreadable",
    ),
    # Nothing to start from.
    "no page": (lambda: build(GOOD), "ArchiveNoIndex"),
    "a page in one of two folders": (
        lambda: build(
            replace(INDEX, name=b"dist/index.html"), replace(GOOD, name=b"__MACOSX/._index.html")
        ),
        "ArchiveNoIndex",
    ),
    "a page two folders down": (
        lambda: build(replace(INDEX, name=b"out/dist/index.html")),
        "ArchiveNoIndex",
    ),
    "a page in other letters": (
        lambda: build(replace(INDEX, name=b"Index.html")),
        "ArchiveNoIndex",
    ),
    "a folder for a page": (
        lambda: build(replace(FOLDER, name=b"index.html/")),
        "ArchiveNoIndex",
    ),
}
"""Builders of hostile zips, and the reason for which each is refused."""
