"""What device servers read, and the channels that phones choose."""

from datetime import UTC, datetime

from sluice.store.database import Database
from sluice.store.serving import ServingRows, change_number, clear_override, load, set_override

NOW = datetime(2026, 11, 24, tzinfo=UTC)


async def test_an_empty_store_serves_nothing(database: Database) -> None:
    assert await load(database) == ServingRows(
        change=0, channels=(), overrides={}, quarantine=frozenset()
    )


async def test_a_phone_keeps_the_channel_that_it_chose_last(database: Database) -> None:
    await set_override(database, "app", "phone", "beta", at=NOW)
    await set_override(database, "app", "phone", "nightly", at=NOW)
    await set_override(database, "app", "other", "beta", at=NOW)

    assert (await load(database)).overrides == {
        ("app", "phone"): "nightly",
        ("app", "other"): "beta",
    }


async def test_a_phone_that_chose_no_longer_has_none(database: Database) -> None:
    await set_override(database, "app", "phone", "beta", at=NOW)
    await clear_override(database, "app", "phone")

    assert (await load(database)).overrides == {}


async def test_only_what_changes_something_is_a_change(database: Database) -> None:
    numbers = []
    for _ in range(2):
        await set_override(database, "app", "phone", "beta", at=NOW)
        numbers.append(await change_number(database))
    for _ in range(2):
        await clear_override(database, "app", "phone")
        numbers.append(await change_number(database))

    assert numbers == [1, 1, 2, 2]
    assert (await load(database)).change == 2
