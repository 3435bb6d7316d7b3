"""Who had a hand in the change: none of them may approve it alone.

Authors are those that the release names; those that a provenance names as its actors, or a review
as the author of the change; and whoever signed the bundle, or a statement about it: a bot that
builds is nobody in the registry, a person who signs with their own key is the author.

Naming more people only bars more, so what strangers attest is listened to as well.
"""

from collections.abc import Iterator

from sluice.errors import VerificationError
from sluice.policy.registry import folded
from sluice.policy.review_statement import REVIEW_TYPE, read_review
from sluice.policy.signers import person_behind
from sluice.policy.statements import read_provenance
from sluice.policy.subject import PolicyInForce, Subject
from sluice.verify.facts import Facts, Statement
from sluice.verify.provenance import PROVENANCE_TYPE

__all__ = ["author_names", "authors_of"]


def author_names(subject: Subject, facts: Facts) -> frozenset[str]:
    """Return every name of an author, folded; the same for all policies."""
    source = subject.release.source
    names = {folded(each) for each in (source.authors if source else ())}
    for statement in facts.statements:
        names |= {folded(each) for each in _named_by(statement)}
    return frozenset(names)


def authors_of(policy: PolicyInForce, names: frozenset[str], facts: Facts) -> frozenset[str]:
    """Return the people of a policy who go by one of these names, or signed for the build."""
    people = set(policy.registry.named(names))
    people |= {who for each in facts.signatures if (who := person_behind(each, policy))}
    people |= {who for each in facts.statements if (who := person_behind(each, policy))}
    return frozenset(people)


def _named_by(statement: Statement) -> Iterator[str]:
    # What can't be read is told where it is required; here it names nobody.
    try:
        if statement.predicate_type == PROVENANCE_TYPE:
            yield from read_provenance(statement).actors
        if statement.predicate_type == REVIEW_TYPE:
            yield read_review(statement).author
    except VerificationError:
        return
