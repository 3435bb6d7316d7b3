"""What a phone's events say about what it was offered.

A failure is counted for the bundle that failed, which is not always the one that the event names:
 - A failed start names the bundle that failed (the plugin has not gone back yet).
 - A failed installation names the bundle that runs meanwhile, or none, or `VERSION:file`: what
   failed is what the phone was last told to install.
 - A crash names the bundle that crashed. It counts, but keeps nobody from the bundle: what crashed
   did start.
Not failures of a bundle: whatever network, disk or an overloaded server can cause (download_fail,
insufficient_disk_space, ...), errors of scripts that go on running, and `set`, which plugins send
before the new bundle has proved anything.
"""

from dataclasses import dataclass, replace
from typing import Final

from sluice.serving.device import Device
from sluice.serving.report import Failure, Report, Sighting
from sluice.serving.select import Answer, NoUpdate, Offer, Reset, arm_of, channel_for, select
from sluice.serving.table import ChannelTable, ServedBundle, ServingTable

__all__ = ["CRASHES", "INSTALL_FAILURES", "START_FAILURES", "Event", "classify", "sighting"]

START_FAILURES: Final = frozenset({"update_fail", "app_launch_timeout", "set_fail"})
"""Actions that say: the named bundle was started and did not come up."""

INSTALL_FAILURES: Final = frozenset(
    {
        "canonical_path_fail",
        "checksum_fail",
        "decrypt_fail",
        "directory_path_fail",
        "manifest_path_fail",
        "unzip_fail",
        "windows_path_fail",
    }
)
"""Actions that say: the bytes arrived, and are not a bundle that this phone can install."""

CRASHES: Final = frozenset(
    {
        "app_anr",
        "app_crash",
        "app_crash_native",
        "app_initialization_failure",
        "webview_content_process_terminated",
        "webview_render_process_gone",
        "webview_unclean_restart",
    }
)
"""Actions that say: it ran, and died or hung."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event of `/stats`, decoded."""

    device: Device
    """The phone as the event describes it; `version_name` is the event's, which may be composite,
    `builtin` or empty."""
    action: str
    timestamp_ms: int | None


def sighting(answer: Answer, device: Device) -> Sighting | None:
    """Return what is to be recorded before `answer` is given, or None: the phone is in no arm."""
    match answer:
        case Reset():
            return None
        case Offer() | NoUpdate():
            if answer.arm is None or answer.channel is None:
                return None
            return Sighting(
                rollout_id=answer.channel.rollout_id,
                device_id=device.device_id,
                arm=answer.arm,
                running=isinstance(answer, NoUpdate),
            )


def classify(table: ServingTable, event: Event) -> tuple[Report | Sighting | Failure, ...]:
    """Return what to record of one event: its report, and the failure that it is, if it is one."""
    device = event.device
    report = Report(
        app_id=device.app_id,
        device_id=device.device_id,
        action=event.action,
        version_name=device.version_name,
        timestamp_ms=event.timestamp_ms,
    )
    failure = _failure(table, device, event.action)
    return (report,) if failure is None else (report, failure)


def _failure(table: ServingTable, device: Device, action: str) -> Failure | None:
    crashed = action in CRASHES
    if not (crashed or action in START_FAILURES or action in INSTALL_FAILURES):
        return None
    channel = channel_for(table, device)
    if channel is None:
        return None
    version = device.version_name.partition(":")[0]
    device = replace(device, version_name=version or device.version_build)
    bundle = _named(channel, version)
    if action in INSTALL_FAILURES:
        answer = select(table, device)
        bundle = answer.bundle if isinstance(answer, Offer) else bundle
    digest = "" if crashed or bundle is None else bundle.digest
    # The failures of a phone that is quarantined from the candidate were counted before.
    arm = arm_of(table, channel, device)
    if bundle is not None and bundle is channel.candidate:
        counts = arm == "candidate"
    else:
        counts = arm == "control" and (bundle is not None or crashed)
    if not (counts or digest):
        return None
    return Failure(
        rollout_id=channel.rollout_id if counts else "",
        device_id=device.device_id,
        arm=arm or "control",
        digest=digest,
        action=action,
    )


def _named(channel: ChannelTable, version: str) -> ServedBundle | None:
    for bundle in (channel.candidate, channel.stable):
        if bundle is not None and bundle.version == version:
            return bundle
    return None
