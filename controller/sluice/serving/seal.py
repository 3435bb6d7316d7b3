"""The seal on what is served: an Ed25519 signature that only the operator can make.

A sealed table is one text: a line `sluice-seal-v1 KEY SIGNATURE`, then the table as canonical JSON.
Signed are those very bytes, under a prefix that no other use of the key shares. Who can write to
the database, but does not hold the key, can neither forge a table nor move one to another channel,
for the table itself names its app, namespace, channel and generation.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from sluice.errors import Refused, VerificationError
from sluice.serving.table import ChannelTable

__all__ = [
    "generate_private_key",
    "open_sealed",
    "private_key",
    "public_key",
    "public_pem",
    "seal",
]

_FORMAT: Final = "sluice-seal-v1"
_PREFIX: Final = b"sluice.dev/channel-table/v1\0"
_KEY_ID_CHARS: Final = 16
_HEADER: Final = re.compile(rf"{_FORMAT} ([0-9a-f]{{{_KEY_ID_CHARS}}}) ([0-9a-f]{{128}})")

SEALED_CHARS_MAX: Final = 1024 * 1024
"""Largest sealed table; a real one has some 1 KB, and 10,000 withdrawn versions reach 200 KB."""


def seal(table: ChannelTable, key: Ed25519PrivateKey) -> str:
    """Return `table` and its signature as one text; equal tables give equal texts."""
    payload = json.dumps(table.as_json(), sort_keys=True, separators=(",", ":"))
    signature = key.sign(_PREFIX + payload.encode()).hex()
    return f"{_FORMAT} {_key_id(key.public_key())} {signature}\n{payload}"


def open_sealed(text: str, keys: Iterable[Ed25519PublicKey]) -> ChannelTable:
    """Return the table that `text` holds, once its signature is checked.

    Args:
        text: what `seal` returned, from a place that is not trusted.
        keys: public keys that are accepted; more than one while a key is being replaced.

    Raises:
        VerificationError: `SealMalformed`, `SealKeyUnknown` or `SealBroken`.
    """
    header, newline, payload = text[:SEALED_CHARS_MAX].partition("\n")
    match = _HEADER.fullmatch(header)
    if match is None or not newline:
        raise VerificationError(
            "SealMalformed", "The row holds no sealed table; let the operator write it again."
        )
    key = next((key for key in keys if _key_id(key) == match[1]), None)
    if key is None:
        raise VerificationError(
            "SealKeyUnknown",
            "The table is sealed with a key that is not trusted here; compare the seal keys of the "
            "operator and of the device server.",
        )
    try:
        # (1) A forged or altered row ends here, before anything in it is read.
        key.verify(bytes.fromhex(match[2]), _PREFIX + payload.encode())
    except (InvalidSignature, UnicodeError) as error:
        raise VerificationError(
            "SealBroken",
            "The table is not what the operator sealed: somebody else wrote to the store. Find out "
            "who, then let the operator write it again.",
        ) from error
    try:
        return ChannelTable.from_json(json.loads(payload))
    except (ValueError, KeyError, TypeError) as error:
        raise VerificationError(
            "SealMalformed",
            "The table was sealed by another release of Sluice; run the same one everywhere.",
        ) from error


def generate_private_key() -> bytes:
    """Return a new private key as PEM (PKCS #8). The one draw of randomness in this room."""
    return Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )


def private_key(pem: bytes) -> Ed25519PrivateKey:
    """Return the private key in `pem`.

    Raises:
        Refused: `SealKeyInvalid`, when it is no unencrypted Ed25519 private key.
    """
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _not_ours("private") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _not_ours("private")
    return key


def public_key(pem: bytes) -> Ed25519PublicKey:
    """Return the public key in `pem`.

    Raises:
        Refused: `SealKeyInvalid`, when it is no Ed25519 public key.
    """
    try:
        key = load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _not_ours("public") from error
    if not isinstance(key, Ed25519PublicKey):
        raise _not_ours("public")
    return key


def public_pem(key: Ed25519PrivateKey) -> bytes:
    """Return the public half of `key` as PEM, for the device servers."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _not_ours(half: str) -> Refused:
    return Refused(
        "SealKeyInvalid", f"The seal key is no Ed25519 {half} key in PEM; make one of that kind."
    )


def _key_id(key: Ed25519PublicKey) -> str:
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:_KEY_ID_CHARS]
