"""What was seen inside a bundle, as data that is stored and judged.

A report says what is there, never whether that is allowed. It is made by `sluice.contents`, kept
sealed, compared with the report on the previous release, and judged by `sluice.policy`.

What a report does not name may still be there: code can hide what it does from every reader that
does not run it. It is made for honest mistakes (a key left in, a plugin the app lacks) and for
reviewers (what is new?), not as proof that a bundle is harmless.
"""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec

from sluice.errors import Refused
from sluice.resources.canonical import INTEGER_MAX, canonical_json

__all__ = [
    "REPORT_BYTES_MAX",
    "BundleDifference",
    "BundleReport",
    "Finding",
    "NativeKind",
    "RemoteCodeKind",
    "Severity",
    "SourceMapKind",
    "Vulnerable",
    "difference",
    "report_from_json",
]

REPORT_BYTES_MAX: Final = 4 * 1024 * 1024
"""Largest stored report; the limits of `sluice.contents` keep one under 1 MiB."""

SourceMapKind = Literal["source-map-file", "inline-source-map", "named-source-map"]
"""A map; a map inside of a script or style sheet; a file that one of them names as its map."""

NativeKind = Literal[
    "elf", "mach-o", "pe", "dex", "static-library", "llvm-bitcode", "java", "app-package", "by-name"
]
"""What kind of machine or Java code; `by-name`: only its name says so, e.g. `lib.so`."""

RemoteCodeKind = Literal[
    # Code that comes from elsewhere.
    "script-from-other-origin",
    "script-from-data",
    "frame-from-other-origin",
    "base-on-other-origin",
    "import-from-other-origin",
    "script-url-in-code",
    # Text that becomes code.
    "eval",
    "eval-of-fetched",
    "new-function",
    "document-write-script",
    # A page without the policy that would stop both.
    "csp-missing",
    "csp-late",
    "csp-no-script-src",
    "csp-unsafe-eval",
    "csp-unsafe-inline",
    "csp-wildcard",
]
"""How code that is not in the bundle could come to run.

`script-url-in-code` is an address of a script in a string; whether it is ever loaded is not seen.
`csp-late`: a script stands before the policy, so it is not bound by it.
"""

Severity = Literal["low", "medium", "high", "critical", "unknown"]

_Count = Annotated[int, msgspec.Meta(ge=0, le=INTEGER_MAX)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing seen at one place."""

    file: str
    """Name in the bundle, made safe to show: it can differ from the name it is served under."""

    kind: str
    """What was seen: one of the kinds above, or for a secret a name such as `AWS access key`."""

    line: _Count
    """From 1; 0 when the finding is about the whole file."""

    offset: _Count
    """Bytes from the start of the file (for UTF-16: of the file as UTF-8)."""

    detail: str = ""
    """For people, made safe to show, e.g. the address of a script. Never anything of a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vulnerable:
    """One known weakness of one library in one file."""

    library: str
    version: str
    ids: tuple[str, ...]
    """Names of the weakness, sorted: CVE and GHSA if it has any."""

    severity: Severity
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleReport:
    """What was seen inside one bundle."""

    bundle_sha256: str
    inspector: str
    """Which rules and data made this report. Reports of two inspectors may differ on one bundle."""

    files: _Count
    unpacked_bytes: _Count
    largest_file_bytes: _Count
    secrets: tuple[Finding, ...]
    source_maps: tuple[Finding, ...]
    native_code: tuple[Finding, ...]
    remote_code: tuple[Finding, ...]
    """One for each file, kind and detail."""

    archives: tuple[str, ...]
    """Files that are archives or compressed. They were not opened: nothing in them was seen."""

    origins: frozenset[str]
    """Network origins named in the files, e.g. `https://api.example.com:8443`.

    `*` stands for what is only known when the code runs, and that can be anything: an address
    filled into `https://*.example.com` can lead elsewhere, so no list of allowed hosts covers it.
    """

    plugin_calls: frozenset[str]
    """Native plugins that the code calls, by the name under which the app registers them."""

    vulnerable: tuple[Vulnerable, ...]
    limits_reached: tuple[str, ...]
    """Sentences: where looking stopped early. Not empty: what is absent here proves nothing."""

    @property
    def truncated(self) -> bool:
        """Whether looking stopped early somewhere; `limits_reached` says why."""
        return bool(self.limits_reached)

    def as_json(self) -> bytes:
        """Return the one byte form of the report; the inverse of `report_from_json`."""
        return canonical_json(msgspec.to_builtins(self, order="deterministic"))


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleDifference:
    """What changed from one bundle to the next."""

    first: bool
    """Whether there was nothing before: then everything is new."""

    origins_added: frozenset[str]
    origins_removed: frozenset[str]
    plugin_calls_added: frozenset[str]
    plugin_calls_removed: frozenset[str]
    files_grown: int
    """Files more than before; negative for fewer."""

    unpacked_bytes_grown: int
    uncertain: bool
    """Whether a report was cut short, or other rules made the two: then something that changed may
    not show, and something that shows may not have changed."""


def difference(old: BundleReport | None, new: BundleReport) -> BundleDifference:
    """Return what changed from one bundle to the next.

    Args:
        old: the report on the bundle before, or None for the first.
        new: the report on the bundle that is to follow.
    """
    origins = old.origins if old else frozenset()
    plugin_calls = old.plugin_calls if old else frozenset()
    return BundleDifference(
        first=old is None,
        origins_added=new.origins - origins,
        origins_removed=origins - new.origins,
        plugin_calls_added=new.plugin_calls - plugin_calls,
        plugin_calls_removed=plugin_calls - new.plugin_calls,
        files_grown=new.files - (old.files if old else 0),
        unpacked_bytes_grown=new.unpacked_bytes - (old.unpacked_bytes if old else 0),
        uncertain=new.truncated
        or (old is not None and (old.truncated or old.inspector != new.inspector)),
    )


def report_from_json(data: bytes) -> BundleReport:
    """Return the report of these bytes, which `BundleReport.as_json` wrote.

    Raises:
        Refused: BundleReportUnreadable, when they are not exactly what it would write.
    """
    if len(data) > REPORT_BYTES_MAX:
        raise _unreadable()
    try:
        report = msgspec.json.decode(data, type=BundleReport)
        canonical = report.as_json()
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _unreadable() from error
    # One form only: no field that is unknown, given twice, or spelled in another way.
    if canonical != data:
        raise _unreadable()
    return report


def _unreadable() -> Refused:
    return Refused(
        "BundleReportUnreadable",
        "The stored report on a bundle is damaged or was written by another version of Sluice;"
        " inspect the bundle again.",
    )
