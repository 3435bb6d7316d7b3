"""Approvals against one policy: which of them count, for whom, in which role, and why not.

An approval counts when (1) it is about this very release, on this channel, app and cluster, (2) it
has not expired, (3) a person of the policy signed it, (4) that person is in the role it names. What
it says (approve or reject) is read only then: a stranger's rejection stops nothing either.
"""

from dataclasses import dataclass
from datetime import datetime

from sluice.policy.signers import described, person_behind
from sluice.policy.subject import PolicyInForce, Subject
from sluice.verify.facts import Approval

__all__ = ["Ballot", "count_ballots"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ballot:
    """One approval, read against one policy."""

    approval: Approval
    person: str
    """Who signed; empty when nobody of the policy did."""
    reason: str
    """CamelCase code of why it does not count; empty when it does."""
    message: str
    """The same as a sentence."""


def count_ballots(
    policy: PolicyInForce, subject: Subject, approvals: tuple[Approval, ...], now: datetime
) -> tuple[Ballot, ...]:
    """Return a ballot for each approval, in the order given.

    The same evidence may have been proven under several trust roots: the one that a person of the
    policy signed under is taken.
    """
    ballots: dict[str, Ballot] = {}
    for approval in approvals:
        ballot = _ballot(policy, subject, approval, now)
        known = ballots.get(approval.evidence_sha256)
        if known is None or (known.reason and not ballot.reason):
            ballots[approval.evidence_sha256] = ballot
    return tuple(ballots.values())


def _ballot(policy: PolicyInForce, subject: Subject, approval: Approval, now: datetime) -> Ballot:
    person = person_behind(approval, policy) or ""
    reason, message = _fault(policy, subject, approval, person, now)
    return Ballot(approval=approval, person=person, reason=reason, message=message)


def _fault(
    policy: PolicyInForce, subject: Subject, approval: Approval, person: str, now: datetime
) -> tuple[str, str]:
    for what, said, meant in _scope(subject, approval):
        if said != meant:
            return (
                "ApprovalScope",
                (
                    f"{approval.source} approves {what} {said!r}, but this is {meant!r}:"
                    " approve this release itself"
                ),
            )
    if approval.expires_at <= now:
        return (
            "ApprovalExpired",
            f"{approval.source} expired at {approval.expires_at.isoformat()}: approve again",
        )
    if not person:
        return (
            "ApproverUnknown",
            (
                f"{approval.source} is signed by {described(approval.signer)}, who is nobody in"
                f" {policy.label}: add the identity under people, or have somebody there approve"
            ),
        )
    if approval.role not in _roles_of(policy, person):
        return (
            "ApproverNotInRole",
            f"{approval.source}: {person} is not in the role {approval.role!r} of {policy.label}",
        )
    return "", ""


def _scope(subject: Subject, approval: Approval) -> tuple[tuple[str, str, str], ...]:
    """Return (what, as approved, as it is): each pair must be equal (rows 1 and 2)."""
    return (
        ("the release digest", approval.release_digest, subject.release_digest),
        ("the app", approval.app_id, subject.app_id),
        ("the version", approval.version, subject.release.version),
        ("the channel", approval.channel, subject.channel),
        ("the namespace", approval.namespace, subject.namespace),
        ("the cluster", approval.cluster, subject.cluster),
    )


def _roles_of(policy: PolicyInForce, person: str) -> frozenset[str]:
    return frozenset(role.name for role in policy.spec.roles if person in role.members)
