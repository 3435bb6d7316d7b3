"""`/updates`, row by row of the protocol, over HTTP."""

from dataclasses import replace
from typing import get_args

import pytest

from sluice.server.device.capgo import answer_response
from sluice.serving.select import NoUpdate, Reason
from sluice.store import schema
from support.devices import event, info
from support.serving import (
    DEVICE_ID,
    a_bundle,
    a_channel,
    a_device,
    a_rollout,
    an_audience,
)

STABLE = a_bundle("1.1.0")
CANDIDATE = a_bundle("2.0.0")

PRODUCTION = a_channel()
NAMED = {"defaultChannel": "production"}

REFUSALS = {
    "no channel of that name": (PRODUCTION, {"defaultChannel": "x"}, "no_channel", "failed", {}),
    "no default channel": (
        a_channel(audience=an_audience(default=False)),
        {},
        "no_channel",
        "failed",
        {},
    ),
    "no version of the build": (
        PRODUCTION,
        {"version_build": "unknown"},
        "unknown_version_build",
        "failed",
        {},
    ),
    "no semantic version": (
        PRODUCTION,
        {"version_build": "1.2.3.4"},
        "semver_error",
        "failed",
        {},
    ),
    "plugin 4": (
        PRODUCTION,
        {"plugin_version": "4.1.0"},
        "unsupported_plugin_version",
        "failed",
        {},
    ),
    "no version name": (PRODUCTION, {"version_name": ""}, "missing_info", "failed", {}),
    "up to date": (
        PRODUCTION,
        {"version_name": "1.1.0"},
        "no_new_version_available",
        "up_to_date",
        {},
    ),
    "nothing served": (
        a_channel(stable=None),
        {"version_name": "0.9.0"},
        "no_new_version_available",
        "up_to_date",
        {},
    ),
    "nothing served, on the built-in version": (
        a_channel(stable=None),
        {},
        "already_on_builtin",
        "up_to_date",
        {},
    ),
    **{
        f"not for {platform}": (
            a_channel(audience=an_audience(platforms=())),
            NAMED | {"platform": platform},
            f"disabled_platform_{platform}",
            "blocked",
            {"version": "1.1.0", "old": "1.0.0"},
        )
        for platform in ("ios", "android", "electron")
    },
    "private channel": (
        a_channel(audience=an_audience(default=False)),
        NAMED,
        "cannot_update_via_private_channel",
        "blocked",
        {},
    ),
    "native app too old": (
        a_channel(stable=a_bundle(native_min="1.5.0")),
        {"version_name": "0.8.0"},
        "disable_auto_update_to_metadata",
        "blocked",
        {"version": "1.1.0", "old": "1.0.0", "major": True},
    ),
    "native app too new": (
        a_channel(stable=a_bundle(native_max="0.9.0")),
        {"version_name": "0.8.0"},
        "disable_auto_update_under_native",
        "blocked",
        {"version": "1.1.0", "old": "0.8.0"},
    ),
    "production builds": (
        a_channel(audience=an_audience(production=False)),
        {},
        "disable_prod_build",
        "blocked",
        {"version": "1.1.0", "old": "1.0.0"},
    ),
    "development builds": (
        a_channel(audience=an_audience(development=False)),
        {"is_prod": False},
        "disable_dev_build",
        "blocked",
        {"version": "1.1.0", "old": "1.0.0"},
    ),
    "real devices": (
        a_channel(audience=an_audience(device=False)),
        {},
        "disable_device",
        "blocked",
        {"version": "1.1.0", "old": "1.0.0"},
    ),
    "emulators": (
        a_channel(audience=an_audience(emulator=False)),
        {"is_emulator": True},
        "disable_emulator",
        "blocked",
        {"version": "1.1.0", "old": "1.0.0"},
    ),
    "too old to be reset": (
        a_channel(stable=None, withdrawn=("0.9.0",)),
        {"version_name": "0.9.0", "plugin_version": "6.1.0"},
        "revert_to_builtin_plugin_version_too_old",
        "failed",
        {},
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_a_phone_that_gets_nothing_is_told_why(server, store, case):
    channel, fields, error, kind, more = REFUSALS[case]
    await store.serve(channel)
    await server.table.refresh()

    status, body = await server.ask(**fields)

    assert status == 200
    assert body.pop("message")
    assert body == {"error": error, "kind": kind, **more}


def test_every_reason_has_a_spelling():
    for reason in get_args(Reason):
        if reason != "AppUnknown":
            assert answer_response(NoUpdate(reason=reason), a_device(), "").status == 200


@pytest.mark.parametrize("served", [(), (PRODUCTION,)])
async def test_an_app_that_is_not_served_is_another_servers(server, store, served):
    await store.serve(*served)
    await server.table.refresh()

    status, body = await server.ask(app_id="com.example.other")

    assert (status, body["error"]) == (429, "on_premise_app")


async def test_an_offer_is_what_the_plugin_takes_for_one(server, store):
    """Neither `error` nor `kind`, not even null; a lower-case checksum; a URL that is there."""
    await store.serve(PRODUCTION)
    await server.table.refresh()

    assert await server.ask() == (
        200,
        {
            "version": "1.1.0",
            "url": f"{server.url}/files/{STABLE.digest}.zip",
            "checksum": STABLE.digest,
            "session_key": "",
        },
    )


async def test_a_phone_on_a_withdrawn_version_is_reset(server, store):
    await store.serve(a_channel(stable=None, withdrawn=("0.9.0",)))
    await server.table.refresh()

    assert await server.ask(version_name="0.9.0") == (200, {"version": "builtin"})


@pytest.mark.parametrize(
    "fields",
    [
        {"device_id": DEVICE_ID.upper()},
        {"version_build": "1"},
        {"version_name": "builtin"},
        {"custom_id": "x" * 100},
        {"defaultChannel": None, "custom_id": None, "key_id": None},
        {"is_emulator": None, "is_prod": None},
        {"foo": {"bar": [1, 2, 3]}},
        {"plugin_version": "0.0.1", "platform": "electron"},
        {"plugin_version": "not a version"},
        {"version_os": 14, "version_code": 7},
    ],
)
async def test_what_phones_were_seen_to_send_is_understood(server, store, fields):
    await store.serve(PRODUCTION)
    await server.table.refresh()

    status, body = await server.ask(**fields)

    assert (status, body.get("version")) == (200, "1.1.0")


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"device_id": None}, "missing_device_id"),
        ({"device_id": ""}, "missing_device_id"),
        ({"app_id": ""}, "missing_app_id"),
        ({"device_id": "1234"}, "invalid_json_body"),
        ({"device_id": DEVICE_ID + "\n"}, "invalid_json_body"),
        ({"app_id": "shop"}, "invalid_json_body"),
        ({"app_id": "com.example/../x"}, "invalid_json_body"),
        ({"platform": "windows"}, "invalid_json_body"),
        ({"is_prod": "true"}, "invalid_json_body"),
        ({"plugin_version": ""}, "invalid_json_body"),
        ({"version_build": 1}, "invalid_json_body"),
        ({"version_name": "1" * 65}, "invalid_json_body"),
        ({"key_id": "k" * 21}, "invalid_json_body"),
        ({"install_source": "s" * 65}, "invalid_json_body"),
    ],
)
async def test_a_body_that_does_not_fit_is_refused_with_the_protocols_code(
    server, store, fields, error
):
    await store.serve(PRODUCTION)
    await server.table.refresh()

    status, body = await server.ask(**fields)

    assert (status, body["error"]) == (400, error)
    assert not [value for value in fields.values() if value and str(value) in body["message"]]


async def test_an_override_of_an_older_plugin_leads_to_its_channel(server, store):
    beta = a_channel(
        "beta", stable=CANDIDATE, audience=an_audience(default=False, self_assign=True)
    )
    await store.serve(PRODUCTION, beta)
    await server.table.refresh()
    old = {"plugin_version": "7.33.0"}

    assert (await server.call("POST", "/channel_self", json=info(channel="beta", **old)))[0] == 200
    await server.table.refresh()

    assert (await server.ask(**old))[1]["version"] == "2.0.0"


async def test_who_is_offered_a_candidate_is_on_disk_before_it_is_told(server, store):
    await store.serve(a_rollout())
    await server.table.refresh()

    assert (await server.ask())[1]["version"] == "2.0.0"
    assert [
        (row["device_id"], row["arm"], row["standing"])
        for row in await store.rows(schema.sightings)
    ] == [(DEVICE_ID, "candidate", "seen")]


async def test_a_phone_is_one_phone_however_it_spells_its_id(server, store):
    """iOS sends upper case: an arm drawn from the spelling would be another one."""
    await store.serve(a_rollout())
    await server.table.refresh()
    await server.ask(device_id=DEVICE_ID.upper())
    await server.report(event("update_fail", "2.0.0", device_id=DEVICE_ID))
    await server.table.refresh()

    assert (await server.ask(device_id=DEVICE_ID.upper()))[1]["version"] == "1.1.0"
    assert [row["device_id"] for row in await store.rows(schema.sightings)] == [DEVICE_ID]


async def test_a_check_that_is_no_news_is_not_written(server, store):
    await store.serve(a_rollout())
    await server.table.refresh()

    for _ in range(5):
        await server.ask()

    assert server.metrics.sightings == 1


async def test_a_phone_outside_a_rollout_is_not_written(server, store):
    await store.serve(PRODUCTION)
    await server.table.refresh()
    await server.ask()

    assert await store.rows(schema.sightings) == []


async def test_a_phone_that_failed_to_start_the_candidate_is_not_offered_it_again(server, store):
    """The stock plugin would install it again and again: one failure, one device, and no more."""
    await store.serve(a_rollout())
    await server.table.refresh()
    await server.ask()
    for _ in range(3):
        await server.report(event("set", "2.0.0"), event("update_fail", "2.0.0"))
    await server.table.refresh()

    assert (await server.ask())[1]["version"] == "1.1.0"
    assert (await server.ask(version_name="1.1.0"))[1]["kind"] == "up_to_date"
    assert [row["failed"] for row in await store.rows(schema.counts)] == [1]


async def test_quarantine_ends_with_a_new_digest(server, store):
    await store.serve(a_rollout())
    await server.table.refresh()
    await server.ask()
    await server.report(event("update_fail", "2.0.0"))
    await store.serve(replace(a_rollout(), generation=2, candidate=a_bundle("2.0.1")))
    await server.table.refresh()

    assert (await server.ask())[1]["version"] == "2.0.1"


async def test_while_the_store_cannot_write_phones_get_what_is_stable(server, store):
    """Nobody new is offered a candidate, for nobody would know whom it harms."""
    await store.serve(a_rollout())
    await server.table.refresh()
    await server.database.close()
    store.database_file.rename(store.database_file.with_suffix(".away"))

    status, body = await server.ask()

    assert (status, body["version"]) == (200, "1.1.0")
    assert server.metrics.unrecorded == 1


async def test_before_the_store_answered_phones_are_told_to_come_again(server):
    server.table.current = None

    async with server.session.post(server.url + "/updates", json=info()) as response:
        assert response.status == 429
        assert 1 <= int(response.headers["retry-after"]) <= 31
    async with server.session.get(server.url + "/readyz") as response:
        assert response.status == 503
