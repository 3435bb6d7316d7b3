"""ReleasePolicy and ClusterReleasePolicy: what must be shown before a release may reach phones.

A policy with owners is sealed: a revision of it is in force only when enough of the owners named
by the revision before have signed it. `seals` are those signatures; everything else is what they
sign (`sluice.resources.canonical.policy_digest`).
"""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from sluice.resources.fields import Duration, Model, Name, Origin, RoleName
from sluice.resources.people import Authority, Owners, Person, Role
from sluice.resources.requirements import Requirement
from sluice.resources.rules import Schema, rule, rules, unique_names
from sluice.resources.signed import Seal

__all__ = ["ORIGINS_MAX", "BreakGlass", "Exceptions", "PolicySpec", "Selector"]

AUTHORITIES_MAX = 8
PEOPLE_MAX = 96
ROLES_MAX = 32
REQUIREMENTS_MAX = 24
GLOBS_MAX = 64
SEALS_MAX = 8
ORIGINS_MAX = 8
REVISION_MAX = 1_000_000
"""Revisions are counted one by one, so this is not reached by honest means."""

Glob = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._*-]+$")]
Requirements = Annotated[tuple[Name, ...], Field(min_length=1, max_length=REQUIREMENTS_MAX)]


class Selector(Model):
    """Which channels the policy binds. A channel can't opt out."""

    apps: Annotated[tuple[Glob, ...], Field(min_length=1, max_length=GLOBS_MAX)] = ("*",)
    """Patterns of appIds; * stands for any characters."""

    channels: Annotated[tuple[Glob, ...], Field(min_length=1, max_length=GLOBS_MAX)] = ("*",)
    """Patterns of channel names; * stands for any characters."""

    default_channels: bool | None = None
    """Whether channels whose audience is the default of their app are bound whatever their name, so
    that no channel of testers becomes everybody's by another audience. Yes when left out."""


class Exceptions(Model):
    """Who may except one release from one requirement, signed and for a time."""

    requirements: Requirements
    """Names of the requirements that exceptions can be made from."""

    role: RoleName
    """Role whose members may sign an exception."""

    count: Annotated[int, Field(ge=1, le=16)]
    """Number of different people who must."""

    mfa: bool = False
    """Whether a signature counts only with proof of a second factor."""

    longest: Duration = "7d"
    """Longest time from its signature to its expiry; a longer one does not count."""


class BreakGlass(Model):
    """What a few may do in an emergency: pass by requirements now, and have it co-signed later."""

    requirements: Requirements
    """Names of the requirements that are passed by."""

    role: RoleName
    """Role whose members may break the glass."""

    count: Annotated[int, Field(ge=2, le=16)]
    """Number of different people who must, all naming the same incident."""

    mfa: bool = False
    """Whether a signature counts only with proof of a second factor."""

    longest: Duration = "4h"
    """Longest time from signature to expiry; a longer one does not count."""

    cosign_role: RoleName
    """Role of those who must approve it afterwards."""

    cosign_count: Annotated[int, Field(ge=1, le=16)]
    """Number of different people who must; nobody who broke the glass is one of them."""

    cosign_within: Duration = "1d"
    """Time from the first signature in which they must; else the release is withdrawn."""


def _known(field: str, names: str, known: str, message: str) -> Schema:
    """Return the rule that the list `known` has all `names` of each item of `field`."""
    there = f"(has(self.{known}) ? self.{known}.map(one, one.name) : [])"
    return rule(
        f"!has(self.{field}) || self.{field}.all(each, sets.contains({there}, {names}))",
        message,
        field=f".{field}",
    )


NAMES_FIT = rules(
    unique_names("authorities", "two authorities have the same name"),
    unique_names("people", "two people have the same name"),
    unique_names("roles", "two roles have the same name"),
    unique_names("requirements", "two requirements have the same name"),
    _known("roles", "each.members", "people", "a member of a role is not in people"),
    _known(
        "people",
        "(has(each.identities) ? each.identities.map(one, one.authority) : [])",
        "authorities",
        "an identity names an authority that is not in authorities",
    ),
    *(
        _known(
            "requirements",
            f"(has(each.{kind}) ? [each.{kind}.authority] : [])",
            "authorities",
            f"{article} {kind} names an authority that is not in authorities",
        )
        for article, kind in (
            ("a", "signature"),
            ("a", "provenance"),
            ("a", "review"),
            ("an", "attestation"),
        )
    ),
    _known(
        "requirements",
        "(has(each.approvals) ? [each.approvals.role] : [])",
        "roles",
        "approvals name a role that is not in roles",
    ),
    rule(
        "has(self.owners) == has(self.revision)",
        "give owners and revision together: they make the policy a sealed one",
    ),
    rule(
        "!has(self.seals) || has(self.owners)",
        "seals are the signatures of owners: name them",
    ),
)


class PolicySpec(Model):
    """What must be shown before a release may reach the phones of the selected channels."""

    model_config = ConfigDict(json_schema_extra=NAMES_FIT)

    selector: Selector = Selector()
    """Which channels the policy binds; all when left out."""

    authorities: Annotated[tuple[Authority, ...], Field(max_length=AUTHORITIES_MAX)] = ()
    """Whose signatures mean something."""

    people: Annotated[tuple[Person, ...], Field(max_length=PEOPLE_MAX)] = ()
    """People who may approve."""

    roles: Annotated[tuple[Role, ...], Field(max_length=ROLES_MAX)] = ()
    """Capacities in which they do."""

    origins: Annotated[tuple[Origin, ...], Field(max_length=ORIGINS_MAX)] = ()
    """Websites whose signatures with a security key count (webauthn), e.g.
    https://approve.example.com. ssh-keygen needs none."""

    requirements: Annotated[
        tuple[Requirement, ...], Field(min_length=1, max_length=REQUIREMENTS_MAX)
    ]
    """All of them must be met."""

    exceptions: Exceptions | None = None
    """Who may make exceptions; nobody when left out."""

    break_glass: BreakGlass | None = None
    """What may be done in an emergency; nothing when left out."""

    owners: Owners | None = None
    """Who must sign the next revision. With owners, the policy is sealed: what stands here is in
    force only once it is signed; until then the revision before is."""

    revision: Annotated[int, Field(ge=1, le=REVISION_MAX)] | None = None
    """Number of this revision: 1, and each time one more."""

    retired: bool = False
    """Ends the policy: from this revision on it binds nothing. Removing a sealed policy from git
    does not: it stays in force."""

    seals: Annotated[tuple[Seal, ...], Field(max_length=SEALS_MAX)] = ()
    """Signatures of owners over all the rest."""

    @model_validator(mode="after")
    def _sealed_or_not(self) -> Self:
        if (self.owners is None) != (self.revision is None):
            msg = "give owners and revision together: they make the policy a sealed one"
            raise ValueError(msg)
        if self.owners is None and (self.seals or self.retired):
            msg = "seals and retired are of a sealed policy: name its owners"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        _unique("authorities", [each.name for each in self.authorities])
        _unique("people", [each.name for each in self.people])
        _unique("roles", [each.name for each in self.roles])
        _unique("requirements", [each.name for each in self.requirements])
        _unique(
            "identities of people",
            [f"{who.authority} {who.subject}" for each in self.people for who in each.identities],
        )
        _unique("keys of people", [key for each in self.people for key in each.keys])
        return self

    @model_validator(mode="after")
    def _names_known(self) -> Self:
        vouchers = {who.authority for each in self.people for who in each.identities}
        vouchers |= {each.authority for each in self.requirements if each.authority}
        _all_known("authority", vouchers, {each.name for each in self.authorities})
        managed = {each.name for each in self.authorities if each.public_key is not None}
        if shared := sorted(managed & {who.authority for p in self.people for who in p.identities}):
            msg = f"authority {shared[0]} is a key and vouches for nobody: give people keys"
            raise ValueError(msg)
        people = {who for each in self.roles for who in each.members}
        people |= set(self.owners.people if self.owners else ())
        _all_known("person", people, {each.name for each in self.people})
        roles = {each.approvals.role for each in self.requirements if each.approvals}
        needs: set[str] = set()
        if self.exceptions:
            roles.add(self.exceptions.role)
            needs |= set(self.exceptions.requirements)
        if self.break_glass:
            roles |= {self.break_glass.role, self.break_glass.cosign_role}
            needs |= set(self.break_glass.requirements)
        _all_known("role", roles, {each.name for each in self.roles})
        _all_known("requirement", needs, {each.name for each in self.requirements})
        return self


def _unique(what: str, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        msg = f"{what} must differ: {', '.join(twice)} stands twice"
        raise ValueError(msg)


def _all_known(what: str, used: set[str], known: set[str]) -> None:
    unknown = sorted(used - known)
    if unknown:
        msg = f"no such {what}: {', '.join(unknown)}"
        raise ValueError(msg)
