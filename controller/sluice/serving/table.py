"""What is served: the one value that the operator decides, seals and stores, and that phones get.

A `ChannelTable` is sealed as a whole (see `seal`), so nobody who can write to the database can make
a device server offer something else. Its `generation` only grows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Audience", "ChannelTable", "ServedBundle", "ServingTable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedBundle:
    """One published bundle."""

    version: str
    digest: str
    """SHA-256 of the zip, the name under which it is stored."""
    size: int
    """Bytes of the zip."""
    native_min: str | None = None
    native_max: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who belongs to the channel; see the Channel resource."""

    default: bool
    platforms: tuple[str, ...]
    self_assign: bool
    production: bool
    development: bool
    emulator: bool
    device: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelTable:
    """What one channel serves."""

    app_id: str
    namespace: str
    channel: str
    generation: int
    audience: Audience
    stable: ServedBundle | None
    """What everybody outside the candidate's share gets; None: nothing, or what is built in."""
    candidate: ServedBundle | None
    previous: ServedBundle | None
    """What `stable` replaced: the way back when the stable release is taken away."""
    share_bp: int
    """Share of phones that are offered the candidate, in basis points."""
    rollout_id: str
    """Names the rollout in which `candidate` is offered; empty when there is none."""
    salt: str
    """Secret of the rollout's draw of lots: who cannot know it cannot choose its arm."""
    withdrawn: tuple[str, ...] = ()
    """Versions that were taken back here: a phone that still runs one goes to the stable release,
    or to what is built in when there is none."""

    def as_json(self) -> dict[str, Any]:
        """Return the table as JSON; the inverse of `from_json`."""
        return {
            "appId": self.app_id,
            "namespace": self.namespace,
            "channel": self.channel,
            "generation": self.generation,
            "audience": {
                name: list(value) if isinstance(value, tuple) else value
                for name in Audience.__dataclass_fields__
                for value in (getattr(self.audience, name),)
            },
            "stable": _bundle_json(self.stable),
            "candidate": _bundle_json(self.candidate),
            "previous": _bundle_json(self.previous),
            "shareBp": self.share_bp,
            "rolloutId": self.rollout_id,
            "salt": self.salt,
            "withdrawn": list(self.withdrawn),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "ChannelTable":
        """Return the table that `as_json` wrote.

        Raises:
            KeyError, TypeError: for anything else; only sealed values are read.
        """
        audience = dict(value["audience"])
        audience["platforms"] = tuple(audience["platforms"])
        return cls(
            app_id=value["appId"],
            namespace=value["namespace"],
            channel=value["channel"],
            generation=value["generation"],
            audience=Audience(**audience),
            stable=_bundle(value["stable"]),
            candidate=_bundle(value["candidate"]),
            previous=_bundle(value["previous"]),
            share_bp=value["shareBp"],
            rollout_id=value["rolloutId"],
            salt=value["salt"],
            withdrawn=tuple(value["withdrawn"]),
        )


def _bundle_json(bundle: ServedBundle | None) -> dict[str, Any] | None:
    if bundle is None:
        return None
    return {name: getattr(bundle, name) for name in ServedBundle.__dataclass_fields__}


def _bundle(value: Mapping[str, Any] | None) -> ServedBundle | None:
    return None if value is None else ServedBundle(**value)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingTable:
    """Everything that one device server needs to answer an update check."""

    channels: Mapping[str, tuple[ChannelTable, ...]]
    """By appId, the channels in the order of their names."""
    overrides: Mapping[tuple[str, str], str]
    """(appId, device id) -> channel that the phone assigned itself to (plugins before 7.34)."""
    quarantine: frozenset[tuple[str, str]]
    """(device id, digest) pairs that are not offered again: the device failed to start it."""
