"""Sigstore bundles that were signed with a managed key: a public key in place of a certificate.

sigstore refuses such bundles. The checks are those of `sigstore`, less what a certificate brings;
in their order:

1.  The bundle has the one form that clients write, with a key and no certificate
    (`sigstore_form`). What it says of the key is a hint that anybody may write, and is not read.
2.  The moments of signing come from the log or a timestamp authority; each timestamp holds
    (`sigstore_log`). A signature that nobody trusted gives a time for is refused: a stolen key
    could sign for any day.
3.  The log entry is in the log that it names, which was in force at those moments: inclusion proof,
    checkpoint, and the promise of Rekor v1.
4.  The very key that was asked for signed the artifact's digest, or the statement.
5.  The log entry is about that signature, by that key, over that content (`managed_entry`).
6.  A statement is an in-toto statement about SHA-256 digests (`intoto`).

The signer is the key, by its fingerprint; whether it counts is judged by `sluice.policy`.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sigstore import errors as sigstore_errors
from sigstore.dsse import Envelope
from sigstore_models.bundle.v1 import Bundle

from sluice.verify.facts import BlobSignature, Signer, Statement
from sluice.verify.intoto import read_payload
from sluice.verify.managed_entry import Logged, refuse_other_entry
from sluice.verify.public_key import (
    ManagedKey,
    read_public_key,
    signed_digest_by,
    signed_message_by,
)
from sluice.verify.reasons import refusal
from sluice.verify.sigstore_form import read_bundle
from sluice.verify.sigstore_log import entry_of, prove_entry, prove_moments, retired, unknown_log
from sluice.verify.sigstore_words import one_kind_of_error
from sluice.verify.trust import InForce, TrustRoot

__all__ = ["ManagedKey", "read_public_key", "verify_managed"]

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proof:
    """What is proven of a signature before it is looked at."""

    signed_at: datetime
    evidence_sha256: str
    root_sha256: str


def verify_managed(
    bundle: bytes, artifact_sha256: str, key: ManagedKey, root: TrustRoot
) -> BlobSignature | Statement:
    """Return what a bundle proves that was signed with a key: a signature, or a statement.

    Args:
        bundle: a sigstore bundle.
        artifact_sha256: digest that a signature must be over, 64 lower-case hexadecimal digits. A
            statement names its own subjects: comparing them is up to the caller.
        key: the key that must have signed.
        root: whose logs and timestamp authorities count; its certificate authorities don't matter.

    Raises:
        VerificationError: it proves nothing (see `sluice.verify.reasons`); CertificateUnexpected
            when it was signed with a certificate.
    """
    with one_kind_of_error():
        opened = read_bundle(bundle)
        if opened.verification_material.public_key is None:
            raise refusal(
                "CertificateUnexpected",
                "The bundle was signed with a certificate and not with the key that the policy"
                " names; sign with that key, or name the identity as an authority.",
            )
        proof = _Proof(
            signed_at=_logged_at(opened, root),
            evidence_sha256=hashlib.sha256(bundle).hexdigest(),
            root_sha256=root.root_sha256,
        )
        if opened.message_signature is not None:
            return _file(opened, artifact_sha256, key, proof)
        return _statement(opened, key, proof)


def _logged_at(opened: Bundle, root: TrustRoot) -> datetime:
    """Return the moment of signing, by steps 2 and 3."""
    moments = prove_moments(opened, root)
    entry = entry_of(opened)
    if unknown := unknown_log(entry, root):
        raise unknown
    named = root.logs_named(entry.log_id.key_id)
    at = [each.time for each in moments]
    try:
        prove_entry(entry, root, _only(root.at(at).in_logs(named)))
    except sigstore_errors.VerificationError as error:
        try:
            prove_entry(entry, root, _only(root.always().in_logs(named)))
        except sigstore_errors.VerificationError:
            raise refusal(
                "LogEntryInvalid",
                "The transparency log's proof does not hold; fetch the bundle again, or sign"
                " again.",
            ) from error
        raise retired(moments) from error
    return min(at)


def _only(in_force: InForce) -> InForce:
    return InForce(authorities=(), logs=in_force.logs, certificate_logs=())


def _file(opened: Bundle, artifact_sha256: str, key: ManagedKey, proof: _Proof) -> BlobSignature:
    signed = opened.message_signature
    if signed is None or not _SHA256.fullmatch(artifact_sha256):
        raise refusal("SignatureForOtherArtifact", "There is no SHA-256 digest to compare with.")
    sha256 = bytes.fromhex(artifact_sha256)
    if signed.message_digest is not None and signed.message_digest.digest != sha256:
        raise refusal(
            "SignatureForOtherArtifact", "The signature is over another file; sign this one."
        )
    if isinstance(key.public, Ed25519PublicKey):
        raise refusal(
            "PublicKeySignsNoFiles",
            "An Ed25519 key signs a file's bytes, of which only the digest is known here; sign a"
            " statement about the file with it (an attestation), or use an ECDSA key.",
        )
    algorithm = signed_digest_by(key, signed.signature, sha256)
    if algorithm is None:
        raise refusal(
            "SignatureInvalid", "The key that the policy names did not sign this file; sign it."
        )
    refuse_other_entry(
        entry_of(opened),
        Logged(
            key=key, algorithm=algorithm, signature=signed.signature, content=sha256, message=b""
        ),
    )
    return BlobSignature(
        artifact_sha256=artifact_sha256,
        signer=_signer(key),
        signed_at=proof.signed_at,
        evidence_sha256=proof.evidence_sha256,
        root_sha256=proof.root_sha256,
    )


def _statement(opened: Bundle, key: ManagedKey, proof: _Proof) -> Statement:
    form = opened.dsse_envelope
    if form is None:
        raise refusal("BundleUnreadable", "The bundle holds neither a signature nor a statement.")
    envelope = Envelope(form)
    message = envelope.pae()
    algorithm = signed_message_by(key, envelope.signature, message)
    if algorithm is None:
        raise refusal(
            "SignatureInvalid",
            "The key that the policy names did not sign this statement; sign it.",
        )
    refuse_other_entry(
        entry_of(opened),
        Logged(
            key=key,
            algorithm=algorithm,
            signature=envelope.signature,
            content=form,
            message=message,
        ),
    )
    # (6) Read from the very bytes whose signature was checked.
    payload = read_payload(form.payload_type, form.payload)
    return Statement(
        predicate_type=payload.predicate_type,
        subjects=payload.subjects,
        predicate_json=payload.predicate_json,
        signer=_signer(key),
        signed_at=proof.signed_at,
        evidence_sha256=proof.evidence_sha256,
        root_sha256=proof.root_sha256,
    )


def _signer(key: ManagedKey) -> Signer:
    return Signer(kind="key", issuer="key", subject=key.fingerprint)
