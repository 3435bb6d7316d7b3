"""From what a person chose to the claim that they sign; what is left out is found or asked for."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from pydantic import ValidationError

from sluice.errors import Refused
from sluice.plan.speaking import Matter, Speaker, Spoken
from sluice.resources.faults import faults_of, summary
from sluice.resources.fields import seconds
from sluice.verify.claims import ApprovalClaim, CeilingClaim, ExceptionClaim, GlassClaim, WordClaim
from sluice.verify.reasons import unprintable
from sluice.verify.words import Word

__all__ = ["Choice", "Decision", "claim_of", "refuse_other_matter"]

Decision = Literal["approve", "reject", "withdraw"]

LIFETIME: Final = timedelta(days=7)
"""How long a word holds when its signer does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a person chose to say; None and empty: left out."""

    decision: Decision = "approve"
    requirement: str | None = None
    """Makes it an exception."""
    incident: str | None = None
    """Makes it a break-glass."""
    policy: str | None = None
    role: str | None = None
    reason: str = ""
    comment: str = ""
    ceiling: str | None = None
    ceiling_until: datetime | None = None
    expires_at: datetime | None = None
    sequence: int | None = None
    """None: one more than the highest that the same person has used."""

    @property
    def spoken(self) -> Spoken:
        """Which kind of word it is."""
        return "exception" if self.requirement else "glass" if self.incident else "word"


def claim_of(
    speaker: Speaker, choice: Choice, *, key: str | None, now: datetime, nonce: str
) -> WordClaim:
    """Return the claim to sign.

    Args:
        speaker: the matter, and what is known around it.
        choice: what the person chose.
        key: the SSH public key they sign with, if it is known.
        now: time of the signature, as the signer says.
        nonce: random text.

    Raises:
        Refused: something must be chosen, or can't be.
    """
    matter = speaker.matter
    person = speaker.person(key) if key else None
    policy = _policy(speaker, choice) if choice.spoken != "word" else None
    fields: dict[str, Any] = {
        "app": matter.app_id,
        "namespace": matter.namespace,
        "version": matter.release.version,
        "channel": matter.channel,
        "cluster": matter.cluster,
        "role": choice.role or _role(speaker, choice, policy, person),
        "nonce": nonce,
        "issued_at": now,
        "expires_at": choice.expires_at or now + _lifetime(speaker, choice, policy),
    }
    if fields["expires_at"] <= now:
        raise Refused("ExpiresInPast", "It would have expired already: give a later --expires.")
    for what, text in (("--comment", choice.comment), ("--reason", choice.reason)):
        if unprintable(text):
            message = f"{what} holds invisible characters, or several lines: retype it in one."
            raise Refused("TextUnprintable", message)
    try:
        if choice.requirement:
            fields |= {"policy": policy, "requirement": choice.requirement}
            return ExceptionClaim(**fields, reason=choice.reason)
        if choice.incident:
            fields |= {"policy": policy, "incident": choice.incident}
            return GlassClaim(**fields, reason=choice.reason)
        return ApprovalClaim(
            **fields,
            decision=choice.decision,
            sequence=_sequence(speaker, choice, key, person),
            ceiling=_ceiling(choice),
            comment=choice.comment,
        )
    except ValidationError as error:
        raise Refused("ClaimInvalid", f"{summary(faults_of(error, ()))}.") from error


def _ceiling(choice: Choice) -> CeilingClaim | None:
    if choice.ceiling is None:
        if choice.ceiling_until is not None:
            message = "--until is the end of a ceiling: give --ceiling too, or --expires instead."
            raise Refused("CeilingMissing", message)
        return None
    if choice.decision != "approve":
        raise Refused("CeilingMisplaced", "Only an approval has a ceiling: leave --ceiling out.")
    claim = CeilingClaim(share=choice.ceiling, until=choice.ceiling_until)
    if not claim.share.strip("0.%"):
        raise Refused("CeilingEmpty", "A ceiling of 0% approves nothing: give more, or --reject.")
    return claim


def _policy(speaker: Speaker, choice: Choice) -> str:
    labels = speaker.labels(choice.spoken)
    if choice.policy is not None:
        return choice.policy
    if len(labels) == 1:
        return labels[0]
    known = f": one of {', '.join(labels)}" if labels else ", e.g. ReleasePolicy/production"
    raise Refused("PolicyUnknown", f"Name the policy with --policy{known}.")


def _role(speaker: Speaker, choice: Choice, policy: str | None, person: str | None) -> str:
    roles = speaker.roles(choice.spoken, policy, person)
    if len(roles) == 1:
        return roles[0]
    if roles:
        raise Refused("RoleUnknown", f"Say in which role, with --role: {', '.join(roles)}.")
    if person is not None:
        message = f"{person} is in no role that is asked for here: have somebody else sign."
    else:
        message = "No policy at hand says which roles are asked for: say in which with --role."
    raise Refused("RoleUnknown", message)


def _lifetime(speaker: Speaker, choice: Choice, policy: str | None) -> timedelta:
    """Return the usual lifetime, or the longest that the policy lets such a word have."""
    longest = LIFETIME
    for each in speaker.policies:
        need = {
            "exception": each.spec.exceptions,
            "glass": each.spec.break_glass,
            "word": None,
        }[choice.spoken]
        if each.label == policy and need is not None:
            longest = min(longest, timedelta(seconds=seconds(need.longest)))
    return longest


def _sequence(speaker: Speaker, choice: Choice, key: str | None, person: str | None) -> int:
    if choice.sequence is not None:
        return choice.sequence
    before = speaker.said_before(key or "", person)
    return max((word.sequence + 1 for _, word in before), default=0)


def refuse_other_matter(word: Word, matter: Matter) -> None:
    """Refuse a word that is not about the matter at hand.

    Raises:
        Refused: `ApprovalScope`.
    """
    for what, said, meant in (
        ("app", word.app_id, matter.app_id),
        ("namespace", word.namespace, matter.namespace),
        ("version", word.version, matter.release.version),
        ("channel", word.channel, matter.channel),
        ("cluster", word.cluster, matter.cluster),
    ):
        if said != meant:
            message = f"What was signed is for {what} {said!r}, and this is {meant!r}: sign anew."
            raise Refused("ApprovalScope", message)
