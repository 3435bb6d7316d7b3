"""Attacks on what policies ask for: scans, expressions, versions, soaks and windows."""

import json
from datetime import timedelta
from typing import Any

import pytest

from support.attacks import (
    EVIL,
    Attack,
    Body,
    Mount,
    approved,
    refuses,
)
from support.builders import VULN_TYPE, a_scan
from support.laps import Laps
from support.sealing import sealed
from support.team import (
    CI,
    CI_ISSUER,
    OWNERS,
    Team,
)

CEL = "policy/cel.py: evaluate_expression"
READABLE = "gate/readable.py: policy_problem"

# --- What policies ask for -----------------------------------------------------------------------


def asking(requirement: Body, *statements: tuple[str, Any, timedelta]) -> Mount:
    """A release that is approved and signed; a further requirement is not met.

    Args:
        requirement: what is asked for.
        statements: (type, predicate, age) of what the CI has attested.
    """

    def mount(laps: Laps, team: Team) -> None:
        second = team.policy_manifest(name="second", sealed_by=())
        second["spec"]["requirements"].append({"name": "more", **requirement})
        laps.apply(sealed(second, *(team.keys[who] for who in OWNERS)))
        release = team.release_manifest(EVIL)
        digest = release["spec"]["bundle"]["sha256"]
        for number, (kind, predicate, age) in enumerate(statements):
            statement = {
                "_type": "https://in-toto.io/Statement/v1",
                "subject": [{"name": "shop.zip", "digest": {"sha256": digest}}],
                "predicateType": kind,
                "predicate": predicate,
            }
            made = team.sigstore.sign_statement(statement, CI, CI_ISSUER, laps.now - age)
            fields = {"name": f"more-{number}", "inline": made.decode()}
            release["spec"]["attestations"].append(fields)
        approved(laps, team, release)

    return mount


def scan(*found: tuple[str, str]) -> Any:
    return json.loads(a_scan(*found).predicate_json)


SCANNED = {"attestation": {"authority": "ci", "predicateType": VULN_TYPE, "severityBelow": "high"}}
DIRTY = (VULN_TYPE, scan(("CVE-2026-1", "CRITICAL")), timedelta(minutes=1))
CLEAN = (VULN_TYPE, scan(), timedelta(hours=2))
TESTS = "https://in-toto.io/attestation/test-result/v0.1"


def attesting(expression: str, predicate: Any) -> Mount:
    need = {"authority": "ci", "predicateType": TESTS, "expression": expression}
    return asking({"attestation": need}, (TESTS, predicate, timedelta(minutes=1)))


def expressed(expression: str) -> Mount:
    return asking({"cel": {"expression": expression, "message": "No."}})


ASKED = [
    Attack(
        row=21,
        name="An older clean scan hides a newer one that is not",
        reason="SeverityTooHigh",
        defence="policy/statements.py: judge_newest",
        mount=asking(SCANNED, CLEAN, DIRTY),
    ),
    Attack(
        row=21,
        name="The clean scan comes first in the Release",
        reason="SeverityTooHigh",
        defence="policy/statements.py: judge_newest",
        mount=asking(SCANNED, DIRTY, CLEAN),
    ),
    Attack(
        row=21,
        name="A finding says of itself that it is of no known severity",
        reason="SeverityTooHigh",
        defence="policy/attestation.py: judge_attestation",
        mount=asking(SCANNED, (VULN_TYPE, scan(("CVE-2026-1", "HARMLESS")), timedelta(minutes=1))),
    ),
    *(
        Attack(
            row=0,
            name=name,
            reason=reason,
            defence=READABLE if reason == "PolicyUnreadable" else CEL,
            mount=mount,
        )
        for name, reason, mount in (
            (
                "An expression fails, and its error is as true as any text",
                "ExpressionFailed",
                attesting("predicate.results[0] == 'PASSED'", {"result": "PASSED"}),
            ),
            (
                "An expression gives a text instead of a truth",
                "ExpressionFailed",
                attesting("predicate.result", {"result": "PASSED"}),
            ),
            (
                "A text ends for the library where it holds a nought",
                "ExpressionFailed",
                attesting("predicate.result == 'PASSED'", {"result": "PASSED\0 not"}),
            ),
            (
                "An expression would take for ever",
                "ExpressionFailed",
                expressed(
                    "[1,2,3,4,5,6,7,8].all(a,[1,2,3,4,5,6,7,8].all(b,[1,2,3,4,5,6,7,8].all(c,"
                    "[1,2,3,4,5,6,7,8].all(d,[1,2,3,4,5,6,7,8].all(e,[1,2,3,4,5,6,7,8].all(f,"
                    "[1,2,3,4,5,6,7,8].all(g,[1,2,3,4,5,6,7,8].all(h,a+b+c+d+e+f+g+h>0))))))))"
                ),
            ),
            (
                "An expression opens a file of the operator's as a time zone",
                "PolicyUnreadable",
                expressed("timestamp('2026-01-01T00:00:00Z').getHours('../../etc/passwd') >= 0"),
            ),
            (
                "An expression takes its pattern from what is judged",
                "PolicyUnreadable",
                expressed("release.app.matches(release.version)"),
            ),
        )
    ),
    Attack(
        row=32,
        name="A version below the lowest is released",
        reason="VersionTooLow",
        defence="policy/version.py: judge_version",
        mount=asking({"version": {"minimum": "7.0.0"}}),
    ),
    Attack(
        row=0,
        name="A release soaks on the very channel that it is for",
        reason="SoakOnItself",
        defence="policy/soak.py: judge_soak",
        mount=asking({"soak": {"channel": "production", "duration": "0s"}}),
    ),
    Attack(
        row=0,
        name="A release skips the channel on which it must soak",
        reason="SoakMissing",
        defence="policy/soak.py: judge_soak",
        mount=asking({"soak": {"channel": "beta", "duration": "1h"}}),
    ),
    Attack(
        row=0,
        name="A release comes while everything is frozen",
        reason="WindowClosed",
        defence="policy/windows.py: is_open",
        mount=asking(
            {
                "window": {
                    "freezes": [
                        {
                            "start": "2020-01-01T00:00:00Z",
                            "end": "9999-12-31T23:59:59Z",
                            "reason": "for ever",
                        }
                    ]
                }
            }
        ),
    ),
    Attack(
        row=0,
        name="A window names a time zone that is a file",
        reason="PolicyUnreadable",
        defence=READABLE,
        mount=asking({"window": {"timeZone": "posixrules/x"}}),
    ),
]

ATTACKS = ASKED


@pytest.mark.parametrize("each", ATTACKS, ids=lambda each: each.name)
async def test_attack(laps: Laps, team: Team, each: Attack) -> None:
    await refuses(laps, team, each)
