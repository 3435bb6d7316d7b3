"""Inventories (SBOM): CycloneDX 1.4 to 1.7, with vulnerabilities and VEX, and SPDX 2.

A CycloneDX document with a list of `vulnerabilities`, even an empty one, says that somebody looked;
one without, and every SPDX document, is a mere list of what is inside.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from sluice.policy.scan_parts import (
    Finding,
    Package,
    Part,
    Scan,
    ScanSeverity,
    ScanState,
    severity_of_score,
    severity_of_word,
    unreadable,
    worst,
)

__all__ = ["read_cyclonedx", "read_spdx"]

COMPONENTS_DEEP_MAX: Final = 32
"""Deepest nesting of components in each other."""

_VERSIONS: Final = ("1.4", "1.5", "1.6", "1.7")

_STATES: Final[Mapping[str, ScanState]] = {
    "resolved": "fixed",
    "resolved_with_pedigree": "fixed",
    "false_positive": "not_affected",
    "not_affected": "not_affected",
    "exploitable": "open",
    "in_triage": "open",
}

_NO_LICENCE: Final = ("", "NOASSERTION", "NONE")


def read_cyclonedx(document: Part) -> Scan:
    """Return what a CycloneDX document says.

    Raises:
        Refused: `ScanUnreadable`.
    """
    if document.member("bomFormat").value != "CycloneDX":
        raise unreadable(f"{document.path}.bomFormat", "must be CycloneDX")
    if document.member("specVersion").value not in _VERSIONS:
        raise unreadable(f"{document.path}.specVersion", f"must be one of {', '.join(_VERSIONS)}")
    components = list(_components(document, COMPONENTS_DEEP_MAX))
    vulnerabilities = document.optional("vulnerabilities")
    if vulnerabilities is None and not components:
        raise unreadable(document.path, "names neither components nor vulnerabilities")
    names = {ref: _title(each) for each in components if (ref := each.text_of("bom-ref"))}
    found = vulnerabilities.items() if vulnerabilities is not None else iter(())
    return Scan(
        findings=tuple(finding for each in found for finding in _vulnerable(each, names)),
        packages=tuple(_component(each) for each in components),
        scanned=vulnerabilities is not None,
    )


def read_spdx(document: Part) -> Scan:
    """Return what an SPDX 2 document says.

    Raises:
        Refused: `ScanUnreadable`.
    """
    version = document.member("spdxVersion").text()
    if version not in ("SPDX-2.2", "SPDX-2.3"):
        raise unreadable(f"{document.path}.spdxVersion", "must be SPDX-2.2 or SPDX-2.3")
    packages = tuple(_spdx_package(each) for each in document.member("packages").items())
    if not packages:
        raise unreadable(f"{document.path}.packages", "names no package")
    return Scan(packages=packages)


def _components(within: Part, depth: int) -> Iterator[Part]:
    if depth <= 0:
        raise unreadable(within.path, f"nests components deeper than {COMPONENTS_DEEP_MAX}")
    for component in within.items_of("components"):
        yield component
        yield from _components(component, depth - 1)


def _component(component: Part) -> Package:
    return Package(
        name=_full_name(component),
        version=component.text_of("version"),
        licence=" AND ".join(filter(None, map(_licence, component.items_of("licenses")))),
    )


def _full_name(component: Part) -> str:
    group, name = component.text_of("group"), component.member("name").text()
    return f"{group}/{name}" if group else name


def _title(component: Part) -> str:
    version = component.text_of("version")
    return f"{_full_name(component)}@{version}" if version else _full_name(component)


def _licence(choice: Part) -> str:
    licence = choice.optional("license")
    if licence is None:
        return choice.text_of("expression")
    return licence.text_of("id") or licence.text_of("name")


def _vulnerable(vulnerability: Part, names: Mapping[str, str]) -> Iterator[Finding]:
    """Yield a finding for each component that a vulnerability affects, or one for all."""
    finding = Finding(
        id=vulnerability.member("id").text(),
        severity=worst([_rated(each) for each in vulnerability.items_of("ratings")]),
        state=_analysed(vulnerability),
    )
    references = [each.member("ref").text() for each in vulnerability.items_of("affects")]
    for reference in references or [""]:
        yield replace(finding, package=names.get(reference, reference))


def _rated(rating: Part) -> ScanSeverity:
    """Return the worse of a rating's word and score: tools fill in either, or both."""
    severities = [severity_of_word(rating.text_of("severity"))]
    method = rating.text_of("method")
    score = rating.optional("score")
    if score is not None and (not method or method.startswith("CVSS")):
        severities.append(severity_of_score(score.value))
    return worst(severities)


def _analysed(vulnerability: Part) -> ScanState:
    analysis = vulnerability.optional("analysis")
    return _STATES.get(analysis.text_of("state"), "open") if analysis else "open"


def _spdx_package(package: Part) -> Package:
    licences = (package.text_of("licenseConcluded"), package.text_of("licenseDeclared"))
    return Package(
        name=package.member("name").text(),
        version=package.text_of("versionInfo"),
        licence=next((each for each in licences if each not in _NO_LICENCE), ""),
    )
