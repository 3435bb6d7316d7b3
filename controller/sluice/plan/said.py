"""What a signed word says, in words: who, what, about which channel, how far and how long."""

from collections.abc import Iterable
from datetime import datetime

from sluice.policy.signers import described, person_behind
from sluice.policy.subject import PolicyInForce, UnreadablePolicy
from sluice.resources.fields import percent
from sluice.resources.text import plain
from sluice.verify.facts import Approval, ExceptionGrant, GlassBroken
from sluice.verify.words import Word

__all__ = ["is_known", "moment", "signer_name", "what_it_says"]

TEXT_CHARS_MAX = 512


def what_it_says(word: Word, policies: Iterable[PolicyInForce | UnreadablePolicy]) -> str:
    """Return a word as a clause without an end, printable and on one line."""
    who = signer_name(word, policies)
    where = f"for channel {word.channel} on cluster {word.cluster}"
    until = f"until {moment(word.expires_at)}"
    text = ""
    match word:
        case Approval(decision=decision, ceiling=ceiling, comment=comment):
            did = {"approve": "approves", "reject": "rejects", "withdraw": "withdraws a word on"}
            text = f"{who} {did[decision]} {word.version} as {word.role} {where}"
            if decision == "approve":
                if ceiling is not None:
                    text += f", up to {percent(ceiling.share_bp)} of the phones"
                    text += f" and not after {moment(ceiling.until)}" if ceiling.until else ""
                text += f", {until}"
            text += f" ({comment})" if comment else ""
        case ExceptionGrant(policy=policy, requirement=requirement, reason=reason):
            text = (
                f"{who} excepts {word.version} from {requirement} of {policy} as {word.role}"
                f" {where}, {until} ({reason})"
            )
        case GlassBroken(policy=policy, incident=incident, reason=reason):
            text = (
                f"{who} breaks the glass of {policy} for {incident} with {word.version} as"
                f" {word.role} {where}, {until} ({reason})"
            )
    return plain(text, TEXT_CHARS_MAX)


def is_known(word: Word, policies: Iterable[PolicyInForce | UnreadablePolicy]) -> bool:
    """Return whether any policy knows who signed."""
    return any(
        isinstance(each, PolicyInForce) and person_behind(word, each) is not None
        for each in policies
    )


def signer_name(word: Word, policies: Iterable[PolicyInForce | UnreadablePolicy]) -> str:
    """Return the name under which the first policy that knows the signer knows them."""
    for policy in policies:
        if isinstance(policy, PolicyInForce) and (person := person_behind(word, policy)):
            return person
    return described(word.signer)


def moment(at: datetime) -> str:
    """Return a time as people read it, e.g. `2026-11-24 14:00 UTC`."""
    return f"{at:%Y-%m-%d %H:%M} UTC"
