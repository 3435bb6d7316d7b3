"""`/stats`: what is kept of what phones tell, and what they are answered."""

import pytest

from sluice.store import schema
from support.devices import event, info
from support.serving import DEVICE_ID, a_bundle, a_channel, a_rollout


@pytest.fixture(autouse=True)
async def _a_rollout(server, store):
    await store.serve(a_rollout())
    await server.table.refresh()


async def kept(store):
    return sorted(
        (row["action"], row["version_name"], row["timestamp_ms"])
        for row in await store.rows(schema.reports)
    )


async def test_a_single_event_is_answered_as_such(server, store):
    assert await server.call("POST", "/stats", json=event("ping")) == (200, {"status": "ok"})
    assert await kept(store) == [("ping", "1.0.0", -1)]


async def test_a_batch_is_answered_event_by_event(server, store):
    status, body = await server.report(
        event("set", "2.0.0", timestamp=1), event("ping", timestamp=2)
    )

    assert (status, body) == (
        200,
        {"status": "ok", "results": [{"status": "ok", "index": 0}, {"status": "ok", "index": 1}]},
    )
    assert await kept(store) == [("ping", "1.0.0", 2), ("set", "2.0.0", 1)]


async def test_an_empty_batch_is_fine(server):
    assert await server.report() == (200, {"status": "ok", "results": []})


BAD = {
    "no object": 7,
    "null": None,
    "a list": [[]],
    "nothing": {},
    "no device": info(action="set", device_id=None),
    "no app": info(action="set", app_id=None),
    "no action": info(),
    "an action that is none": info(action=["set"]),
    "an endless action": event("x" * 65),
    "an endless version": event("set", "1" * 513),
    "a NUL": event("set", "1\x00"),
    "an app that is not here": event("set", app_id="com.example.other"),
    "an endless custom id": event("set", custom_id="x" * 37),
}


@pytest.mark.parametrize("what", BAD)
async def test_one_bad_event_never_costs_the_batch(server, store, what):
    """The plugin throws away a batch that is answered 4xx, `set` and `update_fail` included."""
    status, body = await server.report(event("ping"), BAD[what], event("delete"))

    assert status == 200
    assert [result["status"] for result in body["results"]] == ["ok", "error", "ok"]
    assert [action for action, *_ in await kept(store)] == ["delete", "ping"]


@pytest.mark.parametrize(
    ("what", "status", "error"),
    [
        ("no object", 400, "invalid_json_body"),
        ("nothing", 400, "invalid_json_body"),
        ("no device", 400, "missing_device_id"),
        ("no app", 400, "missing_app_id"),
        ("no action", 400, "invalid_json_body"),
        ("a NUL", 400, "invalid_json_body"),
        ("an app that is not here", 429, "on_premise_app"),
    ],
)
async def test_a_bad_single_event_is_refused(server, what, status, error):
    found, body = await server.call("POST", "/stats", json=BAD[what])

    assert (found, body["error"]) == (status, error)


@pytest.mark.parametrize(
    "fields",
    [
        {"action": "download_19730"},
        {"action": "session_key_required"},
        {"action": "an_action_of_next_year"},
        {"action": "download_fail", "version_name": None},
        {"action": "download_90", "version_name": "builtin"},
        {"action": "checksum_fail", "version_name": "2.0.0:assets/app.js.br"},
        {"action": "checksum_fail", "version_name": "2.0.0:café (1)+%20.txt"},
        {"action": "set", "timestamp": 1.5},
        {"action": "set", "timestamp": "1"},
        {"action": "set", "timestamp": -1},
        {"action": "set", "timestamp": 10**30},
        {"action": "set", "timestamp": None},
        {"action": "set", "metadata": {"a": "b"}},
        {"action": "set", "plugin_version": None, "version_build": None},
        {"action": "set", "old_version_name": "1.0.0"},
    ],
)
async def test_what_phones_were_seen_to_send_is_kept(server, store, fields):
    status, body = await server.report(info(**fields))

    assert (status, body["results"]) == (200, [{"status": "ok", "index": 0}])
    assert [action for action, *_ in await kept(store)] == [fields["action"]]


async def test_a_batch_is_of_one_app(server, store):
    await store.serve(a_channel("other", app_id="com.example.other"))
    await server.table.refresh()

    status, body = await server.report(event("set"), event("set", app_id="com.example.other"))

    assert (status, body["error"]) == (200, "mixed_app_ids")
    assert await kept(store) == []


async def test_a_batch_that_is_sent_twice_counts_once(server, store):
    await server.ask()
    batch = [event("set", "2.0.0", timestamp=1), event("update_fail", "2.0.0", timestamp=2)]
    for _ in range(3):
        await server.report(*batch)

    assert len(await kept(store)) == 2
    assert [(row["devices"], row["failed"]) for row in await store.rows(schema.counts)] == [(1, 1)]


async def test_invariant_an_acknowledged_report_counts_only_for_who_was_offered(server, store):
    """A failure of a phone that never asked counts nothing, and never keeps others from it."""
    await server.report(event("update_fail", "2.0.0"))

    assert [row["failed"] for row in await store.rows(schema.counts)] == [0]


async def test_a_failure_quarantines_the_digest_for_the_device(server, store):
    await server.report(event("update_fail", "2.0.0"))

    assert [(row["device_id"], row["digest"]) for row in await store.rows(schema.quarantine)] == [
        (DEVICE_ID, a_bundle("2.0.0").digest)
    ]


async def test_a_second_check_in_after_a_while_is_proof(server, store):
    await server.ask()
    await server.ask(version_name="2.0.0")

    async def proven():
        return [row["proven"] for row in await store.rows(schema.counts)]

    assert await proven() == [0]
    for _ in range(1000):
        await server.ask(version_name="2.0.0")
        if await proven() == [1]:
            break
    written = server.metrics.sightings
    await server.ask(version_name="2.0.0")

    assert await proven() == [1]
    assert server.metrics.sightings == written


async def test_while_the_store_cannot_write_phones_keep_their_reports(server, store):
    """429 with a number of seconds: for anything else the plugin tries again every second."""
    await server.database.close()
    store.database_file.rename(store.database_file.with_suffix(".away"))

    async with server.session.post(server.url + "/stats", json=[event("set")]) as response:
        assert response.status == 429
        assert 1 <= int(response.headers["retry-after"]) <= 31


async def test_more_events_than_a_plugin_keeps_are_refused(server, store):
    raw = "[" + ",".join(["7"] * 1001) + "]"

    assert (await server.call("POST", "/stats", data=raw))[0] == 413
