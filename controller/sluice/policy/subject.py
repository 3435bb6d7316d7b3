"""What is judged: one release on one channel, and the policies in force."""

from dataclasses import dataclass

from sluice.policy.verdict import PolicyRef
from sluice.resources.policy import Authority, PolicySpec
from sluice.resources.release import ReleaseSpec

__all__ = ["PolicyInForce", "Subject", "UnreadablePolicy"]


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

    @property
    def label(self) -> str:
        """Name to tell it by in findings, e.g. `ReleasePolicy/production`."""
        return f"{self.ref.kind}/{self.ref.name}"

    def authority(self, name: str) -> Authority:
        """Return the authority of that name; the model guarantees that it exists."""
        return next(each for each in self.spec.authorities if each.name == name)
