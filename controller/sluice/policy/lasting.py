"""Which words on a release outlive their file: those whose deletion would widen what is allowed.

A yes that is deleted counts no more, and nothing is lost by that. But a no takes something away,
and so does the withdrawal of a yes, or a yes that takes back how far an earlier one went; and
broken glass leaves a debt. Whoever can write to git must not undo any of them by deleting a file
(row 13 of the attacks, and its reverse).
"""

from datetime import datetime

from sluice.policy.ballots import Ballot, count_ballots
from sluice.policy.evaluate import binds
from sluice.policy.question import Question
from sluice.policy.subject import PolicyInForce, Subject, UnreadablePolicy
from sluice.policy.words import whose
from sluice.verify.facts import Facts

__all__ = ["lasting_words"]


def lasting_words(
    policies: tuple[PolicyInForce | UnreadablePolicy, ...],
    subject: Subject,
    facts: Facts,
    now: datetime,
) -> frozenset[str]:
    """Return the digests of the evidence of words that must not be forgotten.

    A person's last word in a role is, when it counts under a policy that binds the channel, and is
    no yes, or a yes in place of another one: the earlier may have gone further. Whatever a person
    of such a policy signed to break the glass is, too, whether or not that was enough: the debt is
    reckoned from all of them.

    Args:
        policies: every policy of the subject's namespace and of the cluster.
        subject: the release and the channel.
        facts: everything proven about the release.
        now: the time, in UTC.
    """
    found: set[str] = set()
    for policy in policies:
        if isinstance(policy, UnreadablePolicy) or not binds(policy, subject):
            continue
        # Whether somebody is an author makes no difference here.
        nobody: frozenset[str] = frozenset()
        question = Question(
            policy=policy,
            subject=subject,
            facts=facts,
            now=now,
            author_names=nobody,
            authors=nobody,
        )
        found |= _last_words(count_ballots(question))
        found |= {
            word.evidence_sha256
            for word in facts.glass_broken
            if word.policy == policy.label and whose(question, word)[1] is None
        }
    return frozenset(found)


def _last_words(ballots: tuple[Ballot, ...]) -> set[str]:
    replaced = {
        (each.person, each.approval.role)
        for each in ballots
        if _fault_of(each) == "WordReplaced" and each.approval.decision == "approve"
    }
    # A yes that has expired still stands before those it replaced.
    return {
        each.approval.evidence_sha256
        for each in ballots
        if _fault_of(each) in ("", "ApprovalExpired")
        and (each.approval.decision != "approve" or (each.person, each.approval.role) in replaced)
    }


def _fault_of(ballot: Ballot) -> str:
    return ballot.fault.reason if ballot.fault else ""
