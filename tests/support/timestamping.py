"""A timestamp authority (RFC 3161) in Python: what it stamps, OpenSSL verifies.

The token is written in DER by hand, since no library of ours writes one. Sources: RFC 3161 2.4.2
for the response and what is stamped, RFC 5652 5.1 and 5.3 for the signed message around it.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["TimestampAuthority"]

SEQUENCE, SET, INTEGER, OCTETS, TIME, NULL = 0x30, 0x31, 0x02, 0x04, 0x18, 0x05
TAGGED = 0xA0
"""Context-specific tag 0, constructed."""


def _oid(dotted: str) -> bytes:
    first, second, *rest = (int(part) for part in dotted.split("."))
    content = bytes([first * 40 + second])
    for part in rest:
        groups = [part & 0x7F]
        while part := part >> 7:
            groups.append(part & 0x7F | 0x80)
        content += bytes(reversed(groups))
    return _der(0x06, content)


def _der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content


def _integer(value: int) -> bytes:
    return _der(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


SHA256_ALGORITHM = _der(SEQUENCE, _oid("2.16.840.1.101.3.4.2.1"))
ECDSA_ALGORITHM = _der(SEQUENCE, _oid("1.2.840.10045.4.3.2"))
STAMP_TYPE = _oid("1.2.840.113549.1.9.16.1.4")


@dataclass(kw_only=True)
class TimestampAuthority:
    """An authority with a root certificate and one to stamp with, valid from `since` on."""

    since: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(days=1))

    def __post_init__(self) -> None:
        self.root_key = ec.generate_private_key(ec.SECP256R1())
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.root = self._certificate("timestamp root", self.root_key, authority=True)
        self.certificate = self._certificate("timestamps", self.key, authority=False)

    def as_json(self, start: datetime | None = None, end: datetime | None = None) -> dict[str, Any]:
        """Return the authority as a trust root names it, in force from `start` to `end`."""
        span = {"start": start or self.since, "end": end}
        return {
            "subject": {"organization": "example", "commonName": "timestamps"},
            "uri": "https://tsa.example.test",
            "certChain": {
                "certificates": [
                    {"rawBytes": base64.b64encode(each.public_bytes(Encoding.DER)).decode()}
                    for each in (self.certificate, self.root)
                ]
            },
            "validFor": {
                name: at.astimezone(UTC).isoformat().replace("+00:00", "Z")
                for name, at in span.items()
                if at is not None
            },
        }

    def stamp(self, message: bytes, at: datetime) -> bytes:
        """Return a response that says that the message existed at that second."""
        stamped = _der(
            SEQUENCE,
            _integer(1),
            _oid("1.3.6.1.4.1.57264.2"),
            _der(SEQUENCE, SHA256_ALGORITHM, _der(OCTETS, hashlib.sha256(message).digest())),
            _integer(x509.random_serial_number()),
            _der(TIME, at.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode()),
        )
        signed = _der(
            SEQUENCE,
            _integer(3),
            _der(SET, SHA256_ALGORITHM),
            _der(SEQUENCE, STAMP_TYPE, _der(TAGGED, _der(OCTETS, stamped))),
            _der(SET, self._signer_info(stamped)),
        )
        token = _der(SEQUENCE, _oid("1.2.840.113549.1.7.2"), _der(TAGGED, signed))
        return _der(SEQUENCE, _der(SEQUENCE, _integer(0)), token)

    def _signer_info(self, stamped: bytes) -> bytes:
        attributes = sorted(
            (
                _der(SEQUENCE, _oid("1.2.840.113549.1.9.3"), _der(SET, STAMP_TYPE)),
                _der(
                    SEQUENCE,
                    _oid("1.2.840.113549.1.9.4"),
                    _der(SET, _der(OCTETS, hashlib.sha256(stamped).digest())),
                ),
            )
        )
        signature = self.key.sign(_der(SET, *attributes), ec.ECDSA(hashes.SHA256()))
        issuer = self.certificate.issuer.public_bytes()
        return _der(
            SEQUENCE,
            _integer(1),
            _der(SEQUENCE, issuer, _integer(self.certificate.serial_number)),
            SHA256_ALGORITHM,
            _der(TAGGED, *attributes),
            ECDSA_ALGORITHM,
            _der(OCTETS, signature),
        )

    def _certificate(
        self, name: str, key: ec.EllipticCurvePrivateKey, *, authority: bool
    ) -> x509.Certificate:
        root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "timestamp root")])
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(root_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.since)
            .not_valid_after(self.since + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if not authority:
            purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
            builder = builder.add_extension(purpose, critical=True)
        return builder.sign(self.root_key, hashes.SHA256())
