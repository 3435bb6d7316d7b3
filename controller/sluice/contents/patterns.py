"""Patterns that take time in proportion to the text, whatever the text.

Bundles are hostile, and so may be patterns that an operator mounts: a backtracking engine can be
made to run for years by either. RE2 can't. Patterns are matched against bytes, so that nothing has
to decode, and `.` is any one byte but a line end.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import re2  # type: ignore[import-untyped]  # ships no types

__all__ = ["Hit", "Pattern", "PatternError", "compiled", "options"]

PATTERN_BYTES_OF_MEMORY_MAX: Final = 8 * 1024 * 1024
"""Memory that one pattern may take to match; RE2's own default. Less makes it slower, not wrong."""

PatternError = re2.error


def options() -> Any:
    """Return the options under which all patterns are compiled."""
    made = re2.Options()
    made.encoding = re2.Options.Encoding.LATIN1
    made.log_errors = False
    made.max_mem = PATTERN_BYTES_OF_MEMORY_MAX
    return made


@dataclass(frozen=True, slots=True)
class Hit:
    """One match."""

    start: int
    end: int
    groups: tuple[bytes | None, ...]
    """The match, then its groups."""

    def group(self, number: int) -> bytes:
        """Return a group, empty if it took no part."""
        return self.groups[number] or b""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern, and bytes of which some must be there for it to match."""

    source: str
    needs: tuple[bytes, ...]
    """One of these is in every match; none means that the pattern is always tried."""

    regexp: Any

    def hits(self, data: bytes, hits_max: int) -> Iterator[Hit]:
        """Yield matches from left to right, one more than `hits_max` at most."""
        if self.needs and not any(each in data for each in self.needs):
            return
        for number, match in enumerate(self.regexp.finditer(data)):
            yield Hit(match.start(), match.end(), (match.group(), *match.groups()))
            if number >= hits_max:
                return


def compiled(source: str, *needs: bytes) -> Pattern:
    """Return a pattern of this module's own making; RE2 syntax, ASCII."""
    return Pattern(source, needs, re2.compile(source.encode("ascii"), options()))
