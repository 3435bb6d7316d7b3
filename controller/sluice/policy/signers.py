"""Whose signature it is: a certified identity against the authorities and people of a policy."""

from sluice.policy.patterns import identity_matches
from sluice.policy.subject import PolicyInForce
from sluice.resources.canonical import sha256_hex
from sluice.resources.policy import Authority
from sluice.verify.facts import Approval, BlobSignature, Signer, Statement

__all__ = ["Signed", "described", "is_by", "person_behind"]

Signed = Approval | BlobSignature | Statement


def is_by(signed: Signed, authority: Authority) -> bool:
    """Return whether a fact was signed by an authority.

    (1) It was proven under the authority's own trust root, not under another one's (row 20 of the
    attacks: a swapped root). (2) The issuer is the authority's, exactly; an empty one never is.
    (3) The subject fits one of the authority's patterns, from end to end (row 22).
    """
    return (
        signed.root_sha256 == sha256_hex(authority.trusted_root.encode())
        and authority.issuer != ""
        and signed.signer.issuer == authority.issuer
        and any(identity_matches(each, signed.signer.subject) for each in authority.subjects)
    )


def person_behind(signed: Signed, policy: PolicyInForce) -> str | None:
    """Return the person of the policy who signed, or None: an unknown identity is nobody."""
    for person in policy.spec.people:
        for identity in person.identities:
            if identity.subject == signed.signer.subject and is_by(
                signed, policy.authority(identity.authority)
            ):
                return person.name
    return None


def described(signer: Signer) -> str:
    """Return a signer in words."""
    return f"{signer.subject} (by {signer.issuer})"
