"""What was seen so far in one bundle, within limits that are told when they are reached."""

from dataclasses import dataclass, field
from typing import Final, Literal

from sluice.contents.patterns import Hit, Pattern
from sluice.resources.text import plain
from sluice.verify.bundle_report import Finding

__all__ = ["ContentsLimits", "File", "Gathered"]

NAME_CHARS_MAX: Final = 256
"""Longest name of a file in a report; builds stay under 150."""

DETAIL_CHARS_MAX: Final = 200
"""Longest detail in a report: enough to know an address again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentsLimits:
    """How much of a bundle is looked at, and how much is told of it."""

    file_bytes_max: int = 16 * 1024 * 1024
    """Bytes looked at in one file: five times a large app's largest script."""

    scanned_bytes_max: int = 128 * 1024 * 1024
    """Bytes looked at in the whole bundle, media not counted; some 30 s of work."""

    files_max: int = 10_000
    """Files looked at; as many as an archive may have."""

    findings_max: int = 200
    """Findings told of each kind of thing: more than a person reads."""

    names_max: int = 1000
    """Origins told, and plugins."""

    hits_max: int = 5000
    """Matches of one rule that are looked at in one file; 10 MB of real scripts have 300."""

    all_hits_max: int = 250_000
    """Matches that are looked at in the whole bundle; some 15 s of work at worst."""


@dataclass(frozen=True, slots=True)
class File:
    """One file as it is looked at."""

    name: str
    """As in the archive: hostile."""

    data: bytes
    """Its contents up to the limit; UTF-8 where they were UTF-16."""

    @property
    def extension(self) -> str:
        """Return what follows the last dot of its name, in lower case."""
        return self.name.rpartition("/")[2].rpartition(".")[2].lower()

    @property
    def shown(self) -> str:
        """Return its name, safe to show."""
        return plain(self.name, NAME_CHARS_MAX)


_List = Literal["secrets", "source maps", "native code", "remote code"]


@dataclass(slots=True)
class Gathered:
    """What was seen so far."""

    limits: ContentsLimits
    findings: dict[_List, list[Finding]] = field(default_factory=dict)
    told: set[tuple[str, ...]] = field(default_factory=set)
    archives: list[str] = field(default_factory=list)
    origins: set[str] = field(default_factory=set)
    plugin_calls: set[str] = field(default_factory=set)
    hits_seen: int = 0
    reached: dict[str, None] = field(default_factory=dict)
    """Sentences, each once, in the order in which limits were reached."""

    def add(
        self, where: _List, file: File, kind: str, offset: int | None = None, detail: str = ""
    ) -> bool:
        """Keep a finding at a place in a file or about all of it; return whether there was room.

        Of remote code, one finding of each file, kind and detail is kept.
        """
        found = self.findings.setdefault(where, [])
        key = (where, file.name, kind, detail)
        if where == "remote code" and key in self.told:
            return True
        if len(found) >= self.limits.findings_max:
            self.reach(f"More than {self.limits.findings_max} findings of {where}: not all told.")
            return False
        self.told.add(key)
        found.append(
            Finding(
                file=file.shown,
                kind=kind,
                line=0 if offset is None else file.data.count(b"\n", 0, offset) + 1,
                offset=offset or 0,
                detail=plain(detail, DETAIL_CHARS_MAX),
            )
        )
        return True

    def add_archive(self, file: File) -> None:
        """Keep the name of a file that was not opened."""
        if len(self.archives) < self.limits.findings_max:
            self.archives.append(file.shown)
        else:
            self.reach(f"More than {self.limits.findings_max} archives: not all told.")

    def add_origin(self, origin: str) -> None:
        """Keep an origin."""
        self._add_name(self.origins, origin, "origins")

    def add_plugin(self, name: bytes) -> None:
        """Keep the name of a plugin; it is an identifier."""
        self._add_name(self.plugin_calls, name.decode("ascii"), "plugins")

    def hits(self, pattern: Pattern, file: File) -> list[Hit]:
        """Return the matches of a pattern in a file, and note when there are too many."""
        hits_max = min(self.limits.hits_max, self.limits.all_hits_max - self.hits_seen)
        found = list(pattern.hits(file.data, hits_max))
        if len(found) > hits_max:
            self.reach(f"{file.shown}: only the first {hits_max} places of a rule were looked at.")
            found.pop()
        self.hits_seen += len(found)
        return found

    def reach(self, sentence: str) -> None:
        """Note that looking stopped early."""
        if len(self.reached) < self.limits.findings_max:
            self.reached[sentence] = None

    def _add_name(self, names: set[str], name: str, what: str) -> None:
        if len(names) < self.limits.names_max or name in names:
            names.add(name)
        else:
            self.reach(f"More than {self.limits.names_max} {what}: not all told.")
