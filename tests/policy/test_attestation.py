"""Requirement `attestation`: what a signed statement about the bundle must say."""

from datetime import timedelta
from typing import Any

import pytest

from support.builders import NOW, SSO, Signer, a_statement
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
