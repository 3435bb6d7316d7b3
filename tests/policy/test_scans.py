"""Scanners' documents in one form: the worst is believed, and what can't be read is never clean."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.errors import Refused
from sluice.policy.scan_parts import severity_of_score, severity_of_word
from sluice.policy.scans import READABLE_TYPES, Finding, Package, Scan, normalise

COSIGN = "https://cosign.sigstore.dev/attestation/vuln/v1"
VULNS = "https://in-toto.io/attestation/vulns/v0.2"
CYCLONEDX = "https://cyclonedx.org/bom"
SPDX = "https://spdx.dev/Document"
OPENVEX = "https://openvex.dev/ns"
SARIF = "https://json.schemastore.org/sarif-2.1.0.json"
TESTS = "https://in-toto.io/attestation/test-result/v0.1"

TRIVY = {
    "SchemaVersion": 2,
    "ArtifactName": "dist",
    "ArtifactType": "filesystem",
    "Results": [
        {
            "Target": "package-lock.json",
            "Class": "lang-pkgs",
            "Type": "npm",
            "Packages": [{"Name": "left-pad", "Version": "1.0.0", "Licenses": ["MIT", "WTFPL"]}],
            "Vulnerabilities": [
                {
                    "VulnerabilityID": "CVE-2021-1",
                    "PkgName": "lodash",
                    "InstalledVersion": "4.17.20",
                    "FixedVersion": "4.17.21",
                    "Status": "fixed",
                    "Severity": "HIGH",
                    "CVSS": {"nvd": {"V2Score": 5, "V3Score": 7.5}},
                }
            ],
        },
        {"Target": "yarn.lock", "Class": "lang-pkgs", "Type": "yarn"},
    ],
}

GRYPE = {
    "matches": [
        {
            "vulnerability": {"id": "GHSA-1", "severity": "Critical", "fix": {"state": "fixed"}},
            "artifact": {
                "name": "minimist",
                "version": "1.2.0",
                "locations": [{"path": "/package-lock.json"}],
            },
        }
    ],
    "ignoredMatches": [],
    "descriptor": {"name": "grype", "version": "0.80.0"},
}

SARIF_LOG = {
    "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
    "version": "2.1.0",
    "runs": [
        {
            "tool": {
                "driver": {
                    "name": "CodeQL",
                    "rules": [
                        {"id": "js/xss", "properties": {"security-severity": "6.1"}},
                        {"id": "js/eval", "defaultConfiguration": {"level": "error"}},
                    ],
                }
            },
            "invocations": [{"executionSuccessful": True}],
            "results": [
                {
                    "ruleId": "js/eval",
                    "ruleIndex": 1,
                    "message": {"text": "eval"},
                    "locations": [
                        {
                            "physicalLocation": {
                                "artifactLocation": {"uri": "src/app.js"},
                                "region": {"startLine": 7},
                            }
                        }
                    ],
                }
            ],
        }
    ],
}

BOM = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "version": 1,
    "components": [
        {
            "type": "library",
            "bom-ref": "pkg:npm/%40acme/ui@2.0.0",
            "group": "@acme",
            "name": "ui",
            "version": "2.0.0",
            "licenses": [{"license": {"id": "MIT"}}, {"license": {"name": "House rules"}}],
            "components": [
                {"type": "library", "name": "inner", "licenses": [{"expression": "ISC"}]}
            ],
        }
    ],
    "vulnerabilities": [
        {
            "id": "CVE-2024-1",
            "ratings": [
                {"severity": "low", "method": "CVSSv31", "score": 3.1},
                {"severity": "medium", "method": "CVSSv31", "score": 9.8},
            ],
            "analysis": {"state": "exploitable"},
            "affects": [{"ref": "pkg:npm/%40acme/ui@2.0.0"}, {"ref": "pkg:npm/other@1"}],
        }
    ],
}

SPDX_DOCUMENT = {
    "spdxVersion": "SPDX-2.3",
    "packages": [
        {
            "name": "left-pad",
            "versionInfo": "1.0.0",
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": "WTFPL",
        },
        {"name": "bare", "licenseConcluded": "NONE"},
    ],
}

VEX = {
    "@context": "https://openvex.dev/ns/v0.2.0",
    "@id": "https://example.com/vex/1",
    "author": "Example",
    "timestamp": "2026-01-01T00:00:00Z",
    "version": 1,
    "statements": [
        {
            "vulnerability": {"name": "CVE-2023-1"},
            "products": [{"@id": "pkg:npm/a@1"}, {"@id": "pkg:npm/b@1"}],
            "status": "not_affected",
            "justification": "vulnerable_code_not_present",
        },
        {"vulnerability": {"name": "CVE-2023-2"}, "status": "affected"},
    ],
}

RESULT = {
    "result": "FAILED",
    "configuration": [{"name": "ci.yml"}],
    "passedTests": ["build"],
    "warnedTests": [],
    "failedTests": ["login works"],
}


def cosign(result: object) -> dict[str, Any]:
    """Return the predicate that `trivy --format cosign-vuln` makes."""
    return {
        "invocation": {"parameters": None, "uri": "", "event_id": "", "builder.id": ""},
        "scanner": {
            "uri": "pkg:github/aquasecurity/trivy@0.50",
            "version": "0.50",
            "db": {"uri": "", "version": ""},
            "result": result,
        },
        "metadata": {"scanStartedOn": "2026-01-01T00:00:00Z"},
    }


def intoto(*entries: object) -> dict[str, Any]:
    return {"scanner": {"uri": "pkg:x/y", "result": list(entries)}, "metadata": {}}


def changed(document: dict[str, Any], *path: str | int, to: object) -> Any:
    """Return a copy of a document with one part replaced."""
    copied = copy.deepcopy(document)
    part: Any = copied
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = to
    return copied


def refusal(predicate_type: str, predicate: object) -> str:
    """Return why a document can't be read."""
    with pytest.raises(Refused) as caught:
        normalise(predicate_type, predicate)  # type: ignore[arg-type]  # hostile on purpose
    assert caught.value.reason == "ScanUnreadable"
    assert caught.value.message.isprintable()
    return caught.value.message


# ---- each form ----


def test_trivy_in_a_cosign_record() -> None:
    assert normalise(COSIGN, cosign(TRIVY)) == Scan(
        findings=(
            Finding(
                id="CVE-2021-1",
                severity="high",
                state="open",
                package="lodash@4.17.20",
                location="package-lock.json",
            ),
        ),
        packages=(Package(name="left-pad", version="1.0.0", licence="MIT AND WTFPL"),),
        scanned=True,
    )


def test_grype_in_a_cosign_record() -> None:
    assert normalise(COSIGN, cosign(GRYPE)) == Scan(
        findings=(
            Finding(
                id="GHSA-1",
                severity="critical",
                state="open",
                package="minimist@1.2.0",
                location="/package-lock.json",
            ),
        ),
        scanned=True,
    )


def test_sarif_and_cyclonedx_in_a_cosign_record() -> None:
    assert normalise(COSIGN, cosign(SARIF_LOG)) == normalise(SARIF, SARIF_LOG)
    assert normalise(COSIGN, cosign(BOM)) == normalise(CYCLONEDX, BOM)


def test_all_scanners_of_a_record_count() -> None:
    record = {"scanners": [{"result": TRIVY}, {"result": GRYPE}], "scanner": {"result": SARIF_LOG}}

    found = normalise(COSIGN, record).findings

    assert {each.id for each in found} == {"js/eval", "CVE-2021-1", "GHSA-1"}


def test_what_trivy_says_of_secrets_and_settings_counts_too() -> None:
    result = {
        "Target": "app.js",
        "Secrets": [{"RuleID": "aws-key", "Severity": "CRITICAL", "StartLine": 3}],
        "Misconfigurations": [
            {"ID": "DS-1", "Status": "FAIL", "Severity": "LOW"},
            {"ID": "DS-2", "Status": "PASS", "Severity": "HIGH"},
            {"ID": "DS-3", "Status": "EXCEPTION", "Severity": "HIGH"},
        ],
        "ExperimentalModifiedFindings": [
            {
                "Type": "vulnerability",
                "Status": "not_affected",
                "Finding": {"VulnerabilityID": "CVE-9", "PkgName": "p", "Severity": "HIGH"},
            }
        ],
    }

    found = normalise(COSIGN, cosign(changed(TRIVY, "Results", to=[result]))).findings

    assert [(each.id, each.severity, each.state) for each in found] == [
        ("DS-1", "low", "open"),
        ("DS-3", "high", "suppressed"),
        ("aws-key", "critical", "open"),
        ("CVE-9", "high", "not_affected"),
    ]


def test_that_a_fix_exists_is_no_fix() -> None:
    """Trivy's Status and Grype's fix.state say `fixed` when there is a version to update to."""
    assert normalise(COSIGN, cosign(TRIVY)).findings[0].state == "open"
    assert normalise(COSIGN, cosign(GRYPE)).findings[0].state == "open"


@pytest.mark.parametrize(
    ("cvss", "severity"),
    [({"nvd": {"V3Score": 9.8}, "ghsa": {"V3Score": 5}}, "critical"), ({}, "unknown")],
)
def test_where_trivy_chose_no_severity_the_worst_score_counts(
    cvss: dict[str, Any], severity: str
) -> None:
    report = changed(TRIVY, "Results", 0, "Vulnerabilities", 0, "Severity", to="UNKNOWN")
    report = changed(report, "Results", 0, "Vulnerabilities", 0, "CVSS", to=cvss)

    assert normalise(COSIGN, cosign(report)).findings[0].severity == severity


@pytest.mark.parametrize(
    ("rules", "state"),
    [
        ([{"vulnerability": "GHSA-1"}], "suppressed"),
        ([{"vex-status": "not_affected"}], "not_affected"),
        ([{"vex-status": "fixed"}], "fixed"),
    ],
)
def test_what_grype_ignored_is_told_and_not_open(rules: list[Any], state: str) -> None:
    match = {**GRYPE["matches"][0], "appliedIgnoreRules": rules}

    found = normalise(COSIGN, cosign({"matches": [], "ignoredMatches": [match]})).findings

    assert [(each.id, each.state) for each in found] == [("GHSA-1", state)]


def test_in_toto_vulnerabilities() -> None:
    severity = [{"method": "nvd", "score": "medium"}, {"method": "cvss_score", "score": "9.2"}]
    told = {"id": "CVE-123", "severity": severity}

    for entry in (told, {"vulnerability": told}):
        assert normalise(VULNS, intoto(entry)) == Scan(
            findings=(Finding(id="CVE-123", severity="critical", state="open"),), scanned=True
        )


def test_sarif() -> None:
    assert normalise(SARIF, SARIF_LOG) == Scan(
        findings=(Finding(id="js/eval", severity="high", state="open", location="src/app.js:7"),),
        scanned=True,
    )
    witness = "https://witness.dev/attestations/sarif/v0.1"
    assert normalise(witness, {"report": SARIF_LOG}) == normalise(SARIF, SARIF_LOG)


@pytest.mark.parametrize(
    ("result", "severity"),
    [
        ({"ruleId": "js/xss"}, "medium"),
        ({"ruleId": "js/xss", "level": "error"}, "medium"),
        ({"ruleId": "js/xss", "properties": {"security-severity": "9.9"}}, "critical"),
        ({"ruleId": "js/xss", "properties": {"security-severity": "bad"}}, "unknown"),
        ({"ruleId": "js/eval"}, "high"),
        ({"ruleId": "js/eval", "level": "note"}, "low"),
        ({"ruleId": "js/eval", "level": "none"}, "none"),
        ({"ruleId": "js/eval", "level": "other"}, "unknown"),
        ({"ruleIndex": 0}, "medium"),
        ({"rule": {"index": 1}}, "high"),
        ({"rule": {"id": "js/eval"}}, "high"),
        ({"ruleId": "other"}, "medium"),
        ({"ruleId": "other", "kind": "review"}, "unknown"),
        ({"ruleId": "other", "kind": "open", "level": "none"}, "unknown"),
    ],
)
def test_how_bad_a_sarif_result_is(result: dict[str, Any], severity: str) -> None:
    log = changed(SARIF_LOG, "runs", 0, "results", to=[result])

    assert [each.severity for each in normalise(SARIF, log).findings] == [severity]


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({"suppressions": [{"kind": "inSource"}]}, "suppressed"),
        ({"suppressions": [{"kind": "external", "status": "accepted"}]}, "suppressed"),
        ({"suppressions": [{"kind": "external", "status": "underReview"}]}, "open"),
        ({"suppressions": [{"kind": "inSource"}, {"status": "rejected"}]}, "open"),
        ({"suppressions": []}, "open"),
        ({"baselineState": "absent"}, "fixed"),
        ({"baselineState": "unchanged"}, "open"),
    ],
)
def test_which_sarif_results_are_open(more: dict[str, Any], state: str) -> None:
    log = changed(SARIF_LOG, "runs", 0, "results", to=[{"ruleId": "r", **more}])

    assert [each.state for each in normalise(SARIF, log).findings] == [state]


def test_sarif_results_that_passed_are_no_findings() -> None:
    kinds = ("pass", "notApplicable", "informational")
    log = changed(
        SARIF_LOG, "runs", 0, "results", to=[{"ruleId": "r", "kind": each} for each in kinds]
    )

    assert normalise(SARIF, log) == Scan(scanned=True)


def test_sarif_rules_of_an_extension_and_files_by_number() -> None:
    rules = [{"id": "ext/rule", "defaultConfiguration": {"level": "note"}}]
    log = changed(SARIF_LOG, "runs", 0, "tool", "extensions", to=[{"name": "x", "rules": rules}])
    log["runs"][0]["artifacts"] = [{"location": {"uri": "lib/z.js"}}]
    log["runs"][0]["results"] = [
        {
            "rule": {"index": 0, "toolComponent": {"index": 0}},
            "locations": [{"physicalLocation": {"artifactLocation": {"index": 0}}}],
        }
    ]

    assert normalise(SARIF, log).findings == (
        Finding(id="ext/rule", severity="low", state="open", location="lib/z.js"),
    )


def test_cyclonedx() -> None:
    def vulnerable(package: str) -> Finding:
        return Finding(id="CVE-2024-1", severity="critical", state="open", package=package)

    assert normalise(CYCLONEDX, BOM) == Scan(
        findings=(vulnerable("@acme/ui@2.0.0"), vulnerable("pkg:npm/other@1")),
        packages=(
            Package(name="@acme/ui", version="2.0.0", licence="MIT AND House rules"),
            Package(name="inner", version="", licence="ISC"),
        ),
        scanned=True,
    )


@pytest.mark.parametrize(
    ("analysis", "state"),
    [
        (None, "open"),
        ({}, "open"),
        ({"state": "in_triage"}, "open"),
        ({"state": "resolved"}, "fixed"),
        ({"state": "resolved_with_pedigree"}, "fixed"),
        ({"state": "not_affected"}, "not_affected"),
        ({"state": "false_positive"}, "not_affected"),
        ({"state": "whatever"}, "open"),
    ],
)
def test_what_vex_in_cyclonedx_says(analysis: object, state: str) -> None:
    bom = changed(BOM, "vulnerabilities", 0, "analysis", to=analysis)

    assert {each.state for each in normalise(CYCLONEDX, bom).findings} == {state}


@pytest.mark.parametrize(
    ("ratings", "severity"),
    [
        ([], "unknown"),
        ([{"severity": "unknown"}], "unknown"),
        ([{"severity": "unknown"}, {"severity": "low"}], "low"),
        ([{"severity": "info"}], "low"),
        ([{"severity": "none"}], "none"),
        ([{"score": 7.0, "method": "CVSSv2"}], "high"),
        ([{"score": 9.0}], "critical"),
        # Of another method, a number is no CVSS score.
        ([{"score": 2.0, "method": "OWASP"}], "unknown"),
        ([{"score": 99, "method": "CVSSv3"}], "unknown"),
        ([{"score": True, "method": "CVSSv3"}], "unknown"),
    ],
)
def test_the_highest_rating_counts(ratings: list[Any], severity: str) -> None:
    bom = changed(BOM, "vulnerabilities", 0, "ratings", to=ratings)

    assert {each.severity for each in normalise(CYCLONEDX, bom).findings} == {severity}


def test_a_vulnerability_that_affects_nothing_named_is_a_finding() -> None:
    bom = changed(BOM, "vulnerabilities", 0, "affects", to=[])

    assert [each.package for each in normalise(CYCLONEDX, bom).findings] == [""]


def test_spdx() -> None:
    expected = Scan(
        packages=(
            Package(name="left-pad", version="1.0.0", licence="WTFPL"),
            Package(name="bare", version="", licence=""),
        )
    )

    assert normalise(SPDX, SPDX_DOCUMENT) == expected
    # Older releases of cosign put a wrapper around it.
    assert normalise(SPDX, {"Data": SPDX_DOCUMENT, "Timestamp": ""}) == expected
    assert "mere text" in refusal(SPDX, {"Data": "SPDXVersion: SPDX-2.3", "Timestamp": ""})


def test_openvex() -> None:
    def stated(name: str, state: Any, package: str) -> Finding:
        return Finding(id=name, severity="unknown", state=state, package=package)

    assert normalise(OPENVEX, VEX) == Scan(
        findings=(
            stated("CVE-2023-1", "not_affected", "pkg:npm/a@1"),
            stated("CVE-2023-1", "not_affected", "pkg:npm/b@1"),
            stated("CVE-2023-2", "open", ""),
        )
    )


@pytest.mark.parametrize(
    ("first", "second", "state"),
    [
        ({}, {"status": "affected"}, "open"),
        ({"status": "affected"}, {}, "not_affected"),
        ({"timestamp": "2026-03-01T00:00:00Z", "status": "affected"}, {}, "open"),
        ({"timestamp": "2025-03-01T00:00:00Z", "status": "affected"}, {}, "not_affected"),
        ({"status": "fixed"}, {"timestamp": "2025-03-01T00:00:00+01:00"}, "fixed"),
    ],
)
def test_of_two_statements_on_the_same_the_later_counts(
    first: dict[str, str], second: dict[str, str], state: str
) -> None:
    both = [
        {"vulnerability": "CVE-1", "products": ["p"], "status": "not_affected", **each}
        for each in (first, second)
    ]

    found = normalise(OPENVEX, changed(VEX, "statements", to=both)).findings

    assert [each.state for each in found] == [state]


@pytest.mark.parametrize(
    ("predicate", "failed"),
    [
        (RESULT, ["login works"]),
        ({"result": "PASSED", "failedTests": ["sneaky"]}, ["sneaky"]),
        ({"result": "FAILED"}, ["FAILED"]),
        ({"result": "PASSED"}, []),
        ({"result": "WARNED", "warnedTests": ["slow"]}, []),
    ],
)
def test_failed_tests_are_findings(predicate: dict[str, Any], failed: list[str]) -> None:
    scan = normalise(TESTS, predicate)

    assert [each.id for each in scan.findings] == failed
    assert all((each.severity, each.state) == ("unknown", "open") for each in scan.findings)
    assert scan.scanned


# ---- what proves nothing ----


def test_an_unknown_type_is_not_known() -> None:
    assert normalise("https://slsa.dev/provenance/v1", {"anything": 1}) == Scan(known=False)
    assert normalise(COSIGN + "/", cosign(TRIVY)).known is False
    assert SARIF in READABLE_TYPES


@pytest.mark.parametrize(
    ("predicate_type", "predicate"),
    [
        (SPDX, SPDX_DOCUMENT),
        (CYCLONEDX, {**BOM, "vulnerabilities": None}),
        (OPENVEX, VEX),
        (COSIGN, cosign({key: BOM[key] for key in BOM if key != "vulnerabilities"})),
        (COSIGN, {"scanners": [{"result": TRIVY}, {"result": {**BOM, "vulnerabilities": None}}]}),
        ("https://slsa.dev/provenance/v1", {}),
    ],
)
def test_where_nobody_looked_nothing_was_scanned(predicate_type: str, predicate: Any) -> None:
    assert normalise(predicate_type, predicate).scanned is False


@pytest.mark.parametrize(
    ("predicate_type", "predicate"),
    [
        (COSIGN, cosign({**TRIVY, "Results": []})),
        (COSIGN, cosign({"matches": []})),
        (SARIF, changed(SARIF_LOG, "runs", 0, "results", to=[])),
        (CYCLONEDX, {**BOM, "vulnerabilities": []}),
        (VULNS, intoto()),
        (TESTS, {"result": "PASSED"}),
    ],
)
def test_a_scan_that_found_nothing_is_a_scan(predicate_type: str, predicate: Any) -> None:
    scan = normalise(predicate_type, predicate)

    assert (scan.scanned, scan.findings) == (True, ())


@pytest.mark.parametrize(
    ("predicate_type", "predicate", "why"),
    [
        (COSIGN, {}, "predicate.scanner is missing"),
        (COSIGN, {"scanners": []}, "predicate.scanner is missing"),
        (COSIGN, cosign(None), "predicate.scanner.result is missing"),
        (COSIGN, cosign({}), "is no report of Trivy or Grype"),
        (COSIGN, cosign([]), "predicate.scanner.result must be an object"),
        (COSIGN, cosign("clean"), "predicate.scanner.result must be an object"),
        (COSIGN, cosign({"SchemaVersion": 2}), "predicate.scanner.result.Results is missing"),
        (COSIGN, cosign({"SchemaVersion": 2, "Results": None}), "Results is missing"),
        (COSIGN, cosign({"matches": None}), "matches is missing"),
        (COSIGN, cosign({"matches": {}}), "matches must be a list"),
        (COSIGN, cosign({"matches": ["x"]}), "matches[0] must be an object"),
        (VULNS, {"scanner": {}}, "predicate.scanner.result is missing"),
        (VULNS, intoto({"id": "CVE-1"}), "predicate.scanner.result[0].severity is missing"),
        (VULNS, intoto({"id": "", "severity": []}), "result[0].id must be text"),
        (SARIF, {"version": "2.1.0"}, "predicate.runs is missing"),
        (SARIF, {"version": "2.1.0", "runs": []}, "predicate.runs names no run"),
        (SARIF, {"version": "2.0.0", "runs": []}, "predicate.version must be 2.1.0"),
        (
            SARIF,
            changed(SARIF_LOG, "runs", 0, "results", to=None),
            "predicate.runs[0].results is missing",
        ),
        (
            SARIF,
            changed(SARIF_LOG, "runs", 0, "invocations", 0, "executionSuccessful", to=False),
            "says that the tool did not finish",
        ),
        (
            SARIF,
            changed(SARIF_LOG, "runs", 0, "externalPropertyFileReferences", to={"results": []}),
            "keeps the results in other files",
        ),
        (
            SARIF,
            changed(SARIF_LOG, "runs", 0, "results", 0, "ruleIndex", to=9),
            "ruleIndex points nowhere",
        ),
        (SARIF, changed(SARIF_LOG, "runs", 0, "results", to=[{}]), "results[0] names no rule"),
        (CYCLONEDX, {"bomFormat": "CycloneDX", "specVersion": "1.6"}, "names neither"),
        (CYCLONEDX, {**BOM, "specVersion": "1.3"}, "specVersion must be one of 1.4"),
        (CYCLONEDX, {**BOM, "bomFormat": "SPDX"}, "bomFormat must be CycloneDX"),
        (CYCLONEDX, {**BOM, "vulnerabilities": {}}, "vulnerabilities must be a list"),
        (SPDX, {"spdxVersion": "SPDX-2.3"}, "predicate.packages is missing"),
        (SPDX, {"spdxVersion": "SPDX-2.3", "packages": []}, "names no package"),
        (SPDX, {"spdxVersion": "SPDX-3.0", "packages": []}, "must be SPDX-2.2 or SPDX-2.3"),
        (SPDX, {"@graph": []}, "predicate.spdxVersion is missing"),
        (OPENVEX, {**VEX, "statements": []}, "says nothing"),
        (OPENVEX, {**VEX, "@context": "https://example.com"}, "must be that of OpenVEX"),
        (OPENVEX, changed(VEX, "statements", 0, "status", to="fine"), "status must be one of"),
        (OPENVEX, {**VEX, "timestamp": "yesterday"}, "timestamp must be a time"),
        (TESTS, {}, "predicate.result is missing"),
        (TESTS, {"result": "OK"}, "must be PASSED, WARNED or FAILED"),
        (TESTS, {"result": "PASSED", "failedTests": "none"}, "failedTests must be a list"),
        (TESTS, {"result": "PASSED", "failedTests": [""]}, "failedTests[0] must be text"),
    ],
)
def test_what_can_not_be_read_is_refused_with_its_place(
    predicate_type: str, predicate: Any, why: str
) -> None:
    assert why in refusal(predicate_type, predicate)


@pytest.mark.parametrize("predicate", [None, [], "text", 7])
@pytest.mark.parametrize("predicate_type", sorted(READABLE_TYPES))
def test_what_is_no_object_is_refused(predicate_type: str, predicate: object) -> None:
    refusal(predicate_type, predicate)


# ---- hostile documents ----

DIRTY = {
    "trivy": (COSIGN, cosign(TRIVY)),
    "grype": (COSIGN, cosign(GRYPE)),
    "vulns": (VULNS, intoto({"id": "CVE-1", "severity": [{"method": "nvd", "score": "high"}]})),
    "sarif": (SARIF, SARIF_LOG),
    "cyclonedx": (CYCLONEDX, BOM),
    "tests": (TESTS, RESULT),
}

MAY_BE_ABSENT = {
    # A target in which nothing was found has no list of it.
    ("scanner", "result", "Results", 0, "Vulnerabilities"),
}


def read(predicate_type: str, predicate: Any) -> Scan:
    """Return what a document says; of one that is refused, that nothing was scanned."""
    refused = None
    try:
        return normalise(predicate_type, predicate)
    except Refused as error:
        refused = error
    assert refused.reason == "ScanUnreadable"
    assert refused.message.isprintable()
    return Scan()


def paths(part: object, before: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    steps = part.items() if isinstance(part, dict) else enumerate(part)  # type: ignore[arg-type,attr-defined] # a part of JSON
    for step, value in steps:
        yield (*before, step)
        if isinstance(value, dict | list):
            yield from paths(value, (*before, step))


@pytest.mark.parametrize("form", DIRTY)
@pytest.mark.parametrize("wrong", [None, {}, "", "x", 7, False], ids=repr)
def test_no_part_that_is_wrong_makes_a_dirty_document_clean(form: str, wrong: object) -> None:
    predicate_type, predicate = DIRTY[form]
    for path in paths(predicate):
        if wrong is None and path in MAY_BE_ABSENT:
            continue
        scan = read(predicate_type, changed(predicate, *path, to=wrong))
        dirty = any(each.state == "open" for each in scan.findings)
        assert dirty or not scan.scanned, path


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@given(st.sampled_from(sorted(DIRTY)), st.data(), json_values)
def test_whatever_stands_anywhere_is_read_or_refused(
    form: str, data: st.DataObject, value: Any
) -> None:
    predicate_type, predicate = DIRTY[form]
    path = data.draw(st.sampled_from(list(paths(predicate))))
    scan = read(predicate_type, changed(predicate, *path, to=value))

    assert all(each.id.strip() for each in scan.findings)
    json.dumps([each.as_json() for each in (*scan.findings, *scan.packages)])


def test_a_document_that_names_too_much_is_refused() -> None:
    matches = GRYPE["matches"] * 20_001
    components = [{"name": "a"}] * 20_001

    assert "more than 20000 findings" in refusal(COSIGN, cosign({"matches": matches}))
    assert "more than 20000 packages" in refusal(CYCLONEDX, {**BOM, "components": components})


def test_components_nested_too_deeply_are_refused() -> None:
    component: dict[str, Any] = {"name": "a"}
    for _ in range(1_000):
        component = {"name": "a", "components": [component]}

    assert "nests components deeper" in refusal(CYCLONEDX, {**BOM, "components": [component]})


def test_names_that_are_too_long_are_refused_and_not_cut() -> None:
    long = changed(BOM, "vulnerabilities", 0, "id", to="C" * 1_025)

    assert "is longer than 1024 characters" in refusal(CYCLONEDX, long)


def test_locations_are_cut_and_made_plain() -> None:
    log = changed(
        SARIF_LOG,
        *("runs", 0, "results", 0, "locations", 0, "physicalLocation", "artifactLocation", "uri"),
        to="\x1b[31m" + "x" * 2_000,
    )

    location = normalise(SARIF, log).findings[0].location

    assert location.isprintable()
    assert len(location) < 300


# ---- severities ----


@given(st.floats(0, 10))
def test_a_score_means_the_severity_that_cvss_gives_it(score: float) -> None:
    bounds = [(0.1, "none"), (4, "low"), (7, "medium"), (9, "high"), (11, "critical")]
    expected = next(word for bound, word in bounds if score < bound)

    assert severity_of_score(score) == expected
    assert severity_of_score(repr(score)) == expected


@pytest.mark.parametrize(
    "score", [-0.1, 10.1, 1e999, "nan", "", "high", None, True, [], {}, 10**400]
)
def test_what_is_no_score_is_unknown(score: object) -> None:
    assert severity_of_score(score) == "unknown"


@pytest.mark.parametrize("word", ["", "hi", "UNKNOWN", None, 3, "h\u0131gh", ["high"]])
def test_what_is_no_severity_is_unknown(word: object) -> None:
    assert severity_of_word(word) == "unknown"
