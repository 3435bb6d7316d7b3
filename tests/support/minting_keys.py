"""Bundles signed by managed keys, logged in a log of Rekor v1 or v2 and stamped, in Python.

What is minted here holds under `KeyMint.trusted_root_json()`, and nowhere else. As in `minting`,
each part can be made wrong, by a `Flaw` or by editing the bundle.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from support.flaws import NO_FLAW, Flaw, SigningKey
from support.minting import PrivateSigstore, Span
from support.timestamping import TimestampAuthority

__all__ = ["KeyMint", "public_pem"]

Kind = Literal["v1", "v2", "intoto", "dsse-v2"]
"""Which log keeps the signature, and as what; `v1` and `v2` are what today's clients ask for."""

HASHES = {256: hashes.SHA256, 384: hashes.SHA384, 521: hashes.SHA512}
HASH_NAMES = {"sha256": "SHA2_256", "sha384": "SHA2_384", "sha512": "SHA2_512"}


def public_pem(key: SigningKey) -> str:
    """Return a key's public half as PEM."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@dataclass(kw_only=True)
class KeyMint:
    """A private sigstore for managed keys, with a log of each version and a timestamp authority."""

    sigstore: PrivateSigstore = field(default_factory=PrivateSigstore)

    def __post_init__(self) -> None:
        self.origin = "log2.example.test"
        self.log_key = ed25519.Ed25519PrivateKey.generate()
        public = self.log_key.public_key().public_bytes_raw()
        # A log of version 2 is named as in a checkpoint: by its name, an algorithm and its key.
        self.log_id = hashlib.sha256(f"{self.origin}\n".encode() + b"\x01" + public).digest()
        self.authority = TimestampAuthority(since=self.sigstore.since)

    def trusted_root_json(self, *, log: Span | None = None, authority: Span | None = None) -> bytes:
        """Return the trust root; the spans are those of both logs, and of the authority."""
        root = json.loads(self.sigstore.trusted_root_json(log=log))
        span = log or Span(start=self.sigstore.since)
        der = self.log_key.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        root["tlogs"].append(
            {
                "baseUrl": f"https://{self.origin}",
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": _b64(der),
                    "keyDetails": "PKIX_ED25519",
                    "validFor": span.as_json(),
                },
                "logId": {"keyId": _b64(self.log_id)},
            }
        )
        ends = (authority.start, authority.end) if authority else ()
        root["timestampAuthorities"] = [self.authority.as_json(*ends)]
        return json.dumps(root).encode()

    def sign_blob(
        self,
        key: SigningKey,
        artifact: bytes,
        at: datetime | None = None,
        *,
        log: Kind = "v1",
        flaw: Flaw = NO_FLAW,
    ) -> bytes:
        """Return a bundle with a signature over a file."""
        at = at or datetime.now(UTC)
        digest = hashlib.sha256(artifact).digest()
        signature = _signed(flaw.signature_key or key, artifact, hashes.SHA256())
        content = {
            "messageSignature": {
                "messageDigest": {"algorithm": "SHA2_256", "digest": _b64(digest)},
                "signature": _b64(signature),
            }
        }
        if log == "v2":
            body = _hashedrekord_v2(key, signature, digest, hashes.SHA256())
            return self._bundle(key, self._entry_v2(body, flaw), content, signature, at)
        body = {
            "apiVersion": "0.0.1",
            "kind": "hashedrekord",
            "spec": {
                "data": {"hash": {"algorithm": "sha256", "value": digest.hex()}},
                "signature": {
                    "content": _b64(signature),
                    "publicKey": {"content": _b64(public_pem(key).encode())},
                },
            },
        }
        return self._bundle(key, self.sigstore._entry(body, at, flaw), content)

    def sign_statement(
        self,
        key: SigningKey,
        statement: Mapping[str, Any],
        at: datetime | None = None,
        *,
        log: Kind = "v1",
        hashing: hashes.HashAlgorithm | None = None,
        flaw: Flaw = NO_FLAW,
    ) -> bytes:
        """Return a bundle with a signed in-toto statement; hashed as the key's kind asks for."""
        at = at or datetime.now(UTC)
        payload = json.dumps(statement).encode()
        head = f"DSSEv1 {len(flaw.payload_type)} {flaw.payload_type} {len(payload)} "
        message = head.encode() + payload
        hashing = hashing or _usual_hash(key)
        signature = _signed(flaw.signature_key or key, message, hashing)
        content = {
            "dsseEnvelope": {
                "payload": _b64(payload),
                "payloadType": flaw.payload_type,
                "signatures": [{"sig": _b64(signature)}],
            }
        }
        if log == "v2":
            body = _hashedrekord_v2(key, signature, _digest(hashing, message), hashing)
            return self._bundle(key, self._entry_v2(body, flaw), content, signature, at)
        if log == "dsse-v2":
            body = _dsse_v2(key, signature, payload, hashing)
            return self._bundle(key, self._entry_v2(body, flaw), content, signature, at)
        body = (_intoto if log == "intoto" else _dsse)(key, signature, payload)
        entry = self.sigstore._entry(body, at, flaw)
        entry["kindVersion"]["version"] = body["apiVersion"]
        return self._bundle(key, entry, content)

    def _entry_v2(self, body: Mapping[str, Any], flaw: Flaw) -> dict[str, Any]:
        text = _canonical(flaw.logged_body or body)
        leaf = hashlib.sha256(b"\0" + text).digest()
        tree = hashlib.sha256(b"\1" + self.sigstore.sibling + leaf).digest()
        note = f"{self.origin}\n{flaw.checkpoint_size or 2}\n{_b64(tree)}\n"
        signed = self.log_id[:4] + self.log_key.sign(note.encode())
        return {
            "logIndex": "1",
            "logId": {"keyId": _b64(self.log_id)},
            "kindVersion": {"kind": flaw.entry_kind or body["kind"], "version": "0.0.2"},
            "inclusionProof": {
                "logIndex": "1",
                "rootHash": _b64(tree),
                "treeSize": "2",
                "hashes": [_b64(self.sigstore.sibling)],
                "checkpoint": {"envelope": f"{note}\n— {self.origin} {_b64(signed)}\n"},
            },
            "canonicalizedBody": _b64(text),
        }

    def _bundle(
        self,
        key: SigningKey,
        entry: Mapping[str, Any],
        content: Mapping[str, Any],
        signature: bytes | None = None,
        at: datetime | None = None,
    ) -> bytes:
        material: dict[str, Any] = {
            "publicKey": {"hint": _b64(hashlib.sha256(_der(key)).digest())},
            "tlogEntries": [entry],
        }
        if signature is not None and at is not None:
            stamp = {"signedTimestamp": _b64(self.authority.stamp(signature, at))}
            material["timestampVerificationData"] = {"rfc3161Timestamps": [stamp]}
        bundle = {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": material,
            **content,
        }
        return json.dumps(bundle).encode()


def _usual_hash(key: SigningKey) -> hashes.HashAlgorithm:
    return (
        HASHES[key.curve.key_size]()
        if isinstance(key, ec.EllipticCurvePrivateKey)
        else hashes.SHA256()
    )


def _signed(key: SigningKey, message: bytes, hashing: hashes.HashAlgorithm) -> bytes:
    match key:
        case ec.EllipticCurvePrivateKey():
            return key.sign(message, ec.ECDSA(hashing))
        case rsa.RSAPrivateKey():
            return key.sign(message, padding.PKCS1v15(), hashing)
        case ed25519.Ed25519PrivateKey():
            return key.sign(message)


def _details(key: SigningKey, hashing: hashes.HashAlgorithm) -> str:
    match key:
        case ec.EllipticCurvePrivateKey():
            return f"PKIX_ECDSA_P{key.curve.key_size}_SHA_{hashing.digest_size * 8}"
        case rsa.RSAPrivateKey():
            return f"PKIX_RSA_PKCS1V15_{key.key_size}_SHA256"
        case ed25519.Ed25519PrivateKey():
            return "PKIX_ED25519"


def _signature_v2(
    key: SigningKey, signature: bytes, hashing: hashes.HashAlgorithm
) -> dict[str, Any]:
    return {
        "content": _b64(signature),
        "verifier": {
            "publicKey": {"rawBytes": _b64(_der(key))},
            "keyDetails": _details(key, hashing),
        },
    }


def _hashedrekord_v2(
    key: SigningKey, signature: bytes, digest: bytes, hashing: hashes.HashAlgorithm
) -> dict[str, Any]:
    data = {"algorithm": HASH_NAMES[hashing.name], "digest": _b64(digest)}
    return {
        "apiVersion": "0.0.2",
        "kind": "hashedrekord",
        "spec": {
            "hashedRekordV002": {"data": data, "signature": _signature_v2(key, signature, hashing)}
        },
    }


def _dsse_v2(
    key: SigningKey, signature: bytes, payload: bytes, hashing: hashes.HashAlgorithm
) -> dict[str, Any]:
    digest = {"algorithm": "SHA2_256", "digest": _b64(hashlib.sha256(payload).digest())}
    return {
        "apiVersion": "0.0.2",
        "kind": "dsse",
        "spec": {
            "dsseV002": {
                "payloadHash": digest,
                "signatures": [_signature_v2(key, signature, hashing)],
            }
        },
    }


def _dsse(key: SigningKey, signature: bytes, payload: bytes) -> dict[str, Any]:
    return {
        "apiVersion": "0.0.1",
        "kind": "dsse",
        "spec": {
            "envelopeHash": _sha256_json(b"the envelope as it was sent"),
            "payloadHash": _sha256_json(payload),
            "signatures": [
                {"signature": _b64(signature), "verifier": _b64(public_pem(key).encode())}
            ],
        },
    }


def _intoto(key: SigningKey, signature: bytes, payload: bytes) -> dict[str, Any]:
    signed = {
        "publicKey": _b64(public_pem(key).encode()),
        "sig": _b64(_b64(signature).encode()),
    }
    return {
        "apiVersion": "0.0.2",
        "kind": "intoto",
        "spec": {
            "content": {
                "envelope": {
                    "payloadType": "application/vnd.in-toto+json",
                    "signatures": [signed],
                },
                "hash": _sha256_json(b"the envelope as it was sent"),
                "payloadHash": _sha256_json(payload),
            }
        },
    }


def _digest(hashing: hashes.HashAlgorithm, data: bytes) -> bytes:
    return hashlib.new(hashing.name, data).digest()


def _der(key: SigningKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _sha256_json(data: bytes) -> dict[str, str]:
    return {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}


def _canonical(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
