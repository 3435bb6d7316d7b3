"""Public keys: one key has one spelling, and weak or unknown ones are refused."""

import base64
import hashlib
import textwrap
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sluice.errors import VerificationError
from sluice.verify.public_key import PEM_CHARS_MAX, read_public_key

P256 = ec.generate_private_key(ec.SECP256R1()).public_key()


def der(key: Any) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def pem(data: bytes) -> str:
    lines = textwrap.fill(base64.b64encode(data).decode(), 64)
    return f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n"


def reason_of(text: str) -> str:
    with pytest.raises(VerificationError) as refused:
        read_public_key(text)
    return refused.value.reason


GOOD = {
    "P-256": P256,
    "P-384": ec.generate_private_key(ec.SECP384R1()).public_key(),
    "P-521": ec.generate_private_key(ec.SECP521R1()).public_key(),
    "Ed25519": ed25519.Ed25519PrivateKey.generate().public_key(),
    "RSA": rsa.generate_private_key(65537, 2048).public_key(),
}

SMALL_ORDER = ed25519.Ed25519PublicKey.from_public_bytes(b"\x01" + b"\0" * 31)

REFUSED = {
    "nothing": ("", "PublicKeyUnreadable"),
    "a key of another kind": (
        pem(der(P256)).replace("PUBLIC", "RSA PUBLIC"),
        "PublicKeyUnreadable",
    ),
    "no key at all": (pem(b"\x30\x00"), "PublicKeyUnreadable"),
    "two keys": (pem(der(P256)) * 2, "PublicKeyUnreadable"),
    "a key with a comment": ("comment\n" + pem(der(P256)), "PublicKeyUnreadable"),
    "a key with bytes after it": (pem(der(P256) + b"\0"), "PublicKeyUnreadable"),
    "base64 with something between": (
        pem(der(P256)).replace("A", "A!", 1),
        "PublicKeyUnreadable",
    ),
    "a text without end": (pem(der(P256)) + "\n" * PEM_CHARS_MAX, "PublicKeyUnreadable"),
    "a compressed point": (
        pem(
            bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")
            + P256.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        ),
        "PublicKeyUnreadable",
    ),
    "a short RSA key": (
        pem(der(rsa.generate_private_key(65537, 1024).public_key())),  # noqa: S505 -- weak on purpose
        "PublicKeyWeak",
    ),
    "an RSA key with a small exponent": (
        pem(der(rsa.generate_private_key(3, 2048).public_key())),
        "PublicKeyUnsupported",
    ),
    "an Ed25519 key for which all can sign": (pem(der(SMALL_ORDER)), "PublicKeyWeak"),
    "another curve": (
        pem(der(ec.generate_private_key(ec.SECP256K1()).public_key())),
        "PublicKeyUnsupported",
    ),
    "Ed448": (
        pem(der(ed448.Ed448PrivateKey.generate().public_key())),
        "PublicKeyUnsupported",
    ),
    "X25519": (
        pem(der(x25519.X25519PrivateKey.generate().public_key())),
        "PublicKeyUnsupported",
    ),
    "DSA": (
        pem(der(dsa.generate_private_key(2048).public_key())),
        "PublicKeyUnsupported",
    ),
}


@pytest.mark.parametrize("kind", GOOD)
def test_a_key_is_known_by_the_digest_of_its_encoding(kind: str) -> None:
    data = der(GOOD[kind])
    key = read_public_key(pem(data))

    assert key.spki == data
    assert key.fingerprint == "SHA256:" + hashlib.sha256(data).hexdigest()
    assert key.pem().decode() == pem(data)
    assert key == read_public_key("\n" + pem(data).replace("\n", "\r\n"))


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_good_key_is_refused_for_its_reason(case: str) -> None:
    text, reason = REFUSED[case]

    assert reason_of(text) == reason
