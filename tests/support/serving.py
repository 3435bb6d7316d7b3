"""Values of the serving room with everything filled in, so that a test names what it is about."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from sluice.serving.device import Device
from sluice.serving.table import Audience, ChannelTable, ServedBundle, ServingTable

APP_ID = "com.example.shop"
DEVICE_ID = "44f128a5-ac7a-4c9a-be4c-224b6bf81b20"

EVERYBODY = Audience(
    default=True,
    platforms=("ios", "android", "electron"),
    self_assign=False,
    production=True,
    development=True,
    emulator=True,
    device=True,
)


def a_bundle(version: str = "1.1.0", **fields: Any) -> ServedBundle:
    digest = hashlib.sha256(version.encode()).hexdigest()
    return ServedBundle(**{"version": version, "digest": digest, "size": 1000, **fields})


def an_audience(**fields: Any) -> Audience:
    known = {name: getattr(EVERYBODY, name) for name in Audience.__dataclass_fields__}
    return Audience(**{**known, **fields})


def a_channel(channel: str = "production", **fields: Any) -> ChannelTable:
    return ChannelTable(
        **{
            "app_id": APP_ID,
            "namespace": "shop",
            "channel": channel,
            "generation": 1,
            "audience": EVERYBODY,
            "stable": a_bundle(),
            "candidate": None,
            "previous": None,
            "share_bp": 0,
            "rollout_id": "",
            "salt": "",
            **fields,
        }
    )


def a_rollout(share_bp: int = 10_000, **fields: Any) -> ChannelTable:
    """A channel that rolls 2.0.0 out over 1.1.0."""
    return a_channel(
        **{
            "candidate": a_bundle("2.0.0"),
            "share_bp": share_bp,
            "rollout_id": "rollout-1",
            "salt": "pepper",
            **fields,
        }
    )


def a_device(**fields: Any) -> Device:
    return Device(
        **{
            "app_id": APP_ID,
            "device_id": DEVICE_ID,
            "platform": "android",
            "version_name": "1.0.0",
            "version_build": "1.0.0",
            "plugin_version": "8.51.23",
            "is_emulator": False,
            "is_prod": True,
            **fields,
        }
    )


def a_table(
    *channels: ChannelTable,
    overrides: Mapping[tuple[str, str], str] | None = None,
    quarantine: Iterable[tuple[str, str]] = (),
) -> ServingTable:
    by_app: dict[str, tuple[ChannelTable, ...]] = {}
    for channel in channels:
        by_app[channel.app_id] = (*by_app.get(channel.app_id, ()), channel)
    return ServingTable(
        channels=by_app, overrides=overrides or {}, quarantine=frozenset(quarantine)
    )
