"""`/channel_self`, in the dialects of the plugins."""

from urllib.parse import urlencode

import pytest

from sluice.store import schema
from support.devices import info
from support.serving import DEVICE_ID, a_channel, an_audience

NEW = {"plugin_version": "8.51.23"}
OLD = {"plugin_version": "7.33.0"}
ELECTRON = {"plugin_version": "0.0.1", "platform": "electron", "version_name": ""}


@pytest.fixture(autouse=True)
async def _channels(server, store):
    await store.serve(
        a_channel(),
        a_channel("beta", audience=an_audience(default=False, self_assign=True)),
        a_channel("staff", audience=an_audience(default=False)),
        a_channel("phones", audience=an_audience(default=False, self_assign=True, emulator=False)),
    )
    await server.table.refresh()


async def post(server, **fields):
    status, body = await server.call("POST", "/channel_self", json=info(**fields))
    await server.table.refresh()
    return status, body


def query(**fields):
    """As the plugin does: booleans are text, unset fields are empty."""
    sent = {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in info(**fields).items()
    }
    return "/channel_self?" + urlencode(sent)


@pytest.mark.parametrize("plugin", [NEW, OLD])
@pytest.mark.parametrize(
    ("channel", "error"),
    [
        ("", "missing_channel"),
        ("nowhere", "channel_not_found"),
        ("production", "public_channel_self_set_not_allowed"),
        ("staff", "channel_self_set_not_allowed"),
    ],
)
async def test_a_channel_that_may_not_be_chosen_is_refused(server, plugin, channel, error):
    status, body = await post(server, channel=channel, **plugin)

    assert (status, body["error"]) == (200, error)


@pytest.mark.parametrize("version", ["5.34.0", "6.34.0", "7.34.0", "8.0.0", "9.1.0", "0.0.1"])
async def test_newer_plugins_keep_their_choice_themselves(server, store, version):
    status, body = await post(server, channel="beta", plugin_version=version)

    assert (status, body) == (200, {"status": "ok", "allowSet": True})
    assert await store.rows(schema.overrides) == []


@pytest.mark.parametrize("version", ["4.0.0", "5.33.9", "6.33.9", "7.33.9", "what"])
async def test_older_plugins_have_their_choice_kept(server, store, version):
    old = {"plugin_version": version}

    assert await post(server, channel="beta", **old) == (200, {"status": "ok"})
    assert [row["channel"] for row in await store.rows(schema.overrides)] == ["beta"]
    assert await server.call("PUT", "/channel_self", json=info(**old)) == (
        200,
        {"channel": "beta", "status": "override", "allowSet": True},
    )


async def test_a_choice_is_taken_back(server, store):
    await post(server, channel="beta", **OLD)

    assert await server.call("DELETE", query(**OLD)) == (200, {"status": "ok"})
    await server.table.refresh()
    assert await store.rows(schema.overrides) == []
    assert (await server.call("DELETE", query(**OLD)))[1]["error"] == "cannot_override"


async def test_newer_plugins_take_back_what_only_they_know(server):
    assert await server.call("DELETE", query(**NEW)) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        (NEW, {"channel": "production", "status": "default"}),
        (OLD, {"channel": "production", "status": "default"}),
        (NEW | {"defaultChannel": "beta"}, {"channel": "beta", "status": "default"}),
        (
            NEW | {"channel": "beta"},
            {"channel": "beta", "status": "override", "allowSet": True},
        ),
    ],
)
async def test_a_phone_is_told_its_channel(server, fields, answer):
    assert await server.call("PUT", "/channel_self", json=info(**fields)) == (200, answer)


async def test_a_phone_without_a_channel_is_told_so(server):
    _, body = await server.call("PUT", "/channel_self", json=info(defaultChannel="nowhere"))

    assert body["error"] == "channel_not_found"


async def test_the_list_is_bare_and_its_ids_are_numbers(server):
    status, found = await server.call("GET", query())

    assert status == 200
    assert [(each["name"], each["public"], each["allow_self_set"]) for each in found] == [
        ("beta", False, True),
        ("phones", False, True),
        ("production", True, False),
    ]
    assert {type(each["id"]) for each in found} == {int}
    assert len({each["id"] for each in found}) == 3


async def test_the_list_holds_what_the_phone_can_have(server):
    _, found = await server.call("GET", query(is_emulator=True))

    assert [each["name"] for each in found] == ["beta", "production"]


async def test_the_list_needs_no_device(server):
    status, _ = await server.call(
        "GET", "/channel_self?app_id=com.example.shop&platform=ios&is_prod=true"
    )

    assert status == 200


async def test_electron_reads_and_leaves_in_its_own_way(server):
    assert (await post(server, action="set", channel="beta", **ELECTRON))[0] == 200
    assert await post(server, action="unset", **ELECTRON) == (200, {"status": "ok"})
    assert await server.call("GET", query(**ELECTRON)) == (
        200,
        {"channel": "production", "status": "default"},
    )
    _, found = await server.call("GET", query(action="list", **ELECTRON))
    assert [each["name"] for each in found["channels"]] == ["beta", "phones", "production"]


@pytest.mark.parametrize(
    ("method", "path", "error"),
    [
        ("GET", "/channel_self", "missing_app_id"),
        ("GET", "/channel_self?app_id=com.example.shop", "invalid_query_parameters"),
        ("GET", "/channel_self?app_id=com.example.shop&platform=x", "invalid_query_parameters"),
        ("GET", "/channel_self?" + "a=1&" * 100, "invalid_query_parameters"),
        ("DELETE", "/channel_self?app_id=com.example.shop", "missing_device_id"),
        ("DELETE", f"/channel_self?device_id={DEVICE_ID}", "missing_app_id"),
        ("DELETE", "/channel_self", "invalid_query_parameters"),
        ("POST", "/channel_self", "invalid_json_parse_body"),
        ("PUT", "/channel_self", "invalid_json_parse_body"),
    ],
)
async def test_what_cannot_be_read_is_refused_with_the_protocols_code(server, method, path, error):
    status, body = await server.call(method, path)

    assert (status, body["error"]) == (400, error)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "GET"])
async def test_an_app_that_is_not_served_is_another_servers(server, method):
    fields = {"app_id": "com.example.other"}
    asked = {"json": info(**fields)} if method in {"POST", "PUT"} else {}
    path = "/channel_self" if asked else query(**fields)

    status, body = await server.call(method, path, **asked)

    assert (status, body["error"]) == (429, "on_premise_app")
