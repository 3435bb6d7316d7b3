"""Libraries with known weaknesses are found as retire.js finds them, without asking anybody."""

import hashlib
import json
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.contents.libraries import is_at_or_above
from sluice.contents.vulnerabilities import VULNERABILITY_BYTES_MAX, VulnerabilityData
from sluice.errors import Refused
from sluice.verify.bundle_report import Vulnerable
from support.bundles import look_into, look_into_script

BUILT_IN = VulnerabilityData.built_in()

# Its source warns when it is compiled, which `built_in` keeps quiet; so only now.
from unretiredjs import retirejs  # noqa: E402 - see above

BANNERS = {
    ("jquery", "1.8.1"): "/*! jQuery v1.8.1 jquery.com | jquery.org/license */",
    ("jquery", "3.4.1"): '!function(){var f={jquery:"3.4.1",constructor:S}}()',
    ("bootstrap", "3.3.5"): "/*!\n * Bootstrap v3.3.5 (http://getbootstrap.com)\n */",
    ("angularjs", "1.5.0"): "/*\n AngularJS v1.5.0\n (c) 2010-2016\n*/",
    ("DOMPurify", "2.0.0"): "DOMPurify.version = '2.0.0';",
    ("moment.js", "2.10.1"): "//! moment.js\n//! version : 2.10.1\n",
    ("handlebars", "4.0.0"): 'Handlebars.VERSION = "4.0.0";',
    ("vue", "2.5.0"): "/*!\n * Vue.js v2.5.0\n */",
    ("ua-parser-js", "0.7.1"): "/* UAParser.js v0.7.1 */",
    ("tinyMCE", "4.1.2"): 'tinyMCEPreInit;majorVersion:"4",minorVersion:"1.2"',
}


@pytest.mark.parametrize("library", BANNERS)
def test_a_library_with_weaknesses_is_told(library: tuple[str, str]) -> None:
    told = look_into_script(f"var a=1;{BANNERS[library]};b()").vulnerable

    assert {(each.library, each.version) for each in told} == {library}
    assert {each.file for each in told} == {"app.js"}
    assert len(told) == len(set(told)), "each weakness once, however many patterns tell it"


def test_a_weakness_is_told_with_its_names_and_severity() -> None:
    told = look_into_script(BANNERS["jquery", "3.4.1"]).vulnerable

    assert told[0] == Vulnerable(
        library="jquery",
        version="3.4.1",
        ids=("CVE-2020-11023", "GHSA-jpcq-cgw6-v4j6"),
        severity="medium",
        file="app.js",
    )


@pytest.mark.parametrize("banner", ["/*! jQuery v3.7.1 */", "/*! Bootstrap v5.3.3 */", "var a=1"])
def test_a_library_without_known_weaknesses_is_not_told(banner: str) -> None:
    assert look_into_script(banner).vulnerable == ()


def test_a_library_is_known_by_the_name_of_its_file() -> None:
    told = look_into({"lib/jquery-1.12.0.min.js": "x()"}).vulnerable

    assert {(each.library, each.version, each.file) for each in told} == {
        ("jquery", "1.12.0", "lib/jquery-1.12.0.min.js")
    }


def their_names(text: str) -> set[str]:
    """Return the public names of the weaknesses that unretiredjs tells of."""
    identifiers = [
        weakness["identifiers"]
        for each in retirejs.scan_file_content(text)
        for weakness in each.get("vulnerabilities", [])
    ]
    listed = [[*each.get("CVE", []), each.get("githubID", "")] for each in identifiers]
    return {name for names in listed for name in names if name}


@pytest.mark.parametrize("library", BANNERS)
def test_the_weaknesses_told_are_those_that_unretiredjs_tells(library: tuple[str, str]) -> None:
    text = BANNERS[library]

    told = {name for each in look_into_script(text).vulnerable for name in each.ids}

    public = {name for name in told if name.startswith(("CVE-", "GHSA-"))}
    assert public == their_names(text)
    assert len(public) > 0


VERSIONS = st.text(alphabet=string.digits + "ab.-", min_size=1, max_size=12)


@settings(max_examples=500)
@given(VERSIONS, VERSIONS)
def test_versions_are_compared_as_unretiredjs_compares_them(version: str, other: str) -> None:
    assert is_at_or_above(version, other) == retirejs._is_at_or_above(version, other)


@pytest.mark.parametrize(
    ("version", "other", "expected"),
    [
        ("1.10.0", "1.9.0", True),
        ("1.9.0", "1.10.0", False),
        ("2.0", "2.0.0", True),
        ("3.0.0-rc1", "3.0.0", False),
        ("3.0.0", "3.0.0-rc1", True),
    ],
)
def test_versions_are_compared_part_by_part(version: str, other: str, expected: bool) -> None:
    assert is_at_or_above(version, other) is expected


def data(**library: object) -> bytes:
    """Return a file of known vulnerabilities of one library."""
    return json.dumps({"shoplib": library}).encode()


WEAK = [{"below": "2.0", "severity": "high", "identifiers": {"CVE": ["CVE-2026-1"]}}]


def told_by(known: bytes, files: dict[str, str]) -> list[tuple[str, str, tuple[str, ...], str]]:
    report = look_into(files, known=VulnerabilityData.from_jsrepository(known))
    return [(each.library, each.version, each.ids, each.severity) for each in report.vulnerable]


EXTRACTORS = {
    "contents": ({"filecontent": ["shoplib v(§§version§§)"]}, {"a.js": "/* shoplib v1.2.3 */"}),
    "name": ({"filename": ["shoplib-(§§version§§)(.min)?\\.js"]}, {"shoplib-1.2.3.min.js": ""}),
    "replacement": (
        {"filecontentreplace": ["/M=([0-9]+),N=([0-9.]+)/$1.$2/"]},
        {"a.js": "M=1,N=2.3"},
    ),
    "digest": (
        {"hashes": {hashlib.new("sha1", b"lib()", usedforsecurity=False).hexdigest(): "1.2.3"}},
        {"a.js": "lib()"},
    ),
    "back reference": (
        {"filecontent": ['="(§§version§§)";(.)\\.fn=(\\2)\\.shop']},
        {"a.js": 'v="1.2.3";v.fn=v.shop'},
    ),
    "long repetition": (
        {"filecontent": ["shoplib[\\s\\S]{0,9000}?v(§§version§§)"]},
        {"a.js": "shoplib" + " " * 500 + "v1.2.3"},
    ),
}


@pytest.mark.parametrize("case", EXTRACTORS)
def test_data_that_an_operator_mounts_is_used(case: str) -> None:
    extractors, files = EXTRACTORS[case]

    told = told_by(data(vulnerabilities=WEAK, extractors=extractors), files)

    assert told == [("shoplib", "1.2.3", ("CVE-2026-1",), "high")]


@pytest.mark.parametrize(
    ("version", "expected"), [("0.9", 0), ("1.0", 1), ("1.5", 0), ("1.9.9", 1), ("2.0", 0)]
)
def test_a_weakness_begins_and_ends_and_leaves_out(version: str, expected: int) -> None:
    weak = [{"atOrAbove": "1.0", "below": "2.0", "excludes": ["1.5"], "identifiers": {}}]
    known = data(vulnerabilities=weak, extractors={"filecontent": ["shoplib v(§§version§§)"]})

    assert len(told_by(known, {"a.js": f"shoplib v{version};"})) == expected


def test_a_pattern_that_backtracks_for_ever_elsewhere_takes_no_time() -> None:
    known = data(vulnerabilities=WEAK, extractors={"filecontent": ["(a+)+(a+)+(§§version§§)$"]})

    assert told_by(known, {"a.js": "a" * 100_000 + "!"}) == []


def test_other_data_makes_another_inspector() -> None:
    known = VulnerabilityData.from_jsrepository(data(vulnerabilities=WEAK, extractors={}))

    assert look_into({}).inspector != look_into({}, known=known).inspector


def test_the_built_in_data_can_be_mounted_as_a_file() -> None:
    from unretiredjs.vulnerabilities import definitions  # noqa: PLC0415 - as above

    mounted = VulnerabilityData.from_jsrepository(json.dumps(definitions).encode())

    assert mounted == BUILT_IN


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"[]",
        b'{"a": 1}',
        b'{"a": {}, "a": {}}',
        b'{"a": {"vulnerabilities": {}}}',
        b'{"a": {"vulnerabilities": [1]}}',
        b'{"a": {"vulnerabilities": [{"below": 2}]}}',
        b'{"a": {"vulnerabilities": [{"identifiers": []}]}}',
        b'{"a": {"extractors": []}}',
        b'{"a": {"extractors": {"filecontent": "x"}}}',
        b'{"a": {"extractors": {"filecontent": [1]}}}',
        b'{"a": {"extractors": {"hashes": {"a": 1}}}}',
        data(vulnerabilities=[{"below": "9" * 5000}]),
        data(extractors={"filecontent": ["a" * 5000]}),
        b"{" + b" " * VULNERABILITY_BYTES_MAX + b"}",
    ],
)
def test_a_file_that_is_no_such_data_is_refused(bad: bytes) -> None:
    with pytest.raises(Refused) as refused:
        VulnerabilityData.from_jsrepository(bad)

    assert refused.value.reason == "VulnerabilityDataUnreadable"
    assert refused.value.message.isprintable()
