"""Requirement `attestation`: what a signed statement about the bundle must say."""

from datetime import timedelta
from typing import Any

import pytest

from support.builders import NOW, SSO, VULN_TYPE, Signer, a_scan, a_statement
from support.judging import finding_of, judged, told, with_statements

TESTS = "https://in-toto.io/attestation/test-result/v0.1"
SHOWN = ("satisfied", "AttestationShown")


def needed(**more: Any) -> dict[str, Any]:
    return {
        "name": "tested",
        "attestation": {"authority": "ci", "predicateType": TESTS, **more},
    }


PASSED = needed(expression="predicate.result == 'PASSED'")


def ran(result: str = "PASSED", **changes: Any) -> Any:
    return a_statement(TESTS, {"result": result}, **changes)


def test_a_statement_of_the_type_is_enough_where_nothing_more_is_asked() -> None:
    finding = finding_of(needed(), with_statements(ran("FAILED")))

    assert (finding.state, finding.reason) == SHOWN


def test_without_one_it_is_said_how_to_make_one() -> None:
    finding = finding_of(needed())

    assert (finding.state, finding.reason) == ("missing", "AttestationMissing")
    assert TESTS in finding.message


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"predicate_type": f"{TESTS}/more"}, ("missing", "AttestationMissing")),
        ({"subjects": frozenset({"0" * 64})}, ("missing", "AttestationMissing")),
        (
            {"signer": Signer(kind="sigstore", issuer=SSO, subject="eve@example.com")},
            ("refused", "SignedByOther"),
        ),
        ({"root_sha256": "9" * 64}, ("refused", "SignedByOther")),
        (
            {"signer": Signer(kind="ssh", issuer="ssh", subject="ssh-ed25519 AAAA")},
            ("refused", "SignedByOther"),
        ),
    ],
)
def test_another_statement_is_not_the_one(change: Any, expected: tuple[str, str]) -> None:
    fields = {"predicate_type": TESTS, **change}
    statement = a_statement(fields.pop("predicate_type"), {"result": "PASSED"}, **fields)

    assert told(PASSED, with_statements(statement)) == expected


def test_the_expression_must_be_true_of_it() -> None:
    assert told(PASSED, with_statements(ran())) == SHOWN
    assert told(PASSED, with_statements(ran("FAILED"))) == ("refused", "ExpressionFalse")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("predicate.reslut == 'PASSED'", ("refused", "ExpressionFailed")),
        ("predicate.result", ("refused", "ExpressionFailed")),
        ("predicate.result ==", ("refused", "ExpressionInvalid")),
        ("live.version == '1.1.0'", ("refused", "ExpressionInvalid")),
        ("now > 1", ("refused", "ExpressionInvalid")),
        ("release.version == '1.2.0' && release.source.revision.size() == 40", SHOWN),
        ("statement.issuer.startsWith('https://token.actions.')", SHOWN),
        (f"statement.predicateType == '{TESTS}'", SHOWN),
        ("statement.signedAt < '2026-06-01T11'", SHOWN),
        ("has(release.attestations)", ("refused", "ExpressionFalse")),
    ],
)
def test_what_an_expression_comes_to(expression: str, expected: tuple[str, str]) -> None:
    assert told(needed(expression=expression), with_statements(ran())) == expected


def test_the_newest_statement_decides_in_whatever_order_they_come() -> None:
    clean = ran(signed_at=NOW - timedelta(hours=2))
    dirty = ran("FAILED", signed_at=NOW - timedelta(hours=1))

    assert told(PASSED, with_statements(clean, dirty))[0] == "refused"
    assert told(PASSED, with_statements(dirty, clean))[0] == "refused"


def test_of_two_that_are_equally_new_both_must_do() -> None:
    assert told(PASSED, with_statements(ran(), ran("FAILED")))[0] == "refused"
    assert told(PASSED, with_statements(ran("FAILED"), ran()))[0] == "refused"


def test_a_newer_one_by_a_stranger_changes_nothing() -> None:
    stranger = Signer(kind="sigstore", issuer=SSO, subject="eve@example.com")
    newer = ran("FAILED", signed_at=NOW - timedelta(hours=1), signer=stranger)

    assert told(PASSED, with_statements(ran(), newer)) == SHOWN


def test_an_old_statement_counts_until_it_is_too_old() -> None:
    need = needed(maxAge="3h")
    found = with_statements(ran(signed_at=NOW - timedelta(hours=2)))

    assert told(need, found) == SHOWN
    assert judged(need, found).recheck_at == NOW + timedelta(hours=1)
    later = NOW + timedelta(hours=1)
    assert told(need, found, now=later - timedelta(microseconds=1)) == SHOWN
    assert told(need, found, now=later) == ("missing", "AttestationTooOld")


def test_a_statement_from_the_future_waits_and_hides_no_older_one() -> None:
    ahead = ran(signed_at=NOW + timedelta(minutes=5))
    found = with_statements(ran(), ahead)

    assert told(PASSED, found) == ("missing", "AttestationInFuture")
    verdict = judged(PASSED, found)
    assert verdict.recheck_at == NOW + timedelta(minutes=4)
    assert told(PASSED, found, now=verdict.recheck_at) == SHOWN


# What a scanner found.

SPDX = "https://spdx.dev/Document/v2.3"
OTHER = "https://example.com/anything/v1"


def scanned(predicate_type: str = VULN_TYPE, **more: Any) -> dict[str, Any]:
    need = {"authority": "ci", "predicateType": predicate_type, **more}
    return {"name": "scanned", "attestation": need}


@pytest.mark.parametrize(
    ("below", "found", "expected"),
    [
        ("high", [], SHOWN),
        ("high", [("CVE-1", "MEDIUM")], SHOWN),
        ("high", [("CVE-1", "HIGH")], ("refused", "SeverityTooHigh")),
        ("high", [("CVE-1", "LOW"), ("CVE-2", "CRITICAL")], ("refused", "SeverityTooHigh")),
        ("critical", [("CVE-1", "UNKNOWN")], ("refused", "SeverityTooHigh")),
        ("critical", [("CVE-1", "terrible")], ("refused", "SeverityTooHigh")),
        ("low", [("CVE-1", "NONE")], SHOWN),
    ],
)
def test_open_findings_must_be_below_a_severity(
    below: str, found: list[tuple[str, str]], expected: tuple[str, str]
) -> None:
    assert told(scanned(severityBelow=below), with_statements(a_scan(*found))) == expected


def test_what_is_said_to_do_no_harm_here_is_not_open() -> None:
    harmless = a_scan(("CVE-1", "CRITICAL"), status="not_affected")

    assert told(scanned(severityBelow="low"), with_statements(harmless)) == SHOWN


def test_what_was_found_is_named_and_the_rest_counted() -> None:
    many = a_scan(*((f"CVE-{i}", "HIGH") for i in range(100)))
    message = finding_of(scanned(severityBelow="high"), with_statements(many)).message

    assert "100 open findings" in message
    assert "CVE-0 (high) in left-pad@1.0.0" in message
    assert "92 more" in message


def test_an_older_clean_scan_does_not_hide_a_newer_dirty_one() -> None:
    clean = a_scan(signed_at=NOW - timedelta(hours=2))
    dirty = a_scan(("CVE-1", "CRITICAL"), signed_at=NOW - timedelta(hours=1))
    need = scanned(severityBelow="high")

    assert told(need, with_statements(dirty, clean)) == ("refused", "SeverityTooHigh")
    assert told(need, with_statements(clean)) == SHOWN


@pytest.mark.parametrize(
    ("asked", "predicate_type", "predicate", "reason"),
    [
        ({"severityBelow": "high"}, VULN_TYPE, {}, "ScanUnreadable"),
        ({"severityBelow": "high"}, VULN_TYPE, {"scanner": {"result": {}}}, "ScanUnreadable"),
        ({"severityBelow": "high"}, OTHER, {"findings": []}, "ScanUnknown"),
        ({"expression": "findings.size() == 0"}, OTHER, {}, "ScanUnknown"),
        ({"expression": "findings.all(f, f.severity == 'low')"}, VULN_TYPE, {}, "ScanUnreadable"),
    ],
)
def test_what_is_no_scan_shows_nothing(
    asked: dict[str, str], predicate_type: str, predicate: dict[str, Any], reason: str
) -> None:
    statement = a_statement(predicate_type, predicate)

    assert told(scanned(predicate_type, **asked), with_statements(statement)) == ("refused", reason)


def test_an_inventory_does_not_say_that_nothing_was_found() -> None:
    package = {"name": "left-pad", "versionInfo": "1.0.0", "licenseDeclared": "MIT"}
    sbom = a_statement(SPDX, {"spdxVersion": "SPDX-2.3", "packages": [package]})

    def of(**asked: str) -> tuple[str, str]:
        return told(scanned(SPDX, **asked), with_statements(sbom))

    assert of(expression="packages.all(p, p.licence == 'MIT')") == SHOWN
    assert of(expression="packages.all(p, p.licence == 'GPL-3.0')")[1] == "ExpressionFalse"
    assert of(expression="findings.size() == 0") == ("refused", "ScanMissing")
    assert of(severityBelow="critical") == ("refused", "ScanMissing")


def test_a_report_does_not_say_that_there_are_no_packages() -> None:
    need = scanned(expression="packages.all(p, p.licence == 'MIT')")

    assert told(need, with_statements(a_scan())) == ("refused", "ScanMissing")


def test_an_expression_speaks_of_findings_in_one_form() -> None:
    need = scanned(
        expression="findings.all(f, f.state != 'open' || f.id == 'CVE-1' && f.severity == 'high')"
    )

    assert told(need, with_statements(a_scan(("CVE-1", "HIGH")))) == SHOWN
    assert told(need, with_statements(a_scan(("CVE-2", "HIGH"))))[1] == "ExpressionFalse"
