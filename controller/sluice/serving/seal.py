"""The seal of the operator: an Ed25519 signature that only the operator can make.

What is sealed is one text: a line `sluice-seal-v1 KEY SIGNATURE`, then the payload, canonical JSON.
Signed are those very bytes, under a prefix that tells what the seal is for: a sealed table opens as
nothing but a table. Who can write to the database, but does not hold the key, can neither forge a
payload nor move one to another place, for each names the place that it is for: a table its app,
namespace, channel and generation, a policy its kind, namespace, name and revision.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
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
    "TABLE_PURPOSE",
    "SealPurpose",
    "generate_private_key",
    "key_id",
    "open_sealed",
    "open_text",
    "private_key",
    "public_key",
    "public_pem",
    "seal",
    "seal_text",
]

_FORMAT: Final = "sluice-seal-v1"
_KEY_ID_CHARS: Final = 16
_HEADER: Final = re.compile(rf"{_FORMAT} ([0-9a-f]{{{_KEY_ID_CHARS}}}) ([0-9a-f]{{128}})")


@dataclass(frozen=True, slots=True, kw_only=True)
class SealPurpose:
    """What a seal is for."""

    prefix: bytes
    """Signed before the payload; no two purposes share one."""
    what: str
    """What is sealed, in messages, such as `table`."""
    chars_max: int
    """Largest sealed text in characters; what is longer opens nothing."""


TABLE_PURPOSE: Final = SealPurpose(
    prefix=b"sluice.dev/channel-table/v1\0",
    what="table",
    # A real one has some 1 KB, and 10,000 withdrawn versions reach 200 KB.
    chars_max=1024 * 1024,
)


def seal(table: ChannelTable, key: Ed25519PrivateKey) -> str:
    """Return `table` and its signature as one text; equal tables give equal texts."""
    payload = json.dumps(table.as_json(), sort_keys=True, separators=(",", ":"))
    return seal_text(payload, key, TABLE_PURPOSE)


def open_sealed(text: str, keys: Iterable[Ed25519PublicKey]) -> ChannelTable:
    """Return the table that `text` holds, once its signature is checked.

    Args:
        text: what `seal` returned, from a place that is not trusted.
        keys: public keys that are accepted; more than one while a key is being replaced.

    Raises:
        VerificationError: `SealMalformed`, `SealKeyUnknown` or `SealBroken`.
    """
    payload = open_text(text, keys, TABLE_PURPOSE)
    try:
        return ChannelTable.from_json(json.loads(payload))
    except (ValueError, KeyError, TypeError) as error:
        raise VerificationError(
            "SealMalformed",
            "The table was sealed by another release of Sluice; run the same one everywhere.",
        ) from error


def seal_text(payload: str, key: Ed25519PrivateKey, purpose: SealPurpose) -> str:
    """Return a payload and its signature as one text; equal payloads give equal texts."""
    signature = key.sign(purpose.prefix + payload.encode()).hex()
    return f"{_FORMAT} {key_id(key.public_key())} {signature}\n{payload}"


def open_text(text: str, keys: Iterable[Ed25519PublicKey], purpose: SealPurpose) -> str:
    """Return the payload that `text` holds, once its signature is checked.

    Args:
        text: what `seal_text` returned, from a place that is not trusted.
        keys: public keys that are accepted; more than one while a key is being replaced.
        purpose: what it must have been sealed for.

    Raises:
        VerificationError: `SealMalformed`, `SealKeyUnknown` or `SealBroken`.
    """
    what = purpose.what
    header, newline, payload = text[: purpose.chars_max].partition("\n")
    match = _HEADER.fullmatch(header)
    if match is None or not newline:
        raise VerificationError(
            "SealMalformed", f"The row holds no sealed {what}; let the operator write it again."
        )
    key = next((key for key in keys if key_id(key) == match[1]), None)
    if key is None:
        raise VerificationError(
            "SealKeyUnknown",
            f"The {what} is sealed with a key that is not trusted here; compare the seal keys of"
            " the operator and of the device server, and name the one before (--seal-key-before).",
        )
    try:
        # (1) A forged or altered row ends here, before anything in it is read.
        key.verify(bytes.fromhex(match[2]), purpose.prefix + payload.encode())
    except (InvalidSignature, UnicodeError) as error:
        raise VerificationError(
            "SealBroken",
            f"The {what} is not what the operator sealed: somebody else wrote to the store. Find"
            " out who, then let the operator write it again.",
        ) from error
    return payload


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


def key_id(key: Ed25519PublicKey) -> str:
    """Return the name by which signatures tell a seal key; it is a hint, and proves nothing."""
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:_KEY_ID_CHARS]
