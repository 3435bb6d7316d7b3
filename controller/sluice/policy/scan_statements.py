"""Documents that state something of each vulnerability or test: OpenVEX, in-toto test results."""

from datetime import UTC, datetime
from typing import Final

from sluice.policy.scan_parts import Finding, Part, Scan, ScanState, unreadable

__all__ = ["read_openvex", "read_test_result"]

_STATES: Final[dict[str, ScanState]] = {
    "not_affected": "not_affected",
    "fixed": "fixed",
    "affected": "open",
    "under_investigation": "open",
}

_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


def read_openvex(document: Part) -> Scan:
    """Return what an OpenVEX document says; of two statements on the same, the later counts.

    It names no severities, and nobody looked for what it does not name.

    Raises:
        Refused: `ScanUnreadable`.
    """
    if not document.member("@context").text().startswith("https://openvex.dev/ns"):
        raise unreadable(f"{document.path}.@context", "must be that of OpenVEX")
    statements = list(document.member("statements").items())
    if not statements:
        raise unreadable(f"{document.path}.statements", "says nothing")
    issued = _moment(document) or _LONG_AGO
    # Sorting keeps the order of equal times: the later in the list counts.
    statements.sort(key=lambda each: _moment(each) or issued)
    latest = {
        (name, product): _STATES[status]
        for each in statements
        for name, status in [_stated(each)]
        for product in _products(each)
    }
    return Scan(
        findings=tuple(
            Finding(id=name, severity="unknown", state=state, package=product)
            for (name, product), state in latest.items()
        )
    )


def read_test_result(predicate: Part) -> Scan:
    """Return the tests that failed; how bad that is, is unknown.

    Raises:
        Refused: `ScanUnreadable`.
    """
    result = predicate.member("result").text()
    if result not in ("PASSED", "WARNED", "FAILED"):
        raise unreadable(f"{predicate.path}.result", "must be PASSED, WARNED or FAILED")
    for names in ("passedTests", "warnedTests"):
        for each in predicate.items_of(names):
            each.text()
    failed = [each.text() for each in predicate.items_of("failedTests")]
    if result == "FAILED" and not failed:
        failed = ["FAILED"]
    return Scan(
        findings=tuple(Finding(id=each, severity="unknown", state="open") for each in failed),
        scanned=True,
    )


def _stated(statement: Part) -> tuple[str, str]:
    vulnerability = statement.member("vulnerability")
    # Before v0.2.0 it was named by mere text.
    named = vulnerability if isinstance(vulnerability.value, str) else vulnerability.member("name")
    status = statement.member("status")
    if status.text() not in _STATES:
        raise unreadable(status.path, f"must be one of {', '.join(_STATES)}")
    return named.text(), status.text()


def _products(statement: Part) -> list[str]:
    products = [
        each.text() if isinstance(each.value, str) else each.member("@id").text()
        for each in statement.items_of("products")
    ]
    return products or [""]


def _moment(part: Part) -> datetime | None:
    told = part.text_of("timestamp")
    if not told:
        return None
    try:
        moment = datetime.fromisoformat(told)
    except ValueError as error:
        raise unreadable(f"{part.path}.timestamp", "must be a time (RFC 3339)") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
