"""Sigstore bundles: who signed a digest or a statement, and when, proven without a network.

sigstore's own verifier does the cryptography. What it leaves open, or to its caller, is added here:

1.  The bundle is strict JSON (`json_strict`), of a version known, and holds no root certificate:
    sigstore only warns about one.
2.  The moments of signing come from the log or a timestamp authority, never from the signer.
3.  Only members of the trust root that were in force at those moments count (`trust`).
4.  sigstore's verifier: certificate chain, certificate log, key usage, inclusion proof, checkpoint,
    inclusion promise, signature, and that the log entry is about this signature (CVE-2022-36056).
5.  The certificate names exactly one subject and one issuer, neither empty (`identity`).
6.  The checkpoint speaks of a tree of the same size as the inclusion proof.
7.  A statement is an in-toto statement about SHA-256 digests (`intoto`).

Not checked here: *who* signed. sigstore would do it by a policy of its own, for which an empty
issuer means "any" (attack 23). The signer is read, and `sluice.policy` judges every signer in one
place. Nor whether the moment of signing lies in the future: that needs a clock.

Whatever goes wrong is one `VerificationError`, whatever was fed in. This is the only module that
uses private names of sigstore; its minor version is pinned for that.
"""

# ruff: noqa: SLF001 -- sigstore's public names give neither moments nor proofs.

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.x509 import Certificate, load_der_x509_certificate
from pydantic import ValidationError
from sigstore import errors as sigstore_errors
from sigstore._internal.rekor.checkpoint import SignedCheckpoint
from sigstore._internal.trust import (
    CertificateAuthority,
    CTKeyring,
    Keyring,
    KeyringPurpose,
    RekorKeyring,
)
from sigstore._utils import cert_is_root_ca
from sigstore.dsse import Envelope
from sigstore.hashes import Hashed
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore_models.common.v1 import HashAlgorithm
from typing_extensions import override

from sluice.errors import VerificationError
from sluice.verify.facts import BlobSignature, Signer, Statement
from sluice.verify.identity import signer_of
from sluice.verify.intoto import read_payload
from sluice.verify.json_strict import parse
from sluice.verify.reasons import refusal
from sluice.verify.sigstore_words import meaning_of
from sluice.verify.trust import InForce, TrustRoot

__all__ = ["BUNDLE_BYTES_MAX", "verify_blob", "verify_bundle", "verify_statement"]

BUNDLE_BYTES_MAX: Final = 4 * 1024 * 1024
"""Largest bundle; one around a full SBOM of a large app has some MB, others a few KB."""

VERIFIERS_MAX: Final = 64
"""Verifiers kept ready, one for each trust root and set of its members in force: a policy has a few
roots, and a root a few spans."""

_MEDIA_TYPES: Final = frozenset(str(each) for each in Bundle.BundleType)
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_TIME_RESOLUTION: Final = timedelta(microseconds=1)


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


Check = Callable[[Verifier, _ReadSigner], object]


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
    with _one_kind_of_error():
        opened = _open(bundle)
        envelope = opened._dsse_envelope
        evidence_sha256 = hashlib.sha256(bundle).hexdigest()
        if envelope is None:
            return _blob_signature(opened, artifact_sha256, root, evidence_sha256)
        return _statement(opened, envelope, root, evidence_sha256)


def verify_blob(bundle: bytes, artifact_sha256: str, root: TrustRoot) -> BlobSignature:
    """Return who signed an artifact's digest, as `verify_bundle` does.

    Raises:
        VerificationError: it proves nothing; NotASignature when it holds a statement.
    """
    with _one_kind_of_error():
        opened = _open(bundle)
        if opened._dsse_envelope is not None:
            raise refusal("NotASignature", "The bundle holds a statement; give a signature's.")
        return _blob_signature(opened, artifact_sha256, root, hashlib.sha256(bundle).hexdigest())


def verify_statement(bundle: bytes, root: TrustRoot) -> Statement:
    """Return what a signed statement says and who signed it, as `verify_bundle` does.

    Raises:
        VerificationError: it proves nothing; NotAStatement when it holds a signature over a file.
    """
    with _one_kind_of_error():
        opened = _open(bundle)
        envelope = opened._dsse_envelope
        if envelope is None:
            raise refusal("NotAStatement", "The bundle holds a signature; give a statement's.")
        return _statement(opened, envelope, root, hashlib.sha256(bundle).hexdigest())


def _blob_signature(
    opened: Bundle, artifact_sha256: str, root: TrustRoot, evidence_sha256: str
) -> BlobSignature:
    if not _SHA256.fullmatch(artifact_sha256):
        raise refusal("SignatureForOtherArtifact", "There is no SHA-256 digest to compare with.")
    artifact = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=bytes.fromhex(artifact_sha256))
    signer, signed_at = _verified(
        opened, root, lambda verifier, reader: verifier.verify_artifact(artifact, opened, reader)
    )
    return BlobSignature(
        artifact_sha256=artifact_sha256,
        signer=signer,
        signed_at=signed_at,
        evidence_sha256=evidence_sha256,
        root_sha256=root.root_sha256,
    )


def _statement(
    opened: Bundle, envelope: Envelope, root: TrustRoot, evidence_sha256: str
) -> Statement:
    signer, signed_at = _verified(
        opened, root, lambda verifier, reader: verifier.verify_dsse(opened, reader)
    )
    # (7) Read from the very bytes whose signature was checked.
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


def _open(data: bytes) -> Bundle:
    """Return a bundle that is well-formed (1); nothing in it is proven yet."""
    value = parse(
        data, what="sigstore bundle", reason="BundleUnreadable", bytes_max=BUNDLE_BYTES_MAX
    )
    _refuse_unknown_form(value)
    opened = Bundle.from_json(data)
    chain = opened._inner.verification_material.x509_certificate_chain
    for certificate in chain.certificates if chain else ():
        if cert_is_root_ca(load_der_x509_certificate(certificate.raw_bytes)):
            raise refusal(
                "BundleUnsafe",
                "The bundle brings a root certificate of its own; leave it out and sign again.",
            )
    return opened


def _refuse_unknown_form(value: Any) -> None:
    material = value.get("verificationMaterial") if isinstance(value, dict) else None
    if not isinstance(material, dict):
        raise refusal("BundleUnreadable", "This is no sigstore bundle; give the client's output.")
    if value.get("mediaType") not in _MEDIA_TYPES:
        raise refusal(
            "BundleVersionUnknown", "The sigstore bundle is not of version 0.1, 0.2 or 0.3."
        )
    if material.get("publicKey") is not None:
        raise refusal(
            "ManagedKeyUnsupported",
            "The bundle was signed with a managed key; sign with an identity (keyless).",
        )
    entries = material.get("tlogEntries")
    if not isinstance(entries, list) or not all(
        isinstance(entry, dict) and entry.get("inclusionProof") for entry in entries or [None]
    ):
        raise refusal(
            "LogEntryMissing",
            "The bundle has no transparency log entry with its proof; sign again and upload it.",
        )


def _verified(opened: Bundle, root: TrustRoot, check: Check) -> tuple[Signer, datetime]:
    """Return who signed and when, by steps 2 to 6."""
    # (2) A signature existed by the earliest moment that is proven for it.
    moments = [each.time for each in _verifier(root, root.always())._establish_time(opened)]
    if not moments:
        raise _no_moment(opened)
    reader = _ReadSigner()
    try:
        # (3), (4) and (5).
        _check_in_force(root, root.at(moments), check, reader)
    except sigstore_errors.VerificationError as error:
        if _holds_with_retired_members(root, check):
            raise refusal(
                "TrustKeyRetired",
                f"A key of the trust root was not in force at {_shown(moments)} (its validFor);"
                " sign again.",
            ) from error
        if isinstance(error, sigstore_errors.CertValidationError):
            raise _bad_certificate(opened, moments) from error
        raise
    except ValidationError as error:
        raise refusal(
            "LogEntryInvalid", "The log entry is unreadable; use the bundle as the client wrote it."
        ) from error
    # (6) sigstore compares only the hashes.
    proof = opened.log_entry._inner.inclusion_proof
    note = SignedCheckpoint.from_text(proof.checkpoint.envelope if proof.checkpoint else "")
    if note.checkpoint.log_size != proof.tree_size or reader.signer is None:
        raise refusal("LogEntryInvalid", "The log's checkpoint is of another size than the proof.")
    return reader.signer, min(moments)


def _check_in_force(root: TrustRoot, in_force: InForce, check: Check, reader: _ReadSigner) -> None:
    if not (in_force.authorities and in_force.logs and in_force.certificate_logs):
        message = "no member of the trust root was in force"
        raise sigstore_errors.VerificationError(message)
    check(_verifier(root, in_force), reader)


def _holds_with_retired_members(root: TrustRoot, check: Check) -> bool:
    """Tell whether a refused bundle fails for a span alone; it stays refused in any case."""
    try:
        check(_verifier(root, root.always()), _ReadSigner())
    except (sigstore_errors.Error, VerificationError):
        return False
    return True


def _no_moment(opened: Bundle) -> VerificationError:
    if opened.verification_material.timestamp_verification_data is None:
        return refusal(
            "TimestampMissing", "Nobody trusted says when this was signed; sign again with a log."
        )
    return refusal(
        "TimestampInvalid",
        "No timestamp of the bundle is by a timestamp authority of the trust root, for this"
        " signature and within its time; use the trust root of the sigstore that signed.",
    )


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
        f"The signature was made at {_shown(moments)}, but its certificate was valid from"
        f" {first.isoformat()} to {last.isoformat()}; sign again.",
    )


def _shown(moments: list[datetime]) -> str:
    return min(moments).isoformat()


class _Authority(CertificateAuthority):
    """A timestamp authority whose span includes its end, as the trust root's format says."""

    @property
    @override
    def validity_period_end(self) -> datetime | None:
        end = super().validity_period_end
        # sigstore asks for earlier than the end, where the span is closed.
        return None if end is None else end + _TIME_RESOLUTION

    @override
    def certificates(self, *, allow_expired: bool) -> list[Certificate]:
        return self._certificates


class _MembersInForce(TrustedRoot):
    """Some members of a trust root, read once. sigstore's own asks today's clock about each."""

    def __init__(self, root: TrustRoot, in_force: InForce) -> None:
        super().__init__(root.content)
        logs = [root.content.tlogs[place].public_key for place in in_force.logs]
        cert_logs = [root.content.ctlogs[place].public_key for place in in_force.certificate_logs]
        self._log_keys = RekorKeyring(Keyring(logs))
        self._certificate_log_keys = CTKeyring(Keyring(cert_logs))
        self._authorities = [
            load_der_x509_certificate(certificate.raw_bytes)
            for place in in_force.authorities
            for certificate in root.content.certificate_authorities[place].cert_chain.certificates
        ]
        self._timestamp_authorities = [
            _Authority(each) for each in root.content.timestamp_authorities
        ]

    @override
    def rekor_keyring(self, purpose: KeyringPurpose) -> RekorKeyring:
        return self._log_keys

    @override
    def ct_keyring(self, purpose: KeyringPurpose) -> CTKeyring:
        return self._certificate_log_keys

    @override
    def get_fulcio_certs(self) -> list[Certificate]:
        return self._authorities

    @override
    def get_timestamp_authorities(self) -> list[CertificateAuthority]:
        return list(self._timestamp_authorities)


@lru_cache(maxsize=VERIFIERS_MAX)
def _verifier(root: TrustRoot, in_force: InForce) -> Verifier:
    # It is given all it needs: no TUF repository, no log is asked.
    return Verifier(trusted_root=_MembersInForce(root, in_force))


@contextmanager
def _one_kind_of_error() -> Iterator[None]:
    """Turn whatever is raised for hostile bytes into one VerificationError."""
    try:
        yield
    except VerificationError:
        raise
    except sigstore_errors.Error as error:
        raise meaning_of(error) from error
    except Exception as error:
        raise refusal(
            "BundleUnreadable", "The sigstore bundle can't be read; use it as the client wrote it."
        ) from error
    except BaseException as error:
        # A panic in cryptography's Rust code is no Exception; everything else is not for us.
        if type(error).__name__ != "PanicException":
            raise
        raise refusal("BundleUnreadable", "The sigstore bundle broke its reader.") from error
