"""A team that releases an app: it builds bundles, signs them, approves, and writes manifests.

Everything is signed under a private sigstore of its own, so nothing leaves this machine.
"""

import hashlib
import io
import secrets
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sluice.resources.canonical import canonical_json, release_digest
from sluice.resources.release import ReleaseSpec
from sluice.verify.claims import ApprovalClaim, build_statement
from sluice.verify.provenance import PROVENANCE_TYPE
from support.minting import PrivateSigstore
from support.sealing import SshPerson, sealed

__all__ = ["CI", "CI_ISSUER", "REPOSITORY", "SSO", "Team", "a_bundle", "manifest"]

SSO = "https://sso.example.com"
CI_ISSUER = "https://token.actions.githubusercontent.com"
REPOSITORY = "https://github.com/acme/shop"
CI = f"{REPOSITORY}/.github/workflows/release.yml@refs/heads/main"
BUILDER = "https://github.com/actions/runner"
OWNERS = ("alice", "bob")
SEALING = ("owners", "revision", "seals")


def a_bundle(version: str, *, more: dict[str, bytes] | None = None) -> bytes:
    """Return the zip of a small web app of that version."""
    files = {
        "index.html": f"<!doctype html><title>Shop {version}</title><script src=app.js></script>",
        "app.js": f"document.body.textContent = 'Shop {version}'; notifyAppReady();\n",
        "style.css": "body { font-family: sans-serif }\n" * 20,
    }
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), text)
        for name, content in sorted((more or {}).items()):
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)
    return data.getvalue()


def manifest(kind: str, name: str, namespace: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest of one of Sluice's kinds."""
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": "sluice.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


@dataclass(kw_only=True)
class Team:
    """One team with its app, in one namespace of one cluster."""

    namespace: str
    bundles: Path
    """Folder that bundles are put into, as a CI would upload them."""
    cluster: str = "demo"
    app: str = "shop"
    app_id: str = "com.example.shop"
    base_url: str = ""
    """Where `bundles` is served; by default as file:// addresses."""
    sigstore: PrivateSigstore = field(default_factory=PrivateSigstore)
    keys: dict[str, SshPerson] = field(
        default_factory=lambda: {who: SshPerson() for who in ("alice", "bob", "carol", "dora")}
    )
    """The SSH key of each person, with which owners seal policies."""

    def app_manifest(self) -> dict[str, Any]:
        """Return the App."""
        spec = {"appId": self.app_id, "description": "The shop of the demo."}
        return manifest("App", self.app, self.namespace, spec)

    def policy_manifest(
        self,
        *,
        count: int = 2,
        name: str = "releases",
        revision: int = 1,
        sealed_by: tuple[str, ...] = OWNERS,
        **changes: Any,
    ) -> dict[str, Any]:
        """Return a sealed policy: signed and attested by the CI, approved by release managers.

        Its owners are alice and bob, who both must seal each revision; `changes` are to its spec.
        """
        people = tuple(self.keys)
        spec: dict[str, Any] = {
            "selector": {"apps": [self.app_id]},
            "authorities": self._authorities(),
            "people": [
                {
                    "name": who,
                    "identities": [{"authority": "sso", "subject": f"{who}@example.com"}],
                    "keys": [self.keys[who].public_key],
                }
                for who in people
            ],
            "roles": [{"name": "release-manager", "members": list(people)}],
            "requirements": requirements(count),
            "owners": {"people": list(OWNERS), "threshold": len(OWNERS)},
            "revision": revision,
            **changes,
        }
        unsealed = manifest("ReleasePolicy", name, self.namespace, spec)
        return sealed(unsealed, *(self.keys[who] for who in sealed_by), cluster=self.cluster)

    def unsealed_policy_manifest(self, **changes: Any) -> dict[str, Any]:
        """Return the same policy without owners, revision and seals."""
        found = self.policy_manifest(sealed_by=(), **changes)
        spec = {name: found["spec"][name] for name in found["spec"] if name not in SEALING}
        return {**found, "spec": spec}

    def _authorities(self) -> list[dict[str, Any]]:
        root = self.sigstore.trusted_root_json().decode()
        return [
            {"name": "ci", "issuer": CI_ISSUER, "subjects": [CI], "trustedRoot": root},
            {"name": "sso", "issuer": SSO, "subjects": ["*@example.com"], "trustedRoot": root},
        ]

    def channel_manifest(
        self, release: str | None, *, name: str = "production", **spec: Any
    ) -> dict[str, Any]:
        """Return a channel that points at a release."""
        fields: dict[str, Any] = {"app": self.app, "audience": {"default": True}, **spec}
        if release:
            fields["release"] = release
        return manifest("Channel", name, self.namespace, fields)

    def release_manifest(
        self, version: str, bundle: bytes | None = None, **spec: Any
    ) -> dict[str, Any]:
        """Build, sign and attest a bundle, and return its Release."""
        bundle = bundle if bundle is not None else a_bundle(version)
        digest = hashlib.sha256(bundle).hexdigest()
        file = self.bundles / f"{self.app}-{version}-{digest[:8]}.zip"
        file.write_bytes(bundle)
        revision = hashlib.sha256(digest.encode()).hexdigest()[:40]
        fields: dict[str, Any] = {
            "app": self.app,
            "version": version,
            "bundle": {
                "url": f"{self.base_url}/{file.name}" if self.base_url else file.as_uri(),
                "sha256": digest,
                "size": len(bundle),
            },
            "source": {
                "repository": REPOSITORY,
                "revision": revision,
                "authors": ["dora@example.com"],
            },
            "attestations": [
                {
                    "name": "signature",
                    "inline": self.sigstore.sign_blob(digest, CI, CI_ISSUER).decode(),
                },
                {
                    "name": "provenance",
                    "inline": self.sigstore.sign_statement(
                        provenance(digest, revision), CI, CI_ISSUER
                    ).decode(),
                },
            ],
            **spec,
        }
        return manifest("Release", f"{self.app}-{version}", self.namespace, fields)

    def approval_manifest(
        self, who: str, release: dict[str, Any], *, channel: str = "production", **claim: Any
    ) -> dict[str, Any]:
        """Return a person's signed approval of a release for a channel."""
        spec = ReleaseSpec.model_validate_json(canonical_json(release["spec"]))
        fields: dict[str, Any] = {
            "app": self.app_id,
            "namespace": self.namespace,
            "version": spec.version,
            "channel": channel,
            "cluster": self.cluster,
            "decision": "approve",
            "role": "release-manager",
            "nonce": secrets.token_urlsafe(16),
            "expires_at": datetime.now(UTC).replace(microsecond=0) + timedelta(days=7),
            **claim,
        }
        statement = build_statement(release_digest(spec), ApprovalClaim(**fields))
        signed = self.sigstore.sign_statement(statement, f"{who}@example.com", SSO)
        name = release["metadata"]["name"]
        return manifest(
            "Approval",
            f"{name}-{who}",
            self.namespace,
            {"release": name, "sigstoreBundle": signed.decode()},
        )


def requirements(count: int) -> list[dict[str, Any]]:
    """Return what the team's policy asks for, with so many approvals."""
    built = {"authority": "ci", "repository": REPOSITORY, "builderId": BUILDER}
    approvals = {"role": "release-manager", "count": count, "notAuthor": True}
    return [
        {"name": "signed-by-ci", "signature": {"authority": "ci"}},
        {"name": "built-by-ci", "provenance": built},
        {"name": "approved", "approvals": approvals},
    ]


def provenance(digest: str, revision: str) -> dict[str, Any]:
    """Return a SLSA v1 provenance statement over a bundle, as the builder writes it."""
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "bundle.zip", "digest": {"sha256": digest}}],
        "predicateType": PROVENANCE_TYPE,
        "predicate": {
            "buildDefinition": {
                "buildType": "https://actions.github.io/buildtypes/workflow/v1",
                "externalParameters": {
                    "workflow": {
                        "repository": REPOSITORY,
                        "path": ".github/workflows/release.yml",
                        "ref": "refs/heads/main",
                    }
                },
                "resolvedDependencies": [
                    {"uri": f"git+{REPOSITORY}@refs/heads/main", "digest": {"gitCommit": revision}}
                ],
            },
            "runDetails": {"builder": {"id": BUILDER}},
        },
    }
