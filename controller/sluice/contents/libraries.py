"""Libraries in a bundle that have known weaknesses."""

import hashlib
import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Final

from sluice.contents.gathered import File
from sluice.contents.vulnerabilities import (
    VERSION_CHARS_MAX,
    Extractor,
    VulnerabilityData,
    Weakness,
)
from sluice.resources.text import plain
from sluice.verify.bundle_report import Vulnerable

__all__ = ["is_at_or_above", "vulnerable_libraries"]

ID_CHARS_MAX: Final = 100

_GROUP: Final = re.compile(r"\$([0-9])")
_MINIFIED: Final = re.compile(r"[.-]min$")
_SEPARATOR: Final = re.compile(r"[.-]")


def vulnerable_libraries(file: File, known: VulnerabilityData) -> Iterator[Vulnerable]:
    """Yield the known weaknesses of the libraries in a file, each once."""
    told = set()
    for library, version in _libraries(file, known):
        for weakness in known.weaknesses.get(library, ()):
            if _has(version, weakness):
                found = Vulnerable(
                    library=plain(library, ID_CHARS_MAX),
                    version=plain(version, VERSION_CHARS_MAX),
                    ids=tuple(plain(each, ID_CHARS_MAX) for each in weakness.ids),
                    severity=weakness.severity,
                    file=file.shown,
                )
                if found not in told:
                    told.add(found)
                    yield found


def is_at_or_above(version: str, other: str) -> bool:
    """Return whether a version is not older than another, as retire.js compares them.

    Parts between dots and dashes are compared as numbers if both are; a number is newer than a word
    and a missing part is 0.
    """
    for one, two in zip_longest(_SEPARATOR.split(version), _SEPARATOR.split(other), fillvalue="0"):
        if one.isdecimal() and two.isdecimal():
            if int(one) != int(two):
                return int(one) > int(two)
        elif one.isdecimal() != two.isdecimal():
            return one.isdecimal()
        elif one != two:
            return one > two
    return True


def _libraries(file: File, known: VulnerabilityData) -> Iterator[tuple[str, str]]:
    extractors, patterns = known.contents
    potential = patterns.Match(file.data, potential=True) if extractors else None
    for number in sorted(potential or ()):
        match = patterns.re(number).search(file.data)
        if match is not None and (version := _version(extractors[number], match.groups())):
            yield extractors[number].library, version
    name = file.name.rpartition("/")[2].encode("utf-8", "replace")
    for extractor, regexp in known.names:
        match = regexp.search(name)
        if match is not None and (version := _version(extractor, match.groups())):
            yield extractor.library, version
    if known.hashes:
        digest = hashlib.sha1(file.data, usedforsecurity=False).hexdigest()
        if digest in known.hashes:
            yield known.hashes[digest]


def _version(extractor: Extractor, groups: tuple[bytes | None, ...]) -> str:
    def group(found: re.Match[str]) -> str:
        number = int(found[1]) - 1
        value = groups[number] if 0 <= number < len(groups) else None
        return (value or b"")[:VERSION_CHARS_MAX].decode("ascii", "replace")

    return _MINIFIED.sub("", _GROUP.sub(group, extractor.template))[:VERSION_CHARS_MAX]


def _has(version: str, weakness: Weakness) -> bool:
    if version in weakness.excludes:
        return False
    if weakness.below is not None and is_at_or_above(version, weakness.below):
        return False
    return weakness.at_or_above is None or is_at_or_above(version, weakness.at_or_above)
