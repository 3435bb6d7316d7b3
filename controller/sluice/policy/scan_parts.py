"""What scanners' documents are read into, and how.

Every part that is asked for is there, or the document can't be read: one that is absent, null or of
another type never looks like "nothing found".
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from sluice.errors import Refused
from sluice.resources.text import plain

__all__ = [
    "Finding",
    "Package",
    "Part",
    "Scan",
    "ScanSeverity",
    "ScanState",
    "severity_of_score",
    "severity_of_word",
    "unreadable",
    "worst",
]

ScanSeverity = Literal["none", "low", "medium", "high", "critical", "unknown"]
ScanState = Literal["open", "fixed", "not_affected", "suppressed"]

FINDINGS_MAX: Final = 20_000
PACKAGES_MAX: Final = 20_000
"""Most findings and packages of one document; a statement has 4 MiB at most, which is some 10,000
of either."""

TEXT_CHARS_MAX: Final = 1_024
"""Longest name, version or identifier. A longer one is refused, and not cut: it is compared."""

LOCATION_CHARS_MAX: Final = 256
"""Longest location; it is for people, so that a longer one is cut."""

PATH_CHARS_MAX: Final = 128

_ORDER: Final[tuple[ScanSeverity, ...]] = ("none", "low", "medium", "high", "critical")

_WORDS: Final[Mapping[str, ScanSeverity]] = {
    "none": "none",
    "info": "low",
    "informational": "low",
    "information": "low",
    "negligible": "low",
    "low": "low",
    "minor": "low",
    "medium": "medium",
    "moderate": "medium",
    "high": "high",
    "important": "high",
    "critical": "critical",
}
"""The words of all scanners, in lower case."""

_SCORES: Final[tuple[tuple[float, ScanSeverity], ...]] = (
    (9.0, "critical"),
    (7.0, "high"),
    (4.0, "medium"),
    (0.1, "low"),
    (0.0, "none"),
)
"""Least CVSS score of each severity (CVSS 3.1, section 5)."""

_SCORE_MAX: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a scanner or a test found."""

    id: str
    """Of the vulnerability, the rule or the test; never empty."""

    severity: ScanSeverity
    """`unknown` is for the reader to count as the worst; `none` is said to do no harm."""

    state: ScanState
    """Whatever is not open was said to be so, by the document."""

    package: str = ""
    """`name@version`, or whatever the document names; empty when it names none."""

    location: str = ""
    """File and line; for people."""

    def as_json(self) -> dict[str, str]:
        """Return the finding as expressions see it."""
        return {
            "id": self.id,
            "severity": self.severity,
            "state": self.state,
            "package": self.package,
            "location": self.location,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One library that is inside."""

    name: str
    version: str
    licence: str
    """SPDX expression or name, as the document has it; empty when it says none."""

    def as_json(self) -> dict[str, str]:
        """Return the package as expressions see it."""
        return {"name": self.name, "version": self.version, "licence": self.licence}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What one document says, in one form."""

    findings: tuple[Finding, ...] = ()
    packages: tuple[Package, ...] = ()

    known: bool = True
    """False: this type is not read, and what it says is unknown."""

    scanned: bool = False
    """Whether somebody looked for findings. An inventory names none, and that proves nothing."""


class Part:
    """A part of a document, which knows where it stands."""

    __slots__ = ("path", "value")

    def __init__(self, value: Any, path: str) -> None:
        self.value = value
        self.path = path

    def member(self, name: str) -> "Part":
        """Return a member that must be there, and not null."""
        found = self.optional(name)
        if found is None:
            raise unreadable(f"{self.path}.{name}", "is missing")
        return found

    def optional(self, name: str) -> "Part | None":
        """Return a member; None when it is absent or null."""
        value = self.members().get(name)
        return None if value is None else Part(value, f"{self.path}.{name}")

    def members(self) -> Mapping[str, Any]:
        """Return what must be an object."""
        if not isinstance(self.value, Mapping):
            raise unreadable(self.path, "must be an object")
        return self.value

    def items(self) -> Iterator["Part"]:
        """Yield the elements of what must be a list."""
        if not isinstance(self.value, list):
            raise unreadable(self.path, "must be a list")
        for index, each in enumerate(self.value):
            yield Part(each, f"{self.path}[{index}]")

    def items_of(self, name: str) -> Iterator["Part"]:
        """Yield the elements of a list that may be absent."""
        found = self.optional(name)
        if found is not None:
            yield from found.items()

    def text(self) -> str:
        """Return what must be text, and not empty."""
        if not isinstance(self.value, str) or not self.value.strip():
            raise unreadable(self.path, "must be text")
        if len(self.value) > TEXT_CHARS_MAX:
            raise unreadable(self.path, f"is longer than {TEXT_CHARS_MAX} characters")
        return self.value

    def text_of(self, name: str) -> str:
        """Return the text of a member; empty when it is absent or empty."""
        found = self.optional(name)
        return "" if found is None or found.value == "" else found.text()

    def location_of(self, name: str) -> str:
        """Return text that is only shown: cut, and empty when it is no text."""
        value = self.members().get(name)
        return plain(value, LOCATION_CHARS_MAX) if isinstance(value, str) else ""


def unreadable(path: str, why: str) -> Refused:
    """Return the refusal of a document: what is wrong where."""
    return Refused(
        "ScanUnreadable",
        f"The attested document can't be read: {plain(path, PATH_CHARS_MAX)} {why}.",
    )


def severity_of_word(word: object) -> ScanSeverity:
    """Return the severity that a scanner's word means; `unknown` for any other value."""
    return _WORDS.get(word.strip().lower(), "unknown") if isinstance(word, str) else "unknown"


def severity_of_score(score: object) -> ScanSeverity:
    """Return the severity of a CVSS score, a number or its text; `unknown` for any other value."""
    try:
        number = float(score) if isinstance(score, str | int | float) else math.nan
    except (ValueError, OverflowError):
        return "unknown"
    if isinstance(score, bool) or not 0 <= number <= _SCORE_MAX:
        return "unknown"
    return next(severity for least, severity in _SCORES if number >= least or least == 0)


def worst(severities: list[ScanSeverity]) -> ScanSeverity:
    """Return the worst of those that are known; `unknown` when none is."""
    known = [each for each in severities if each != "unknown"]
    return max(known, key=_ORDER.index, default="unknown")
