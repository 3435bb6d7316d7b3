"""Public keys that sign sigstore bundles without a certificate, and what they signed.

Only keys and algorithms of sigstore's registry that say what they are:
https://github.com/sigstore/architecture-docs/blob/main/algorithm-registry.md. ECDSA over P-384 and
P-521 is also taken with SHA-256, as clients before that registry signed.
"""

import binascii
import hashlib
import re
import struct
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from sluice.errors import VerificationError
from sluice.verify.reasons import refusal
from sluice.verify.ssh_keys import read_key

__all__ = [
    "PEM_CHARS_MAX",
    "RSA_BITS_MAX",
    "RSA_BITS_MIN",
    "Algorithm",
    "ManagedKey",
    "read_public_key",
    "signed_digest_by",
    "signed_message_by",
]

PEM_CHARS_MAX: Final = 4096
"""Longest text of a key; one of RSA with 8,192 bits takes 1,500 characters."""

RSA_BITS_MIN: Final = 2048
"""Shortest RSA key; shorter ones are not approved for signing (NIST SP 800-131A)."""

RSA_BITS_MAX: Final = 8192
"""Longest RSA key: longer ones cost more time than they add strength."""

KEYS_MAX: Final = 1024
"""Keys kept parsed: policies name a few each, and lists of persons some hundreds."""

_RSA_EXPONENT_MIN: Final = 65537
"""Smallest public exponent of FIPS 186-5; smaller ones have been forged under lax readers."""

_RSA_EXPONENT_MAX: Final = 2**32 - 1
"""Largest public exponent: a long one makes each verification slow; tools use 65537."""

_PEM: Final = re.compile(
    r"\s*-----BEGIN PUBLIC KEY-----\r?\n((?:[A-Za-z0-9+/=]+\r?\n)+)-----END PUBLIC KEY-----\s*"
)

PublicKey = ec.EllipticCurvePublicKey | Ed25519PublicKey | RSAPublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """One way for a key to sign."""

    name: str
    """Name in sigstore's registry, as in log entries, e.g. `PKIX_ECDSA_P256_SHA_256`."""

    hashing: hashes.HashAlgorithm | None
    """What hashes the message before it is signed; None where the message itself is signed."""

    hash_name: str
    """Name of `hashing` in log entries, e.g. `SHA2_256`, or empty."""


_SHA256: Final = hashes.SHA256()
_ED25519: Final = Algorithm(name="PKIX_ED25519", hashing=None, hash_name="")
_ECDSA: Final = {
    "secp256r1": (
        Algorithm(name="PKIX_ECDSA_P256_SHA_256", hashing=_SHA256, hash_name="SHA2_256"),
    ),
    "secp384r1": (
        Algorithm(name="PKIX_ECDSA_P384_SHA_384", hashing=hashes.SHA384(), hash_name="SHA2_384"),
        Algorithm(name="PKIX_ECDSA_P384_SHA_256", hashing=_SHA256, hash_name="SHA2_256"),
    ),
    "secp521r1": (
        Algorithm(name="PKIX_ECDSA_P521_SHA_512", hashing=hashes.SHA512(), hash_name="SHA2_512"),
        Algorithm(name="PKIX_ECDSA_P521_SHA_256", hashing=_SHA256, hash_name="SHA2_256"),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedKey:
    """A public key that may sign. Two are equal when their encodings are."""

    spki: bytes
    """The key's one encoding: DER of a SubjectPublicKeyInfo (RFC 5280)."""

    fingerprint: str
    """`SHA256:` and the SHA-256 digest of `spki` in lower-case hexadecimal."""

    public: PublicKey = field(compare=False, repr=False)

    def pem(self) -> bytes:
        """Return the key as PEM, in the form that logs record: lines of 64, a line feed each."""
        return self.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@lru_cache(maxsize=KEYS_MAX)
def read_public_key(pem: str) -> ManagedKey:
    """Return the public key that a PEM text holds: ECDSA, Ed25519 or RSA.

    Raises:
        VerificationError: PublicKeyUnreadable when it is not exactly one public key in PEM (`BEGIN
            PUBLIC KEY`), in its one encoding; PublicKeyUnsupported for another kind of key or
            curve; PublicKeyWeak for an RSA key that is too short.
    """
    text = _PEM.fullmatch(pem) if len(pem) <= PEM_CHARS_MAX else None
    if text is None:
        raise _unreadable()
    try:
        spki = binascii.a2b_base64("".join(text[1].split()), strict_mode=True)
        public = load_der_public_key(spki)
    except UnsupportedAlgorithm as error:
        raise _unsupported() from error
    except ValueError as error:
        raise _unreadable() from error
    if not isinstance(public, ec.EllipticCurvePublicKey | Ed25519PublicKey | RSAPublicKey):
        raise _unsupported()
    _refuse_weak(public)
    # A key in two encodings would be two authors, and a log has seen only one of them.
    if public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) != spki:
        raise _unreadable()
    fingerprint = f"SHA256:{hashlib.sha256(spki).hexdigest()}"
    return ManagedKey(spki=spki, fingerprint=fingerprint, public=public)


def signed_message_by(key: ManagedKey, signature: bytes, message: bytes) -> Algorithm | None:
    """Return the algorithm by which the key signed a message, or None if it did not."""
    for algorithm in _algorithms(key):
        if _holds(key.public, algorithm.hashing, signature, message):
            return algorithm
    return None


def signed_digest_by(key: ManagedKey, signature: bytes, sha256: bytes) -> Algorithm | None:
    """Return the algorithm by which the key signed a file with this SHA-256, or None.

    An Ed25519 key signs files and not their digests: it can't be asked here.
    """
    for algorithm in _algorithms(key):
        hashing = Prehashed(_SHA256) if algorithm.hashing is _SHA256 else None
        if hashing and _holds(key.public, hashing, signature, sha256):
            return algorithm
    return None


def _algorithms(key: ManagedKey) -> tuple[Algorithm, ...]:
    match key.public:
        case ec.EllipticCurvePublicKey() as public:
            return _ECDSA[public.curve.name]
        case Ed25519PublicKey():
            return (_ED25519,)
        case RSAPublicKey() as public:
            name = f"PKIX_RSA_PKCS1V15_{public.key_size}_SHA256"
            return (Algorithm(name=name, hashing=_SHA256, hash_name="SHA2_256"),)


def _holds(
    public: PublicKey,
    hashing: hashes.HashAlgorithm | Prehashed | None,
    signature: bytes,
    message: bytes,
) -> bool:
    try:
        if isinstance(public, Ed25519PublicKey):
            public.verify(signature, message)
        elif hashing is None:
            return False
        elif isinstance(public, RSAPublicKey):
            public.verify(signature, message, padding.PKCS1v15(), hashing)
        else:
            public.verify(signature, message, ec.ECDSA(hashing))
    except InvalidSignature:
        return False
    return True


def _refuse_weak(public: PublicKey) -> None:
    if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name not in _ECDSA:
        raise _unsupported()
    if isinstance(public, Ed25519PublicKey):
        _refuse_weak_point(public)
    if not isinstance(public, RSAPublicKey):
        return
    if public.key_size < RSA_BITS_MIN:
        raise refusal(
            "PublicKeyWeak",
            f"The RSA key has fewer than {RSA_BITS_MIN} bits; make a longer one, or an ECDSA key.",
        )
    exponent = public.public_numbers().e
    if public.key_size > RSA_BITS_MAX or not _RSA_EXPONENT_MIN <= exponent <= _RSA_EXPONENT_MAX:
        raise refusal(
            "PublicKeyUnsupported",
            f"The RSA key has more than {RSA_BITS_MAX} bits or an unusual exponent; make one with"
            " the exponent 65537.",
        )


def _refuse_weak_point(public: Ed25519PublicKey) -> None:
    # Which points are weak is said once, where SSH keys are read.
    parts = (b"ssh-ed25519", public.public_bytes_raw())
    try:
        read_key(b"".join(struct.pack(">I", len(part)) + part for part in parts))
    except VerificationError as error:
        raise refusal(
            "PublicKeyWeak", "Anybody can sign for this Ed25519 key; make a new one."
        ) from error


def _unreadable() -> VerificationError:
    return refusal(
        "PublicKeyUnreadable",
        "This is not one public key in PEM; give the whole file that begins with"
        " -----BEGIN PUBLIC KEY-----.",
    )


def _unsupported() -> VerificationError:
    return refusal(
        "PublicKeyUnsupported",
        "The public key is of a kind that is not supported; use ECDSA (P-256, P-384, P-521),"
        " Ed25519 or RSA.",
    )
