"""What every signed word must pass before it is read: is it about this, by somebody, in time?

An approval, an exception and a break-glass count when (1) they are about this very release, on
this channel, app and cluster, (2) a person of the policy signed them, (3) that person is in the
role they name, (4) they were not signed in the future, and have not expired. The last is not asked
of a no: time never takes it away.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sluice.policy.question import Question, span
from sluice.policy.reasons import Reason
from sluice.policy.signers import described, person_behind, proves_mfa
from sluice.policy.subject import PolicyInForce, Subject
from sluice.verify.facts import SignedWord

__all__ = [
    "SKEW",
    "Fault",
    "expired",
    "lifetime_fault",
    "mfa_fault",
    "premature",
    "role_fault",
    "whose",
]

SKEW: Final = timedelta(seconds=60)
"""How far clocks may differ: a signature from further ahead does not count yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a word does not count."""

    reason: Reason
    message: str


def whose(question: Question, word: SignedWord) -> tuple[str, Fault | None]:
    """Return who said a word (empty: nobody of the policy), and why it does not count.

    Its times are left aside: see `premature` and `expired`.
    """
    policy = question.policy
    person = person_behind(word, policy)
    for what, said, meant in _scope(question.subject, word):
        if said != meant:
            message = (
                f"{word.source} is about {what} {said!r}, but this is {meant!r}:"
                " sign for this release itself"
            )
            return person or "", Fault(reason="ApprovalScope", message=message)
    if person is None:
        message = (
            f"{word.source} is signed by {described(word.signer)}, who is nobody in"
            f" {policy.label}: add the identity or key under people, or have somebody there sign"
        )
        return "", Fault(reason="ApproverUnknown", message=message)
    if person not in policy.registry.roles.get(word.role, ()):
        message = f"{word.source}: {person} is not in the role {word.role!r} of {policy.label}"
        return person, Fault(reason="ApproverNotInRole", message=message)
    return person, None


def premature(word: SignedWord, now: datetime) -> Fault | None:
    """Return the fault of a word that says it was signed in the future."""
    if word.signed_at <= now + SKEW:
        return None
    message = (
        f"{word.source} says it was signed at {word.signed_at.isoformat()}, which is yet to"
        " come: set the signer's clock right and sign again"
    )
    return Fault(reason="SignedInFuture", message=message)


def expired(word: SignedWord, now: datetime) -> Fault | None:
    """Return the fault of a word whose time is over."""
    if word.expires_at > now:
        return None
    message = f"{word.source} expired at {word.expires_at.isoformat()}: sign again"
    return Fault(reason="ApprovalExpired", message=message)


def role_fault(word: SignedWord, role: str) -> Fault | None:
    """Return the fault of a word that is said in another role than it must be."""
    if word.role == role:
        return None
    message = f"{word.source} is signed as {word.role}, but must be as {role}: sign again"
    return Fault(reason="ApproverNotInRole", message=message)


def mfa_fault(policy: PolicyInForce, word: SignedWord) -> Fault | None:
    """Return the fault of a word that shows no second factor."""
    if proves_mfa(word, policy):
        return None
    message = (
        f"{word.source} shows no second factor: sign with a security key that checks its user"
        " (ssh-keygen -t ed25519-sk -O verify-required), or sign in where the policy states mfa"
    )
    return Fault(reason="MfaNotShown", message=message)


def lifetime_fault(word: SignedWord, longest: str) -> Fault | None:
    """Return the fault of a word that claims to hold for longer than `longest`, e.g. `7d`."""
    if word.expires_at - word.signed_at <= span(longest):
        return None
    message = f"{word.source} holds for longer than {longest}: sign one that ends sooner"
    return Fault(reason="LifetimeTooLong", message=message)


def _scope(subject: Subject, word: SignedWord) -> tuple[tuple[str, str, str], ...]:
    """Return (what, as signed, as it is): each pair must be equal (rows 1 and 2)."""
    return (
        ("the release digest", word.release_digest, subject.release_digest),
        ("the app", word.app_id, subject.app_id),
        ("the version", word.version, subject.release.version),
        ("the channel", word.channel, subject.channel),
        ("the namespace", word.namespace, subject.namespace),
        ("the cluster", word.cluster, subject.cluster),
    )
