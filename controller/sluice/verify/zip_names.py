"""Names in an archive: each safe on every client's disk, and no two of them one file there.

iOS and Windows fold case, Apple's file systems normalise Unicode, Windows ends a name before its
trailing dots. A bundle must unpack to the same files everywhere (attack 27).
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from sluice.errors import VerificationError
from sluice.verify.reasons import refusal, unprintable

__all__ = ["NAME_BYTES_MAX", "PART_BYTES_MAX", "decoded_name", "refuse_collisions", "shown"]

NAME_BYTES_MAX: Final = 1024
"""Longest path in bytes; Android and iOS allow 1,024 for a whole path."""

PART_BYTES_MAX: Final = 255
"""Longest part of a path in bytes, as on all of the clients' file systems."""

PARTS_MAX: Final = 32
"""Deepest folder; web builds stay under 10."""

_SHOWN_CHARS_MAX: Final = 80

_FORBIDDEN: Final = re.compile(r"[\\:]")
"""Backslash is a separator on Windows; a colon ends a drive's or a stream's name."""


def decoded_name(raw: bytes, *, utf8: bool) -> str:
    """Return the name of an entry.

    Args:
        raw: its bytes in the archive.
        utf8: whether the entry says that they are UTF-8.

    Raises:
        VerificationError: ArchiveUnsafeName.
    """
    if not utf8 and not raw.isascii():
        # Java reads such a name as UTF-8 and iOS as code page 437: two different files.
        raise refusal(
            "ArchiveUnsafeName",
            f"The name {shown(raw.decode('utf-8', 'replace'))} is not marked as UTF-8; rename the"
            " file, or use a tool that marks it (python -m zipfile, jar).",
        )
    try:
        name = raw.decode()
    except UnicodeDecodeError as error:
        raise refusal(
            "ArchiveUnsafeName", f"The name {raw[:_SHOWN_CHARS_MAX]!a} is not UTF-8."
        ) from error
    _refuse_unsafe(name, raw)
    return name


def _refuse_unsafe(name: str, raw: bytes) -> None:
    parts = name.removesuffix("/").split("/")
    if any(part in {"", ".", ".."} for part in parts):
        raise _unsafe(name, "leaves the bundle's folder, or is empty or absolute")
    if _FORBIDDEN.search(name):
        raise _unsafe(name, "has a backslash or colon")
    if unprintable(name):
        raise _unsafe(name, "has control or invisible characters")
    if any(part.endswith((".", " ")) or part.startswith(" ") for part in parts):
        raise _unsafe(name, "has a part that ends in a dot, or begins or ends with a space")
    if (
        len(raw) > NAME_BYTES_MAX
        or len(parts) > PARTS_MAX
        or any(len(part.encode()) > PART_BYTES_MAX for part in parts)
    ):
        raise _unsafe(name, "is too long or too deep")


def refuse_collisions(names: Iterable[str]) -> None:
    """Refuse names that would be one file on some client, or a file and a folder at once.

    Args:
        names: of all entries; those of folders end in `/`.

    Raises:
        VerificationError: ArchiveDuplicate.
    """
    told: set[str] = set()
    spelled: dict[str, str] = {}
    files: set[str] = set()
    folders: set[str] = set()
    for name in names:
        path = name.removesuffix("/")
        parts = path.split("/")
        ancestors = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
        for each in (*ancestors, path):
            other = spelled.setdefault(_folded(each), each)
            if other != each:
                raise _duplicate(f"{shown(each)} and {shown(other)} are one name on some phones")
        if path in told:
            raise _duplicate(f"{shown(path)} is in the zip twice")
        told.add(path)
        folders.update(ancestors)
        (folders if name.endswith("/") else files).add(path)
    if both := files & folders:
        raise _duplicate(f"{shown(min(both))} is both a file and a folder")


def _folded(path: str) -> str:
    folded = unicodedata.normalize("NFD", path).casefold()
    return unicodedata.normalize("NFC", folded)


def shown(name: str) -> str:
    """Return a name from outside so that it can stand in a message or a log: ASCII, quoted, cut."""
    return ascii(name[:_SHOWN_CHARS_MAX])


def _unsafe(name: str, why: str) -> VerificationError:
    return refusal("ArchiveUnsafeName", f"The name {shown(name)} {why}; rename the file.")


def _duplicate(what: str) -> VerificationError:
    return refusal("ArchiveDuplicate", f"{what}; rename or remove one.")
