"""Values for tests of the cores: a release, policies, facts, all valid unless told otherwise."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sluice.policy.review_statement import REVIEW_TYPE
from sluice.policy.subject import Circumstances, Live, PolicyInForce, Soaked, Subject
from sluice.policy.verdict import PolicyRef
from sluice.resources.canonical import canonical_json, release_digest, sha256_hex
from sluice.resources.policy import PolicySpec
from sluice.resources.release import ReleaseSpec
from sluice.verify.bundle_report import BundleReport
from sluice.verify.facts import (
    Approval,
    BlobSignature,
    ExceptionGrant,
    Facts,
    GlassBroken,
    Signer,
    Statement,
)
from sluice.verify.provenance import PROVENANCE_TYPE

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
APP_ID = "com.example.shop"
BUNDLE = "b" * 64
SSO = "https://sso.example.com"
CI_ISSUER = "https://token.actions.example.com"
CI = "https://github.example.com/acme/shop/.github/workflows/release.yml@refs/heads/main"
ROOT = "{}"
REPOSITORY = "https://github.example.com/acme/shop"
REVISION = "c" * 40
BUILDER = "https://builder.example.com"
SSH_KEYS = {
    who: f"sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5{who.encode().hex()}"
    for who in ("alice", "bob", "carol", "dora", "eve")
}
"""A FIDO key for each person; as text only, for facts that are proven already."""
CI_SIGNER = Signer(kind="sigstore", issuer=CI_ISSUER, subject=CI)
LABEL = "ReleasePolicy/policy"
"""What `a_policy` is called in words that name it."""


def a_release(**changes: Any) -> ReleaseSpec:
    spec: dict[str, Any] = {
        "app": "shop",
        "version": "1.2.0",
        "bundle": {"url": "https://cdn.example.com/shop.zip", "sha256": BUNDLE, "size": 1000},
        "source": {
            "repository": REPOSITORY,
            "revision": REVISION,
            "authors": ["dora@example.com"],
        },
    }
    spec.update(changes)
    return ReleaseSpec.model_validate_json(canonical_json(spec))


def a_subject(release: ReleaseSpec | None = None, **changes: Any) -> Subject:
    release = release or a_release()
    fields: dict[str, Any] = {
        "cluster": "prod",
        "namespace": "shop",
        "app_id": APP_ID,
        "channel": "production",
        "release": release,
        "release_digest": release_digest(release),
    }
    return Subject(**{**fields, **changes})


def approvals_needed(
    role: str = "release-manager", count: int = 1, *, name: str = "", **more: Any
) -> dict[str, Any]:
    return {"name": name or role, "approvals": {"role": role, "count": count, **more}}


SIGNED = {"name": "signed", "signature": {"authority": "ci"}}


def _person(who: str, ssh: bool, aliases: list[str]) -> dict[str, Any]:
    subjects = (f"{who}@example.com", f"{who}.private@example.com")
    return {
        "name": who,
        "identities": [{"authority": "sso", "subject": each} for each in subjects],
        "keys": [SSH_KEYS[who]] if ssh else [],
        "aliases": aliases,
    }


def a_policy(
    *requirements: Mapping[str, Any],
    people: tuple[str, ...] = ("alice", "bob", "carol", "dora"),
    roles: Mapping[str, list[str]] | None = None,
    name: str = "policy",
    ssh: bool = False,
    aliases: Mapping[str, list[str]] | None = None,
    **changes: Any,
) -> PolicyInForce:
    roles = roles or {"release-manager": ["alice", "bob", "carol", "dora"]}
    spec: dict[str, Any] = {
        "authorities": [
            {
                "name": "sso",
                "issuer": SSO,
                "subjects": ["*@example.com"],
                "trustedRoot": ROOT,
            },
            {"name": "ci", "issuer": CI_ISSUER, "subjects": [CI], "trustedRoot": ROOT},
        ],
        "people": [_person(who, ssh, (aliases or {}).get(who, [])) for who in people],
        "roles": [{"name": each, "members": members} for each, members in roles.items()],
        "requirements": list(requirements) or [SIGNED, approvals_needed()],
    }
    spec.update(changes)
    parsed = PolicySpec.model_validate_json(canonical_json(spec))
    return PolicyInForce(
        ref=PolicyRef(kind="ReleasePolicy", namespace="shop", name=name, digest="d" * 64),
        spec=parsed,
    )


def an_approval(who: str = "alice", subject: Subject | None = None, **changes: Any) -> Approval:
    fields = {"decision": "approve", "comment": "", "sequence": 0, "ceiling": None}
    return Approval(**_word(who, subject, "release-manager", fields | changes))


def an_exception(
    who: str = "alice", requirement: str = "signed", subject: Subject | None = None, **changes: Any
) -> ExceptionGrant:
    """A person's signature under an exception from one requirement of `a_policy`, for 6 days."""
    fields = {
        "policy": LABEL,
        "requirement": requirement,
        "reason": "the scanner is down",
        "expires_at": NOW + timedelta(days=6),
    }
    return ExceptionGrant(**_word(who, subject, "release-manager", fields | changes))


def glass(who: str = "alice", subject: Subject | None = None, **changes: Any) -> GlassBroken:
    """A person's signature under a break-glass of `a_policy`, an hour ago and for 4 hours."""
    fields = {
        "policy": LABEL,
        "incident": "INC-2041",
        "reason": "nobody can pay",
        "expires_at": NOW + timedelta(hours=3),
    }
    return GlassBroken(**_word(who, subject, "release-manager", fields | changes))


def _word(who: str, subject: Subject | None, role: str, changes: dict[str, Any]) -> dict[str, Any]:
    subject = subject or a_subject()
    fields: dict[str, Any] = {
        "app_id": subject.app_id,
        "namespace": subject.namespace,
        "version": subject.release.version,
        "channel": subject.channel,
        "cluster": subject.cluster,
        "role": role,
        "nonce": f"nonce-{who}",
        "expires_at": NOW + timedelta(days=7),
        "release_digest": subject.release_digest,
        "signer": Signer(kind="sigstore", issuer=SSO, subject=f"{who}@example.com"),
        "signed_at": NOW - timedelta(hours=1),
        "root_sha256": sha256_hex(ROOT.encode()),
        "time_proven": True,
        "user_verified": False,
        "origin": "",
        "source": f"Approval/{who}",
        **changes,
    }
    fields.setdefault("evidence_sha256", _digest_of(fields))
    return fields


def _digest_of(fields: Mapping[str, Any]) -> str:
    return sha256_hex(repr(sorted(fields.items(), key=lambda item: item[0])).encode())


def by_ssh(who: str = "alice", *, touched_and_verified: bool = True) -> dict[str, Any]:
    """Changes that make a word one that is signed with the person's SSH key.

    The policy must know the key: `a_policy(ssh=True)`.
    """
    return {
        "signer": Signer(kind="ssh", issuer="ssh", subject=SSH_KEYS[who]),
        "root_sha256": "",
        "time_proven": False,
        "user_verified": touched_and_verified,
    }


def a_statement(
    predicate_type: str, predicate: Mapping[str, Any] | None = None, **changes: Any
) -> Statement:
    """A statement about `BUNDLE`, signed by the CI two hours ago."""
    fields: dict[str, Any] = {
        "predicate_type": predicate_type,
        "subjects": frozenset({BUNDLE}),
        "predicate_json": canonical_json(dict(predicate or {})).decode(),
        "signer": CI_SIGNER,
        "signed_at": NOW - timedelta(hours=2),
        "root_sha256": sha256_hex(ROOT.encode()),
        **changes,
    }
    fields.setdefault("evidence_sha256", _digest_of(fields))
    return Statement(**fields)


def a_provenance(
    *,
    actors: tuple[str, ...] = (),
    repository: str = REPOSITORY,
    revision: str = REVISION,
    builder: str = BUILDER,
    ref: str = "refs/heads/main",
    path: str = ".github/workflows/release.yml",
    **changes: Any,
) -> Statement:
    """A SLSA v1 provenance of the build that `a_release` claims."""
    predicate = {
        "buildDefinition": {
            "externalParameters": {
                "workflow": {"repository": repository, "path": path, "ref": ref}
            },
            "internalParameters": {"authors": list(actors)},
            "resolvedDependencies": [
                {"uri": f"git+{repository}@{ref}", "digest": {"gitCommit": revision}}
            ],
        },
        "runDetails": {"builder": {"id": builder}},
    }
    return a_statement(PROVENANCE_TYPE, predicate, **changes)


def a_word_of(
    reviewer: str = "alice@example.com",
    state: str = "approved",
    *,
    revision: str = REVISION,
    submitted_at: str = "2026-06-01T08:00:00Z",
) -> dict[str, Any]:
    """One review in the statement of `a_review`."""
    return {
        "reviewer": reviewer,
        "state": state,
        "revision": revision,
        "submittedAt": submitted_at,
    }


def a_review(
    *reviews: Mapping[str, Any],
    author: str = "dora@example.com",
    repository: str = REPOSITORY,
    revision: str = REVISION,
    **changes: Any,
) -> Statement:
    """A statement of the forge's reviews of the change that `a_release` claims."""
    predicate = {
        "repository": repository,
        "change": f"{REPOSITORY}/pull/7",
        "revision": revision,
        "author": author,
        "reviews": list(reviews) or [a_word_of()],
    }
    return a_statement(REVIEW_TYPE, predicate, **changes)


VULN_TYPE = "https://cosign.sigstore.dev/attestation/vuln/v1"


def a_scan(*found: tuple[str, str], status: str = "affected", **changes: Any) -> Statement:
    """Trivy's report as cosign attests it: (id, severity) of each vulnerability."""
    weak = [
        {
            "VulnerabilityID": name,
            "PkgName": "left-pad",
            "InstalledVersion": "1.0.0",
            "Severity": severity,
            "Status": status,
        }
        for name, severity in found
    ]
    result = {"Target": "package-lock.json", "Vulnerabilities": weak}
    report = {"SchemaVersion": 2, "Results": [result]}
    predicate = {"scanner": {"uri": "https://trivy.dev", "version": "1", "result": report}}
    return a_statement(VULN_TYPE, predicate, **changes)


def a_report(bundle_sha256: str = BUNDLE, **changes: Any) -> BundleReport:
    """What was seen inside of a bundle in which there is nothing to object to."""
    fields: dict[str, Any] = {
        "bundle_sha256": bundle_sha256,
        "inspector": "1",
        "files": 10,
        "unpacked_bytes": 10_000,
        "largest_file_bytes": 4_000,
        "secrets": (),
        "source_maps": (),
        "native_code": (),
        "remote_code": (),
        "archives": (),
        "origins": frozenset({"https://api.example.com"}),
        "plugin_calls": frozenset({"Camera"}),
        "vulnerable": (),
        "limits_reached": (),
    }
    return BundleReport(**{**fields, **changes})


LIVE = Live(version="1.1.0", bundle_sha256="a" * 64)


def where(**changes: Any) -> Circumstances:
    """Circumstances in which 1.1.0 is served, and both bundles have been looked at."""
    fields: dict[str, Any] = {
        "live": LIVE,
        "bundle": a_report(),
        "live_bundle": a_report(LIVE.bundle_sha256),
    }
    return Circumstances(**{**fields, **changes})


def soaked(channel: str = "beta", **changes: Any) -> Soaked:
    """How `BUNDLE` does on another channel: well, for three days."""
    fields: dict[str, Any] = {
        "since": NOW - timedelta(days=3),
        "healthy_devices": 500,
        "taken_back": False,
    }
    return Soaked(**{"channel": channel, **fields, **changes})


def a_signature(**changes: Any) -> BlobSignature:
    fields: dict[str, Any] = {
        "artifact_sha256": BUNDLE,
        "signer": Signer(kind="sigstore", issuer=CI_ISSUER, subject=CI),
        "signed_at": NOW - timedelta(hours=2),
        "evidence_sha256": "e" * 64,
        "root_sha256": sha256_hex(ROOT.encode()),
    }
    return BlobSignature(**{**fields, **changes})


def facts(*approvals: Approval, signed: bool = True, **more: Any) -> Facts:
    return Facts(signatures=(a_signature(),) if signed else (), approvals=approvals, **more)
