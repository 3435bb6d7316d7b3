"""`/channel_self`: which channel a phone is on, and which it may choose.

Plugins since 5.34, 6.34, 7.34 and 8 keep their choice themselves and ask only whether it is
allowed; older ones have it kept here. Electron's speaks another dialect: it reads by GET, and
leaves a channel by POST.
"""

import hashlib
from datetime import UTC, datetime
from typing import Final

from sluice.server.device.asgi import Response
from sluice.server.device.capgo import OK, ChannelRequest, error_response, json_response
from sluice.serving.device import Device
from sluice.serving.select import channel_for, is_open_to
from sluice.serving.table import ChannelTable, ServingTable
from sluice.serving.versions import parsed
from sluice.store import serving
from sluice.store.database import Database

__all__ = ["Channels"]

_KEEPS_ITS_CHOICE_SINCE: Final = {
    5: (5, 34, 0, 1, ()),
    6: (6, 34, 0, 1, ()),
    7: (7, 34, 0, 1, ()),
}
_FIRST_MAJOR: Final = 1
"""Electron's plugin says 0.0.1, whatever it is, and keeps its choice."""


class Channels:
    """Answers `/channel_self`.

    Args:
        database: where choices of older plugins are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def choose(
        self, table: ServingTable, request: ChannelRequest, device: Device
    ) -> Response:
        """Answer POST: may this phone move to that channel?

        Raises:
            Unavailable: the choice cannot be kept now.
        """
        if request.action == "unset":
            return await self.leave(table, device)
        if not request.channel:
            return error_response(200, "missing_channel", "Cannot find channel in body")
        channel = _named(table, device, request.channel)
        if channel is None:
            return error_response(200, "channel_not_found", "Cannot find channel")
        if not channel.audience.self_assign:
            return _not_by_itself(channel)
        if _keeps_its_choice(device):
            return json_response({"status": "ok", "allowSet": True})
        if channel == _default(table, device):
            await serving.clear_override(self._database, device.app_id, device.device_id)
            return OK
        await serving.set_override(
            self._database,
            device.app_id,
            device.device_id,
            channel.channel,
            at=datetime.now(UTC),
        )
        return OK

    async def leave(self, table: ServingTable, device: Device) -> Response:
        """Answer DELETE: back to the default channel.

        Raises:
            Unavailable: the choice cannot be forgotten now.
        """
        if _keeps_its_choice(device):
            return OK
        if (device.app_id, device.device_id) not in table.overrides:
            return error_response(200, "cannot_override", "The device chose no channel")
        await serving.clear_override(self._database, device.app_id, device.device_id)
        return OK

    def tell(self, table: ServingTable, request: ChannelRequest, device: Device) -> Response:
        """Answer PUT: which channel is this phone on?"""
        if request.channel and _keeps_its_choice(device):
            return json_response(
                {"channel": request.channel, "status": "override", "allowSet": True}
            )
        channel = channel_for(table, device)
        if channel is None:
            return error_response(200, "channel_not_found", "Cannot find channel")
        if table.overrides.get((device.app_id, device.device_id)) == channel.channel:
            return json_response(
                {"channel": channel.channel, "status": "override", "allowSet": True}
            )
        return json_response({"channel": channel.channel, "status": "default"})

    def answer_get(self, table: ServingTable, request: ChannelRequest, device: Device) -> Response:
        """Answer GET: the channels that this phone may choose; for Electron, also as PUT."""
        if device.platform != "electron":
            return json_response(_open_channels(table, device))
        if request.action == "list":
            return json_response({"channels": _open_channels(table, device)})
        return self.tell(table, request, device)


def _open_channels(table: ServingTable, device: Device) -> list[dict[str, object]]:
    return [
        {
            "id": _number(channel.channel),
            "name": channel.channel,
            "public": channel.audience.default,
            "allow_self_set": channel.audience.self_assign,
        }
        for channel in table.channels[device.app_id]
        if is_open_to(
            channel,
            platform=device.platform,
            is_emulator=device.is_emulator,
            is_prod=device.is_prod,
        )
    ]


def _number(name: str) -> int:
    """Return the number that clients want for an id: the same on every replica, and after years."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) >> 1


def _not_by_itself(channel: ChannelTable) -> Response:
    if channel.audience.default:
        return error_response(
            200,
            "public_channel_self_set_not_allowed",
            "This channel is public and does not allow devices to assign themselves. Unset the"
            " channel, and the device gets it by default.",
        )
    return error_response(
        200,
        "channel_self_set_not_allowed",
        "This channel does not allow devices to assign themselves",
    )


def _named(table: ServingTable, device: Device, name: str) -> ChannelTable | None:
    channels = table.channels[device.app_id]
    return next((channel for channel in channels if channel.channel == name), None)


def _default(table: ServingTable, device: Device) -> ChannelTable | None:
    channels = table.channels[device.app_id]
    return next(
        (
            channel
            for channel in channels
            if channel.audience.default and device.platform in channel.audience.platforms
        ),
        None,
    )


def _keeps_its_choice(device: Device) -> bool:
    plugin = parsed(device.plugin_version)
    if plugin is None:
        return False
    since = _KEEPS_ITS_CHOICE_SINCE.get(plugin[0])
    if since is not None:
        return plugin >= since
    return not _FIRST_MAJOR <= plugin[0] < min(_KEEPS_ITS_CHOICE_SINCE)
