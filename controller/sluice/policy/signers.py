"""Whose signature it is: a signer against the authorities and people of a policy."""

import base64
import binascii
import re
from functools import lru_cache
from typing import Final

from sluice.policy.patterns import identity_matches
from sluice.policy.subject import PolicyInForce
from sluice.resources.canonical import sha256_hex
from sluice.resources.people import Authority
from sluice.verify.facts import BlobSignature, Signed, Signer, Statement

__all__ = [
    "Fact",
    "asked_of",
    "described",
    "is_by",
    "key_fingerprint",
    "person_behind",
    "proves_mfa",
]

Fact = Signed | BlobSignature | Statement

TEXTS_KEPT: Final = 128
"""Trust roots and keys whose digest is remembered; a policy has 8 at most."""

SUBJECTS_SHOWN_MAX: Final = 4
SUBJECT_CHARS_SHOWN_MAX: Final = 200
"""Longest subject in a message; a certificate's may have 1,024 characters."""

_PEM: Final = re.compile(
    r"-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+?)\s+-----END PUBLIC KEY-----\s*"
)


def is_by(fact: Fact, authority: Authority) -> bool:
    """Return whether a fact was signed by an authority.

    (1) It was proven under the authority's own trust root, not under another one's (row 20 of the
    attacks: a swapped root). (2) The issuer is the authority's, exactly; an empty one never is.
    (3) The subject fits one of the authority's patterns, from end to end (row 22); or, for a
    managed key, the key is that very one.
    """
    signer = fact.signer
    if fact.root_sha256 != _digest(authority.trusted_root):
        return False
    match signer.kind:
        case "sigstore":
            return (
                bool(authority.issuer)
                and signer.issuer == authority.issuer
                and any(identity_matches(each, signer.subject) for each in authority.subjects or ())
            )
        case "key":
            return authority.public_key is not None and signer.subject == key_fingerprint(
                authority.public_key
            )
        case "ssh":
            return False


@lru_cache(maxsize=TEXTS_KEPT)
def _digest(trusted_root: str) -> str:
    return sha256_hex(trusted_root.encode())


@lru_cache(maxsize=TEXTS_KEPT)
def key_fingerprint(pem: str) -> str:
    """Return `SHA256:` and the digest of a public key's DER form; empty for what is no PEM."""
    found = _PEM.fullmatch(pem.strip())
    try:
        der = base64.b64decode("".join(found[1].split()), validate=True) if found else b""
    except binascii.Error:
        der = b""
    return f"SHA256:{sha256_hex(der)}" if der else ""


def person_behind(fact: Fact, policy: PolicyInForce) -> str | None:
    """Return the person of the policy who signed, by name; an unknown identity is nobody."""
    signer = fact.signer
    if signer.kind == "ssh":
        owner = policy.registry.keys.get(signer.subject)
        return owner if owner and _origin_counts(fact, policy) else None
    claims = policy.registry.identities.get(signer.subject, ())
    return next((person for person, authority in claims if is_by(fact, authority)), None)


def _origin_counts(fact: Fact, policy: PolicyInForce) -> bool:
    """Return whether a browser signed on one of the policy's websites; ssh-keygen has none."""
    origin = "" if isinstance(fact, BlobSignature) else fact.origin
    return not origin or origin in policy.spec.origins


def proves_mfa(fact: Signed, policy: PolicyInForce) -> bool:
    """Return whether the signature shows a second factor.

    That is the user-verified flag of an authenticator (the key is a person's: the caller has
    looked), or an issuer of which the policy states that it lets nobody in without one.
    """
    if fact.signer.kind == "ssh":
        return fact.user_verified
    return any(each.mfa and is_by(fact, each) for each in policy.spec.authorities)


def described(signer: Signer) -> str:
    """Return a signer in words."""
    subject = signer.subject[:SUBJECT_CHARS_SHOWN_MAX]
    match signer.kind:
        case "sigstore":
            return f"{subject} (by {signer.issuer[:SUBJECT_CHARS_SHOWN_MAX]})"
        case "key":
            return f"the key {subject}"
        case "ssh":
            return f"the SSH key {subject}"


def asked_of(authority: Authority) -> str:
    """Return in words how an authority signs."""
    if authority.public_key is not None:
        return f"with the key {key_fingerprint(authority.public_key)}"
    subjects = authority.subjects or ()
    more = len(subjects) - SUBJECTS_SHOWN_MAX
    shown = " or ".join(subjects[:SUBJECTS_SHOWN_MAX]) + (f" or {more} more" if more > 0 else "")
    return f"as {shown} by {authority.issuer}"
