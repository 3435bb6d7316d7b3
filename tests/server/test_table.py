"""The device server trusts the seal, and nobody who can write to the store."""

import logging
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sluice.errors import Unavailable
from sluice.serving.seal import public_key, public_pem, seal
from support.devices import KEY, device_server
from support.serving import a_bundle, a_channel, a_rollout

GOOD = a_channel(generation=5)
EVIL = replace(GOOD, generation=6, stable=a_bundle("6.6.6"))
OTHER_KEY = Ed25519PrivateKey.generate()


async def offered(server):
    """The version that a phone is offered, or why there is none."""
    _, body = await server.ask()
    return body.get("version") or body["error"]


FORGERIES = {
    "no seal": "",
    "no table": "hello",
    "a bare table": seal(EVIL, KEY).split("\n")[1],
    "sealed with another key": seal(EVIL, OTHER_KEY),
    "another version in a genuine seal": seal(GOOD, KEY).replace("1.1.0", "6.6.6"),
    "another digest in a genuine seal": seal(GOOD, KEY).replace(
        a_bundle().digest, a_bundle("6.6.6").digest
    ),
    "a genuine seal over another table": seal(GOOD, KEY).split("\n")[0]
    + "\n"
    + seal(EVIL, KEY).split("\n")[1],
    "the table of another channel": seal(replace(EVIL, channel="beta"), KEY),
    "the table of another app": seal(replace(EVIL, app_id="com.example.other"), KEY),
    "the table of another namespace": seal(replace(EVIL, namespace="other"), KEY),
    "the table of another generation": seal(replace(EVIL, generation=7), KEY),
}


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("known", [True, False])
async def test_invariant_only_what_policy_let_through_is_served(
    server, store, caplog, forgery, known
):
    """Whoever can write to the database cannot make a device server offer something else."""
    if known:
        await store.serve(GOOD)
        await server.table.refresh()
    await store.write_row(EVIL, FORGERIES[forgery])
    await server.table.refresh()

    assert await offered(server) == ("1.1.0" if known else "on_premise_app")
    assert sum(server.metrics.seals_refused.values()) == 1
    assert "is not served" in caplog.text
    assert "6.6.6" not in caplog.text


async def test_an_old_table_that_is_put_back_changes_nothing(server, store):
    old = replace(GOOD, generation=4, stable=a_bundle("0.9.0"))
    await store.serve(old)
    await server.table.refresh()
    await store.serve(GOOD)
    await server.table.refresh()
    await store.serve(old)
    await server.table.refresh()

    assert await offered(server) == "1.1.0"
    assert server.metrics.seals_refused == {"SealReplayed": 1}


@pytest.mark.parametrize("generation", [4, 5])
async def test_a_channel_that_is_gone_is_not_brought_back(server, store, generation):
    """Neither by an old table nor by its last one; a channel that is made anew counts on."""
    await store.serve(GOOD)
    await server.table.refresh()
    await store.remove_row(GOOD)
    await server.table.refresh()
    assert await offered(server) == "on_premise_app"
    await store.serve(replace(GOOD, generation=generation))
    await server.table.refresh()

    assert await offered(server) == "on_premise_app"
    await store.serve(replace(GOOD, generation=6))
    await server.table.refresh()
    assert await offered(server) == "1.1.0"


async def test_one_generation_is_one_table(server, store):
    await store.serve(GOOD)
    await server.table.refresh()
    await store.serve(replace(GOOD, stable=a_bundle("6.6.6")))
    await server.table.refresh()

    assert await offered(server) == "1.1.0"


async def test_a_table_that_was_sealed_anew_with_the_next_key_is_the_same(store):
    keys = [public_key(public_pem(KEY)), OTHER_KEY.public_key()]
    await store.serve(GOOD)
    async with device_server(store, known_keys=keys) as server:
        await store.serve(GOOD, key=OTHER_KEY)
        await server.table.refresh()

        assert await offered(server) == "1.1.0"
        assert not server.metrics.seals_refused


async def test_without_keys_nothing_is_served(store):
    await store.serve(GOOD)
    async with device_server(store, known_keys=[]) as server:
        assert await offered(server) == "on_premise_app"


async def test_a_bad_row_harms_no_other(server, store):
    await store.serve(a_channel("good", generation=5))
    await store.write_row(EVIL, "nonsense")
    await server.table.refresh()

    assert await offered(server) == "1.1.0"


async def test_a_refused_row_is_logged_once_and_counted_each_time(server, store, caplog):
    await store.write_row(EVIL, "nonsense")
    for number in range(3):
        await server.table.refresh()
        await store.serve(a_channel("other", generation=number + 1))
    await server.table.refresh()

    assert len([each for each in caplog.records if each.levelno == logging.ERROR]) == 1
    assert server.metrics.seals_refused["SealMalformed"] == 4


async def test_a_row_cannot_forge_a_line_of_the_log(server, store, caplog):
    await store.write_row(replace(EVIL, channel="x\nERROR all is well\x1b[2J"), "nonsense")
    await server.table.refresh()

    assert "\nERROR all is well" not in caplog.text
    assert "\x1b" not in caplog.text


async def test_what_is_withdrawn_is_not_offered_at_the_next_look(server, store):
    await store.serve(a_rollout(generation=1))
    await server.table.refresh()
    assert await offered(server) == "2.0.0"
    await store.serve(a_channel(generation=2, withdrawn=("2.0.0",)))
    await server.table.refresh()

    assert await offered(server) == "1.1.0"


async def test_with_the_store_gone_phones_get_what_was_live(server, store):
    await store.serve(GOOD)
    await server.table.refresh()
    await server.database.close()
    store.database_file.rename(store.database_file.with_suffix(".away"))

    with pytest.raises(Unavailable):
        await server.table.refresh()
    assert await offered(server) == "1.1.0"
