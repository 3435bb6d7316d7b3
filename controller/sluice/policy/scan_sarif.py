"""SARIF 2.1.0: what a static analysis, a linter or a scanner for secrets found.

Read as the standard has it, so that a tool that did not finish does not look clean:
(1) without `results` (3.14.23), or with an invocation that did not succeed (3.20.14), nothing was
    scanned to the end: the document can't be read;
(2) results may be kept in other files (3.14.2): likewise;
(3) a result counts unless its kind is pass, notApplicable or informational (3.27.9);
(4) a rule's `security-severity` (a CVSS score, as GitHub reads it) says how bad a result is, and
    else its level, and else the level that its rule has (3.27.10);
(5) it is suppressed when all its suppressions are accepted (3.27.23, 3.35.3), and fixed when the
    baseline alone has it (3.27.24).
"""

from collections.abc import Iterator, Mapping
from typing import Final, TypeVar

from sluice.policy.scan_parts import (
    Finding,
    Part,
    Scan,
    ScanSeverity,
    ScanState,
    severity_of_score,
    unreadable,
)

__all__ = ["read_sarif"]

_T = TypeVar("_T")

_NOWHERE: Final = -1
"""What an index says that points to nothing (3.7.4)."""

_HARMLESS_KINDS: Final = ("pass", "notApplicable", "informational")

_LEVELS: Final[Mapping[object, ScanSeverity]] = {
    "error": "high",
    "warning": "medium",
    "note": "low",
    "none": "none",
}


def read_sarif(document: Part) -> Scan:
    """Return what a SARIF log says.

    Raises:
        Refused: `ScanUnreadable`.
    """
    if document.member("version").value != "2.1.0":
        raise unreadable(f"{document.path}.version", "must be 2.1.0")
    runs = [_Run(each) for each in document.member("runs").items()]
    if not runs:
        raise unreadable(f"{document.path}.runs", "names no run: nothing was scanned")
    return Scan(findings=tuple(each for run in runs for each in _findings(run)), scanned=True)


class _Run:
    """One run, and what its results point to."""

    def __init__(self, run: Part) -> None:
        tool = run.member("tool")
        driver = tool.member("driver")
        driver.member("name").text()
        self.run = run
        self.rules = list(driver.items_of("rules"))
        self.rules_by_name = {each.text_of("id"): each for each in self.rules}
        self.extensions = [list(each.items_of("rules")) for each in tool.items_of("extensions")]
        self.artifacts = list(run.items_of("artifacts"))


def _findings(run: _Run) -> Iterator[Finding]:
    for invocation in run.run.items_of("invocations"):
        if invocation.member("executionSuccessful").value is not True:
            raise unreadable(invocation.path, "says that the tool did not finish")
    elsewhere = run.run.optional("externalPropertyFileReferences")
    if elsewhere is not None and elsewhere.optional("results") is not None:
        raise unreadable(elsewhere.path, "keeps the results in other files: attest them inline")
    for result in run.run.member("results").items():
        kind = result.text_of("kind") or "fail"
        if kind not in _HARMLESS_KINDS:
            yield _finding(run, result, kind)


def _finding(run: _Run, result: Part, kind: str) -> Finding:
    reference = result.optional("rule")
    name = result.text_of("ruleId") or (reference.text_of("id") if reference else "")
    rule = _rule(run, result, reference, name)
    name = name or (rule.text_of("id") if rule else "")
    if not name:
        raise unreadable(result.path, "names no rule")
    return Finding(
        id=name,
        severity=_severity(result, rule, kind),
        state=_state(result),
        location=_location(run, result),
    )


def _rule(run: _Run, result: Part, reference: Part | None, name: str) -> Part | None:
    """Return what the run tells of a result's rule; None when it tells nothing."""
    rules, component = run.rules, reference.optional("toolComponent") if reference else None
    if component is not None and (at := component.optional("index")) is not None:
        rules = _at(run.extensions, at)
    index = result.optional("ruleIndex") or (reference.optional("index") if reference else None)
    if index is not None and index.value != _NOWHERE:
        return _at(rules, index)
    return run.rules_by_name.get(name) if name else None


def _at(parts: list[_T], index: Part) -> _T:
    at = index.value
    if isinstance(at, bool) or not isinstance(at, int) or not 0 <= at < len(parts):
        raise unreadable(index.path, "points nowhere")
    return parts[at]


def _severity(result: Part, rule: Part | None, kind: str) -> ScanSeverity:
    for told in (result, rule):
        properties = told.optional("properties") if told else None
        score = properties.optional("security-severity") if properties else None
        if score is not None:
            return severity_of_score(score.value)
    level = result.optional("level")
    if level is None and rule is not None and (usual := rule.optional("defaultConfiguration")):
        level = usual.optional("level")
    if level is None:
        # Of a kind that is to be looked at by people, nobody knows yet how bad it is.
        return "medium" if kind == "fail" else "unknown"
    severity = _LEVELS.get(level.value, "unknown") if isinstance(level.value, str) else "unknown"
    return "unknown" if kind != "fail" and severity == "none" else severity


def _state(result: Part) -> ScanState:
    suppressions = list(result.items_of("suppressions"))
    if suppressions and all(
        (each.text_of("status") or "accepted") == "accepted" for each in suppressions
    ):
        return "suppressed"
    return "fixed" if result.text_of("baselineState") == "absent" else "open"


def _location(run: _Run, result: Part) -> str:
    """Return `file:line` of where it is first; empty when that is not told."""
    first = next(result.items_of("locations"), None)
    place = first.optional("physicalLocation") if first else None
    file = place.optional("artifactLocation") if place else None
    if place is None or file is None:
        return ""
    uri, index = file.location_of("uri"), file.optional("index")
    if not uri and index is not None and index.value != _NOWHERE:
        artifact = _at(run.artifacts, index).optional("location")
        uri = artifact.location_of("uri") if artifact else ""
    region = place.optional("region")
    line = region.members().get("startLine") if region else None
    return f"{uri}:{line}" if isinstance(line, int) else uri
