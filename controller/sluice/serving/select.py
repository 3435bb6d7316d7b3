"""What one phone gets, and why.

The rules, in this order (Capgo's, where it has the same):
 1. An app that is not served, a build without a version, a plugin that nobody speaks to: refused.
 2. The channel: the one the phone assigned itself to, else the one it names, else the default one
    of its platform.
 3. The arm: a phone in the candidate's share is to run the candidate. Not drawn are phones that may
    not or cannot run it (audience, native version, quarantine): they are in no arm.
 4. A phone that runs what it is to run is left alone; so is one that runs the candidate ahead of
    its turn, for bouncing a phone proves nothing.
 5. Everybody else is to run the stable release: also a phone for which that is a step back, and
    a phone whose version was withdrawn. Audience and native range are fences, not hints.
 6. Who runs a withdrawn version, or one that its native app cannot run, and can be given nothing
    else, goes back to what is built in.

No answer offers what the phone is quarantined from, and none leads to a state whose answer leads
back: a phone is never sent in a circle.
"""

from dataclasses import dataclass
from typing import Final, Literal

from sluice.serving.arm import in_share, position
from sluice.serving.device import Device
from sluice.serving.report import Arm
from sluice.serving.table import ChannelTable, ServedBundle, ServingTable
from sluice.serving.versions import coerced, parsed

__all__ = [
    "Answer",
    "NoUpdate",
    "Offer",
    "Reason",
    "Reset",
    "arm_of",
    "channel_for",
    "is_open_to",
    "select",
]

Reason = Literal[
    "AppUnknown",
    "BuildUnknown",
    "BuildInvalid",
    "PluginUnsupported",
    "InfoMissing",
    "NoChannel",
    "UpToDate",
    "NothingServed",
    "Quarantined",
    "OnBuiltin",
    "PlatformDisabled",
    "ChannelPrivate",
    "NativeTooOld",
    "NativeTooNew",
    "ProductionDisabled",
    "DevelopmentDisabled",
    "DeviceDisabled",
    "EmulatorDisabled",
    "PluginCannotReset",
]

_MESSAGES: Final[dict[Reason, str]] = {
    "AppUnknown": "This app is not served here.",
    "BuildUnknown": "The version of the native app is unknown; set it in the app's project.",
    "BuildInvalid": "The version of the native app is no semantic version; give it as 1.2.3.",
    "PluginUnsupported": "Version 4 of the plugin is not supported; build the app with a newer.",
    "InfoMissing": "version_name, version_build or platform is missing.",
    "NoChannel": "No channel for this device: none is named, or none of that name exists.",
    "UpToDate": "No new version available.",
    "NothingServed": "No version is served on this channel now.",
    "Quarantined": "This device failed to start the new version; it gets the next one.",
    "OnBuiltin": "Already on the built-in version.",
    "PlatformDisabled": "The channel does not serve this platform.",
    "ChannelPrivate": "The channel is private: it does not allow devices to assign themselves.",
    "NativeTooOld": "The new version needs a newer native app.",
    "NativeTooNew": "The new version is for an older native app.",
    "ProductionDisabled": "The channel does not serve production builds.",
    "DevelopmentDisabled": "The channel does not serve development builds.",
    "DeviceDisabled": "The channel does not serve real devices.",
    "EmulatorDisabled": "The channel does not serve emulators.",
    "PluginCannotReset": "The plugin is too old to return to the built-in version.",
}

_UNSUPPORTED_PLUGIN: Final = 4
_RESET_SINCE: Final = (6, 2, 0, 1, ())
"""First plugin that returns to the built-in bundle when told so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The phone is to install this bundle."""

    channel: ChannelTable
    bundle: ServedBundle
    arm: Arm | None
    """Arm in `channel.rollout_id`, or None when the phone is in none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """The phone is to return to what is built in."""

    channel: ChannelTable


@dataclass(frozen=True, slots=True, kw_only=True)
class NoUpdate:
    """The phone keeps what it has."""

    reason: Reason
    channel: ChannelTable | None = None
    bundle: ServedBundle | None = None
    """What it would have been offered but for `reason`."""
    arm: Arm | None = None
    """As in `Offer`."""

    @property
    def message(self) -> str:
        """The reason as a sentence."""
        return _MESSAGES[self.reason]


Answer = Offer | Reset | NoUpdate


def select(table: ServingTable, device: Device, *, candidates: bool = True) -> Answer:
    """Return what `device` gets.

    Args:
        table: everything that is served.
        device: who asks.
        candidates: False while nobody can record who was offered a candidate: then nobody new is.
    """
    if (unreadable := _unreadable(table, device)) is not None:
        return NoUpdate(reason=unreadable)
    channel = channel_for(table, device)
    if channel is None:
        return NoUpdate(reason="NoChannel")
    arm = arm_of(table, channel, device)
    candidate = channel.candidate
    if candidate is not None and device.version_name == candidate.version:
        if arm == "candidate" or not _must_leave(channel, device):
            proof = arm if arm == "candidate" else None
            return NoUpdate(reason="UpToDate", channel=channel, bundle=candidate, arm=proof)
    elif candidate is not None and arm == "candidate" and candidates:
        return Offer(channel=channel, bundle=candidate, arm=arm)
    return _stable(table, channel, device, arm if arm == "control" else None)


def channel_for(table: ServingTable, device: Device) -> ChannelTable | None:
    """Return the channel that the device belongs to, or None."""
    channels = table.channels.get(device.app_id, ())
    assigned = table.overrides.get((device.app_id, device.device_id))
    if assigned is not None:
        for channel in channels:
            # Assignments are rows that nobody signed, so they lead nowhere that the phone could not
            # have gone by itself.
            if channel.channel == assigned and channel.audience.self_assign:
                return channel
    if device.default_channel:
        return next((one for one in channels if one.channel == device.default_channel), None)
    for channel in channels:
        if channel.audience.default and device.platform in channel.audience.platforms:
            return channel
    return None


def arm_of(table: ServingTable, channel: ChannelTable, device: Device) -> Arm | None:
    """Return the arm of `device` in the channel's rollout, or None: not drawn, or no rollout."""
    candidate = channel.candidate
    if (
        candidate is None
        or not channel.rollout_id
        or (device.device_id, candidate.digest) in table.quarantine
        or _closed(channel, device) is not None
        or _build_disabled(channel, device) is not None
        or _native_problem(candidate, device) is not None
    ):
        return None
    drawn = in_share(position(channel.salt, device.device_id), channel.share_bp)
    return "candidate" if drawn else "control"


def is_open_to(channel: ChannelTable, *, platform: str, is_emulator: bool, is_prod: bool) -> bool:
    """Return whether a phone of that kind may choose the channel, or gets it by default."""
    audience = channel.audience
    return (
        (audience.default or audience.self_assign)
        and platform in audience.platforms
        and (audience.emulator if is_emulator else audience.device)
        and (audience.production if is_prod else audience.development)
    )


def _stable(table: ServingTable, channel: ChannelTable, device: Device, arm: Arm | None) -> Answer:
    """Return what a phone gets that is given no candidate."""
    stable = channel.stable
    must_leave = _must_leave(channel, device)
    if stable is not None and device.version_name == stable.version and not must_leave:
        return NoUpdate(reason="UpToDate", channel=channel, bundle=stable, arm=arm)
    problem = _problem(table, channel, device)
    if problem is None and stable is not None:
        return Offer(channel=channel, bundle=stable, arm=arm)
    if must_leave:
        plugin = parsed(device.plugin_version)
        if plugin is not None and plugin >= _RESET_SINCE:
            return Reset(channel=channel)
        problem = "PluginCannotReset"
    return NoUpdate(reason=problem or "NothingServed", channel=channel, bundle=stable, arm=arm)


def _unreadable(table: ServingTable, device: Device) -> Reason | None:
    if device.app_id not in table.channels:
        return "AppUnknown"
    if device.version_build == "unknown":
        return "BuildUnknown"
    plugin = parsed(device.plugin_version)
    if plugin is not None and plugin[0] == _UNSUPPORTED_PLUGIN:
        return "PluginUnsupported"
    if not (device.version_name and device.version_build and device.platform):
        return "InfoMissing"
    return "BuildInvalid" if coerced(device.version_build) is None else None


def _problem(table: ServingTable, channel: ChannelTable, device: Device) -> Reason | None:
    """Return why the phone is not given the stable release, or None."""
    stable = channel.stable
    if (reason := _closed(channel, device)) is not None:
        return reason
    if stable is not None and (reason := _native_problem(stable, device)) is not None:
        return reason
    if (reason := _build_disabled(channel, device)) is not None:
        return reason
    if stable is None:
        return "OnBuiltin" if device.on_builtin else "NothingServed"
    return "Quarantined" if (device.device_id, stable.digest) in table.quarantine else None


def _must_leave(channel: ChannelTable, device: Device) -> bool:
    """Return whether the phone must not stay on what it runs."""
    if device.on_builtin:
        # Told to reset again at each check, a phone in direct-update mode would reload each time.
        return False
    served = (bundle for bundle in (channel.stable, channel.candidate) if bundle is not None)
    running = next((bundle for bundle in served if bundle.version == device.version_name), None)
    if running is not None and _native_problem(running, device) is not None:
        return True
    if running is not None and running is channel.stable:
        # What is served now is not withdrawn, whatever happened to its version before.
        return False
    return device.version_name in channel.withdrawn


def _closed(channel: ChannelTable, device: Device) -> Reason | None:
    if device.platform not in channel.audience.platforms:
        return "PlatformDisabled"
    if not (channel.audience.default or channel.audience.self_assign):
        return "ChannelPrivate"
    return None


def _build_disabled(channel: ChannelTable, device: Device) -> Reason | None:
    audience = channel.audience
    if device.is_prod and not audience.production:
        return "ProductionDisabled"
    if not device.is_prod and not audience.development:
        return "DevelopmentDisabled"
    if not device.is_emulator and not audience.device:
        return "DeviceDisabled"
    if device.is_emulator and not audience.emulator:
        return "EmulatorDisabled"
    return None


def _native_problem(bundle: ServedBundle, device: Device) -> Reason | None:
    """Return why the native app cannot run the bundle, or None; a bound nobody can read is one."""
    native = coerced(device.version_build)
    if bundle.native_min is not None:
        least = coerced(bundle.native_min)
        if native is None or least is None or native < least:
            return "NativeTooOld"
    if bundle.native_max is not None:
        most = coerced(bundle.native_max)
        if native is None or most is None or native > most:
            return "NativeTooNew"
    return None
