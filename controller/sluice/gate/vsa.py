"""What came out of a decision, signed for others: a SLSA Verification Summary Attestation.

It is an in-toto statement about the bundle's digest, in a DSSE envelope that the operator's seal
key signs. A verdict that allows is PASSED; one that holds or withdraws is FAILED, and both are
written. Ed25519 signatures are deterministic and nothing but the record goes in, so a replay gives
the same bytes.

No SLSA level is claimed: what a builder is worth is not known here. Under a URI of our own, as the
specification has it for extensions, stand the answer and the digest of the record.

Sources: https://slsa.dev/spec/v1.2/verification_summary,
https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final
from urllib.parse import quote, urlencode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sluice.errors import VerificationError
from sluice.gate.record import DecisionRecord
from sluice.policy.verdict import PolicyRef
from sluice.resources.canonical import canonical_json, sha256_hex
from sluice.serving.seal import key_id
from sluice.verify.facts import Evidence
from sluice.verify.intoto import PAYLOAD_TYPE
from sluice.verify.json_strict import parse
from sluice.verify.provenance import STATEMENT_TYPE

__all__ = [
    "SUMMARY_TYPE",
    "Summarised",
    "check_summary",
    "payload_of",
    "sign_summary",
    "summarised",
    "summary_of",
]

SUMMARY_TYPE: Final = "https://slsa.dev/verification_summary/v1"
SLSA_VERSION: Final = "1.2"
VERIFIER: Final = "https://sluice.dev/gate/"
POLICIES: Final = "https://sluice.dev/policies/v1"
DECISION: Final = "https://sluice.dev/decision/v1"

ENVELOPE_BYTES_MAX: Final = 1024 * 1024
"""Largest envelope; a usual one has 3 KB, and one that lists 256 approvals has 80 KB."""


def summary_of(record: DecisionRecord) -> dict[str, Any]:
    """Return the in-toto statement that sums a decision up."""
    subject, verdict = record.case.subject, record.verdict
    passed = verdict.answer == "allowed"
    return {
        "_type": STATEMENT_TYPE,
        "subject": [
            {
                "name": f"{subject.app_id}@{subject.release.version}",
                "digest": {"sha256": subject.release.bundle.sha256},
            }
        ],
        "predicateType": SUMMARY_TYPE,
        "predicate": {
            "verifier": {
                "id": VERIFIER + quote(subject.cluster, safe=""),
                "version": {"sluice": record.version},
            },
            "timeVerified": record.case.now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "resourceUri": _resource(record),
            "policy": _policy(verdict.policies),
            "inputAttestations": [_attestation(each) for each in record.case.evidence],
            "verificationResult": "PASSED" if passed else "FAILED",
            "verifiedLevels": ["SLSA_BUILD_LEVEL_UNEVALUATED" if passed else "FAILED"],
            "slsaVersion": SLSA_VERSION,
            DECISION: {
                "answer": verdict.answer,
                "reason": verdict.reason,
                "ceiling": verdict.ceiling_bp,
                "verdict": {"sha256": verdict.digest()},
                "record": {"sha256": record.digest},
            },
        },
    }


def _resource(record: DecisionRecord) -> str:
    """Return the package URL of a release on a channel."""
    subject = record.case.subject
    where = {
        "channel": subject.channel,
        "cluster": subject.cluster,
        "namespace": subject.namespace,
    }
    name, version = quote(subject.app_id, safe=""), quote(subject.release.version, safe="")
    return f"pkg:generic/{name}@{version}?{urlencode(where, quote_via=quote, safe='')}"


def _policy(refs: tuple[PolicyRef, ...]) -> dict[str, Any]:
    """Return all policies that bound the release as one: its digest is over the list of them."""
    listed = [
        {"kind": each.kind, "namespace": each.namespace, "name": each.name, "sha256": each.digest}
        for each in refs
    ]
    return {
        "uri": POLICIES,
        "digest": {"sha256": sha256_hex(canonical_json(listed))},
        "annotations": {"policies": listed},
    }


def _attestation(evidence: Evidence) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": evidence.source,
        "digest": {"sha256": sha256_hex(evidence.data)},
    }
    if evidence.statement is not None:
        described["annotations"] = {"statement": {"sha256": sha256_hex(evidence.statement)}}
    return described


def sign_summary(record: DecisionRecord, key: Ed25519PrivateKey) -> bytes:
    """Return the DSSE envelope (JSON) with the signed summary of a decision."""
    payload = canonical_json(summary_of(record))
    return _envelope(payload, key_id(key.public_key()), key.sign(_pae(payload)))


def payload_of(envelope: bytes, keys: Iterable[Ed25519PublicKey] | None) -> bytes:
    """Return the statement in an envelope, once its signature is checked.

    Args:
        envelope: what `sign_summary` returned, from a place that is not trusted.
        keys: public halves of the seal keys that are accepted; None to leave the signature aside.

    Raises:
        VerificationError: `SummaryUnreadable`, `SummaryKeyUnknown` or `SummaryBroken`.
    """
    payload, name, signature = _opened(envelope)
    if keys is None:
        return payload
    key = next((each for each in keys if key_id(each) == name), None)
    if key is None:
        raise VerificationError(
            "SummaryKeyUnknown",
            "The summary is signed with a key that is not given here: give the public half of the"
            " key that the operator had then (--seal-key).",
        )
    try:
        key.verify(signature, _pae(payload))
    except InvalidSignature as error:
        raise VerificationError(
            "SummaryBroken",
            "The summary is not what the operator signed: somebody has changed it. Get it again"
            " from the store, and see whether that is sound (sluice audit verify).",
        ) from error
    return payload


def check_summary(
    envelope: bytes, record: DecisionRecord, keys: Iterable[Ed25519PublicKey] | None
) -> None:
    """Refuse an envelope that is not the signed summary of this very record.

    Raises:
        VerificationError: as `payload_of` does, or `SummaryOfOther`.
    """
    if payload_of(envelope, keys) != canonical_json(summary_of(record)):
        raise VerificationError(
            "SummaryOfOther",
            "The summary is of another decision than the record: one of them was replaced.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Summarised:
    """Which decision a summary is of."""

    record_sha256: str
    verdict_sha256: str


def summarised(envelope: bytes, keys: Iterable[Ed25519PublicKey] | None) -> Summarised:
    """Return which decision a summary is of; whatever version of Sluice wrote it.

    Raises:
        VerificationError: as `payload_of` does.
    """
    try:
        payload = parse(payload_of(envelope, keys), what="summary", reason="StatementUnreadable")
        said = payload["predicate"][DECISION]
        return Summarised(
            record_sha256=str(said["record"]["sha256"]),
            verdict_sha256=str(said["verdict"]["sha256"]),
        )
    except (LookupError, TypeError) as error:
        raise _unreadable() from error


def _pae(payload: bytes) -> bytes:
    """Return what DSSE signs; no seal of a table begins with these bytes."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _envelope(payload: bytes, name: str, signature: bytes) -> bytes:
    return canonical_json(
        {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"keyid": name, "sig": base64.b64encode(signature).decode()}],
        }
    )


def _opened(envelope: bytes) -> tuple[bytes, str, bytes]:
    """Return payload, key id and signature of an envelope that is in the one form of ours."""
    try:
        value = parse(
            envelope, what="summary", reason="StatementUnreadable", bytes_max=ENVELOPE_BYTES_MAX
        )
        signature = value["signatures"][0]
        opened = (
            base64.b64decode(value["payload"], validate=True),
            str(signature["keyid"]),
            base64.b64decode(signature["sig"], validate=True),
        )
        same = _envelope(*opened) == envelope
    except (VerificationError, LookupError, TypeError, ValueError, binascii.Error) as error:
        raise _unreadable() from error
    if not same:
        raise _unreadable()
    return opened


def _unreadable() -> VerificationError:
    return VerificationError(
        "SummaryUnreadable",
        "The summary is no DSSE envelope as the operator writes it: get it again from the store.",
    )
