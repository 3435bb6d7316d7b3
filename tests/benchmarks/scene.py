"""A release as large as they get in earnest: six attestations and three approvals, one by SSH."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sluice.gate.case import Case
from sluice.gate.offered import offered_evidence
from sluice.gate.trust import TrustRoom
from sluice.policy.subject import Subject
from sluice.resources.approval import ApprovalSpec
from sluice.resources.canonical import canonical_json, release_digest
from sluice.resources.kinds import Key
from sluice.resources.policy import PolicySpec
from sluice.resources.release import ReleaseSpec
from sluice.verify.claims import ApprovalClaim, build_statement
from support.team import CI, CI_ISSUER, REPOSITORY, Team, a_bundle

__all__ = ["a_busy_case", "ssh_signed"]

TESTS = "https://in-toto.io/attestation/test-result/v0.1"
SCAN = "https://cosign.sigstore.dev/attestation/vuln/v1"
SBOM = "https://cyclonedx.org/bom"
REVIEW = "https://sluice.dev/review/v1"
COMPONENTS = 400
"""Components of the software bill: what a web app of some size has."""


def a_busy_case(folder: Path, trust: TrustRoom) -> Case:
    """Return a case that is allowed, for which all of it is needed.

    Args:
        folder: to put the bundle into.
        trust: reads the policy.
    """
    team = Team(namespace="shop", bundles=folder)
    release = _release(team)
    policy = _policy(team)
    approvals = [team.approval_manifest(who, release) for who in ("alice", "bob")]
    approvals.append(_by_ssh(team, "carol", release))
    spec = ReleaseSpec.model_validate_json(canonical_json(release["spec"]))
    words = [
        (each["metadata"]["name"], ApprovalSpec.model_validate_json(canonical_json(each["spec"])))
        for each in approvals
    ]
    now = datetime.now(UTC)
    return Case(
        subject=Subject(
            cluster=team.cluster,
            namespace=team.namespace,
            app_id=team.app_id,
            channel="production",
            release=spec,
            release_digest=release_digest(spec),
        ),
        policies=(trust.policy(Key("ReleasePolicy", "shop", "releases"), policy),),
        evidence=offered_evidence(spec, {}, sorted(words)),
        now=now,
    )


def _release(team: Team) -> dict[str, Any]:
    bundle = a_bundle("1.2.0")
    digest = hashlib.sha256(bundle).hexdigest()
    release = team.release_manifest("1.2.0", bundle)
    revision = release["spec"]["source"]["revision"]
    for name, kind, predicate in (
        ("tests", TESTS, {"result": "PASSED", "passedTests": [f"test-{i}" for i in range(200)]}),
        ("scan", SCAN, {"scanner": {"result": {"high": 0, "critical": 0}}}),
        ("sbom", SBOM, {"components": [_component(i) for i in range(COMPONENTS)]}),
        ("review", REVIEW, _review(revision)),
    ):
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "bundle.zip", "digest": {"sha256": digest}}],
            "predicateType": kind,
            "predicate": predicate,
        }
        signed = team.sigstore.sign_statement(statement, CI, CI_ISSUER)
        release["spec"]["attestations"].append({"name": name, "inline": signed.decode()})
    return release


def _component(number: int) -> dict[str, str]:
    return {"type": "library", "name": f"library-{number}", "version": f"1.{number}.0"}


def _review(revision: str) -> dict[str, Any]:
    at = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "repository": REPOSITORY,
        "change": f"{REPOSITORY}/pull/7",
        "revision": revision,
        "author": "dora",
        "reviews": [
            {"reviewer": "hubot", "state": "approved", "revision": revision, "submittedAt": at}
        ],
    }


def _policy(team: Team) -> PolicySpec:
    manifest = team.unsealed_policy_manifest(count=3)
    manifest["spec"]["requirements"] += [
        {
            "name": "tested",
            "attestation": {
                "authority": "ci",
                "predicateType": TESTS,
                "expression": "predicate.result == 'PASSED'",
            },
        },
        {
            "name": "scanned",
            "attestation": {
                "authority": "ci",
                "predicateType": SCAN,
                "expression": "predicate.scanner.result.critical == 0",
            },
        },
        {"name": "listed", "attestation": {"authority": "ci", "predicateType": SBOM}},
        {"name": "reviewed", "review": {"authority": "ci", "repository": REPOSITORY}},
        {"name": "up", "version": {"minimum": "1.0.0"}},
        {
            "name": "named",
            "cel": {"expression": "release.version != ''", "message": "Name the version."},
        },
    ]
    return PolicySpec.model_validate_json(canonical_json(manifest["spec"]))


def _by_ssh(team: Team, who: str, release: dict[str, Any]) -> dict[str, Any]:
    spec = ReleaseSpec.model_validate_json(canonical_json(release["spec"]))
    now = datetime.now(UTC).replace(microsecond=0)
    claim = ApprovalClaim(
        app=team.app_id,
        namespace=team.namespace,
        version=spec.version,
        channel="production",
        cluster=team.cluster,
        decision="approve",
        role="release-manager",
        nonce=secrets.token_urlsafe(16),
        issued_at=now,
        expires_at=now + timedelta(days=7),
    )
    signed = team.keys[who].sign_statement(build_statement(release_digest(spec), claim))
    name = release["metadata"]["name"]
    return {
        "metadata": {"name": f"{name}-{who}"},
        "spec": {"release": name, "ssh": signed},
    }


def ssh_signed(case: Case) -> tuple[bytes, bytes]:
    """Return the armored signature and the statement of the approval by SSH."""
    found = next(each for each in case.evidence if each.statement is not None)
    return found.data, found.statement or b""
