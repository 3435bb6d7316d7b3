"""What phones tell: sightings, failures, and the reports they are read from.

A phone's `/updates` is a `Sighting`; its `/stats` events are `Report`s, of which some are a
`Failure` of what it was offered. Nothing here is trusted: whoever knows an appId can send it.
"""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Arm", "Failure", "Report", "Sighting"]

Arm = Literal["candidate", "control"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A phone asked for updates while its channel rolls something out."""

    rollout_id: str
    device_id: str
    arm: Arm
    running: bool
    """Whether it already runs what its arm is given: the candidate (it started, and lived to ask
    again), or in the control arm what it is to keep. False: it was offered that just now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A phone failed to start, or crashed on, what its arm is given."""

    rollout_id: str
    """The rollout to count it in, once a device; empty: none goes on, it only quarantines."""
    device_id: str
    arm: Arm
    digest: str
    """The bundle not to offer to this device again; empty: it only counts (a crash is no proof that
    the bundle cannot start)."""
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One event of a phone, for adoption and history; counted once however often it is sent."""

    app_id: str
    device_id: str
    action: str
    version_name: str
    """Version that the phone named, or empty."""
    timestamp_ms: int | None
    """The phone's clock in milliseconds since 1970, or None; wrong on many phones."""
