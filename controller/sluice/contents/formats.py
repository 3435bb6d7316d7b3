"""What a file is, by its first bytes, whatever its name says: machine code, archives, media."""

from typing import Final

from sluice.contents.gathered import File
from sluice.verify.bundle_report import NativeKind

__all__ = ["HEAD_BYTES", "SCRIPT_EXTENSIONS", "as_utf8", "is_archive", "is_media", "native_kind"]

HEAD_BYTES: Final = 4096
"""Bytes from the start that tell what a file is."""

SCRIPT_EXTENSIONS: Final = frozenset({"js", "mjs", "cjs", "html", "htm", "xhtml", "svg"})
"""Files that a web view runs code from: looked at even if they begin like a picture, as a file can
be both."""

_NATIVE: Final[tuple[tuple[bytes, NativeKind], ...]] = (
    (b"\x7fELF", "elf"),
    (b"\xfe\xed\xfa\xce", "mach-o"),
    (b"\xfe\xed\xfa\xcf", "mach-o"),
    (b"\xce\xfa\xed\xfe", "mach-o"),
    (b"\xcf\xfa\xed\xfe", "mach-o"),
    (b"dex\n0", "dex"),
    (b"cdex0", "dex"),
    (b"!<arch>\n", "static-library"),
    (b"BC\xc0\xde", "llvm-bitcode"),
    (b"\xde\xc0\x17\x0b", "llvm-bitcode"),
)

_FAT_OR_CLASS: Final = b"\xca\xfe\xba\xbe"
"""Begins both a Mach-O for several processors and a Java class."""

_PROCESSORS_MAX: Final = 20
"""A Mach-O counts its processors where a class has its version, which is at least 45."""

_PE_OFFSET_AT: Final = 0x3C

_NATIVE_EXTENSIONS: Final = frozenset(
    {"so", "dylib", "dll", "exe", "dex", "odex", "oat", "node", "jar", "class", "aar"}
    | {"apk", "aab", "ipa", "a"}
)
_APP_EXTENSIONS: Final = frozenset({"apk", "aab", "ipa", "aar"})
_JAVA_EXTENSIONS: Final = frozenset({"jar", "class"})

_ZIP: Final = (b"PK\3\4", b"PK\5\6")
_ARCHIVES: Final = (
    *_ZIP,
    b"\x1f\x8b\x08",
    b"BZh",
    b"\xfd7zXZ\0",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"\x28\xb5\x2f\xfd",
    b"MSCF\0\0",
    b"xar!",
)
_TAR_AT: Final = 257
_TAR: Final = b"ustar"
_ARCHIVE_EXTENSIONS: Final = frozenset(
    {"zip", "gz", "tgz", "bz2", "xz", "7z", "rar", "zst", "br", "tar"}
)

_MEDIA: Final = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"GIF87a",
    b"GIF89a",
    b"wOFF",
    b"wOF2",
    b"\0\1\0\0\0",
    b"OTTO",
    b"OggS",
    b"ID3",
    b"\xff\xfb",
    b"fLaC",
    b"\0\0\1\0",
    b"\x1aE\xdf\xa3",
)
_RIFF: Final = b"RIFF"
_MP4_AT: Final = 4
_MP4: Final = b"ftyp"

_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


def native_kind(file: File) -> NativeKind | None:
    """Return which machine or Java code a file is, or None for none."""
    data, extension = file.data, file.extension
    for magic, kind in _NATIVE:
        if data.startswith(magic):
            return kind
    if data.startswith(_FAT_OR_CLASS):
        return "mach-o" if 0 < int.from_bytes(data[4:8]) <= _PROCESSORS_MAX else "java"
    if _is_pe(data):
        return "pe"
    if data.startswith(_ZIP):
        # Names are never compressed, so they can be read without opening the archive.
        if extension in _APP_EXTENSIONS or b"AndroidManifest.xml" in data or b"Payload/" in data:
            return "app-package"
        if extension in _JAVA_EXTENSIONS or b"META-INF/MANIFEST.MF" in data:
            return "java"
        if b"classes.dex" in data:
            return "dex"
    parts = file.name.lower().split("/")
    if extension in _NATIVE_EXTENSIONS or any(
        ".so." in parts[-1] or ".framework" in each for each in parts
    ):
        return "by-name"
    return None


def is_archive(file: File) -> bool:
    """Return whether a file is an archive or compressed."""
    return (
        file.data.startswith(_ARCHIVES)
        or file.data[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR
        or file.extension in _ARCHIVE_EXTENSIONS
    )


def is_media(file: File) -> bool:
    """Return whether a file is a picture, a sound, a film or a font and nothing else."""
    if file.extension in SCRIPT_EXTENSIONS:
        return False
    return (
        file.data.startswith((*_MEDIA, _RIFF)) or file.data[_MP4_AT : _MP4_AT + len(_MP4)] == _MP4
    )


def as_utf8(data: bytes) -> bytes:
    """Return text in UTF-8 if it begins with a mark of UTF-16, and else what was given.

    Bytes that are not valid stay as they are: patterns match bytes, and no browser minds them.
    """
    if data.startswith(_UTF16_MARKS):
        return data.decode("utf-16", "replace").encode("utf-8", "replace")
    return data


def _is_pe(data: bytes) -> bool:
    if not data.startswith(b"MZ"):
        return False
    offset = int.from_bytes(data[_PE_OFFSET_AT : _PE_OFFSET_AT + 4], "little")
    return data[offset : offset + 4] == b"PE\0\0"
