"""The spelling of the protocol that the stock @capgo/capacitor-updater speaks.

Requests become a `Device` or an `Event`, answers become JSON. What clients were seen to do with it:
 - A key `error` or `kind`, whatever its value, makes an answer a refusal: an offer has neither.
 - An error without `kind: up_to_date` or `blocked` makes the plugin report download_fail.
 - The checksum is compared as text: it must be lower case. `url` must always be there.
 - Unset fields are empty strings; device ids are upper case on some phones.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta, Struct, field

from sluice.server.device.asgi import Response
from sluice.serving.classify import Event
from sluice.serving.device import Device
from sluice.serving.select import Answer, NoUpdate, Offer, Reason, Reset

__all__ = [
    "OK",
    "ChannelRequest",
    "ProtocolError",
    "answer_response",
    "channel_request_of",
    "channel_request_of_query",
    "error_response",
    "event_of",
    "events_of",
    "json_response",
    "unknown_app",
    "update_request_of",
]

Kind = Literal["up_to_date", "blocked", "failed"]
Code = Literal["invalid_json_body", "invalid_query_parameters"]

QUERY_FIELDS_MAX: Final = 64
"""The plugin sends 14."""

OK: Final = Response(200, b'{"status":"ok"}')

_ERRORS: Final[Mapping[Reason, tuple[str, Kind]]] = {
    "AppUnknown": ("on_premise_app", "failed"),
    "BuildUnknown": ("unknown_version_build", "failed"),
    "BuildInvalid": ("semver_error", "failed"),
    "PluginUnsupported": ("unsupported_plugin_version", "failed"),
    "InfoMissing": ("missing_info", "failed"),
    "NoChannel": ("no_channel", "failed"),
    "UpToDate": ("no_new_version_available", "up_to_date"),
    "NothingServed": ("no_new_version_available", "up_to_date"),
    "Quarantined": ("no_new_version_available", "up_to_date"),
    "OnBuiltin": ("already_on_builtin", "up_to_date"),
    "PlatformDisabled": ("disabled_platform", "blocked"),
    "ChannelPrivate": ("cannot_update_via_private_channel", "blocked"),
    "NativeTooOld": ("disable_auto_update_to_metadata", "blocked"),
    "NativeTooNew": ("disable_auto_update_under_native", "blocked"),
    "ProductionDisabled": ("disable_prod_build", "blocked"),
    "DevelopmentDisabled": ("disable_dev_build", "blocked"),
    "DeviceDisabled": ("disable_device", "blocked"),
    "EmulatorDisabled": ("disable_emulator", "blocked"),
    "PluginCannotReset": ("revert_to_builtin_plugin_version_too_old", "failed"),
}


class ProtocolError(Exception):
    """A request that cannot be read, or is not for us.

    Args:
        error: the protocol's code.
        message: what is wrong with it; no part of the request.
        status: of the answer.
    """

    def __init__(self, error: str, message: str, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.message = message
        self.status = status


AppId = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9]+(\.[A-Za-z0-9_-]+)+\Z", max_length=128)]
DeviceId = Annotated[
    str, Meta(pattern=r"\A[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\Z", max_length=36)
]
Version = Annotated[str, Meta(max_length=64)]
Channel = Annotated[str, Meta(max_length=128)]


class _Info(Struct):
    """What the plugin sends with each request. What is not used here is not read."""

    app_id: AppId
    device_id: DeviceId
    platform: Literal["ios", "android", "electron"]
    plugin_version: Version | None = None
    version_build: Version | None = None
    default_channel: Channel | None = field(default=None, name="defaultChannel")
    is_emulator: bool | None = None
    is_prod: bool | None = None
    key_id: Annotated[str, Meta(max_length=20)] | None = None
    install_source: Annotated[str, Meta(max_length=64)] | None = None


class _Update(_Info, kw_only=True):
    version_name: Version
    version_build: Version
    plugin_version: Annotated[str, Meta(min_length=1, max_length=64)]


class _Event(_Info, kw_only=True):
    action: Annotated[str, Meta(min_length=1, max_length=64)]
    # A version and a path within the bundle, when one file failed.
    version_name: Annotated[str, Meta(max_length=512)] | None = None
    custom_id: Annotated[str, Meta(max_length=36)] | None = None
    timestamp: Any = None


class ChannelRequest(_Info, kw_only=True):
    """A request of `/channel_self`."""

    version_name: Version | None = None
    channel: Channel | None = None
    action: str | None = None


class _Offered(Struct):
    version: str
    url: str
    checksum: str
    session_key: str = ""


class _Refusal(Struct, omit_defaults=True):
    error: str
    message: str
    kind: Kind | None = None
    version: str | None = None
    old: str | None = None
    major: bool = False


_update_decoder: Final = msgspec.json.Decoder(_Update)
_event_decoder: Final = msgspec.json.Decoder(_Event)
_channel_decoder: Final = msgspec.json.Decoder(ChannelRequest)
_batch_decoder: Final = msgspec.json.Decoder(list[msgspec.Raw])
_encoder: Final = msgspec.json.Encoder()

_NOT_JSON: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_FIELD: Final = re.compile(r"`\$\.([A-Za-z_]{1,32})|required field `([A-Za-z_]{1,32})`")
_WHITE: Final = b" \t\r\n"

_Body = TypeVar("_Body")


def update_request_of(body: bytes) -> Device:
    """Return who asks for updates.

    Raises:
        ProtocolError: the body is none that the plugin sends.
    """
    info = _decoded(_update_decoder, body)
    return _device(info, info.version_name)


def events_of(body: bytes) -> tuple[list[msgspec.Raw], bool]:
    """Return the events of `/stats`, each still to be read, and whether they are a batch.

    Raises:
        ProtocolError: the body is no JSON.
    """
    if body.lstrip(_WHITE)[:1] != b"[":
        return [msgspec.Raw(body)], False
    try:
        return _batch_decoder.decode(body), True
    except _NOT_JSON as error:
        raise ProtocolError("invalid_json_parse_body", "Invalid JSON body") from error


def event_of(raw: msgspec.Raw) -> Event:
    """Return one event.

    Raises:
        ProtocolError: it is none that the plugin sends.
    """
    event = _decoded(_event_decoder, bytes(raw))
    # Some clients send a fraction or a text here; an event is not lost for its clock.
    timestamp = event.timestamp if type(event.timestamp) is int else None
    return Event(
        device=_device(event, event.version_name or ""),
        action=event.action,
        timestamp_ms=timestamp if timestamp is not None and 0 <= timestamp < 2**53 else None,
    )


def channel_request_of(body: bytes) -> tuple[ChannelRequest, Device]:
    """Return a request of POST or PUT `/channel_self`.

    Raises:
        ProtocolError: the body is none that the plugin sends.
    """
    info = _decoded(_channel_decoder, body)
    return info, _device(info, info.version_name or "")


def channel_request_of_query(query: bytes, *, of_device: bool) -> tuple[ChannelRequest, Device]:
    """Return a request of DELETE or GET `/channel_self`.

    Args:
        query: the query string.
        of_device: whether it is about a device; a list of channels is not.

    Raises:
        ProtocolError: the query is none that the plugin sends.
    """
    code: Code = "invalid_query_parameters"
    try:
        pairs = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX
        )
    except ValueError as error:
        raise ProtocolError(code, "Cannot parse query") from error
    fields: dict[str, Any] = dict(pairs)
    for name in ("is_emulator", "is_prod"):
        if name in fields:
            fields[name] = fields[name] == "true"
    if not of_device:
        fields["device_id"] = _NOBODY
    try:
        info = msgspec.convert(fields, ChannelRequest)
    except msgspec.ValidationError as error:
        raise _unreadable(fields, code, str(error)) from error
    return info, _device(info, info.version_name or "")


def answer_response(answer: Answer, device: Device, public_url: str) -> Response:
    """Return the answer to an update check.

    Raises:
        ProtocolError: the app is not served here.
    """
    match answer:
        case Offer(bundle=bundle):
            offered = _Offered(
                version=bundle.version,
                url=f"{public_url}/files/{bundle.digest}.zip",
                checksum=bundle.digest,
            )
            return Response(200, _encoder.encode(offered))
        case Reset():
            return Response(200, b'{"version":"builtin"}')
        case NoUpdate():
            return _no_update(answer, device)


def unknown_app() -> ProtocolError:
    """Return the error for an app that is not served here."""
    error, _kind = _ERRORS["AppUnknown"]
    return ProtocolError(error, NoUpdate(reason="AppUnknown").message, 429)


def error_response(status: int, error: str, message: str) -> Response:
    """Return an error that is about the request or this server."""
    return Response(status, _encoder.encode(_Refusal(error=error, message=message)))


def json_response(value: Any) -> Response:
    """Return a value as JSON."""
    return Response(200, _encoder.encode(value))


_NOBODY: Final = "00000000-0000-0000-0000-000000000000"


def _no_update(answer: NoUpdate, device: Device) -> Response:
    error, kind = _ERRORS[answer.reason]
    refusal = _Refusal(error=error, message=answer.message, kind=kind)
    if answer.reason == "AppUnknown":
        raise unknown_app()
    if kind == "blocked" and answer.bundle is not None and answer.reason != "ChannelPrivate":
        refusal.version, refusal.old = answer.bundle.version, device.version_name
    if answer.reason == "PlatformDisabled":
        refusal.error = f"{error}_{device.platform}"
    if answer.reason == "NativeTooOld":
        refusal.major, refusal.old = True, device.version_build
    return Response(200, _encoder.encode(refusal))


def _device(info: _Info, version_name: str) -> Device:
    return Device(
        app_id=info.app_id,
        device_id=info.device_id.lower(),
        platform=info.platform,
        version_name=version_name,
        version_build=info.version_build or "",
        plugin_version=info.plugin_version or "",
        is_emulator=bool(info.is_emulator),
        is_prod=info.is_prod is not False,
        default_channel=info.default_channel or "",
    )


def _decoded(decoder: msgspec.json.Decoder[_Body], body: bytes) -> _Body:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        problem = str(error)
    except _NOT_JSON as error:
        raise ProtocolError("invalid_json_parse_body", "Invalid JSON body") from error
    try:
        fields = msgspec.json.decode(body)
    except _NOT_JSON as error:
        raise ProtocolError("invalid_json_parse_body", "Invalid JSON body") from error
    raise _unreadable(fields, "invalid_json_body", problem)


def _unreadable(fields: Any, code: Code, problem: str) -> ProtocolError:
    """Return why a request does not fit, without a word of what is in it."""
    if not isinstance(fields, dict) or not fields:
        return ProtocolError(code, "Cannot parse body")
    if not fields.get("device_id"):
        return ProtocolError("missing_device_id", "Cannot find device_id")
    if not fields.get("app_id"):
        return ProtocolError("missing_app_id", "Cannot find app_id")
    found = _FIELD.search(problem)
    name = (found[1] or found[2]) if found else ""
    return ProtocolError(code, f"Cannot parse body: {name or 'a field'} is missing or wrong")
