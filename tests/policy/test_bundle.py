"""Requirement `bundle`: what may be inside of the bundle."""

from typing import Any, get_args

import pytest

from sluice.verify.bundle_report import Finding, RemoteCodeKind, Vulnerable
from support.builders import BUNDLE, LIVE, a_release, a_report, a_subject, where
from support.judging import finding_of, told

FITS = ("satisfied", "BundleFits")
SEEN = Finding(file="app.js", kind="AWS access key", line=7, offset=120)


def needed(**asked: Any) -> dict[str, Any]:
    return {"name": "contents", "bundle": asked}


def seen(kind: str) -> Finding:
    return Finding(file="index.html", kind=kind, line=1, offset=0)


def weak(severity: Any) -> Vulnerable:
    return Vulnerable(
        library="jquery", version="1.0.0", ids=("CVE-1",), severity=severity, file="app.js"
    )


EVERYTHING = needed(
    secrets="Refuse",
    sourceMaps="Refuse",
    nativeCode="Refuse",
    remoteCode="Refuse",
    dynamicCode="Refuse",
    contentSecurityPolicy="Require",
    vulnerabilitiesBelow="high",
    origins=["https://api.example.com", "https://*.cdn.example.com"],
    newOrigins="Refuse",
    newPlugins="Refuse",
    plugins=["Camera", "Haptics"],
    maxBytes=1000,
    maxFiles=10,
)


def test_a_bundle_with_nothing_to_object_to_fits() -> None:
    assert told(EVERYTHING, around=where()) == FITS


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"secrets": (SEEN,)}, "SecretsFound"),
        ({"source_maps": (SEEN,)}, "SourceMapsFound"),
        ({"native_code": (SEEN,)}, "NativeCodeFound"),
        ({"remote_code": (seen("script-from-data"),)}, "RemoteCodeFound"),
        ({"remote_code": (seen("new-function"),)}, "DynamicCodeFound"),
        ({"remote_code": (seen("csp-missing"),)}, "ContentSecurityPolicyWeak"),
        ({"vulnerable": (weak("high"),)}, "VulnerabilitiesFound"),
        ({"vulnerable": (weak("critical"),)}, "VulnerabilitiesFound"),
        ({"vulnerable": (weak("unknown"),)}, "VulnerabilitiesFound"),
        ({"origins": frozenset({"https://evil.example"})}, "OriginsNotListed"),
        ({"origins": frozenset({"https://a.cdn.example.com"})}, "OriginsNew"),
        ({"plugin_calls": frozenset({"Contacts"})}, "PluginsNotListed"),
        ({"plugin_calls": frozenset({"Haptics"})}, "PluginsNew"),
        ({"files": 11}, "BundleFilesTooMany"),
        ({"limits_reached": ("app.js is larger than 16 MiB.",)}, "BundleNotSeenWhole"),
    ],
    ids=str,
)
def test_what_may_not_be_there_is_refused(change: dict[str, Any], reason: str) -> None:
    assert told(EVERYTHING, around=where(bundle=a_report(**change))) == ("refused", reason)


@pytest.mark.parametrize("kind", get_args(RemoteCodeKind))
def test_every_way_for_other_code_to_run_can_be_refused(kind: str) -> None:
    around = where(bundle=a_report(remote_code=(seen(kind),)))
    ways = {"remoteCode": "Refuse", "dynamicCode": "Refuse", "contentSecurityPolicy": "Require"}

    assert told(needed(**ways), around=around)[0] == "refused"
    assert told(needed(secrets="Refuse"), around=around) == FITS


@pytest.mark.parametrize("listed", ["https://*.example.com", "https://*", "https://*.*"])
def test_an_origin_that_is_only_known_when_the_code_runs_is_never_listed(listed: str) -> None:
    """`https://${x}.example.com` leads wherever x ends a host."""
    report = a_report(origins=frozenset({"https://*.example.com"}))

    found = told(needed(origins=[listed]), around=where(bundle=report))

    assert found == ("refused", "OriginsNotListed")


@pytest.mark.parametrize("severity", ["low", "medium"])
def test_a_weakness_below_the_limit_is_let_pass(severity: str) -> None:
    report = a_report(vulnerable=(weak(severity),))

    assert told(EVERYTHING, around=where(bundle=report)) == FITS


def test_all_faults_are_told_at_once_and_a_secret_by_its_place_alone() -> None:
    report = a_report(secrets=(SEEN,), native_code=(SEEN,), files=99)
    finding = finding_of(EVERYTHING, around=where(bundle=report))

    assert finding.reason == "SecretsFound"
    assert "AWS access key in app.js:7" in finding.message
    assert "native code" in finding.message
    assert "99 files" in finding.message


@pytest.mark.parametrize(
    ("allowed", "named", "fits"),
    [
        ("https://api.example.com", "https://api.example.com", True),
        ("https://API.example.com", "https://api.example.com", True),
        ("https://*.example.com", "https://a.b.example.com", True),
        ("https://*.example.com", "https://example.com", False),
        ("https://*.example.com", "https://evil-example.com", False),
        ("https://*.example.com", "https://x.example.com:8443", False),
        ("https://*.example.com", "http://x.example.com", False),
        ("https://*.example.com", "https://*.example.com", False),
        ("https://*.example.com", "https://*", False),
        ("https://api.example.com", "https://*.example.com", False),
        ("https://api.example.com:*", "https://api.example.com:8443", True),
        ("*", "https://evil.example", False),
    ],
)
def test_which_origins_a_pattern_lists(allowed: str, named: str, fits: bool) -> None:
    report = a_report(origins=frozenset({named}))
    state, _ = told(needed(origins=[allowed]), around=where(bundle=report))

    assert (state == "satisfied") == fits


def test_an_empty_list_allows_nothing() -> None:
    assert told(needed(origins=[]), around=where())[1] == "OriginsNotListed"
    assert told(needed(plugins=[]), around=where())[1] == "PluginsNotListed"


def test_a_bundle_that_nobody_has_looked_at_is_looked_at_by_itself() -> None:
    finding = finding_of(needed(secrets="Refuse"), around=where(bundle=None))

    assert (finding.state, finding.reason) == ("missing", "BundleNotInspected")
    assert "when it has been fetched" in finding.message


def test_a_report_on_another_bundle_says_nothing_about_this_one() -> None:
    other = where(bundle=a_report("0" * 64))

    assert told(needed(secrets="Refuse"), around=other) == ("missing", "BundleNotInspected")


def test_nothing_is_new_where_nothing_is_served_and_all_of_it_is_named() -> None:
    first = where(live=None, live_bundle=None)
    finding = finding_of(needed(newOrigins="Refuse", newPlugins="Refuse"), around=first)

    assert (finding.state, finding.reason) == FITS
    assert "https://api.example.com" in finding.message
    assert "Camera" in finding.message


@pytest.mark.parametrize("asked", ["newOrigins", "newPlugins"])
@pytest.mark.parametrize("report", [None, a_report("0" * 64)], ids=["none", "on another bundle"])
def test_what_is_new_is_not_known_without_a_report_on_what_is_served(
    asked: str, report: Any
) -> None:
    blind = where(live_bundle=report)

    assert told(needed(**{asked: "Refuse"}), around=blind) == ("missing", "LiveBundleNotInspected")
    assert told(needed(secrets="Refuse"), around=blind) == FITS


def test_a_plugin_that_is_no_longer_called_is_no_fault() -> None:
    less = where(bundle=a_report(plugin_calls=frozenset(), origins=frozenset()))

    assert told(EVERYTHING, around=less) == FITS


def test_the_size_is_judged_before_anybody_has_looked() -> None:
    subject = a_subject(a_release(bundle={"url": "https://x/y", "sha256": BUNDLE, "size": 1001}))

    assert told(needed(maxBytes=1000), subject=subject) == ("refused", "BundleTooLarge")
    assert told(needed(maxBytes=1001), subject=subject) == FITS


def test_what_is_asked_for_nothing_fits_unseen() -> None:
    assert told(needed()) == FITS


def test_archives_that_were_not_looked_into_are_named() -> None:
    report = a_report(archives=("maps.zip",))

    assert "maps.zip" in finding_of(EVERYTHING, around=where(bundle=report)).message


def test_hostile_names_are_shown_as_they_are() -> None:
    seen = Finding(file="a\nb\x1b[2J" + "x" * 4096, kind="elf", line=0, offset=0)
    message = finding_of(
        needed(nativeCode="Refuse"), around=where(bundle=a_report(native_code=(seen,)))
    ).message

    assert message.isprintable()
    assert len(message) < 512


assert LIVE.bundle_sha256 != BUNDLE
