"""Versions compared by the precedence of semver.org 2.0, as phones and releases write them."""

import re
from functools import lru_cache
from typing import Final

__all__ = ["Version", "coerced", "parsed"]

Version = tuple[int, int, int, int, tuple[tuple[int, int, str], ...]]
"""Major, minor, patch, 1 for a release and 0 for a pre-release, then its identifiers: ordered as
the versions are."""

VERSION_CHARS_MAX: Final = 64
"""Longest version; the Release resource allows as many, and integers of that length are cheap."""

_CACHED: Final = 4096
"""Versions kept parsed: a fleet names some hundreds, and a hostile sender only evicts them."""

_SEMVER: Final = re.compile(
    r"v?(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?",
    re.ASCII,
)
_DOTS: Final = 2


@lru_cache(maxsize=_CACHED)
def parsed(text: str) -> Version | None:
    """Return the version that `text` names, or None when it names none."""
    match = _SEMVER.fullmatch(text) if len(text) <= VERSION_CHARS_MAX else None
    if match is None:
        return None
    major, minor, patch = int(match[1]), int(match[2]), int(match[3])
    if match[4] is None:
        return major, minor, patch, 1, ()
    identifiers = tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in match[4].split(".")
    )
    return major, minor, patch, 0, identifiers


@lru_cache(maxsize=_CACHED)
def coerced(text: str) -> Version | None:
    """Return the version of an app build, which often lacks its end: `1` is 1.0.0, `1.2` is 1.2.0.

    None when even that names no version.
    """
    return parsed(text.strip() + ".0" * max(0, _DOTS - text.count(".")))
