"""Looking is bounded in memory and work, and says where it stopped."""

import io
import tracemalloc

import pytest

from sluice.contents.gathered import ContentsLimits
from sluice.contents.inspect import inspect_bundle
from sluice.errors import Refused
from support.bundles import kinds, look_into, zipped

NAMELESS = zipped({"a.js": "a" * 100}).replace(b"a.js", b"\0.js")
KEY = "AKIA" + "QWERTYUIOPASDFGH"


def test_a_file_is_looked_at_up_to_its_limit_and_that_is_said() -> None:
    files = {"a.js": "a" * 5000 + f"'{KEY}'"}

    report = look_into(files, ContentsLimits(file_bytes_max=5000))

    assert report.secrets == ()
    assert report.truncated
    assert report.limits_reached == (
        "a.js: only the first 5000 bytes were looked at; the file is too large.",
    )
    assert kinds(look_into(files).secrets) == ["AWS access key"]


def test_the_whole_bundle_is_looked_at_up_to_its_limit() -> None:
    files = {f"{name}.js": "a" * 5000 + f"'{KEY}'" for name in "abc"}

    report = look_into(files, ContentsLimits(scanned_bytes_max=11_000))

    assert [each.file for each in report.secrets] == ["a.js", "b.js"]
    assert report.limits_reached[0].startswith("c.js: only the first ")
    assert report.files == 4


def test_files_are_looked_at_up_to_their_limit() -> None:
    report = look_into({f"{name}.js": KEY for name in "abc"}, ContentsLimits(files_max=2))

    assert len(report.secrets) == 2
    assert report.files == 4
    assert report.limits_reached == ("Only the first 2 files were looked at.",)


@pytest.mark.parametrize(
    ("script", "limits"),
    [
        (f"'{KEY}'" * 9, ContentsLimits(findings_max=8)),
        (";eval(t);import('//a.net/a');new Function(t)", ContentsLimits(findings_max=2)),
        ('"https://a.net""https://b.net"', ContentsLimits(names_max=1)),
        ("registerPlugin('Aa');registerPlugin('Bb')", ContentsLimits(names_max=1)),
        ('"https://a.net""https://b.net"', ContentsLimits(hits_max=1)),
        ('"https://a.net""https://b.net"', ContentsLimits(all_hits_max=1)),
        ("/*! jQuery v1.8.1 */", ContentsLimits(findings_max=1)),
    ],
)
def test_whatever_is_cut_short_is_said(script: str, limits: ContentsLimits) -> None:
    assert look_into({"a.js": script}, limits).truncated
    assert not look_into({"a.js": script}).truncated


def test_all_places_that_are_looked_at_are_limited_together() -> None:
    files = {f"{name}.js": '"https://a.net"' for name in "abc"}

    assert look_into(files, ContentsLimits(all_hits_max=3)).truncated
    assert not look_into(files, ContentsLimits(all_hits_max=30)).truncated


def test_archives_are_told_up_to_the_limit() -> None:
    report = look_into({f"{name}.gz": "x" for name in "abc"}, ContentsLimits(findings_max=2))

    assert report.archives == ("a.gz", "b.gz")
    assert report.truncated


def test_a_tag_of_many_attributes_is_cut_short_and_that_is_said() -> None:
    assert look_into({"a.html": "<script " + "a=b " * 200 + "src=//a.net>"}).truncated


def test_memory_holds_one_file_at_a_time() -> None:
    data = zipped({f"{number}.js": b"a();" * 250_000 for number in range(24)})
    look_into({})  # what is loaded once does not count
    tracemalloc.start()

    inspect_bundle(io.BytesIO(data), sha256="0" * 64, limits=ContentsLimits())

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000, "of 24 MB"


@pytest.mark.parametrize("data", [b"", b"no zip", zipped({"a.js": "a" * 100})[:-30], NAMELESS])
def test_what_is_no_zip_is_refused(data: bytes) -> None:
    with pytest.raises(Refused) as refused:
        inspect_bundle(io.BytesIO(data), sha256="0" * 64, limits=ContentsLimits())

    assert refused.value.reason == "BundleUnreadable"
