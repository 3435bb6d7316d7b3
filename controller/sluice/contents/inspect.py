"""Everything that is looked at in a bundle, file by file.

One file is in memory at a time, up to a limit; every pattern takes time in proportion to the text;
and how much is looked at and told is limited. Where a limit is reached, the report says so, for
then what it does not name proves nothing.
"""

import posixpath
import struct
import zipfile
import zlib
from typing import BinaryIO, Final

from sluice.contents.credentials import DETECT_SECRETS_VERSION, DETECTORS, look_for_secrets
from sluice.contents.formats import HEAD_BYTES, as_utf8, is_archive, is_media, native_kind
from sluice.contents.gathered import ContentsLimits, File, Gathered
from sluice.contents.libraries import vulnerable_libraries
from sluice.contents.origins import NO_ORIGINS, ORIGIN_PATTERNS, look_for_origins
from sluice.contents.pages import PAGE_PATTERNS, look_at_page
from sluice.contents.plugins import PLUGIN_PATTERNS, PluginCalls
from sluice.contents.scripts import SCRIPT_RULES, look_for_remote_code
from sluice.contents.source_maps import SOURCE_MAP_PATTERNS, SourceMaps
from sluice.contents.vulnerabilities import VulnerabilityData
from sluice.errors import Refused
from sluice.resources.canonical import sha256_hex
from sluice.verify.bundle_report import BundleReport, Vulnerable

__all__ = ["inspect_bundle", "inspector_of"]

EDITION: Final = 1
"""Raised whenever something other than a pattern changes what a report says."""

_RULES: Final = sha256_hex(
    "\n".join(
        [
            *(f"{each.kind} {each.pattern.source}" for each in DETECTORS),
            *(f"{each.kind} {each.pattern.source}" for each in SCRIPT_RULES),
            *(
                each.source
                for each in (
                    *ORIGIN_PATTERNS, *PAGE_PATTERNS, *PLUGIN_PATTERNS, *SOURCE_MAP_PATTERNS
                )
            ),
            *sorted(NO_ORIGINS),
        ]
    ).encode()
)  # fmt: skip

_PAGES: Final = frozenset({"html", "htm", "xhtml", "svg"})
_NO_CODE: Final = frozenset({"css", "map", "md"})
"""Files that no web view runs, and in which code is only shown."""

_UNREADABLE: Final = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    LookupError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
)
"""What Python's reader says of archives that `sluice.verify.archive` would have refused."""


def inspect_bundle(
    file: BinaryIO,
    *,
    sha256: str,
    limits: ContentsLimits,
    known: VulnerabilityData | None = None,
) -> BundleReport:
    """Return what is inside of a bundle.

    Args:
        file: the zip; seekable, and one that `sluice.verify.archive.inspect` let through.
        sha256: its digest, for the report.
        limits: how much is looked at and told.
        known: libraries with known weaknesses; by default what is built in.

    Raises:
        Refused: BundleUnreadable, for a zip that can't be read.
        OSError: the file can't be read.
    """
    known = known or VulnerabilityData.built_in()
    inspection = _Inspection(limits, known)
    try:
        with zipfile.ZipFile(file) as archive:
            inspection.look(archive)
    except _UNREADABLE as error:
        raise Refused(
            "BundleUnreadable", "The bundle's zip can't be read; build it again."
        ) from error
    return inspection.report(sha256)


def inspector_of(known: VulnerabilityData) -> str:
    """Return which rules and data make a report: the same text, the same report on a bundle."""
    return (
        f"contents-{EDITION}-{_RULES[:12]} detect-secrets-{DETECT_SECRETS_VERSION}"
        f" libraries-{known.digest[:12]}"
    )


class _Inspection:
    """One look at one bundle."""

    def __init__(self, limits: ContentsLimits, known: VulnerabilityData) -> None:
        self.limits = limits
        self.known = known
        self.gathered = Gathered(limits)
        self.plugin_calls = PluginCalls()
        self.source_maps = SourceMaps()
        self.vulnerable: list[Vulnerable] = []
        self.sizes: list[int] = []
        self.left = limits.scanned_bytes_max

    def look(self, archive: zipfile.ZipFile) -> None:
        """Look at all files of an archive, by name."""
        members = sorted(
            (each for each in archive.infolist() if not each.is_dir()),
            key=lambda each: each.filename,
        )
        self.sizes = [each.file_size for each in members]
        names = [each.filename for each in members]
        index = min(
            (each for each in names if posixpath.basename(each) == "index.html"),
            key=lambda each: each.count("/"),
            default="",
        )
        if len(members) > self.limits.files_max:
            self.gathered.reach(f"Only the first {self.limits.files_max} files were looked at.")
        for member in members[: self.limits.files_max]:
            read = self._read(archive, member)
            if read is not None:
                self._look_at(read, is_index=member.filename == index)
        self.plugin_calls.finish(self.gathered)
        self.source_maps.finish(frozenset(names), self.gathered)

    def _read(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> File | None:
        """Return a file to look at, or None when that is done."""
        with archive.open(member) as stream:
            head = File(member.filename, stream.read(HEAD_BYTES))
            if is_media(head):
                return None
            room = min(self.limits.file_bytes_max, self.left)
            data = head.data + stream.read(max(0, room - len(head.data)))
        if member.file_size > len(data):
            which = "bundle" if self.left < self.limits.file_bytes_max else "file"
            self.gathered.reach(
                f"{head.shown}: only the first {len(data)} bytes were looked at; the {which} is"
                " too large."
            )
        self.left = max(0, self.left - len(data))
        return File(member.filename, as_utf8(data))

    def _look_at(self, file: File, *, is_index: bool) -> None:
        kind = native_kind(file)
        if kind is not None:
            self.gathered.add("native code", file, kind)
        if is_archive(file):
            self.gathered.add_archive(file)
            return
        look_for_secrets(file, self.gathered)
        self.source_maps.look(file, self.gathered)
        if file.extension not in {"map", "md"}:
            look_for_origins(file, self.gathered)
        if file.extension not in _NO_CODE:
            look_for_remote_code(file, self.gathered)
            self.plugin_calls.look(file, self.gathered)
            self._look_for_libraries(file)
        if file.extension in _PAGES or is_index:
            look_at_page(file, self.gathered, is_index=is_index)

    def _look_for_libraries(self, file: File) -> None:
        for found in vulnerable_libraries(file, self.known):
            if len(self.vulnerable) < self.limits.findings_max:
                self.vulnerable.append(found)
            else:
                self.gathered.reach(
                    f"More than {self.limits.findings_max} vulnerabilities: not all told."
                )

    def report(self, sha256: str) -> BundleReport:
        """Return what was seen."""
        findings = self.gathered.findings
        return BundleReport(
            bundle_sha256=sha256,
            inspector=inspector_of(self.known),
            files=len(self.sizes),
            unpacked_bytes=sum(self.sizes),
            largest_file_bytes=max(self.sizes, default=0),
            secrets=tuple(findings.get("secrets", ())),
            source_maps=tuple(findings.get("source maps", ())),
            native_code=tuple(findings.get("native code", ())),
            remote_code=tuple(findings.get("remote code", ())),
            archives=tuple(self.gathered.archives),
            origins=frozenset(self.gathered.origins),
            plugin_calls=frozenset(self.gathered.plugin_calls),
            vulnerable=tuple(self.vulnerable),
            limits_reached=tuple(self.gathered.reached),
        )
