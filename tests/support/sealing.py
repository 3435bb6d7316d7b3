"""Owners of policies: people with real SSH keys, who seal revisions."""

import base64
import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sluice.resources.canonical import canonical_json, policy_digest
from sluice.resources.policy import PolicySpec
from sluice.verify.claims import SealClaim, build_seal_statement, signed_bytes
from support.sshsig import SshSig, string, to_be_signed

__all__ = ["PURPOSE", "SshPerson", "seal_of", "sealed"]

PURPOSE = b"sluice-approval@v1"
HASH = b"sha512"


class SshPerson:
    """Somebody with an Ed25519 key, who signs as `ssh-keygen -Y sign` does."""

    def __init__(self) -> None:
        self._private = Ed25519PrivateKey.generate()

    @property
    def blob(self) -> bytes:
        """The public key in SSH's encoding."""
        return b"".join(
            map(string, (b"ssh-ed25519", self._private.public_key().public_bytes_raw()))
        )

    @property
    def public_key(self) -> str:
        """The public key as in a `.pub` file."""
        return f"ssh-ed25519 {base64.b64encode(self.blob).decode()}"

    def sign(self, message: bytes) -> str:
        """Return the armored signature of a message."""
        asked = to_be_signed(PURPOSE, HASH, hashlib.sha512(message).digest())
        signature = string(b"ssh-ed25519") + string(self._private.sign(asked))
        made = SshSig(key=self.blob, namespace=PURPOSE, hash_name=HASH, signature=signature)
        return made.armored().decode()

    def sign_statement(self, statement: dict[str, Any]) -> dict[str, str]:
        """Return a signed statement, as it stands in an Approval or a policy's seals."""
        text = signed_bytes(statement)
        return {"statement": text.decode(), "signature": self.sign(text)}


def seal_of(
    person: SshPerson, manifest: dict[str, Any], *, cluster: str = "demo", **claim: Any
) -> dict[str, Any]:
    """Return one owner's seal over the policy in a manifest."""
    spec = PolicySpec.model_validate_json(canonical_json(manifest["spec"]))
    now = datetime.now(UTC).replace(microsecond=0)
    fields: dict[str, Any] = {
        "kind": manifest["kind"],
        "namespace": manifest["metadata"].get("namespace", ""),
        "name": manifest["metadata"]["name"],
        "revision": spec.revision,
        "clusters": (cluster,),
        "nonce": secrets.token_urlsafe(16),
        "issued_at": now,
        "expires_at": now + timedelta(days=7),
        **claim,
    }
    statement = build_seal_statement(policy_digest(spec), SealClaim(**fields))
    return {"ssh": person.sign_statement(statement)}


def sealed(manifest: dict[str, Any], *people: SshPerson, cluster: str = "demo") -> dict[str, Any]:
    """Return a policy's manifest with seals of these people, in place of those it had."""
    seals = [seal_of(each, manifest, cluster=cluster) for each in people]
    return {**manifest, "spec": {**manifest["spec"], "seals": seals}}
