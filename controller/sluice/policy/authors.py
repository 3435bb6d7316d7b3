"""Who had a hand in the change, as people of a policy: none of them may approve it alone."""

from collections.abc import Iterable, Iterator

from sluice.errors import VerificationError
from sluice.policy.signers import person_behind
from sluice.policy.subject import PolicyInForce, Subject
from sluice.resources.people import Person
from sluice.verify.facts import Facts
from sluice.verify.provenance import PROVENANCE_TYPE, provenance_of

__all__ = ["authors_of", "people_named"]


def authors_of(policy: PolicyInForce, subject: Subject, facts: Facts) -> frozenset[str]:
    """Return the people of the policy who had a hand in the change.

    Authors are those that the release names, those that a signed provenance names as its actors,
    and whoever signed the bundle or its provenance: a bot that builds is nobody in the registry, a
    person who signs with their own key is the author. Naming more people only bars more, so what
    strangers attest is listened to as well.
    """
    source = subject.release.source
    people = set(people_named(policy, source.authors if source else ()))
    people |= people_named(policy, _actors(facts))
    people |= {who for each in facts.signatures if (who := person_behind(each, policy))}
    people |= {who for each in facts.statements if (who := person_behind(each, policy))}
    return frozenset(people)


def people_named(policy: PolicyInForce, names: Iterable[str]) -> frozenset[str]:
    """Return the people that go by these names; case makes no difference."""
    wanted = {each.casefold() for each in names}
    return frozenset(
        person.name for person in policy.spec.people if not wanted.isdisjoint(_names(person))
    )


def _names(person: Person) -> set[str]:
    subjects = (each.subject for each in person.identities)
    return {each.casefold() for each in (person.name, *subjects, *person.aliases)}


def _actors(facts: Facts) -> Iterator[str]:
    for each in facts.statements:
        if each.predicate_type == PROVENANCE_TYPE:
            try:
                yield from provenance_of(each).actors
            except VerificationError:  # judged, and told, where provenance is required
                continue
