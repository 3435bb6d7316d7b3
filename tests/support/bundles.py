"""Small bundles, looked into."""

import hashlib
import io
import zipfile
from collections.abc import Mapping

from sluice.contents.gathered import ContentsLimits
from sluice.contents.inspect import inspect_bundle
from sluice.contents.vulnerabilities import VulnerabilityData
from sluice.verify.bundle_report import BundleReport, Finding

__all__ = ["GUARDED_PAGE", "found", "kinds", "look_into", "look_into_script", "zipped"]

GUARDED_PAGE = (
    '<!doctype html>\n<html><head><meta charset="utf-8">'
    '<meta http-equiv="Content-Security-Policy" content="default-src \'self\'">'
    '<title>Shop</title></head><body><script src="app.js"></script></body></html>'
)
"""A page of which there is nothing to tell."""


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    """Return a zip of these files, the same bytes each time."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def look_into(
    files: Mapping[str, str | bytes],
    limits: ContentsLimits | None = None,
    known: VulnerabilityData | None = None,
) -> BundleReport:
    """Return the report on a bundle of these files, with a page if they have none."""
    data = zipped({"index.html": GUARDED_PAGE, **files})
    return inspect_bundle(
        io.BytesIO(data),
        sha256=hashlib.sha256(data).hexdigest(),
        limits=limits or ContentsLimits(),
        known=known,
    )


def look_into_script(script: str | bytes) -> BundleReport:
    """Return the report on a bundle with this script."""
    return look_into({"app.js": script})


def kinds(findings: tuple[Finding, ...]) -> list[str]:
    """Return the kinds of findings, in their order."""
    return [each.kind for each in findings]


def found(findings: tuple[Finding, ...]) -> list[tuple[str, str, int]]:
    """Return file, kind and line of findings, in their order."""
    return [(each.file, each.kind, each.line) for each in findings]
