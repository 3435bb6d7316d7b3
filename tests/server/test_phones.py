"""Fleets of simulated phones against a real server: what a rollout looks like from outside."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from sluice.store import schema
from support.phone import Behaviour, Fleet, Phone, phones
from support.serving import APP_ID, DEVICE_ID, ServedBundle, a_channel, a_rollout


@pytest.fixture
def bundle(store):
    def made(version):
        data = version.encode() * 100
        return ServedBundle(version=version, digest=store.keep(data), size=len(data))

    return made


@pytest.fixture
async def rollout(server, store, bundle):
    """Serve 1.1.0 to all, and 2.0.0 to a share that can be raised."""
    table = a_rollout(share_bp=1_000, stable=bundle("1.1.0"), candidate=bundle("2.0.0"))
    generation = 0

    async def serve(**fields):
        nonlocal table, generation
        generation += 1
        table = replace(table, generation=generation, **fields)
        await store.serve(table)
        await server.table.refresh()

    await serve()
    return serve


def fleet_of(server, count=200, **fields):
    return Fleet(phones(count, url=server.url, app_id=APP_ID, **fields), awake=20)


async def counts(store):
    return {
        row["arm"]: (row["devices"], row["failed"], row["proven"])
        for row in await store.rows(schema.counts)
    }


@pytest.mark.parametrize("download", ["full", "head"])
async def test_a_rollout_reaches_the_phones_it_is_for_and_no_others(
    server, store, rollout, download
):
    fleet = fleet_of(server, download=download)
    await fleet.launch_all()
    tenth = {phone.device_id for phone in fleet.members if phone.version == "2.0.0"}
    assert 5 <= len(tenth) <= 40
    assert fleet.versions() == {"2.0.0": len(tenth), "1.1.0": 200 - len(tenth)}
    assert await counts(store) == {
        "candidate": (len(tenth), 0, 0),
        "control": (200 - len(tenth), 0, 0),
    }

    await rollout(share_bp=5_000)
    await fleet.launch_all()
    half = {phone.device_id for phone in fleet.members if phone.version == "2.0.0"}
    assert tenth < half

    await rollout(share_bp=10_000)
    await fleet.launch_all()
    assert fleet.versions() == {"2.0.0": 200}
    assert not fleet.rollbacks()
    assert server.metrics.crashes == 0


async def test_a_bad_release_harms_each_phone_of_its_share_once(server, store, rollout):
    """The stock plugin by itself would install it at each launch."""
    behaviour = Behaviour(bad=frozenset({"2.0.0"}))
    fleet = fleet_of(server, behaviour=behaviour)
    for _ in range(4):
        await fleet.launch_all()
        await server.table.refresh()

    harmed = fleet.rollbacks()["2.0.0"]
    assert fleet.versions() == {"1.1.0": 200}
    assert max(phone.rollbacks["2.0.0"] for phone in fleet.members) == 1
    assert (await counts(store))["candidate"] == (harmed, harmed, 0)
    assert len(await store.rows(schema.quarantine)) == harmed


async def test_phones_come_back_from_a_version_that_is_withdrawn(server, rollout):
    fleet = fleet_of(server, 50)
    await rollout(share_bp=10_000)
    await fleet.launch_all()
    await rollout(
        candidate=None, share_bp=0, rollout_id="", salt="", withdrawn=("2.0.0",), stable=None
    )
    await fleet.launch_all()
    assert fleet.versions() == {"builtin": 50}

    installs = fleet.installs()
    await fleet.launch_all()
    assert fleet.installs() == installs


async def test_only_some_phones_fail_and_the_same_ones_each_time():
    behaviour = Behaviour(bad=frozenset({"2.0.0"}), bad_share=0.3, crashing_share=0.1)
    failing = [
        [
            phone.device_id
            for phone in phones(500, url="", app_id=APP_ID)
            if not behaviour.comes_up(phone.device_id, "2.0.0")
        ]
        for _ in range(2)
    ]

    assert failing[0] == failing[1]
    assert 100 < len(failing[0]) < 200
    assert behaviour.comes_up(failing[0][0], "1.1.0")


async def test_crashes_are_told_by_both_arms(server, store, rollout):
    await rollout(share_bp=5_000)
    fleet = fleet_of(server, 100, behaviour=Behaviour(crashing_share=1.0))
    await fleet.launch_all()

    told = await counts(store)
    assert {arm: failed == devices for arm, (devices, failed, _) in told.items()} == {
        "candidate": True,
        "control": True,
    }


async def test_a_phone_that_forgets_nothing_does_not_install_a_failed_version_again(
    server, store, rollout
):
    await rollout(share_bp=10_000, stable=None)
    phone = Phone(
        url=server.url,
        app_id=APP_ID,
        device_id=DEVICE_ID,
        auto_delete_failed=False,
        behaviour=Behaviour(bad=frozenset({"2.0.0"})),
    )
    await phone.launch(server.session)
    await phone.launch(server.session)

    assert (phone.version, phone.rollbacks) == ("builtin", Counter({"2.0.0": 1}))


async def test_a_phone_keeps_its_reports_until_the_server_takes_them(server, store, rollout):
    await rollout(share_bp=10_000)
    now = [0.0]
    phone = Phone(url=server.url, app_id=APP_ID, device_id=DEVICE_ID, clock=lambda: now[0])
    await phone.check(server.session)
    phone.go_to_background()
    server.metrics.in_flight = 5_000
    await phone.tell(server.session)
    kept = len(phone.events)
    assert kept
    assert 1 <= phone.blocked_until <= 31

    server.metrics.in_flight = 0
    await phone.tell(server.session)
    assert len(phone.events) == kept
    now[0] = phone.blocked_until
    await phone.tell(server.session)
    assert not phone.events


async def test_a_corrupt_bundle_is_not_installed(server, store, rollout, bundle):
    await rollout(share_bp=10_000)
    store.path_of(bundle("2.0.0").digest).write_bytes(b"other bytes")
    fleet = fleet_of(server, 20, download="full")
    await fleet.launch_all()

    assert fleet.versions() == {"builtin": 20}
    assert (await counts(store))["candidate"] == (20, 0, 0)


async def test_a_fleet_lives_until_it_is_told(server, rollout):
    fleet = fleet_of(server, 50)
    until = asyncio.Event()
    living = asyncio.create_task(fleet.live(period=0.1, until=until))
    while fleet.versions()["builtin"]:  # noqa: ASYNC110 - phones tell nobody but the server
        await asyncio.sleep(0.01)
    until.set()
    await living

    assert set(fleet.versions()) == {"1.1.0", "2.0.0"}


async def test_a_phone_behind_a_dead_server_waits(store):
    phone = Phone(url="http://127.0.0.1:9", app_id=APP_ID, device_id=DEVICE_ID)
    fleet = Fleet([phone])
    await fleet.launch_all()

    assert phone.version == "builtin"


async def test_two_channels_do_not_mix(server, store, rollout, bundle):
    await store.serve(a_channel("zeta", stable=bundle("9.0.0")))
    await server.table.refresh()
    fleet = fleet_of(server, 20, default_channel="zeta")
    await fleet.launch_all()

    assert fleet.versions() == {"9.0.0": 20}
