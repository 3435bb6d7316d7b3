"""Data on JavaScript libraries with known weaknesses: how to tell a version, and what is wrong.

The data is that of retire.js: what unretiredjs brings along, or a `jsrepository` file that an
operator mounts (any version of the format). Its patterns are run by RE2; one that RE2 can't read is
rewritten (a back reference to any character, a repetition to at most 1,000) or else dropped.

Source: https://github.com/RetireJS/retire.js/blob/master/repository/README.md
"""

import functools
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import re2  # type: ignore[import-untyped]  # ships no types

from sluice.contents.patterns import PatternError, options
from sluice.errors import Refused
from sluice.resources.canonical import sha256_hex
from sluice.verify.bundle_report import Severity
from sluice.verify.json_strict import canonical_text, parse

__all__ = [
    "VERSION_CHARS_MAX",
    "VULNERABILITY_BYTES_MAX",
    "Extractor",
    "VulnerabilityData",
    "Weakness",
]

VULNERABILITY_BYTES_MAX: Final = 8 * 1024 * 1024
"""Largest data file; retire.js's largest has 2 MB."""

LIBRARIES_MAX: Final = 5000
PATTERNS_MAX: Final = 20_000
PATTERN_CHARS_MAX: Final = 2000
"""Longest pattern; retire.js's longest has 350 characters."""

VERSION_CHARS_MAX: Final = 40
"""Longest version."""

REPEAT_MAX: Final = 1000
"""RE2's limit of `{n,m}`."""

_VERSION_MARK: Final = "§§version§§"
_VERSION: Final = r"[0-9][0-9.a-z_-]+"
_REPEAT: Final = re.compile(r"\{(\d{1,6}),(\d{1,6})\}")
_BACK_REFERENCE: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\[1-9]")
_REPLACE: Final = re.compile(r"/(.*[^\\])/([^/]+)/", re.DOTALL)
_SEVERITIES: Final[Mapping[str, Severity]] = {
    "low": "low", "medium": "medium", "high": "high", "critical": "critical"
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Weakness:
    """One known weakness of a library."""

    ids: tuple[str, ...]
    severity: Severity
    at_or_above: str | None
    """The first version that has it; None: the very first."""

    below: str | None
    """The first version that has it no more; None: none so far."""

    excludes: frozenset[str]
    """Versions in between that do not have it."""


@dataclass(frozen=True, slots=True)
class Extractor:
    """How the version of a library is read from a file."""

    library: str
    template: str
    """The version in terms of the pattern's groups, e.g. `$1.$2`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VulnerabilityData:
    """Libraries with known weaknesses, ready to look for."""

    digest: str
    """SHA-256 of the data."""

    weaknesses: Mapping[str, tuple[Weakness, ...]] = field(repr=False)
    contents: tuple[tuple[Extractor, ...], Any] = field(repr=False, compare=False)
    """Extractors that read the text, and the filter that has their patterns in the same order."""

    names: tuple[tuple[Extractor, Any], ...] = field(repr=False, compare=False)
    """Extractors that read the name of a file, with their patterns."""

    hashes: Mapping[str, tuple[str, str]] = field(repr=False)
    """Library and version by the SHA-1 of a file."""

    @staticmethod
    @functools.cache
    def built_in() -> "VulnerabilityData":
        """Return the data that unretiredjs brings along."""
        with warnings.catch_warnings():
            # Its source has an invalid escape sequence, told of when it is compiled.
            warnings.simplefilter("ignore")
            from unretiredjs import vulnerabilities  # type: ignore[import-untyped]  # ships no types  # noqa: PLC0415 - see above
        return _read(vulnerabilities.definitions)

    @staticmethod
    def from_jsrepository(data: bytes) -> "VulnerabilityData":
        """Return the data of a `jsrepository.json` of retire.js.

        Raises:
            Refused: VulnerabilityDataUnreadable.
        """
        try:
            value = parse(
                data,
                what="file of known vulnerabilities",
                reason="StatementUnreadable",
                bytes_max=VULNERABILITY_BYTES_MAX,
            )
        except Refused as error:
            raise _unreadable(error.message) from error
        return _read(value)


def _read(value: Any) -> VulnerabilityData:
    libraries = _mapping(value, "the file")
    if len(libraries) > LIBRARIES_MAX:
        raise _unreadable(f"It has more than {LIBRARIES_MAX} libraries.")
    reader = _Reader()
    weaknesses = {}
    for name, library in libraries.items():
        fields = _mapping(library, name)
        listed = fields.get("vulnerabilities", [])
        if not isinstance(listed, list):
            raise _unreadable(f"`vulnerabilities` of {name[:80]!a} is no list.")
        weaknesses[name] = tuple(_weakness(name, each) for each in listed)
        reader.read(name, _mapping(fields.get("extractors", {}), name))
    # An empty filter can't be compiled.
    if reader.extractors:
        reader.filter.Compile()
    return VulnerabilityData(
        digest=sha256_hex(canonical_text(value).encode()),
        weaknesses=weaknesses,
        contents=(tuple(reader.extractors), reader.filter),
        names=tuple(reader.names),
        hashes=reader.hashes,
    )


class _Reader:
    """Reads extractors."""

    def __init__(self) -> None:
        self.filter = re2.Filter()
        self.extractors: list[Extractor] = []
        self.names: list[tuple[Extractor, Any]] = []
        self.hashes: dict[str, tuple[str, str]] = {}

    def read(self, library: str, extractors: Mapping[str, Any]) -> None:
        """Read the extractors of one library; kinds that need a browser are left out."""
        for pattern in _texts(extractors.get("filecontent", []), library):
            self._add_content(library, pattern, "$1")
        for pattern in _texts(extractors.get("filecontentreplace", []), library):
            if found := _REPLACE.fullmatch(pattern):
                self._add_content(library, found[1], found[2])
        for pattern in _texts(extractors.get("filename", []), library):
            try:
                regexp = re2.compile(_rewritten(pattern), options())
            except PatternError:
                continue
            self.names.append((Extractor(library, "$1"), regexp))
        for digest, version in _mapping(extractors.get("hashes", {}), library).items():
            if not _is_version(version):
                raise _unreadable(f"A version of {library[:80]!a} is no short text.")
            self.hashes[digest] = (library, version)
        if len(self.extractors) + len(self.names) + len(self.hashes) > PATTERNS_MAX:
            raise _unreadable(f"It has more than {PATTERNS_MAX} patterns.")

    def _add_content(self, library: str, pattern: str, template: str) -> None:
        try:
            self.filter.Add(_rewritten(pattern), options())
        except PatternError:
            return
        self.extractors.append(Extractor(library, template))


def _rewritten(pattern: str) -> bytes:
    text = pattern.replace(_VERSION_MARK, _VERSION)
    text = _BACK_REFERENCE.sub(lambda found: found[1] + ".", text)
    return _REPEAT.sub(_repeat, text).encode()


def _repeat(found: re.Match[str]) -> str:
    least, most = (min(int(each), REPEAT_MAX) for each in found.groups())
    return f"{{{least},{most}}}"


def _weakness(library: str, value: Any) -> Weakness:
    fields = _mapping(value, library)
    at_or_above, below, severity = (fields.get(each) for each in ("atOrAbove", "below", "severity"))
    excludes = _texts(fields.get("excludes", []), library)
    if not all(each is None or _is_version(each) for each in (at_or_above, below, severity)):
        raise _unreadable(f"A version or severity of {library[:80]!a} is no short text.")
    return Weakness(
        ids=_ids(_mapping(fields.get("identifiers", {}), library)),
        severity=_SEVERITIES.get(severity or "", "unknown"),
        at_or_above=at_or_above,
        below=below,
        excludes=frozenset(excludes),
    )


def _ids(identifiers: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of a weakness: its public ones, or else what retire.js calls it."""
    public = [
        each
        for key in ("CVE", "githubID")
        for value in [identifiers.get(key, [])]
        for each in (value if isinstance(value, list) else [value])
        if isinstance(each, str)
    ]
    if public:
        return tuple(sorted(set(public)))
    others = [
        f"{key}:{value}"
        for key, value in sorted(identifiers.items())
        if key != "summary" and isinstance(value, str)
    ]
    summary = identifiers.get("summary")
    return tuple(others or ([summary] if isinstance(summary, str) else []))


def _is_version(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= VERSION_CHARS_MAX


def _mapping(value: Any, whose: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _unreadable(f"A part of {whose[:80]!a} is no object.")
    return value


def _texts(value: Any, whose: str) -> list[str]:
    if not isinstance(value, list) or not all(
        isinstance(each, str) and len(each) <= PATTERN_CHARS_MAX for each in value
    ):
        raise _unreadable(f"A list of {whose[:80]!a} holds more than texts of usual length.")
    return value


def _unreadable(why: str) -> Refused:
    return Refused(
        "VulnerabilityDataUnreadable",
        f"This is no file of known vulnerabilities as retire.js writes them. {why}"
        " Mount its jsrepository-v4.json, or leave the file out to use what is built in.",
    )
