"""The people and roles of one policy, by everything they can be found under.

Made once for each policy: a release may have hundreds of signatures to find the person of.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

from sluice.resources.people import Authority
from sluice.resources.policy import PolicySpec

__all__ = ["Registry", "folded"]


class Registry:
    """Who is who in one policy. Not changed once it is made."""

    __slots__ = ("identities", "keys", "names", "roles")

    def __init__(self, spec: PolicySpec) -> None:
        authorities = {each.name: each for each in spec.authorities}
        identities: dict[str, tuple[tuple[str, Authority], ...]] = {}
        keys: dict[str, str] = {}
        names: dict[str, frozenset[str]] = {}
        for person in spec.people:
            for identity in person.identities:
                claim = (person.name, authorities[identity.authority])
                identities[identity.subject] = (*identities.get(identity.subject, ()), claim)
            keys |= dict.fromkeys(person.keys, person.name)
            subjects = (each.subject for each in person.identities)
            for name in {folded(each) for each in (person.name, *subjects, *person.aliases)}:
                names[name] = names.get(name, frozenset()) | {person.name}
        self.identities: Final[Mapping[str, tuple[tuple[str, Authority], ...]]] = identities
        """Subject of a certificate -> each person of that subject, with the authority that vouches
        for it."""
        self.keys: Final[Mapping[str, str]] = keys
        """Text of an SSH key -> person."""
        self.names: Final[Mapping[str, frozenset[str]]] = names
        """Folded name, subject or alias -> everybody who goes by it."""
        self.roles: Final[Mapping[str, frozenset[str]]] = {
            each.name: frozenset(each.members) for each in spec.roles
        }
        """Role -> its members."""

    def named(self, names: Iterable[str]) -> frozenset[str]:
        """Return the people who go by any of these names."""
        found: set[str] = set()
        for name in names:
            found |= self.names.get(folded(name), frozenset())
        return frozenset(found)


def folded(name: str) -> str:
    """Return a name as it is compared with others: neither case, width nor outer space counts.

    Only for names that bar somebody (authors, reviewers): signers are compared exactly.
    """
    return unicodedata.normalize("NFKC", name).strip().casefold()
