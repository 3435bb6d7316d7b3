"""A whole private sigstore in Python: certificate authority, certificate log, transparency log.

What it mints is accepted by sigstore's own verifier under `trusted_root_json()`; no network, no
clock but `at`. Every part can be made wrong, one at a time, by a `Flaw`: so tests show that
each part is checked.
"""

import base64
import hashlib
import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from support.flaws import NO_FLAW, Flaw, SigningKey

__all__ = ["Flaw", "PrivateSigstore", "Span", "edited", "new_key"]

CERTIFICATE_LIFETIME = timedelta(minutes=10)
"""As Fulcio's."""

ISSUER_OID = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
ISSUER_RAW_OID = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
SCT_LIST_OID = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True, kw_only=True)
class Span:
    """When a member of the trust root is in force; both ends are included."""

    start: datetime
    end: datetime | None = None

    def as_json(self) -> dict[str, str]:
        ends = {"start": self.start, "end": self.end}
        return {name: _rfc3339(moment) for name, moment in ends.items() if moment is not None}


def edited(bundle: bytes, edit: Callable[[dict[str, Any]], object]) -> bytes:
    """Return a bundle after `edit` has changed its parsed JSON in place."""
    value = json.loads(bundle)
    edit(value)
    return json.dumps(value).encode()


@dataclass(kw_only=True)
class PrivateSigstore:
    """A sigstore of one's own, whose members are in force from `since` on."""

    since: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(days=1))
    origin: str = "log.example.test"

    def __post_init__(self) -> None:
        self.ca_key, self.certificate_log_key, self.log_key = new_key(), new_key(), new_key()
        self.log_id = _key_id(self.log_key)
        self.ca = self._authority()
        # A tree of two leaves: every entry's proof has this other leaf in it.
        self.sibling = hashlib.sha256(b"\0the first entry").digest()

    def trusted_root_json(
        self,
        *,
        ca: Span | None = None,
        certificate_log: Span | None = None,
        log: Span | None = None,
    ) -> bytes:
        """Return the `trusted_root.json` under which what is minted here holds."""
        span = Span(start=self.since)
        root = {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [self._log_json(self.log_key, log or span)],
            "ctlogs": [self._log_json(self.certificate_log_key, certificate_log or span)],
            "certificateAuthorities": [
                {
                    "subject": {"organization": "example", "commonName": "code signing"},
                    "uri": "https://ca.example.test",
                    "certChain": {
                        "certificates": [{"rawBytes": _b64(self.ca.public_bytes(Encoding.DER))}]
                    },
                    "validFor": (ca or span).as_json(),
                }
            ],
            "timestampAuthorities": [],
        }
        return json.dumps(root).encode()

    def sign_blob(
        self,
        artifact: bytes | str,
        subject: str,
        issuer: str,
        at: datetime | None = None,
        *,
        flaw: Flaw = NO_FLAW,
    ) -> bytes:
        """Return a bundle with a signature over a file, or over its SHA-256 digest as text."""
        digest = (
            bytes.fromhex(artifact)
            if isinstance(artifact, str)
            else hashlib.sha256(artifact).digest()
        )
        at, key = at or datetime.now(UTC), new_key()
        certificate = self._leaf(key, subject, issuer, at, flaw)
        signature = (flaw.signature_key or key).sign(digest, ec.ECDSA(Prehashed(hashes.SHA256())))
        body = {
            "apiVersion": "0.0.1",
            "kind": "hashedrekord",
            "spec": {
                "data": {"hash": {"algorithm": "sha256", "value": digest.hex()}},
                "signature": {
                    "content": _b64(signature),
                    "publicKey": {"content": _b64(certificate.public_bytes(Encoding.PEM))},
                },
            },
        }
        content = {
            "messageSignature": {
                "messageDigest": {"algorithm": "SHA2_256", "digest": _b64(digest)},
                "signature": _b64(signature),
            }
        }
        return self._bundle(certificate, self._entry(body, at, flaw), content)

    def sign_statement(
        self,
        statement: Mapping[str, Any] | bytes,
        subject: str,
        issuer: str,
        at: datetime | None = None,
        *,
        flaw: Flaw = NO_FLAW,
    ) -> bytes:
        """Return a bundle with a signed in-toto statement, given parsed or as its very bytes."""
        payload = statement if isinstance(statement, bytes) else _canonical(statement)
        at, key = at or datetime.now(UTC), new_key()
        certificate = self._leaf(key, subject, issuer, at, flaw)
        head = f"DSSEv1 {len(flaw.payload_type)} {flaw.payload_type} {len(payload)} "
        signature = (flaw.signature_key or key).sign(
            head.encode() + payload, ec.ECDSA(hashes.SHA256())
        )
        envelope = {
            "payload": _b64(payload),
            "payloadType": flaw.payload_type,
            "signatures": [{"sig": _b64(signature)}],
        }
        body = {
            "apiVersion": "0.0.1",
            "kind": "dsse",
            "spec": {
                "envelopeHash": _sha256_json(_canonical(envelope)),
                "payloadHash": _sha256_json(payload),
                "signatures": [
                    {
                        "signature": _b64(signature),
                        "verifier": _b64(certificate.public_bytes(Encoding.PEM)),
                    }
                ],
            },
        }
        return self._bundle(certificate, self._entry(body, at, flaw), {"dsseEnvelope": envelope})

    def _authority(self) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "private code signing")])
        public = self.ca_key.public_key()
        usage = _key_usage(digital_signature=False, authority=True)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.since)
            .not_valid_after(self.since + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(self.ca_key, hashes.SHA256())
        )

    def _leaf(
        self, key: ec.EllipticCurvePrivateKey, subject: str, issuer: str, at: datetime, flaw: Flaw
    ) -> x509.Certificate:
        builder = self._leaf_builder((flaw.leaf_key or key).public_key(), subject, at, flaw)
        for oid, stated, usual in (
            (ISSUER_RAW_OID, flaw.issuer_raw, issuer.encode()),
            (ISSUER_OID, flaw.issuer_der, asn1.encode_der(issuer)),
        ):
            value = usual if stated is None else stated
            if value:
                builder = builder.add_extension(
                    x509.UnrecognizedExtension(oid, value), critical=False
                )
        ca_key = flaw.ca_key or self.ca_key
        if flaw.certificate_logged:
            unlogged = builder.sign(ca_key, hashes.SHA256()).tbs_certificate_bytes
            log_key = flaw.certificate_log_key or self.certificate_log_key
            builder = builder.add_extension(
                x509.UnrecognizedExtension(
                    SCT_LIST_OID, _certificate_log_promise(log_key, ca_key, unlogged, at)
                ),
                critical=False,
            )
        return builder.sign(ca_key, hashes.SHA256())

    def _leaf_builder(
        self, public: Any, subject: str, at: datetime, flaw: Flaw
    ) -> x509.CertificateBuilder:
        start = flaw.leaf_start or at - timedelta(seconds=5)
        names = flaw.names
        if names is None:
            uri = "://" in subject
            names = (x509.UniformResourceIdentifier(subject) if uri else x509.RFC822Name(subject),)
        purpose = (
            ExtendedKeyUsageOID.CODE_SIGNING
            if flaw.code_signing
            else ExtendedKeyUsageOID.EMAIL_PROTECTION
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self.ca.subject)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + CERTIFICATE_LIFETIME)
            .add_extension(
                _key_usage(digital_signature=flaw.digital_signature, authority=False),
                critical=True,
            )
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.ca_key.public_key()),
                critical=False,
            )
        )
        return (
            builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
            if names
            else builder
        )

    def _entry(self, body: Mapping[str, Any], at: datetime, flaw: Flaw) -> dict[str, Any]:
        kind = flaw.entry_kind or body["kind"]
        text = _canonical(flaw.logged_body or body)
        leaf = hashlib.sha256(b"\0" + text).digest()
        tree = hashlib.sha256(b"\1" + self.sibling + leaf).digest()
        note = f"{self.origin}\n{flaw.checkpoint_size or 2}\n{_b64(tree)}\n"
        checkpoint_key = flaw.checkpoint_key or self.log_key
        signed = self.log_id[:4] + checkpoint_key.sign(note.encode(), ec.ECDSA(hashes.SHA256()))
        seconds = int(at.timestamp())
        promise = _canonical(
            {
                "body": _b64(text),
                "integratedTime": seconds,
                "logID": self.log_id.hex(),
                "logIndex": 1,
            }
        )
        promise_key = flaw.promise_key or self.log_key
        return {
            "logIndex": "1",
            "logId": {"keyId": _b64(self.log_id)},
            "kindVersion": {"kind": kind, "version": "0.0.1"},
            "integratedTime": str(seconds),
            "inclusionPromise": {
                "signedEntryTimestamp": _b64(promise_key.sign(promise, ec.ECDSA(hashes.SHA256())))
            },
            "inclusionProof": {
                "logIndex": "1",
                "rootHash": _b64(tree),
                "treeSize": "2",
                "hashes": [_b64(self.sibling)],
                "checkpoint": {"envelope": f"{note}\n— {self.origin} {_b64(signed)}\n"},
            },
            "canonicalizedBody": _b64(text),
        }

    def _bundle(
        self, certificate: x509.Certificate, entry: Mapping[str, Any], content: Mapping[str, Any]
    ) -> bytes:
        bundle = {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": _b64(certificate.public_bytes(Encoding.DER))},
                "tlogEntries": [entry],
            },
            **content,
        }
        return json.dumps(bundle).encode()

    def _log_json(self, key: ec.EllipticCurvePrivateKey, span: Span) -> dict[str, Any]:
        return {
            "baseUrl": f"https://{self.origin}",
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": _b64(_public_der(key)),
                "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                "validFor": span.as_json(),
            },
            "logId": {"keyId": _b64(_key_id(key))},
        }


def _certificate_log_promise(
    log_key: ec.EllipticCurvePrivateKey,
    ca_key: ec.EllipticCurvePrivateKey,
    unlogged: bytes,
    at: datetime,
) -> bytes:
    """Return a list of one signed certificate timestamp (RFC 6962, 3.2 and 3.3) as an extension."""
    milliseconds = int(at.timestamp() * 1000)
    signed = (
        struct.pack(">BBQH", 0, 0, milliseconds, 1)
        + _key_id(ca_key)
        + len(unlogged).to_bytes(3, "big")
        + unlogged
        + struct.pack(">H", 0)
    )
    signature = log_key.sign(signed, ec.ECDSA(hashes.SHA256()))
    timestamp = (
        struct.pack(">B32sQH", 0, _key_id(log_key), milliseconds, 0)
        + bytes([4, 3])
        + struct.pack(">H", len(signature))
        + signature
    )
    listed = struct.pack(">HH", len(timestamp) + 2, len(timestamp)) + timestamp
    return asn1.encode_der(listed)


def _key_usage(*, digital_signature: bool, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=not digital_signature and not authority,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _public_der(key: SigningKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _key_id(key: SigningKey) -> bytes:
    return hashlib.sha256(_public_der(key)).digest()


def _sha256_json(data: bytes) -> dict[str, str]:
    return {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}


def _canonical(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
