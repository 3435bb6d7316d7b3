"""ReleasePolicy and ClusterReleasePolicy: what must be shown before a release may reach phones."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from sluice.resources.fields import Duration, Model, Name, PersonName, RoleName, Subject
from sluice.resources.rules import Schema, rule, rules, unique_names

__all__ = [
    "Approvals",
    "Authority",
    "Enforcement",
    "Person",
    "PolicySpec",
    "Provenance",
    "Requirement",
    "Role",
    "Selector",
    "Signature",
]

# All at their largest make an object of 1 MB, so that its status has room in etcd's 1.5 MiB.
AUTHORITIES_MAX = 16
SUBJECTS_MAX = 32
PEOPLE_MAX = 256
IDENTITIES_MAX = 4
ROLES_MAX = 32
MEMBERS_MAX = 64
REQUIREMENTS_MAX = 32
GLOBS_MAX = 64
ROOT_TEXT_MAX = 24 * 1024
"""Largest trusted root in characters; the public one has 7,000."""

Glob = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._*-]+$")]
Enforcement = Literal["Enforce", "Warn"]


class Selector(Model):
    """Which channels the policy binds. A channel can't opt out."""

    apps: Annotated[tuple[Glob, ...], Field(min_length=1, max_length=GLOBS_MAX)] = ("*",)
    """Patterns of appIds; * stands for any characters."""

    channels: Annotated[tuple[Glob, ...], Field(min_length=1, max_length=GLOBS_MAX)] = ("*",)
    """Patterns of channel names; * stands for any characters."""


class Authority(Model):
    """Somebody whose signatures mean something: an issuer and the identities it vouches for."""

    name: Name
    """Name that requirements and people refer to."""

    issuer: Annotated[str, Field(min_length=1, max_length=256)]
    """OIDC issuer in the signing certificate, compared exactly, e.g.
    https://token.actions.githubusercontent.com."""

    subjects: Annotated[tuple[Subject, ...], Field(min_length=1, max_length=SUBJECTS_MAX)]
    """Identities in the signing certificate (e-mail address or URI). * stands for any characters
    but / and @; everything else is compared exactly, from end to end."""

    trusted_root: Annotated[str, Field(min_length=2, max_length=ROOT_TEXT_MAX)]
    """The sigstore trusted root (JSON text of trusted_root.json): certificate authorities and
    transparency logs whose word counts for this authority."""


class Identity(Model):
    """One identity that a person signs with."""

    authority: Name
    """Name of the authority that vouches for it."""

    subject: Subject
    """Identity in the signing certificate, compared exactly, e.g. alice@example.com."""


class Person(Model):
    """One person, however many identities they sign with."""

    name: PersonName
    """Name to refer to."""

    identities: Annotated[tuple[Identity, ...], Field(min_length=1, max_length=IDENTITIES_MAX)]
    """Everything the person signs with; no two people share one."""


class Role(Model):
    """People who may approve in one capacity."""

    name: RoleName
    """Name that requirements and approvals refer to, e.g. release-manager."""

    members: Annotated[tuple[PersonName, ...], Field(min_length=1, max_length=MEMBERS_MAX)]
    """Names of people in this policy."""


class Signature(Model):
    """The bundle's digest is signed."""

    authority: Name
    """Name of the authority that must have signed."""


class Provenance(Model):
    """A signed SLSA v1 provenance says how the bundle was built, and it agrees with spec.source."""

    authority: Name
    """Name of the authority that must have signed it."""

    builder_id: Annotated[str, Field(min_length=1, max_length=512)] | None = None
    """Builder (runDetails.builder.id), compared exactly; any when left out."""

    repository: Annotated[str, Field(min_length=1, max_length=512)]
    """Source repository that must have been built, compared exactly."""


class Approvals(Model):
    """Enough people have approved."""

    role: RoleName
    """Role whose members may fill the seats."""

    count: Annotated[int, Field(ge=1, le=16)]
    """Number of different people."""

    not_author: bool = True
    """Whether an author of the change may not fill a seat."""

    max_age: Duration | None = None
    """Age beyond which an approval no longer counts for growth; none for no limit."""


class Requirement(Model):
    """One thing that must be shown. Exactly one of signature, provenance and approvals is set."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "[has(self.signature), has(self.provenance), has(self.approvals)]"
                ".filter(given, given).size() == 1",
                "set exactly one of signature, provenance, approvals",
            )
        )
    )

    name: Name
    """Name to tell it by in verdicts."""

    enforcement: Enforcement = "Enforce"
    """Enforce refuses; Warn only says."""

    signature: Signature | None = None
    """The bundle's digest is signed."""

    provenance: Provenance | None = None
    """The build is attested."""

    approvals: Approvals | None = None
    """People have approved."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if sum(kind is not None for kind in (self.signature, self.provenance, self.approvals)) != 1:
            msg = "set exactly one of signature, provenance, approvals"
            raise ValueError(msg)
        return self


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
        "each.identities.map(one, one.authority)",
        "authorities",
        "an identity names an authority that is not in authorities",
    ),
    _known(
        "requirements",
        "(has(each.signature) ? [each.signature.authority] : [])",
        "authorities",
        "a signature names an authority that is not in authorities",
    ),
    _known(
        "requirements",
        "(has(each.provenance) ? [each.provenance.authority] : [])",
        "authorities",
        "a provenance names an authority that is not in authorities",
    ),
    _known(
        "requirements",
        "(has(each.approvals) ? [each.approvals.role] : [])",
        "roles",
        "approvals name a role that is not in roles",
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

    requirements: Annotated[
        tuple[Requirement, ...], Field(min_length=1, max_length=REQUIREMENTS_MAX)
    ]
    """All of them must be met."""

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        authorities = _unique("authorities", [each.name for each in self.authorities])
        people = _unique("people", [each.name for each in self.people])
        roles = _unique("roles", [each.name for each in self.roles])
        _unique("requirements", [each.name for each in self.requirements])
        _unique(
            "identities of people",
            [f"{who.authority} {who.subject}" for each in self.people for who in each.identities],
        )
        vouchers = {who.authority for each in self.people for who in each.identities}
        for need in self.requirements:
            vouchers |= {part.authority for part in (need.signature, need.provenance) if part}
            if need.approvals and need.approvals.role not in roles:
                msg = f"requirement {need.name}: no such role: {need.approvals.role}"
                raise ValueError(msg)
        _all_known("authority", vouchers, authorities)
        _all_known("person", {who for each in self.roles for who in each.members}, people)
        return self


def _unique(what: str, names: list[str]) -> set[str]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        msg = f"{what} must differ: {', '.join(twice)} stands twice"
        raise ValueError(msg)
    return set(names)


def _all_known(what: str, used: set[str], known: set[str]) -> None:
    unknown = sorted(used - known)
    if unknown:
        msg = f"no such {what}: {', '.join(unknown)}"
        raise ValueError(msg)
