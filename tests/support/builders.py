"""Values for tests of the cores: a release, policies, facts, all valid unless told otherwise."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sluice.policy.subject import PolicyInForce, Subject
from sluice.policy.verdict import PolicyRef
from sluice.resources.canonical import canonical_json, release_digest, sha256_hex
from sluice.resources.policy import PolicySpec
from sluice.resources.release import ReleaseSpec
from sluice.verify.facts import Approval, BlobSignature, Facts, Signer

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
APP_ID = "com.example.shop"
BUNDLE = "b" * 64
SSO = "https://sso.example.com"
CI_ISSUER = "https://token.actions.example.com"
CI = "https://github.example.com/acme/shop/.github/workflows/release.yml@refs/heads/main"
ROOT = "{}"


def a_release(**changes: Any) -> ReleaseSpec:
    spec: dict[str, Any] = {
        "app": "shop",
        "version": "1.2.0",
        "bundle": {"url": "https://cdn.example.com/shop.zip", "sha256": BUNDLE, "size": 1000},
        "source": {
            "repository": "https://github.example.com/acme/shop",
            "revision": "c" * 40,
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


def a_policy(
    *requirements: Mapping[str, Any],
    people: tuple[str, ...] = ("alice", "bob", "carol", "dora"),
    roles: Mapping[str, list[str]] | None = None,
    name: str = "policy",
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
        "people": [
            {
                "name": who,
                "identities": [
                    {"authority": "sso", "subject": f"{who}@example.com"},
                    {"authority": "sso", "subject": f"{who}.private@example.com"},
                ],
            }
            for who in people
        ],
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
    subject = subject or a_subject()
    fields: dict[str, Any] = {
        "app_id": subject.app_id,
        "namespace": subject.namespace,
        "version": subject.release.version,
        "channel": subject.channel,
        "cluster": subject.cluster,
        "decision": "approve",
        "role": "release-manager",
        "nonce": f"nonce-{who}",
        "expires_at": NOW + timedelta(days=7),
        "release_digest": subject.release_digest,
        "comment": "",
        "signer": Signer(kind="sigstore", issuer=SSO, subject=f"{who}@example.com"),
        "signed_at": NOW - timedelta(hours=1),
        "root_sha256": sha256_hex(ROOT.encode()),
        "time_proven": True,
        "user_verified": False,
        "origin": "",
        "sequence": 0,
        "ceiling": None,
        "source": f"Approval/{who}",
    }
    fields.update(changes)
    fields.setdefault("evidence_sha256", sha256_hex(repr(sorted(fields.items())).encode()))
    return Approval(**fields)


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
