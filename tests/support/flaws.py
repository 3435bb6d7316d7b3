"""What can be wrong with a sigstore bundle, as a value to mint it by."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

__all__ = ["NO_FLAW", "PAYLOAD_TYPE", "Flaw", "SigningKey"]

PAYLOAD_TYPE = "application/vnd.in-toto+json"

SigningKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, kw_only=True)
class Flaw:
    """What is wrong with a minted bundle; nothing by default."""

    names: tuple[x509.GeneralName, ...] | None = None
    """Subject alternative names of the certificate instead of the subject's."""

    issuer_der: bytes | None = None
    """Value of the issuer extension, as it stands; empty leaves the extension out."""

    issuer_raw: bytes | None = None
    """Value of the deprecated issuer extension; empty leaves the extension out."""

    leaf_key: SigningKey | None = None
    """Key in the certificate instead of the one that signs."""

    leaf_start: datetime | None = None
    """When the certificate begins, instead of shortly before the signature."""

    digital_signature: bool = True
    code_signing: bool = True
    certificate_logged: bool = True

    ca_key: ec.EllipticCurvePrivateKey | None = None
    """Key that issues the certificate, instead of the authority's."""

    certificate_log_key: ec.EllipticCurvePrivateKey | None = None
    promise_key: ec.EllipticCurvePrivateKey | None = None
    """Key that signs the inclusion promise (signed entry timestamp), instead of the log's."""

    checkpoint_key: ec.EllipticCurvePrivateKey | None = None
    checkpoint_size: int | None = None
    """Size of the tree that the checkpoint speaks of, instead of the proof's."""

    signature_key: ec.EllipticCurvePrivateKey | None = None
    """Key that signs the content, instead of the certificate's."""

    payload_type: str = PAYLOAD_TYPE
    logged_body: Mapping[str, Any] | None = None
    """Body of the log entry, instead of one about this signature."""

    entry_kind: str | None = None
    """Kind that the log entry says it is of."""


NO_FLAW = Flaw()
