"""What a policy can ask for: ten kinds of requirement, each enforced or only warned of."""

from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from sluice.resources.fields import (
    Clock,
    Duration,
    Model,
    Name,
    ObjectName,
    RoleName,
    SemVer,
    Timestamp,
)
from sluice.resources.rules import rule, rules

__all__ = [
    "REQUIREMENT_KINDS",
    "Approvals",
    "AttestationNeed",
    "BundleNeed",
    "CelNeed",
    "Enforcement",
    "Freeze",
    "Hours",
    "Provenance",
    "Recurrence",
    "Requirement",
    "Review",
    "Signature",
    "Soak",
    "VersionNeed",
    "Window",
]

HOURS_MAX = 8
FREEZES_MAX = 16
RECURRENCES_MAX = 8
ORIGINS_MAX = 16
PLUGINS_MAX = 64
CEL_TEXT_MAX = 2048
BUNDLE_BYTES_MAX = 512 * 1024 * 1024

Enforcement = Literal["Enforce", "Warn"]
Expression = Annotated[str, Field(min_length=1, max_length=CEL_TEXT_MAX)]
Uri = Annotated[str, Field(min_length=1, max_length=512)]
Day = Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
Severity = Literal["low", "medium", "high", "critical"]


class Signature(Model):
    """The bundle's digest is signed."""

    authority: Name
    """Name of the authority that must have signed."""


class Provenance(Model):
    """A signed SLSA v1 provenance says how the bundle was built, and it agrees with spec.source."""

    authority: Name
    """Name of the authority that must have signed it."""

    builder_id: Uri | None = None
    """Builder (runDetails.builder.id), compared exactly; any when left out."""

    repository: Uri
    """Source repository that must have been built, compared exactly."""

    ref: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """Git reference that must have been built, e.g. refs/heads/main or refs/tags/v*; * stands for
    any characters but /. Any when left out."""

    workflow: Annotated[str, Field(min_length=1, max_length=512)] | None = None
    """Path of the build's definition, compared exactly, e.g. .github/workflows/release.yml; any
    when left out."""


class Approvals(Model):
    """Enough people have approved."""

    role: RoleName
    """Role whose members may fill the seats."""

    count: Annotated[int, Field(ge=1, le=16)]
    """Number of different people."""

    not_author: bool = True
    """Whether an author of the change may not fill a seat."""

    mfa: bool = False
    """Whether an approval counts only with proof of a second factor: the user-verified flag of a
    FIDO key that is among the person's keys, or an authority of which the policy states mfa."""

    max_age: Duration | None = None
    """Age beyond which an approval no longer counts for growth; none for no limit."""


class Review(Model):
    """The forge's reviews of the change, as the pipeline attests them.

    That is a signed statement of type https://sluice.dev/review/v1.
    """

    authority: Name
    """Name of the authority that must have signed it."""

    repository: Uri
    """Repository that was reviewed, compared exactly."""

    count: Annotated[int, Field(ge=1, le=16)] = 1
    """Number of different reviewers whose last word is an approval of the very revision that
    spec.source names. Authors do not count."""


class AttestationNeed(Model):
    """A signed statement of one type about the bundle: a scan, a test result, whatever there is."""

    authority: Name
    """Name of the authority that must have signed it."""

    predicate_type: Uri
    """Its predicate type, compared exactly, e.g. https://cosign.sigstore.dev/attestation/vuln/v1."""

    expression: Expression | None = None
    """CEL that must be true, over predicate, statement, findings (of SARIF, CycloneDX, OpenVEX,
    cosign vuln and test results, in one form), packages and release."""

    severity_below: Severity | None = None
    """Refuse open findings of this severity or worse, and those whose severity is unknown."""

    max_age: Duration | None = None
    """Age beyond which the statement no longer counts for growth; none for no limit."""


class BundleNeed(Model):
    """What may be inside of the bundle. All that is left out is not looked at."""

    secrets: Literal["Refuse"] | None = None
    """Refuse a bundle with keys, tokens or passwords in it."""

    source_maps: Literal["Refuse"] | None = None
    """Refuse source maps."""

    native_code: Literal["Refuse"] | None = None
    """Refuse native libraries and executables: stores forbid to update them over the air."""

    remote_code: Literal["Refuse"] | None = None
    """Refuse code that is loaded from elsewhere: scripts, frames and imports of other origins."""

    dynamic_code: Literal["Refuse"] | None = None
    """Refuse text that becomes code: eval, new Function. Some libraries need it."""

    content_security_policy: Literal["Require"] | None = None
    """Require that the first page has a Content-Security-Policy that stops both."""

    vulnerabilities_below: Severity | None = None
    """Refuse libraries with known vulnerabilities of this severity or worse."""

    origins: (
        Annotated[
            tuple[Annotated[str, Field(min_length=1, max_length=253)], ...],
            Field(max_length=ORIGINS_MAX),
        ]
        | None
    ) = None
    """Network origins that the bundle may name, e.g. https://api.example.com or
    https://*.example.com; all others are refused."""

    new_origins: Literal["Refuse"] | None = None
    """Refuse network origins that the release served now does not name."""

    new_plugins: Literal["Refuse"] | None = None
    """Refuse calls of native plugins that the release served now does not call."""

    plugins: (
        Annotated[
            tuple[Annotated[str, Field(min_length=1, max_length=64)], ...],
            Field(max_length=PLUGINS_MAX),
        ]
        | None
    ) = None
    """Native plugins that every app in the release's native range has; calls of others are
    refused."""

    max_bytes: Annotated[int, Field(ge=1, le=BUNDLE_BYTES_MAX)] | None = None
    """Largest bundle (zip) in bytes."""

    max_files: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Most files in it."""


class Soak(Model):
    """The very same bundle has been on another channel for a while, and did well there."""

    channel: ObjectName
    """Name of the other channel of the same app, e.g. beta."""

    duration: Duration
    """Least time since it was first offered there, without having been taken back."""

    devices: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Least number of phones there that started it twice without failure."""


class Hours(Model):
    """Hours of the week."""

    days: Annotated[tuple[Day, ...], Field(min_length=1, max_length=7)]
    """Days on which they begin."""

    start: Clock
    """Time of day at which they begin, e.g. 09:00."""

    end: Clock
    """Time of day at which they end, e.g. 16:30; one that is not after start is on the next day."""


class Freeze(Model):
    """A time in which nothing grows."""

    start: Timestamp
    """When it begins (UTC)."""

    end: Timestamp
    """When it ends (UTC)."""

    reason: Annotated[str, Field(min_length=1, max_length=128)]
    """Why, for people."""

    @model_validator(mode="after")
    def _grows(self) -> Self:
        if self.start >= self.end:
            msg = "a freeze must end after it starts"
            raise ValueError(msg)
        return self


class Recurrence(Model):
    """A time in which nothing grows, again and again."""

    rrule: Annotated[str, Field(min_length=6, max_length=256)]
    """RFC 5545 recurrence rule, daily at most, e.g. FREQ=MONTHLY;BYMONTHDAY=-1."""

    start: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d$", max_length=16)]
    """First beginning, in the window's time zone, e.g. 2026-01-31T18:00."""

    duration: Duration
    """How long it lasts each time."""

    reason: Annotated[str, Field(min_length=1, max_length=128)]
    """Why, for people."""


class Window(Model):
    """When a rollout may grow. What is offered stays, and the way back is open at all times."""

    time_zone: Annotated[
        str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$")
    ] = "UTC"
    """IANA name, e.g. Europe/Berlin."""

    hours: Annotated[tuple[Hours, ...], Field(max_length=HOURS_MAX)] = ()
    """Hours in which it may grow; always when left out."""

    freezes: Annotated[tuple[Freeze, ...], Field(max_length=FREEZES_MAX)] = ()
    """Times in which it may not."""

    recurring: Annotated[tuple[Recurrence, ...], Field(max_length=RECURRENCES_MAX)] = ()
    """Times in which it may not, again and again."""


class VersionNeed(Model):
    """Versions go up. Going back needs an exception from this requirement: signed and expiring."""

    minimum: SemVer | None = None
    """Lowest version that may be released at all, whatever is served now."""


class CelNeed(Model):
    """An expression over the release and the channel is true."""

    expression: Expression
    """CEL that must be true, over release, channel, live and bundle."""

    message: Annotated[str, Field(min_length=1, max_length=512)]
    """What to do when it is not: a sentence for people."""


REQUIREMENT_KINDS: Final = (
    "signature",
    "provenance",
    "approvals",
    "review",
    "attestation",
    "bundle",
    "soak",
    "window",
    "version",
    "cel",
)
ONE_KIND = f"set exactly one of {', '.join(REQUIREMENT_KINDS)}"


class Requirement(Model):
    """One thing that must be shown. Exactly one of its kinds is set."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                f"[{', '.join(f'has(self.{kind})' for kind in REQUIREMENT_KINDS)}]"
                ".filter(given, given).size() == 1",
                ONE_KIND,
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

    review: Review | None = None
    """The change was reviewed on the forge."""

    attestation: AttestationNeed | None = None
    """Something else is attested: scans, tests."""

    bundle: BundleNeed | None = None
    """What may be inside of the bundle."""

    soak: Soak | None = None
    """It did well on another channel first."""

    window: Window | None = None
    """When it may grow."""

    version: VersionNeed | None = None
    """Versions go up."""

    cel: CelNeed | None = None
    """An expression is true."""

    @property
    def authority(self) -> str | None:
        """Name of the authority that must have signed what is asked for, if it asks for that."""
        for need in (self.signature, self.provenance, self.review, self.attestation):
            if need is not None:
                return need.authority
        return None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if sum(getattr(self, kind) is not None for kind in REQUIREMENT_KINDS) != 1:
            raise ValueError(ONE_KIND)
        return self
