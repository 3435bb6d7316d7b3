"""What a log entry says of a signature by a managed key, compared to the last character.

A log entry proves that a signature was public when it was made; but only if it is about that very
signature, key and content. Otherwise anybody's entry of that time would do (CVE-2022-36056). So
the one body that a log writes for a signature is built, and the entry must have that body: nothing
in it is searched or skipped.

Sources: https://github.com/sigstore/rekor/tree/main/pkg/types for hashedrekord 0.0.1, dsse 0.0.1
and intoto 0.0.2 (Rekor v1), and https://github.com/sigstore/rekor-tiles/blob/main/CLIENTS.md for
hashedrekord 0.0.2 and dsse 0.0.2 (Rekor v2).
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from sigstore_models.intoto import Envelope
from sigstore_models.rekor.v1 import TransparencyLogEntry

from sluice.verify.json_strict import parse
from sluice.verify.public_key import Algorithm, ManagedKey
from sluice.verify.reasons import refusal

__all__ = ["Logged", "refuse_other_entry"]

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """A signature that holds, as its log entry must tell of it."""

    key: ManagedKey
    algorithm: Algorithm
    signature: bytes

    content: bytes | Envelope
    """SHA-256 digest of the signed file, or the envelope of the signed statement."""

    message: bytes
    """What a statement's signature is over (its pre-authentication encoding); empty for a file."""


def refuse_other_entry(entry: TransparencyLogEntry, logged: Logged) -> None:
    """Refuse a log entry that is not exactly about this signature.

    Raises:
        VerificationError: LogEntryInvalid when its body is no strict JSON; LogEntryForOther.
    """
    body = parse(entry.canonicalized_body, what="log entry", reason="LogEntryInvalid")
    expected = _expected(entry.kind_version.kind, entry.kind_version.version, logged, body)
    if expected is None:
        raise refusal(
            "LogEntryForOther",
            "The log entry is about another kind of signature; use the bundle as the client wrote"
            " it.",
        )
    if body != expected:
        raise refusal(
            "LogEntryForOther",
            "The log entry is about another signature, key or content; use the bundle as the client"
            " wrote it.",
        )


def _expected(kind: str, version: str, logged: Logged, body: Any) -> dict[str, Any] | None:
    """Return the body of an entry about the signature, or None where this kind can't be about it.

    What only the log can know (the digest of the envelope as it was sent) is taken from the body,
    if it has its form.
    """
    content = logged.content
    match kind, version, content:
        case "hashedrekord", "0.0.1", bytes():
            spec = _hashedrekord(logged, content)
        case "hashedrekord", "0.0.2", _ if logged.algorithm.hashing is not None:
            spec = _hashedrekord_v2(logged, logged.algorithm.hashing)
        case "dsse", "0.0.1", Envelope():
            spec = _dsse(logged, content, body)
        case "dsse", "0.0.2", Envelope():
            spec = _dsse_v2(logged, content)
        case "intoto", "0.0.2", Envelope():
            spec = _intoto(logged, content, body)
        case _:
            return None
    return {"apiVersion": version, "kind": kind, "spec": spec}


def _hashedrekord(logged: Logged, sha256: bytes) -> dict[str, Any]:
    return {
        "data": {"hash": {"algorithm": "sha256", "value": sha256.hex()}},
        "signature": {
            "content": _base64(logged.signature),
            "publicKey": {"content": _base64(logged.key.pem())},
        },
    }


def _hashedrekord_v2(logged: Logged, hashing: hashes.HashAlgorithm) -> dict[str, Any]:
    digest = logged.content if isinstance(logged.content, bytes) else _hash(hashing, logged.message)
    data = {"algorithm": logged.algorithm.hash_name, "digest": _base64(digest)}
    return {"hashedRekordV002": {"data": data, "signature": _signature_v2(logged)}}


def _dsse(logged: Logged, envelope: Envelope, body: Any) -> dict[str, Any]:
    return {
        "envelopeHash": _said_hash(body, "spec", "envelopeHash"),
        "payloadHash": _sha256_of(envelope.payload),
        "signatures": [
            {"signature": _base64(logged.signature), "verifier": _base64(logged.key.pem())}
        ],
    }


def _dsse_v2(logged: Logged, envelope: Envelope) -> dict[str, Any]:
    digest = _base64(hashlib.sha256(envelope.payload).digest())
    return {
        "dsseV002": {
            "payloadHash": {"algorithm": "SHA2_256", "digest": digest},
            "signatures": [_signature_v2(logged)],
        }
    }


def _intoto(logged: Logged, envelope: Envelope, body: Any) -> dict[str, Any]:
    # This kind keeps the envelope's texts, which are base64 already, once more in base64.
    signature: dict[str, Any] = {
        "publicKey": _base64(logged.key.pem()),
        "sig": _base64(_base64(logged.signature).encode()),
    }
    if keyid := envelope.signatures[0].keyid:
        signature["keyid"] = keyid
    return {
        "content": {
            "envelope": {"payloadType": envelope.payload_type, "signatures": [signature]},
            "hash": _said_hash(body, "spec", "content", "hash"),
            "payloadHash": _sha256_of(envelope.payload),
        }
    }


def _signature_v2(logged: Logged) -> dict[str, Any]:
    return {
        "content": _base64(logged.signature),
        "verifier": {
            "keyDetails": logged.algorithm.name,
            "publicKey": {"rawBytes": _base64(logged.key.spki)},
        },
    }


def _said_hash(body: Any, *path: str) -> dict[str, str]:
    for step in path:
        body = body.get(step) if isinstance(body, dict) else None
    value = body.get("value") if isinstance(body, dict) else None
    return {
        "algorithm": "sha256",
        "value": value if isinstance(value, str) and _SHA256.fullmatch(value) else "",
    }


def _sha256_of(data: bytes) -> dict[str, str]:
    return {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}


def _hash(hashing: hashes.HashAlgorithm, data: bytes) -> bytes:
    digest = hashes.Hash(hashing)
    digest.update(data)
    return digest.finalize()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
