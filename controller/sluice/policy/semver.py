"""Which of two versions comes later, by the precedence of semver.org 2.0."""

import re
from typing import Final

__all__ = ["compare"]

VERSION_CHARS_MAX: Final = 64
"""Longest version, as in the Release resource."""

_SEMVER: Final = re.compile(
    r"v?(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?",
    re.ASCII,
)

_Precedence = tuple[int, int, int, int, tuple[tuple[int, int, str], ...]]
"""Major, minor, patch, 1 for a release and 0 for a pre-release, then its identifiers."""


def compare(first: str, second: str) -> int:
    """Return -1, 0 or 1: the first version comes before, with or after the second.

    Build metadata does not count; a leading v is overlooked.

    Raises:
        ValueError: when one of them is no semantic version.
    """
    left, right = _precedence(first), _precedence(second)
    return (left > right) - (left < right)


def _precedence(text: str) -> _Precedence:
    match = _SEMVER.fullmatch(text) if len(text) <= VERSION_CHARS_MAX else None
    if match is None:
        msg = "semverCompare() wants versions such as 1.2.3"
        raise ValueError(msg)
    major, minor, patch = int(match[1]), int(match[2]), int(match[3])
    if match[4] is None:
        return major, minor, patch, 1, ()
    identifiers = tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in match[4].split(".")
    )
    return major, minor, patch, 0, identifiers
