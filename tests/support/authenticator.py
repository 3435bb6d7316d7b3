"""A FIDO authenticator made of software: it signs with whatever flags and counter it is told.

It makes what `ssh-keygen -Y sign` makes with a key of type sk-ssh-ed25519 or sk-ecdsa, and what a
browser makes with the latter (webauthn). Real ssh-keygen accepts all of it.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from support.sshsig import SshSig, mpint, string, to_be_signed

__all__ = ["PRESENT", "VERIFIED", "Authenticator", "client_data", "said"]

PRESENT = 0x01
VERIFIED = 0x04

WEBAUTHN = b"webauthn-sk-ecdsa-sha2-nistp256@openssh.com"


def client_data(challenge: bytes, origin: str, **others: Any) -> bytes:
    """Return what a browser signs: the challenge and where it was asked for."""
    encoded = base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
    value = {"type": "webauthn.get", "challenge": encoded, "origin": origin, **others}
    return json.dumps(value, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Authenticator:
    """One key, for one application."""

    private: Ed25519PrivateKey | ec.EllipticCurvePrivateKey
    application: str = "ssh:"

    @classmethod
    def ed25519(cls, application: str = "ssh:") -> "Authenticator":
        return cls(Ed25519PrivateKey.generate(), application)

    @classmethod
    def ecdsa(cls, application: str = "ssh:") -> "Authenticator":
        return cls(ec.generate_private_key(ec.SECP256R1()), application)

    @property
    def key_type(self) -> bytes:
        if isinstance(self.private, Ed25519PrivateKey):
            return b"sk-ssh-ed25519@openssh.com"
        return b"sk-ecdsa-sha2-nistp256@openssh.com"

    @property
    def key(self) -> bytes:
        """The public key in SSH's encoding."""
        if isinstance(self.private, Ed25519PrivateKey):
            pieces = (self.key_type, self.private.public_key().public_bytes_raw())
        else:
            point = self.private.public_key().public_bytes(
                serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
            )
            pieces = (self.key_type, b"nistp256", point)
        return b"".join(map(string, (*pieces, self.application.encode())))

    @property
    def public_key(self) -> str:
        """The public key as in a `.pub` file."""
        return f"{self.key_type.decode()} {base64.b64encode(self.key).decode()}"

    def asked(self, message: bytes, namespace: str, hash_name: str = "sha512") -> bytes:
        """Return the bytes that it is asked to sign in place of a message."""
        digest = hashlib.new(hash_name, message).digest()
        return to_be_signed(namespace.encode(), hash_name.encode(), digest)

    def sign(
        self,
        message: bytes,
        namespace: str,
        *,
        flags: int = PRESENT,
        counter: int = 7,
        hash_name: str = "sha512",
    ) -> SshSig:
        """Sign as ssh-keygen does with a security key."""
        asked = self.asked(message, namespace, hash_name)
        data = self._authenticator_data(flags, counter) + hashlib.sha256(asked).digest()
        signature = string(self.key_type) + self._signed(data) + said(flags, counter)
        return self._sshsig(namespace, hash_name, signature)

    def sign_in_browser(
        self,
        message: bytes,
        namespace: str,
        *,
        origin: str = "https://approve.example.com",
        named_origin: str | None = None,
        data: bytes | None = None,
        others: dict[str, Any] | None = None,
        flags: int = PRESENT | VERIFIED,
        counter: int = 7,
        extensions: bytes = b"",
    ) -> SshSig:
        """Sign as a browser does; `data` is signed in place of honest client data."""
        if data is None:
            asked = self.asked(message, namespace)
            data = client_data(asked, origin, **({"crossOrigin": False} | (others or {})))
        signed = self._authenticator_data(flags, counter) + extensions
        signature = string(WEBAUTHN) + self._signed(signed + hashlib.sha256(data).digest())
        signature += said(flags, counter) + string(
            (origin if named_origin is None else named_origin).encode()
        )
        return self._sshsig(namespace, "sha512", signature + string(data) + string(extensions))

    def _authenticator_data(self, flags: int, counter: int) -> bytes:
        return hashlib.sha256(self.application.encode()).digest() + said(flags, counter)

    def _signed(self, data: bytes) -> bytes:
        if isinstance(self.private, Ed25519PrivateKey):
            return string(self.private.sign(data))
        r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
        return string(mpint(r) + mpint(s))

    def _sshsig(self, namespace: str, hash_name: str, signature: bytes) -> SshSig:
        return SshSig(
            key=self.key,
            namespace=namespace.encode(),
            hash_name=hash_name.encode(),
            signature=signature,
        )


def said(flags: int, counter: int) -> bytes:
    """Return how an authenticator spells its flags and counter."""
    return bytes([flags]) + counter.to_bytes(4, "big")
