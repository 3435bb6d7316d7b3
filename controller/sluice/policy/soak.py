"""Requirement `soak`: the very same bundle has been on another channel for a while, and did well.

In the order of the code: (1) a bundle that was ever taken back there is refused, and what came of
it later does not count; (2) it was first offered there long enough ago; (3) enough phones there
started it twice without failure.
"""

from sluice.policy.question import Answer, Question, span
from sluice.resources.requirements import Soak

__all__ = ["judge_soak"]


def judge_soak(question: Question, need: Soak) -> Answer:
    """Return whether the bundle did well on the other channel for long enough."""
    subject = question.subject
    if need.channel == subject.channel:
        message = (
            f"a release can't soak on {need.channel} to come there: name another channel, or leave"
            f" {need.channel} out of the policy's selector."
        )
        return Answer(state="refused", reason="SoakOnItself", message=message)
    there = [each for each in subject.circumstances.soaked if each.channel == need.channel]
    if not there:
        message = f"the bundle was never offered on {need.channel}: point that channel at it first."
        return Answer(state="missing", reason="SoakMissing", message=message)
    # There is one each; were there more, the least that any of them says would count.
    if any(each.taken_back for each in there):
        message = f"the bundle was taken back on {need.channel}: mend it and make a new release."
        return Answer(state="refused", reason="SoakTakenBack", message=message)
    ends_at = max(each.since for each in there) + span(need.duration)
    healthy = min(each.healthy_devices for each in there)
    if ends_at > question.now:
        message = (
            f"the bundle soaks on {need.channel} for {need.duration}, until {ends_at.isoformat()}."
        )
        return Answer(state="missing", reason="SoakTooShort", message=message, recheck_at=ends_at)
    if healthy < need.devices:
        message = (
            f"{healthy} of {need.devices} phones on {need.channel} have started the bundle twice"
            " without failure: let it grow there."
        )
        return Answer(state="missing", reason="SoakDevicesTooFew", message=message)
    message = (
        f"the bundle did well on {need.channel} for {need.duration}: {healthy} healthy phones."
    )
    return Answer(state="satisfied", reason="Soaked", message=message)
