"""Whether enough people have approved: seats, the authors, and who could still sit down.

All seats of one policy are filled together: one person fills one of them, however many keys, roles
or approvals they have.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sluice.policy.ballots import Ballot, count_ballots
from sluice.policy.seats import fill_seats
from sluice.policy.signers import person_behind
from sluice.policy.subject import PolicyInForce, Subject
from sluice.policy.verdict import Finding
from sluice.resources.fields import seconds
from sluice.resources.policy import Approvals, Requirement
from sluice.verify.facts import Facts

__all__ = ["judge_approvals"]

NAMES_SHOWN_MAX = 8
"""People and ballots named in one message; the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a policy's approvals."""

    findings: tuple[Finding, ...]
    recheck_at: datetime | None
    """When the first approval that counts will no longer do so."""


def judge_approvals(
    policy: PolicyInForce, subject: Subject, facts: Facts, now: datetime
) -> Outcome:
    """Return a finding for each approvals requirement of the policy, and for a rejection."""
    ballots = count_ballots(policy, subject, facts.approvals, now)
    needs = [(each, each.approvals) for each in policy.spec.requirements if each.approvals]
    # A seat once filled stays filled, so a seat that only warns must not be offered first.
    needs.sort(key=lambda need: need[0].enforcement != "Enforce")
    authors = _authors(policy, subject, facts)
    able = [_able(need, ballots, authors, now) for _, need in needs]
    seats = [who for (_, need), who in zip(needs, able, strict=True) for _ in range(need.count)]
    taken = fill_seats(seats)
    findings = list(_rejections(policy, ballots))
    first = 0
    for requirement, need in needs:
        seated = tuple(sorted(taken[i] for i in range(first, first + need.count) if i in taken))
        findings.append(_finding(policy, requirement, subject, ballots, authors, seated))
        first += need.count
    return Outcome(findings=tuple(findings), recheck_at=_first_expiry(ballots, needs, now))


def _able(
    need: Approvals, ballots: tuple[Ballot, ...], authors: frozenset[str], now: datetime
) -> frozenset[str]:
    """Return the people whose approval counts for a seat of this requirement."""
    return frozenset(
        each.person
        for each in ballots
        if not each.reason
        and each.approval.decision == "approve"
        and each.approval.role == need.role
        and not (need.not_author and each.person in authors)
        and not _too_old(need, each, now)
    )


def _too_old(need: Approvals, ballot: Ballot, now: datetime) -> bool:
    if need.max_age is None:
        return False
    return ballot.approval.signed_at + timedelta(seconds=seconds(need.max_age)) <= now


def _authors(policy: PolicyInForce, subject: Subject, facts: Facts) -> frozenset[str]:
    """Return the people of the policy who had a hand in the change.

    Authors are those that the release names and whoever signed its bundle or provenance: a bot that
    builds is nobody in the registry, a person who signs with their own key is the author.
    """
    source = subject.release.source
    named = {each.casefold() for each in source.authors} if source else set()
    people = {
        person.name
        for person in policy.spec.people
        if person.name.casefold() in named
        or any(identity.subject.casefold() in named for identity in person.identities)
    }
    people |= {who for each in facts.signatures if (who := person_behind(each, policy))}
    people |= {who for each in facts.statements if (who := person_behind(each, policy))}
    return frozenset(people)


def _rejections(policy: PolicyInForce, ballots: tuple[Ballot, ...]) -> list[Finding]:
    return [
        Finding(
            policy=policy.label,
            requirement="rejections",
            state="refused",
            enforced=True,
            reason="Rejected",
            message=f"{each.person} rejected this release as {each.approval.role}"
            f" ({each.approval.source}): make a new release",
            by=(each.person,),
        )
        for each in ballots
        if not each.reason and each.approval.decision == "reject"
    ]


def _finding(
    policy: PolicyInForce,
    requirement: Requirement,
    subject: Subject,
    ballots: tuple[Ballot, ...],
    authors: frozenset[str],
    seated: tuple[str, ...],
) -> Finding:
    need = requirement.approvals
    assert need is not None  # noqa: S101 - the caller picked requirements that have it
    source = subject.release.source
    unknown_author = need.not_author and not (source and source.authors)
    filled = len(seated) >= need.count and not unknown_author
    message = f"{len(seated)} of {need.count} approvals by {need.role}"
    message += f": {', '.join(seated)}." if seated else "."
    if unknown_author:
        message += " Name who wrote the change in spec.source.authors: an author may not approve."
    if len(seated) < need.count:
        message += _still_needed(policy, need, authors, seated)
        message += _not_counted(need, ballots, authors)
    return Finding(
        policy=policy.label,
        requirement=requirement.name,
        state="satisfied" if filled else "missing",
        enforced=requirement.enforcement == "Enforce",
        reason="Approved" if filled else "AuthorUnknown" if unknown_author else "ApprovalsMissing",
        message=message,
        by=seated,
    )


def _still_needed(
    policy: PolicyInForce, need: Approvals, authors: frozenset[str], seated: tuple[str, ...]
) -> str:
    members = next(role.members for role in policy.spec.roles if role.name == need.role)
    barred = authors if need.not_author else frozenset()
    could = sorted(set(members) - set(seated) - barred)
    who = f"of {_listed(could)}" if could else "more people in the role (nobody is left)"
    return f" Still needed: {need.count - len(seated)} {who}."


def _not_counted(need: Approvals, ballots: tuple[Ballot, ...], authors: frozenset[str]) -> str:
    why = [each.message for each in ballots if each.reason]
    why += [
        f"{each.approval.source}: {each.person} is an author of the change"
        for each in ballots
        if not each.reason and need.not_author and each.person in authors
    ]
    return f" Not counted: {_listed(why, '; ')}." if why else ""


def _listed(names: list[str], joint: str = ", ") -> str:
    more = len(names) - NAMES_SHOWN_MAX
    return joint.join(names[:NAMES_SHOWN_MAX]) + (f"{joint}{more} more" if more > 0 else "")


def _first_expiry(
    ballots: tuple[Ballot, ...], needs: list[tuple[Requirement, Approvals]], now: datetime
) -> datetime | None:
    moments = [each.approval.expires_at for each in ballots if not each.reason]
    moments += [
        each.approval.signed_at + timedelta(seconds=seconds(need.max_age))
        for _, need in needs
        for each in ballots
        if need.max_age and not each.reason
    ]
    return min((each for each in moments if each > now), default=None)
