"""Reports on bundles: one byte form, read strictly, and what changed between two."""

import dataclasses
import json

import pytest

from sluice.errors import Refused
from sluice.verify.bundle_report import (
    REPORT_BYTES_MAX,
    BundleDifference,
    BundleReport,
    Finding,
    Vulnerable,
    difference,
    report_from_json,
)

FINDING = Finding(file="a.js", kind="eval", line=1, offset=7, detail="é")
REPORT = BundleReport(
    bundle_sha256="ab" * 32,
    inspector="contents-1",
    files=3,
    unpacked_bytes=100,
    largest_file_bytes=60,
    secrets=(dataclasses.replace(FINDING, kind="AWS access key", detail=""),),
    source_maps=(),
    native_code=(),
    remote_code=(FINDING,),
    archives=("a.gz",),
    origins=frozenset({"https://b.net", "https://a.net"}),
    plugin_calls=frozenset({"Share", "App"}),
    vulnerable=(
        Vulnerable(library="l", version="1", ids=("CVE-1",), severity="high", file="a.js"),
    ),
    limits_reached=(),
)


def test_a_report_is_read_as_it_was_written() -> None:
    assert report_from_json(REPORT.as_json()) == REPORT


def test_a_report_has_one_form_whatever_the_order_of_its_sets() -> None:
    other = dataclasses.replace(REPORT, origins=frozenset(["https://a.net", "https://b.net"]))

    assert other.as_json() == REPORT.as_json()
    assert b'"origins":["https://a.net","https://b.net"]' in REPORT.as_json()


def changed(**fields: object) -> bytes:
    """Return the report's JSON with some fields changed."""
    return canonical({**json.loads(REPORT.as_json()), **fields})


def canonical(value: object) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def without(name: str) -> bytes:
    fields = json.loads(REPORT.as_json())
    del fields[name]
    return canonical(fields)


DAMAGED = {
    "nothing": b"",
    "no JSON": b"{",
    "no object": b"[]",
    "spaces": REPORT.as_json() + b" ",
    "a key twice": REPORT.as_json().replace(b'"files":3', b'"files":3,"files":3'),
    "a number in another way": REPORT.as_json().replace(b'"files":3', b'"files":3.0'),
    "a letter in another way": REPORT.as_json().replace("é".encode(), b"\\u00e9"),
    "an unknown field": changed(zebra=1),
    "a field too few": without("secrets"),
    "a text for a number": changed(files="3"),
    "a negative number": changed(files=-1),
    "a number beyond what all readers keep": changed(files=2**53),
    "an unknown severity": REPORT.as_json().replace(b'"high"', b'"huge"'),
    "origins out of order": changed(origins=["https://b.net", "https://a.net"]),
    "an origin twice": changed(origins=["https://a.net", "https://a.net"]),
    "deep": b"[" * 100_000,
    "too large": changed(inspector="a" * REPORT_BYTES_MAX),
    "no UTF-8": REPORT.as_json().replace("é".encode(), b"\xe9"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_report_is_refused(case: str) -> None:
    with pytest.raises(Refused) as refused:
        report_from_json(DAMAGED[case])

    assert refused.value.reason == "BundleReportUnreadable"


def test_a_report_that_reached_a_limit_says_so() -> None:
    assert not REPORT.truncated
    assert dataclasses.replace(REPORT, limits_reached=("Cut.",)).truncated


NEXT = dataclasses.replace(
    REPORT,
    files=2,
    unpacked_bytes=150,
    origins=frozenset({"https://a.net", "https://c.net"}),
    plugin_calls=frozenset({"App", "Camera"}),
)


def test_what_changed_is_told() -> None:
    assert difference(REPORT, NEXT) == BundleDifference(
        first=False,
        origins_added=frozenset({"https://c.net"}),
        origins_removed=frozenset({"https://b.net"}),
        plugin_calls_added=frozenset({"Camera"}),
        plugin_calls_removed=frozenset({"Share"}),
        files_grown=-1,
        unpacked_bytes_grown=50,
        uncertain=False,
    )


def test_of_the_first_bundle_everything_is_new() -> None:
    told = difference(None, REPORT)

    assert told.first
    assert told.origins_added == REPORT.origins
    assert told.plugin_calls_added == REPORT.plugin_calls
    assert (told.files_grown, told.unpacked_bytes_grown) == (3, 100)


def test_a_report_that_was_cut_short_or_made_by_other_rules_makes_it_uncertain() -> None:
    cut = {"limits_reached": ("Cut.",)}
    others = [dataclasses.replace(REPORT, **cut), dataclasses.replace(REPORT, inspector="x")]

    assert [difference(each, NEXT).uncertain for each in others] == [True, True]
    assert difference(REPORT, dataclasses.replace(NEXT, **cut)).uncertain
    assert difference(None, dataclasses.replace(NEXT, **cut)).uncertain
