"""The root owners of a cluster: who must co-sign the first revision of each policy.

Later revisions are signed by the owners that the one before names. The first has none before it: so
either the operator is told whom to ask, by a file that stands outside of git, or it trusts the
first revision that it sees.
"""

from typing import Annotated, Final, Self

from pydantic import Field, ValidationError, model_validator

from sluice.errors import Refused
from sluice.resources.canonical import canonical_json
from sluice.resources.faults import faults_of, summary
from sluice.resources.fields import Model, Origin
from sluice.resources.manifest import read_manifests
from sluice.resources.people import Person
from sluice.resources.policy import ORIGINS_MAX

__all__ = ["Genesis", "read_genesis"]

ROOT_OWNERS_MAX: Final = 16
ROOT_THRESHOLD_MAX: Final = 4
"""Half of the seals that fit into a policy: the other half is for its own owners."""


class Genesis(Model):
    """Who must co-sign the first revision of each policy of this cluster."""

    owners: Annotated[tuple[Person, ...], Field(min_length=1, max_length=ROOT_OWNERS_MAX)]
    """The root owners. They sign with SSH keys alone, so that nothing else needs to be trusted."""

    threshold: Annotated[int, Field(ge=1, le=ROOT_THRESHOLD_MAX)]
    """Number of different root owners whose signatures a first revision needs."""

    mfa: bool = False
    """Whether a signature counts only with proof of a second factor."""

    origins: Annotated[tuple[Origin, ...], Field(max_length=ORIGINS_MAX)] = ()
    """Websites whose signatures with a security key count (webauthn)."""

    @model_validator(mode="after")
    def _people_with_keys(self) -> Self:
        if any(each.identities for each in self.owners):
            msg = "root owners sign with SSH keys: leave identities out"
            raise ValueError(msg)
        names = [each.name for each in self.owners]
        keys = [key for each in self.owners for key in each.keys]
        if len(set(names)) < len(names) or len(set(keys)) < len(keys):
            msg = "a root owner, or a key, is named twice"
            raise ValueError(msg)
        if self.threshold > len(self.owners):
            msg = "the threshold is more than there are owners"
            raise ValueError(msg)
        return self


def read_genesis(data: bytes) -> Genesis:
    """Return the root owners that a YAML file names.

    Raises:
        Refused: `GenesisInvalid`, or what `read_manifests` raises: the file says something else.
    """
    found = read_manifests(data)
    if len(found) != 1:
        raise Refused("GenesisInvalid", "The file of root owners holds one document, no more.")
    try:
        return Genesis.model_validate_json(canonical_json(found[0].value))
    except ValidationError as error:
        raise Refused(
            "GenesisInvalid", f"The file of root owners: {summary(faults_of(error, ()))}"
        ) from error
    except (TypeError, ValueError) as error:
        raise Refused("GenesisInvalid", f"The file of root owners holds {error}.") from error
