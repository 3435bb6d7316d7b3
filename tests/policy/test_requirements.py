"""Requirements `soak`, `window`, `version` and `cel`; and that each kind is judged at all."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from sluice.policy.reasons import AnyReason
from sluice.policy.subject import Circumstances, Live
from sluice.resources.requirements import REQUIREMENT_KINDS
from support.builders import (
    BUNDLE,
    LIVE,
    NOW,
    a_release,
    a_report,
    a_subject,
    soaked,
    where,
)
from support.judging import finding_of, judged, told

SOAK = {"name": "soaked", "soak": {"channel": "beta", "duration": "2d", "devices": 100}}


def on(*channels: Any) -> Circumstances:
    return where(soaked=channels)


def test_a_bundle_that_did_well_elsewhere_has_soaked() -> None:
    assert told(SOAK, around=on(soaked())) == ("satisfied", "Soaked")


@pytest.mark.parametrize(
    ("around", "expected"),
    [
        (on(), ("missing", "SoakMissing")),
        (on(soaked("alpha")), ("missing", "SoakMissing")),
        (on(soaked(taken_back=True)), ("refused", "SoakTakenBack")),
        (on(soaked(), soaked(taken_back=True)), ("refused", "SoakTakenBack")),
        (on(soaked(since=NOW - timedelta(days=1))), ("missing", "SoakTooShort")),
        (on(soaked(since=NOW + timedelta(days=1))), ("missing", "SoakTooShort")),
        (on(soaked(healthy_devices=99)), ("missing", "SoakDevicesTooFew")),
        (on(soaked(), soaked(healthy_devices=99)), ("missing", "SoakDevicesTooFew")),
    ],
)
def test_a_bundle_that_did_not_soak_waits(around: Any, expected: tuple[str, str]) -> None:
    assert told(SOAK, around=around) == expected


def test_a_soak_ends_by_itself() -> None:
    around = on(soaked(since=NOW - timedelta(days=1)))
    verdict = judged(SOAK, around=around)

    assert verdict.recheck_at == NOW + timedelta(days=1)
    assert told(SOAK, around=around, now=verdict.recheck_at) == ("satisfied", "Soaked")


def test_nothing_soaks_on_the_channel_that_it_is_to_come_to() -> None:
    subject = a_subject(channel="beta", circumstances=on(soaked()))

    assert told(SOAK, subject=subject) == ("refused", "SoakOnItself")


WEEKDAYS = {
    "name": "hours",
    "window": {
        "timeZone": "Europe/Berlin",
        "hours": [{"days": ["Mon", "Tue"], "start": "09:00", "end": "16:00"}],
    },
}
"""NOW is a Monday, 14:00 in Berlin."""


def test_an_open_window_lets_grow_and_says_until_when() -> None:
    verdict = judged(WEEKDAYS)

    assert (verdict.answer, verdict.findings[0].reason) == ("allowed", "WindowOpen")
    assert verdict.recheck_at == datetime(2026, 6, 1, 14, 0, tzinfo=UTC)


def test_a_closed_window_holds_and_says_until_when() -> None:
    verdict = judged(WEEKDAYS, now=NOW + timedelta(hours=3))

    assert (verdict.answer, verdict.reason) == ("held", "WindowClosed")
    assert verdict.recheck_at == datetime(2026, 6, 2, 7, 0, tzinfo=UTC)


def test_a_freeze_holds_with_its_reason() -> None:
    freeze = {"start": "2026-06-01T00:00:00Z", "end": "2026-06-02T00:00:00Z", "reason": "audit"}
    finding = finding_of({"name": "hours", "window": {"freezes": [freeze]}})

    assert (finding.state, finding.reason) == ("missing", "WindowClosed")
    assert "audit" in finding.message


@pytest.mark.parametrize(
    "window",
    [
        {"timeZone": "Europe/Atlantis"},
        {
            "recurring": [
                {
                    "rrule": "FREQ=SECONDLY",
                    "start": "2026-01-01T00:00",
                    "duration": "1h",
                    "reason": "x",
                }
            ]
        },
        {
            "recurring": [
                {
                    "rrule": "FREQ=DAILY",
                    "start": "2026-02-31T00:00",
                    "duration": "1h",
                    "reason": "x",
                }
            ]
        },
    ],
    ids=["no such zone", "no such rule", "no such day"],
)
def test_a_window_that_nobody_understands_is_never_open(window: dict[str, Any]) -> None:
    assert told({"name": "hours", "window": window}) == ("refused", "WindowInvalid")


def version(released: str, served: str | None, **more: Any) -> tuple[str, str]:
    live = Live(version=served, bundle_sha256=more.pop("bundle", "a" * 64)) if served else None
    subject = a_subject(a_release(version=released), circumstances=Circumstances(live=live))
    return told({"name": "up", "version": more}, subject=subject)


UP, DOWN = ("satisfied", "VersionFits"), ("refused", "Downgrade")


@pytest.mark.parametrize(
    ("released", "served", "expected"),
    [
        ("1.2.0", None, UP),
        ("1.2.0", "1.1.9", UP),
        ("1.10.0", "1.9.0", UP),
        ("1.9.0", "1.10.0", DOWN),
        ("1.2.0", "1.2.0-rc.1", UP),
        ("1.2.0-rc.1", "1.2.0", DOWN),
        ("1.2.0-rc.2", "1.2.0-rc.10", DOWN),
        ("1.2.0-alpha", "1.2.0-1", UP),
        ("1.2.0", "1.2.0", ("refused", "VersionNotUp")),
        ("1.2.0+2", "1.2.0+1", ("refused", "VersionNotUp")),
        ("1.2.0", "builtin", ("refused", "VersionNotUp")),
    ],
)
def test_versions_go_up(released: str, served: str | None, expected: tuple[str, str]) -> None:
    assert version(released, served) == expected


def test_the_very_same_release_may_be_served_again() -> None:
    assert version("1.2.0", "1.2.0", bundle=BUNDLE) == UP
    assert version("1.1.0", "1.2.0", bundle=BUNDLE) == DOWN


def test_nothing_below_the_minimum_is_released_whatever_is_served() -> None:
    assert version("1.2.0", None, minimum="1.2.1") == ("refused", "VersionTooLow")
    assert version("1.2.0", "1.0.0", minimum="1.2.1") == ("refused", "VersionTooLow")
    assert version("1.2.1-rc.1", None, minimum="1.2.1") == ("refused", "VersionTooLow")
    assert version("1.2.1", None, minimum="1.2.1") == UP


def cel(expression: str, **more: Any) -> tuple[str, str]:
    need = {"name": "rule", "cel": {"expression": expression, "message": "ask the release team"}}
    return told(need, **more)


TRUE = ("satisfied", "ExpressionTrue")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("release.version == '1.2.0'", TRUE),
        ("release.source.authors.exists(a, a == 'dora@example.com')", TRUE),
        ("channel.name == 'production' && channel.namespace == 'shop'", TRUE),
        ("channel.appId == 'com.example.shop' && channel.cluster == 'prod'", TRUE),
        ("semverCompare(release.version, live.version) > 0", TRUE),
        ("live.bundleSha256 != release.bundle.sha256", TRUE),
        ("bundle.pluginCalls == ['Camera'] && bundle.unpackedBytes < 20000", TRUE),
        ("channel.name == 'beta'", ("refused", "ExpressionFalse")),
        ("channel.nom == 'beta'", ("refused", "ExpressionFailed")),
        ("channel.name ==", ("refused", "ExpressionInvalid")),
        ("predicate.x == 1", ("refused", "ExpressionInvalid")),
        ("findings.size() == 0", ("refused", "ExpressionInvalid")),
        ("'true'", ("refused", "ExpressionInvalid")),
    ],
)
def test_an_expression_must_be_true(expression: str, expected: tuple[str, str]) -> None:
    assert cel(expression, around=where()) == expected


def test_an_expression_that_is_not_true_says_what_its_author_wants_said() -> None:
    need = {"name": "rule", "cel": {"expression": "1 == 2", "message": "ask the release team"}}

    assert finding_of(need).message == "ask the release team"


def test_an_expression_about_a_bundle_that_nobody_looked_at_waits() -> None:
    unseen = where(bundle=None)

    assert cel("!has(bundle.secrets)", around=unseen) == ("missing", "BundleNotInspected")
    assert cel("true || bundle.files < 5", around=unseen) == ("missing", "BundleNotInspected")
    assert cel("live.version == '1.1.0'", around=unseen) == TRUE


def test_an_expression_can_tell_that_nothing_is_served() -> None:
    assert cel("!has(live.version)", around=Circumstances()) == TRUE
    assert cel("has(live.version)", around=where(live=LIVE, bundle=a_report())) == TRUE


ONE_OF_EACH: dict[str, dict[str, Any]] = {
    "signature": {"authority": "ci"},
    "provenance": {"authority": "ci", "repository": "https://x"},
    "approvals": {"role": "release-manager", "count": 1},
    "review": {"authority": "ci", "repository": "https://x"},
    "attestation": {"authority": "ci", "predicateType": "https://x"},
    "bundle": {"secrets": "Refuse"},
    "soak": {"channel": "beta", "duration": "1d"},
    "window": {
        "freezes": [{"start": "2026-01-01T00:00:00Z", "end": "2027-01-01T00:00:00Z", "reason": "x"}]
    },
    "version": {"minimum": "2.0.0"},
    "cel": {"expression": "1 == 2", "message": "x"},
}


def test_every_kind_of_requirement_is_known_here() -> None:
    assert set(ONE_OF_EACH) == set(REQUIREMENT_KINDS)


@pytest.mark.parametrize("kind", REQUIREMENT_KINDS)
def test_a_requirement_of_which_nothing_is_shown_holds(kind: str) -> None:
    requirement = {"name": "needed", kind: ONE_OF_EACH[kind]}
    verdict = judged(requirement)

    assert verdict.answer == "held"
    [finding] = verdict.findings
    assert finding.requirement == "needed"
    assert finding.state != "satisfied"
    assert finding.reason in get_args(AnyReason)
    assert len(finding.message) > 20 or kind == "cel"


@pytest.mark.parametrize("kind", REQUIREMENT_KINDS)
def test_a_requirement_that_only_warns_holds_nothing(kind: str) -> None:
    requirement = {"name": "needed", "enforcement": "Warn", kind: ONE_OF_EACH[kind]}

    assert judged(requirement).answer == "allowed"
