"""Public keys in SSH's encoding: the types that may sign, read from their one spelling.

Sources: RFC 4253 section 6.6 (rsa), RFC 5656 section 3.1 (ecdsa), RFC 8709 section 4 (ed25519),
OpenSSH's PROTOCOL.u2f (sk-).
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

from sluice.errors import VerificationError
from sluice.verify.reasons import clean_text, refusal
from sluice.verify.ssh_wire import Reader, unreadable

__all__ = ["APPLICATION_CHARS_MAX", "RSA_BITS_MAX", "RSA_BITS_MIN", "SshKey", "read_key"]

RSA_BITS_MIN: Final = 2048
"""Shortest RSA key; shorter ones are not approved for signing (NIST SP 800-131A)."""

RSA_BITS_MAX: Final = 8192
"""Longest RSA key: longer ones cost more time than they add strength."""

_RSA_EXPONENT_MAX: Final = 2**32 - 1
"""Largest public exponent: a long one makes each verification slow; ssh-keygen uses 65537."""

APPLICATION_CHARS_MAX: Final = 253
"""Longest application of a FIDO key; for browsers it is a domain name."""

_ED25519_BYTES: Final = 32
_ED25519: Final = frozenset({"ssh-ed25519", "sk-ssh-ed25519@openssh.com"})

_CURVES: Final[Mapping[str, tuple[str, ec.EllipticCurve]]] = {
    "ecdsa-sha2-nistp256": ("nistp256", ec.SECP256R1()),
    "ecdsa-sha2-nistp384": ("nistp384", ec.SECP384R1()),
    "ecdsa-sha2-nistp521": ("nistp521", ec.SECP521R1()),
    "sk-ecdsa-sha2-nistp256@openssh.com": ("nistp256", ec.SECP256R1()),
}

_P: Final = 2**255 - 19
_Y8: Final = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_SMALL_ORDER: Final = frozenset({0, 1, _P - 1, _Y8, _P - _Y8})
"""The y coordinates of the Ed25519 points of order 1, 2, 4 and 8."""

PublicKey = Ed25519PublicKey | ec.EllipticCurvePublicKey | RSAPublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class SshKey:
    """A public key that may sign."""

    key_type: str
    """Its name in SSH, e.g. `ssh-ed25519`; RSA keys are `ssh-rsa` whatever they sign with."""

    blob: bytes
    """Its encoding in SSH; each key has one."""

    public: PublicKey

    application: str | None
    """What a FIDO key was made for: `ssh:...`, or the domain (rpId) of a browser's key."""

    def text(self) -> str:
        """Return the key as in a `.pub` file, without comment."""
        return f"{self.key_type} {base64.b64encode(self.blob).decode()}"

    def fingerprint(self) -> str:
        """Return `SHA256:...`, as `ssh-keygen -l` prints it."""
        digest = base64.b64encode(hashlib.sha256(self.blob).digest()).decode()
        return f"SHA256:{digest.rstrip('=')}"


def read_key(blob: bytes) -> SshKey:
    """Return the public key that bytes encode.

    Raises:
        VerificationError: SshSignatureUnreadable; SshCertificateUnsupported; SshKeyUnsupported when
            its type is none of those that may sign; SshKeyWeak when anybody could sign with it, or
            it is too short or too long.
    """
    reader = Reader(blob)
    key_type = reader.text()
    public: PublicKey
    if key_type in _ED25519:
        public = _ed25519(reader)
    elif key_type in _CURVES:
        public = _ecdsa(reader, *_CURVES[key_type])
    elif key_type == "ssh-rsa":
        public = _rsa(reader)
    else:
        raise _unsupported(key_type)
    application = _application(reader) if key_type.startswith("sk-") else None
    reader.end()
    return SshKey(key_type=key_type, blob=blob, public=public, application=application)


def _unsupported(key_type: str) -> VerificationError:
    if "-cert-v" in key_type:
        return refusal(
            "SshCertificateUnsupported",
            "The signature was made with an SSH certificate; sign with the plain key that is"
            " enrolled (ssh-keygen -Y sign -f its .pub file).",
        )
    return refusal(
        "SshKeyUnsupported",
        "The key is of a type that may not sign; use ssh-keygen -t ed25519, ecdsa, rsa,"
        " ed25519-sk or ecdsa-sk.",
    )


def _ed25519(reader: Reader) -> Ed25519PublicKey:
    data = reader.string()
    if len(data) != _ED25519_BYTES:
        raise unreadable(f"holds an ed25519 key that has not {_ED25519_BYTES} bytes")
    # The top bit is the sign of x.
    y = int.from_bytes(data, "little") & (2**255 - 1)
    if y in _SMALL_ORDER or y >= _P:
        raise _weak("is a point of small order, under which anybody can sign, or none")
    return Ed25519PublicKey.from_public_bytes(data)


def _ecdsa(reader: Reader, name: str, curve: ec.EllipticCurve) -> ec.EllipticCurvePublicKey:
    if reader.text() != name:
        raise unreadable("holds a key whose curve is not that of its type")
    point = reader.string()
    # Compressed points would be a second spelling of the same key.
    if point[:1] != b"\x04":
        raise unreadable("holds an ecdsa key that is not an uncompressed point")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(curve, point)
    except ValueError as error:
        raise unreadable("holds an ecdsa key that is no point of its curve") from error


def _rsa(reader: Reader) -> RSAPublicKey:
    exponent, modulus = reader.mpint(), reader.mpint()
    bits = modulus.bit_length()
    if not RSA_BITS_MIN <= bits <= RSA_BITS_MAX:
        raise _weak(f"has {bits} bits, but {RSA_BITS_MIN} to {RSA_BITS_MAX} are accepted")
    if exponent > _RSA_EXPONENT_MAX or modulus % 2 == 0:
        raise _weak("has a modulus or exponent that no honest key has")
    try:
        return RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError as error:
        raise _weak("has a modulus or exponent that no honest key has") from error


def _application(reader: Reader) -> str:
    return clean_text(
        reader.text(),
        what="application of the FIDO key",
        chars_max=APPLICATION_CHARS_MAX,
        reason="SshKeyUnsupported",
    )


def _weak(why: str) -> VerificationError:
    return refusal(
        "SshKeyWeak", f"The key {why}; make a new one (ssh-keygen -t ed25519) and enrol it."
    )
