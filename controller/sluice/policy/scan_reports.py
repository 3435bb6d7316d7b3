"""Reports of vulnerability scanners: cosign's `vuln` predicate, and in-toto's own.

In the former is what Trivy or Grype wrote, or SARIF, or CycloneDX. A report without the list that
its scanner always writes comes of a scan that did not happen.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from sluice.policy.scan_inventories import read_cyclonedx
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
from sluice.policy.scan_sarif import read_sarif

__all__ = ["read_cosign_vuln", "read_intoto_vulns"]

_CVSS: Final = ("V40Score", "V3Score", "V2Score")

_MODIFIED: Final[Mapping[str, ScanState]] = {"not_affected": "not_affected", "fixed": "fixed"}


def read_cosign_vuln(predicate: Part) -> Scan:
    """Return what a cosign vulnerability record says: all its scanners together.

    Written are both `scanner` (by Trivy and cosign) and `scanners` (in cosign's specification).

    Raises:
        Refused: `ScanUnreadable`.
    """
    scanners = [each] if (each := predicate.optional("scanner")) else []
    scanners += predicate.items_of("scanners")
    if not scanners:
        raise unreadable(f"{predicate.path}.scanner", "is missing")
    scans = [_read_result(scanner.member("result")) for scanner in scanners]
    return Scan(
        findings=tuple(each for scan in scans for each in scan.findings),
        packages=tuple(each for scan in scans for each in scan.packages),
        scanned=all(scan.scanned for scan in scans),
    )


def read_intoto_vulns(predicate: Part) -> Scan:
    """Return what an in-toto vulnerability record (v0.1 or v0.2) says.

    Raises:
        Refused: `ScanUnreadable`.
    """
    found = predicate.member("scanner").member("result").items()
    return Scan(findings=tuple(_recorded(each) for each in found), scanned=True)


def _read_result(result: Part) -> Scan:
    members = result.members()
    if "Results" in members or "SchemaVersion" in members:
        return _read_trivy(result)
    if "matches" in members:
        return _read_grype(result)
    if "runs" in members:
        return read_sarif(result)
    if "bomFormat" in members:
        return read_cyclonedx(result)
    raise unreadable(result.path, "is no report of Trivy or Grype, no SARIF and no CycloneDX")


def _recorded(entry: Part) -> Finding:
    # The text of v0.1 puts them into an object `vulnerability`, its example does not.
    told = entry.optional("vulnerability") or entry
    severities = [each.member("score").value for each in told.member("severity").items()]
    return Finding(
        id=told.member("id").text(),
        severity=worst([_of_either(each) for each in severities]),
        state="open",
    )


def _of_either(value: object) -> ScanSeverity:
    return worst([severity_of_word(value), severity_of_score(value)])


# ---- Trivy ----


def _read_trivy(report: Part) -> Scan:
    results = list(report.member("Results").items())
    return Scan(
        findings=tuple(each for result in results for each in _of_trivy(result)),
        packages=tuple(each for result in results for each in _trivy_packages(result)),
        scanned=True,
    )


def _of_trivy(result: Part) -> Iterator[Finding]:
    """Yield what was found in one target. A target in which nothing was has no lists."""
    target = result.member("Target").text()
    for each in result.items_of("Vulnerabilities"):
        state: ScanState = "not_affected" if each.text_of("Status") == "not_affected" else "open"
        yield _trivy_vulnerability(each, target, state)
    for each in result.items_of("Misconfigurations"):
        status = each.member("Status").text()
        if status != "PASS":
            exempt: ScanState = "suppressed" if status == "EXCEPTION" else "open"
            yield _trivy_other(each, "ID", target, exempt)
    for each in result.items_of("Secrets"):
        yield _trivy_other(each, "RuleID", target, "open")
    for each in result.items_of("ExperimentalModifiedFindings"):
        if each.text_of("Type") == "vulnerability":
            changed = _MODIFIED.get(each.text_of("Status"), "suppressed")
            yield _trivy_vulnerability(each.member("Finding"), target, changed)


def _trivy_vulnerability(found: Part, target: str, state: ScanState) -> Finding:
    severity = severity_of_word(found.text_of("Severity"))
    return Finding(
        id=found.member("VulnerabilityID").text(),
        severity=_trivy_score(found) if severity == "unknown" else severity,
        state=state,
        package=_versioned(found.member("PkgName").text(), found.text_of("InstalledVersion")),
        location=found.location_of("PkgPath") or target,
    )


def _trivy_score(found: Part) -> ScanSeverity:
    """Return the worst score that any source gives, where Trivy chose none."""
    cvss = found.optional("CVSS")
    sources = [Part(value, found.path) for value in cvss.members().values()] if cvss else []
    scores = [source.members().get(name) for source in sources for name in _CVSS]
    return worst([severity_of_score(each) for each in scores if each is not None])


def _trivy_other(found: Part, name: str, target: str, state: ScanState) -> Finding:
    line = found.members().get("StartLine")
    return Finding(
        id=found.member(name).text(),
        severity=severity_of_word(found.text_of("Severity")),
        state=state,
        location=f"{target}:{line}" if isinstance(line, int) else target,
    )


def _trivy_packages(result: Part) -> Iterator[Package]:
    for each in result.items_of("Packages"):
        yield Package(
            name=each.member("Name").text(),
            version=each.text_of("Version"),
            licence=" AND ".join(licence.text() for licence in each.items_of("Licenses")),
        )


# ---- Grype ----


def _read_grype(report: Part) -> Scan:
    findings = [_of_grype(each, "open") for each in report.member("matches").items()]
    findings += [_of_grype(each, _ignored(each)) for each in report.items_of("ignoredMatches")]
    return Scan(findings=tuple(findings), scanned=True)


def _of_grype(match: Part, state: ScanState) -> Finding:
    found, artifact = match.member("vulnerability"), match.member("artifact")
    severity = severity_of_word(found.text_of("severity"))
    if severity == "unknown":
        metrics = [each.optional("metrics") for each in found.items_of("cvss")]
        scores = [each.members().get("baseScore") for each in metrics if each]
        severity = worst([severity_of_score(each) for each in scores])
    place = next(artifact.items_of("locations"), None)
    return Finding(
        id=found.member("id").text(),
        severity=severity,
        state=state,
        package=_versioned(artifact.member("name").text(), artifact.text_of("version")),
        location=place.location_of("path") if place else "",
    )


def _ignored(match: Part) -> ScanState:
    rules = [each.text_of("vex-status") for each in match.member("appliedIgnoreRules").items()]
    said = next(filter(None, rules), "")
    return _MODIFIED.get(said, "suppressed")


def _versioned(name: str, version: str) -> str:
    return f"{name}@{version}" if version else name
