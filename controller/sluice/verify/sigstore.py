"""Sigstore bundles: who signed a digest or a statement, and when, proven without a network.

sigstore's own verifier does the cryptography. What it leaves open, or to its caller, is added here:

1.  The bundle has the one form that clients write, without anything that verifiers skip
    (`sigstore_form`).
2.  The moments of signing come from the log or a timestamp authority, never from the signer; each
    timestamp in the bundle holds (`sigstore_log`).
3.  Only members of the trust root that were in force at those moments count (`trust`), and of the
    logs only the one that the entry names.
4.  sigstore's verifier: certificate chain, certificate log, key usage, inclusion proof, checkpoint,
    inclusion promise, signature, and that the log entry is about this signature (CVE-2022-36056).
5.  The certificate names exactly one subject and one issuer, neither empty (`identity`).
6.  A statement is an in-toto statement about SHA-256 digests (`intoto`).

Not checked here: *who* signed. sigstore would do it by a policy of its own, for which an empty
issuer means "any" (attack 23). The signer is read, and `sluice.policy` judges every signer in one
place. Nor whether the moment of signing lies in the future: that needs a clock.

Whatever goes wrong is one `VerificationError`, whatever was fed in.
"""

# ruff: noqa: SLF001 -- sigstore's public names don't say whether a bundle holds a statement.

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.x509 import Certificate
from pydantic import ValidationError
from sigstore import errors as sigstore_errors
from sigstore.dsse import Envelope
from sigstore.hashes import Hashed
from sigstore.models import Bundle
from sigstore_models.bundle.v1 import Bundle as Form
from sigstore_models.common.v1 import HashAlgorithm

from sluice.errors import VerificationError
from sluice.verify.facts import BlobSignature, Signer, Statement
from sluice.verify.identity import signer_of
from sluice.verify.intoto import read_payload
from sluice.verify.reasons import refusal
from sluice.verify.sigstore_form import BUNDLE_BYTES_MAX, read_bundle
from sluice.verify.sigstore_log import (
    MembersVerifier,
    Moments,
    entry_of,
    prove_moments,
    retired,
    unknown_log,
    verifier_for,
)
from sluice.verify.sigstore_words import meaning_of, one_kind_of_error
from sluice.verify.trust import InForce, TrustRoot

__all__ = ["BUNDLE_BYTES_MAX", "verify_blob", "verify_bundle", "verify_statement"]

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(slots=True)
class _ReadSigner:
    """The policy that sigstore asks: any signer will do here, but there must be one.

    It is not sigstore's `UnsafeNoOp`, which accepts signers: here they are only read. Each fact
    carries its signer, and nothing counts before `sluice.policy` has judged it.
    """

    signer: Signer | None = None

    def verify(self, cert: Certificate) -> None:
        """Read the signer, or refuse a certificate that names none."""
        if not isinstance(cert.public_key(), EllipticCurvePublicKey):
            raise refusal(
                "CertificateUnusable",
                "The signing certificate's key is not an elliptic curve key; sign with one.",
            )
        self.signer = signer_of(cert)


Check = Callable[[MembersVerifier, _ReadSigner], object]


def verify_bundle(
    bundle: bytes, artifact_sha256: str, root: TrustRoot
) -> BlobSignature | Statement:
    """Return what a bundle proves: a signature over the artifact, or a statement.

    Args:
        bundle: a sigstore bundle.
        artifact_sha256: digest that a signature must be over, 64 lower-case hexadecimal digits. A
            statement names its own subjects: comparing them is up to the caller.
        root: whose word counts.

    Raises:
        VerificationError: it proves nothing (see `sluice.verify.reasons`).
    """
    with one_kind_of_error():
        opened, form = _open(bundle)
        envelope = opened._dsse_envelope
        evidence_sha256 = hashlib.sha256(bundle).hexdigest()
        if envelope is None:
            return _blob_signature(opened, form, artifact_sha256, root, evidence_sha256)
        return _statement(opened, form, envelope, root, evidence_sha256)


def verify_blob(bundle: bytes, artifact_sha256: str, root: TrustRoot) -> BlobSignature:
    """Return who signed an artifact's digest, as `verify_bundle` does.

    Raises:
        VerificationError: it proves nothing; NotASignature when it holds a statement.
    """
    with one_kind_of_error():
        opened, form = _open(bundle)
        if opened._dsse_envelope is not None:
            raise refusal("NotASignature", "The bundle holds a statement; give a signature's.")
        evidence_sha256 = hashlib.sha256(bundle).hexdigest()
        return _blob_signature(opened, form, artifact_sha256, root, evidence_sha256)


def verify_statement(bundle: bytes, root: TrustRoot) -> Statement:
    """Return what a signed statement says and who signed it, as `verify_bundle` does.

    Raises:
        VerificationError: it proves nothing; NotAStatement when it holds a signature over a file.
    """
    with one_kind_of_error():
        opened, form = _open(bundle)
        envelope = opened._dsse_envelope
        if envelope is None:
            raise refusal("NotAStatement", "The bundle holds a signature; give a statement's.")
        return _statement(opened, form, envelope, root, hashlib.sha256(bundle).hexdigest())


def _blob_signature(
    opened: Bundle, form: Form, artifact_sha256: str, root: TrustRoot, evidence_sha256: str
) -> BlobSignature:
    if not _SHA256.fullmatch(artifact_sha256):
        raise refusal("SignatureForOtherArtifact", "There is no SHA-256 digest to compare with.")
    artifact = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=bytes.fromhex(artifact_sha256))
    signer, signed_at = _verified(
        opened,
        form,
        root,
        lambda verifier, reader: verifier.verify_artifact(artifact, opened, reader),
    )
    return BlobSignature(
        artifact_sha256=artifact_sha256,
        signer=signer,
        signed_at=signed_at,
        evidence_sha256=evidence_sha256,
        root_sha256=root.root_sha256,
    )


def _statement(
    opened: Bundle, form: Form, envelope: Envelope, root: TrustRoot, evidence_sha256: str
) -> Statement:
    signer, signed_at = _verified(
        opened, form, root, lambda verifier, reader: verifier.verify_dsse(opened, reader)
    )
    # (6) Read from the very bytes whose signature was checked.
    payload = read_payload(envelope._inner.payload_type, envelope._inner.payload)
    return Statement(
        predicate_type=payload.predicate_type,
        subjects=payload.subjects,
        predicate_json=payload.predicate_json,
        signer=signer,
        signed_at=signed_at,
        evidence_sha256=evidence_sha256,
        root_sha256=root.root_sha256,
    )


def _open(data: bytes) -> tuple[Bundle, Form]:
    """Return a bundle by a certificate that is well-formed (1); nothing in it is proven yet."""
    form = read_bundle(data)
    if form.verification_material.public_key is not None:
        raise refusal(
            "KeyNotNamed",
            "The bundle was signed with a key of its own, which no authority tried here names; name"
            " the key as an authority, or sign with an identity (keyless).",
        )
    return Bundle(form), form


def _verified(opened: Bundle, form: Form, root: TrustRoot, check: Check) -> tuple[Signer, datetime]:
    """Return who signed and when, by steps 2 to 5."""
    # (2) A signature existed by the earliest moment that is proven for it.
    moments = prove_moments(form, root)
    times = [each.time for each in moments]
    logs = root.logs_named(entry_of(form).log_id.key_id)
    reader = _ReadSigner()
    try:
        # (3), (4) and (5).
        _check(root, root.at(times).in_logs(logs), moments, check, reader)
    except sigstore_errors.VerificationError as error:
        raise _why(opened, form, root, moments, check) from error
    except ValidationError as error:
        raise refusal(
            "LogEntryInvalid", "The log entry is unreadable; use the bundle as the client wrote it."
        ) from error
    if reader.signer is None:
        raise refusal("IdentityMissing", "The signing certificate's names were not read.")
    return reader.signer, min(times)


def _check(
    root: TrustRoot, in_force: InForce, moments: Moments, check: Check, reader: _ReadSigner
) -> None:
    if not in_force.authorities:
        raise sigstore_errors.VerificationError
    check(verifier_for(root, in_force, moments), reader)


def _why(
    opened: Bundle, form: Form, root: TrustRoot, moments: Moments, check: Check
) -> VerificationError:
    """Return why a bundle is refused: what is wrong with it, or else that a span had ended."""
    entry = entry_of(form)
    always = root.always().in_logs(root.logs_named(entry.log_id.key_id))
    try:
        _check(root, always, moments, check, _ReadSigner())
    except sigstore_errors.CertValidationError:
        return _bad_certificate(opened, [each.time for each in moments])
    except sigstore_errors.VerificationError as error:
        refused = meaning_of(error)
        return (
            unknown_log(entry, root) or refused if refused.reason == "LogEntryInvalid" else refused
        )
    except VerificationError as error:
        return error
    return retired(moments)


def _bad_certificate(opened: Bundle, moments: list[datetime]) -> VerificationError:
    leaf = opened.signing_certificate
    first, last = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if all(first <= moment <= last for moment in moments):
        return refusal(
            "CertificateUntrusted",
            "No certificate authority of the trust root issued the signing certificate; sign with"
            " the sigstore that the policy trusts.",
        )
    return refusal(
        "CertificateExpired",
        f"The signature was made at {min(moments).isoformat()}, but its certificate was valid from"
        f" {first.isoformat()} to {last.isoformat()}; sign again.",
    )
