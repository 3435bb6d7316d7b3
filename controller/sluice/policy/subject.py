"""What is judged: one release on one channel, and the policies in force."""

from dataclasses import dataclass, field
from datetime import datetime

from sluice.policy.registry import Registry
from sluice.policy.verdict import PolicyRef
from sluice.resources.people import Authority
from sluice.resources.policy import PolicySpec
from sluice.resources.release import ReleaseSpec
from sluice.verify.bundle_report import BundleReport

__all__ = ["Circumstances", "Live", "PolicyInForce", "Soaked", "Subject", "UnreadablePolicy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What all phones of the channel get now."""

    version: str
    bundle_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Soaked:
    """How the subject's very bundle does on another channel of the same app."""

    channel: str

    since: datetime
    """When it was first offered there (UTC), in the rollout that is counted."""

    healthy_devices: int
    """Phones that started it twice without failure."""

    taken_back: bool
    """Whether a rollout of it there ended in a rollback or withdrawal, ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is known around a release, by whoever asks; what is not known is never in its favour."""

    live: Live | None = None
    """None: nothing is served, so that every version is a step up."""

    soaked: tuple[Soaked, ...] = ()
    """Other channels on which the bundle was offered, once each."""

    version_taken_by: str | None = None
    """Digest of the bundle that holds the release's version for ever, if that is another one."""

    bundle: BundleReport | None = None
    """What was seen inside of the release's bundle; None: nobody has looked yet."""

    live_bundle: BundleReport | None = None
    """What was seen inside of the bundle that is served now; None: nothing is served, or nobody has
    looked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One release on one channel of one cluster."""

    cluster: str
    """Name of this cluster in approvals, so that one given elsewhere does not count here."""
    namespace: str
    app_id: str
    channel: str
    release: ReleaseSpec
    release_digest: str
    default_channel: bool = False
    """Whether phones that name no channel of their own get this one."""
    circumstances: Circumstances = Circumstances()


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadablePolicy:
    """A policy whose spec can't be read: nobody knows what it asks for, so it allows nothing."""

    ref: PolicyRef
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyInForce:
    """One policy that may bind the subject."""

    ref: PolicyRef
    spec: PolicySpec
    registry: Registry = field(init=False, repr=False, compare=False)
    """Its people and roles, to look up."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "registry", Registry(self.spec))

    @property
    def label(self) -> str:
        """Name to tell it by in findings, e.g. `ReleasePolicy/production`."""
        return f"{self.ref.kind}/{self.ref.name}"

    def authority(self, name: str) -> Authority:
        """Return the authority of that name; the model guarantees that it exists."""
        return next(each for each in self.spec.authorities if each.name == name)
