"""SSH signatures, as `ssh-keygen -Y sign` and browsers make them, verified with the key inside.

What this shows is that the holder of the key in the signature signed the message, for one purpose
(the namespace). Whose key that is, and whether it counts, is judged elsewhere.

FIDO keys sign flags with the message: whether somebody touched the authenticator, and whether it
checked who (PIN, fingerprint). `ssh-keygen -Y verify` shows no flags and accepts a signature
without touch, so they are read and kept here. They are what the authenticator says: one made of
software can say anything, and only attestation at enrolment shows which kind a key lives in.

Sources: OpenSSH's PROTOCOL.sshsig and PROTOCOL.u2f; RFC 8332 (rsa-sha2), RFC 5656 (ecdsa).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from sluice.verify.reasons import refusal
from sluice.verify.ssh_keys import SshKey, read_key
from sluice.verify.ssh_webauthn import check_client_data, check_extensions
from sluice.verify.ssh_wire import Reader, dearmor, string, unreadable

__all__ = ["APPROVAL_NAMESPACE", "SshSignature", "verify_ssh"]

APPROVAL_NAMESPACE: Final = "sluice-approval@v1"
"""The purpose that approvals are signed for; a signature of a git commit has another."""

_MAGIC: Final = b"SSHSIG"
_VERSION: Final = 1
_USER_PRESENT: Final = 0x01
_USER_VERIFIED: Final = 0x04
_ED25519_SIGNATURE_BYTES: Final = 64
_WEBAUTHN: Final = "webauthn-sk-ecdsa-sha2-nistp256@openssh.com"

_MESSAGE_HASHES: Final = frozenset({"sha256", "sha512"})

_ALGORITHMS: Final[Mapping[str, Mapping[str, hashes.HashAlgorithm]]] = {
    "ssh-ed25519": {"ssh-ed25519": hashes.SHA512()},
    "ssh-rsa": {"rsa-sha2-256": hashes.SHA256(), "rsa-sha2-512": hashes.SHA512()},
    "ecdsa-sha2-nistp256": {"ecdsa-sha2-nistp256": hashes.SHA256()},
    "ecdsa-sha2-nistp384": {"ecdsa-sha2-nistp384": hashes.SHA384()},
    "ecdsa-sha2-nistp521": {"ecdsa-sha2-nistp521": hashes.SHA512()},
    "sk-ssh-ed25519@openssh.com": {"sk-ssh-ed25519@openssh.com": hashes.SHA512()},
    "sk-ecdsa-sha2-nistp256@openssh.com": {
        "sk-ecdsa-sha2-nistp256@openssh.com": hashes.SHA256(),
        _WEBAUTHN: hashes.SHA256(),
    },
}
"""By type of key, the algorithms it may sign with and the digest they take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SshSignature:
    """A signature that holds: its key signed the message for the namespace. Not judged yet."""

    key_type: str
    """Type of the key, e.g. `ssh-ed25519`; `ssh-rsa` for RSA keys."""

    algorithm: str
    """What it signed with, e.g. `rsa-sha2-512`, or the `webauthn-` form of a browser."""

    key_fingerprint: str
    """`SHA256:...`, as `ssh-keygen -l` prints it."""

    public_key: str
    """Type and base64, as in a `.pub` file without comment; each key has one such text."""

    namespace: str

    user_present: bool
    """Whether a FIDO authenticator says that it was touched; False for other keys."""

    user_verified: bool
    """Whether a FIDO authenticator says that it checked who touched it; False for other keys."""

    counter: int | None
    """How often a FIDO authenticator has signed, as it says (many say 0); None for other keys."""

    application: str | None
    """What a FIDO key was made for, e.g. `ssh:` or a domain (rpId); None for other keys."""

    origin: str | None
    """The website on which a browser signed, e.g. `https://approve.example.com`; else None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Envelope:
    key: bytes
    namespace: bytes
    message_hash: str
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signature:
    algorithm: str
    value: bytes
    """Signature in the spelling of its algorithm."""

    signed: bytes
    """The bytes that it is over."""

    flags: int = 0
    counter: int | None = None
    origin: str | None = None


def verify_ssh(armored: bytes, message: bytes, *, namespace: str) -> SshSignature:
    """Return who signed a message, if the signature holds under the key inside it.

    Args:
        armored: the signature, as in the `.sig` file that `ssh-keygen -Y sign` writes.
        message: the bytes that were signed.
        namespace: the purpose that it must have been signed for; compared exactly, never empty.

    Raises:
        VerificationError: SshSignatureUnreadable, SshNamespaceOther, SshCertificateUnsupported,
            SshKeyUnsupported, SshKeyWeak, SshAlgorithmUnsupported, SshClientDataOther or
            SignatureInvalid; nothing else, whatever the bytes are.
    """
    envelope = _read(dearmor(armored))
    if not envelope.namespace or envelope.namespace != namespace.encode(errors="surrogatepass"):
        raise refusal(
            "SshNamespaceOther",
            "The signature was made for another purpose; sign with"
            f" ssh-keygen -Y sign -n {namespace!a}.",
        )
    if envelope.message_hash not in _MESSAGE_HASHES:
        raise refusal(
            "SshAlgorithmUnsupported",
            "The message was hashed with an unknown algorithm; sign with -O hashalg=sha512.",
        )
    key = read_key(envelope.key)
    signature = _signature(envelope.signature, key, _to_be_signed(envelope, message))
    _verify(key, signature)
    return SshSignature(
        key_type=key.key_type,
        algorithm=signature.algorithm,
        key_fingerprint=key.fingerprint(),
        public_key=key.text(),
        namespace=namespace,
        user_present=bool(signature.flags & _USER_PRESENT),
        user_verified=bool(signature.flags & _USER_VERIFIED),
        counter=signature.counter,
        application=key.application,
        origin=signature.origin,
    )


def _read(blob: bytes) -> _Envelope:
    reader = Reader(blob)
    if reader.take(len(_MAGIC)) != _MAGIC:
        raise unreadable("does not start with SSHSIG")
    if reader.uint32() != _VERSION:
        raise unreadable(f"is not of version {_VERSION}")
    key, namespace, reserved = reader.string(), reader.string(), reader.string()
    # It is outside of what is signed, so that anybody could write anything here.
    if reserved:
        raise unreadable("has text in its reserved field")
    message_hash, signature = reader.text(), reader.string()
    reader.end()
    return _Envelope(key=key, namespace=namespace, message_hash=message_hash, signature=signature)


def _to_be_signed(envelope: _Envelope, message: bytes) -> bytes:
    digest = hashlib.new(envelope.message_hash, message).digest()
    parts = (envelope.namespace, b"", envelope.message_hash.encode(), digest)
    return _MAGIC + b"".join(map(string, parts))


def _signature(blob: bytes, key: SshKey, to_be_signed: bytes) -> _Signature:
    reader = Reader(blob)
    algorithm = reader.text()
    if algorithm not in _ALGORITHMS[key.key_type]:
        raise refusal(
            "SshAlgorithmUnsupported",
            f"The signature algorithm is none that a key of type {key.key_type} may use (RSA signs"
            " with rsa-sha2-256 or rsa-sha2-512); sign again with a current ssh-keygen.",
        )
    value = reader.string()
    if key.application is None:
        reader.end()
        return _Signature(algorithm=algorithm, value=value, signed=to_be_signed)
    flags, counter = reader.byte(), reader.uint32()
    origin, client_data, extensions = None, to_be_signed, b""
    if algorithm == _WEBAUTHN:
        origin, client_data, extensions = reader.text(), reader.string(), reader.string()
        check_client_data(client_data, challenge=to_be_signed, origin=origin)
        check_extensions(flags, extensions)
    reader.end()
    signed = (
        hashlib.sha256(key.application.encode()).digest()
        + bytes([flags])
        + counter.to_bytes(4, "big")
        + extensions
        + hashlib.sha256(client_data).digest()
    )
    return _Signature(
        algorithm=algorithm,
        value=value,
        signed=signed,
        flags=flags,
        counter=counter,
        origin=origin,
    )


def _verify(key: SshKey, signature: _Signature) -> None:
    digest = _ALGORITHMS[key.key_type][signature.algorithm]
    try:
        match key.public:
            case Ed25519PublicKey() as public:
                if len(signature.value) != _ED25519_SIGNATURE_BYTES:
                    raise unreadable("holds an ed25519 signature that has not 64 bytes")
                public.verify(signature.value, signature.signed)
            case ec.EllipticCurvePublicKey() as public:
                public.verify(_der(signature.value), signature.signed, ec.ECDSA(digest))
            case RSAPublicKey() as public:
                # ssh-keygen fills up what is shorter: two spellings of one signature.
                if len(signature.value) * 8 != public.key_size + -public.key_size % 8:
                    raise unreadable("holds an rsa signature that is not as long as its key")
                public.verify(signature.value, signature.signed, PKCS1v15(), digest)
    except InvalidSignature as error:
        raise refusal(
            "SignatureInvalid",
            "The signature does not fit the message: either changed after it was made; sign anew.",
        ) from error


def _der(value: bytes) -> bytes:
    reader = Reader(value)
    r, s = reader.mpint(), reader.mpint()
    reader.end()
    return encode_dss_signature(r, s)
