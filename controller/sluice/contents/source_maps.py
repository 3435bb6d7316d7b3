"""Source maps: the app's source code, shipped to whoever has the app."""

import posixpath
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from sluice.contents.gathered import File, Gathered
from sluice.contents.patterns import compiled

__all__ = ["SOURCE_MAP_PATTERNS", "SourceMaps"]

_MENTION: Final = compiled(
    r"""[#@]\s*sourceMappingURL=(data:[^,\s"'`]{0,100},[A-Za-z0-9+/=%]{20}|[^\s"'`*,]{1,300})""",
    b"sourceMappingURL=",
)
SOURCE_MAP_PATTERNS: Final = (_MENTION,)
_MAP_KEYS: Final = (b'"mappings"', b'"sources"', b'"version"')
_JSON_GUARD: Final = b")]}'"
"""May stand before a map, so that it is no script."""

MENTIONS_MAX: Final = 20_000
"""Mentions that are remembered until all names of files are known."""


@dataclass(slots=True)
class SourceMaps:
    """Source maps seen so far."""

    maps: set[str] = field(default_factory=set)
    """Names of files that are maps."""

    mentions: set[str] = field(default_factory=set)
    """Names of files that others name as their map."""

    def look(self, file: File, gathered: Gathered) -> None:
        """Look at one file."""
        if file.extension == "map" or _is_map(file.data):
            self.maps.add(file.name)
            gathered.add("source maps", file, "source-map-file")
            return
        for hit in gathered.hits(_MENTION, file):
            address = hit.group(1)
            if address.startswith(b"data:"):
                if b"," in address:
                    gathered.add("source maps", file, "inline-source-map", hit.start)
            elif len(self.mentions) < MENTIONS_MAX:
                self.mentions.add(_place(file, address))
            else:
                gathered.reach(f"More than {MENTIONS_MAX} source maps are named: not all followed.")

    def finish(self, names: frozenset[str], gathered: Gathered) -> None:
        """Tell of maps that are known as such only because another file names them."""
        for name in sorted((self.mentions & names) - self.maps):
            gathered.add("source maps", File(name, b""), "named-source-map")


def _is_map(data: bytes) -> bool:
    start = data[:64].removeprefix(b"\xef\xbb\xbf").removeprefix(_JSON_GUARD).lstrip()
    return start.startswith(b"{") and all(key in data for key in _MAP_KEYS)


def _place(file: File, address: bytes) -> str:
    path = unquote(address.decode("utf-8", "replace").partition("?")[0].partition("#")[0])
    return posixpath.normpath(posixpath.join(posixpath.dirname(file.name), path)).lstrip("/")
