"""What phones tell, merged and counted."""

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sluice.errors import Refused
from sluice.rollout.evidence import ArmCounts, Evidence
from sluice.serving.report import Failure, Report, Sighting
from sluice.store.database import Database
from sluice.store.reports import ReportItem, evidence, record
from sluice.store.serving import change_number, load

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
GAP = timedelta(minutes=5)
DIGEST = "d" * 64


def seen(device: str = "phone", *, running: bool = False, arm: str = "candidate") -> Sighting:
    return Sighting(rollout_id="r1", device_id=device, arm=arm, running=running)


def failure(device: str = "phone", *, digest: str = "", rollout: str = "r1") -> Failure:
    return Failure(
        rollout_id=rollout, device_id=device, arm="candidate", digest=digest, action="set_fail"
    )


def report(action: str = "set", timestamp_ms: int | None = 1) -> Report:
    return Report(
        app_id="com.example.shop",
        device_id="phone",
        action=action,
        version_name="1.0.0",
        timestamp_ms=timestamp_ms,
    )


async def tell(database: Database, *items: ReportItem, minutes: float = 0) -> None:
    await record(database, items, at=NOW + timedelta(minutes=minutes), proof_gap=GAP)


async def candidate(database: Database) -> ArmCounts:
    return (await evidence(database, "r1")).candidate


async def test_a_rollout_that_nobody_saw_has_no_evidence(database: Database) -> None:
    assert await evidence(database, "r1") == Evidence()


async def test_a_device_is_counted_once_however_often_it_asks(database: Database) -> None:
    await tell(database, seen(), seen())
    await tell(database, seen(), minutes=1)

    assert await candidate(database) == ArmCounts(devices=1)


async def test_each_arm_is_counted_for_itself(database: Database) -> None:
    await tell(database, seen("a"), seen("b", arm="control"), seen("c", arm="control"))

    assert await evidence(database, "r1") == Evidence(
        candidate=ArmCounts(devices=1), control=ArmCounts(devices=2)
    )


async def test_a_second_start_after_the_gap_proves_a_bundle(database: Database) -> None:
    await tell(database, seen(running=True))
    await tell(database, seen(running=True), minutes=4.9)
    too_early = await candidate(database)
    await tell(database, seen(running=True), minutes=5)

    assert too_early == ArmCounts(devices=1)
    assert await candidate(database) == ArmCounts(devices=1, proven=1)


async def test_being_offered_it_again_proves_nothing(database: Database) -> None:
    await tell(database, seen(running=True))
    await tell(database, seen(running=False), minutes=10)

    assert await candidate(database) == ArmCounts(devices=1)


async def test_a_phone_that_has_proved_itself_costs_no_more_writes(
    database: Database, url: str
) -> None:
    await tell(database, seen(running=True))
    await tell(database, seen(running=True), minutes=5)
    raw = sqlite3.connect(Path(url.removeprefix("sqlite:///")))
    before = raw.execute("PRAGMA data_version").fetchone()
    for minutes in (6, 60, 600):
        await tell(database, seen(running=True), minutes=minutes)
    after = raw.execute("PRAGMA data_version").fetchone()
    raw.close()

    assert before == after


async def test_a_failure_counts_once_and_takes_the_proof_back(database: Database) -> None:
    await tell(database, seen(running=True))
    await tell(database, seen(running=True), minutes=6)
    await tell(database, failure(), failure(), minutes=7)
    await tell(database, seen(running=True), minutes=20)

    assert await candidate(database) == ArmCounts(devices=1, failed=1, proven=0)


async def test_a_failure_of_a_device_that_was_offered_nothing_counts_nothing(
    database: Database,
) -> None:
    await tell(database, failure("stranger"))

    assert await candidate(database) == ArmCounts()


async def test_a_failure_that_overtook_its_sighting_counts_when_that_comes(
    database: Database,
) -> None:
    await tell(database, failure(), minutes=1)
    await tell(database, seen())

    assert await candidate(database) == ArmCounts(devices=1, failed=1)


async def test_a_failure_in_no_rollout_only_quarantines(database: Database, url: str) -> None:
    await tell(database, failure(digest=DIGEST, rollout=""))

    assert rows_of(url, "sightings") == []
    assert [row[:2] for row in rows_of(url, "quarantine")] == [(DIGEST, "phone")]


async def test_a_failure_that_names_no_digest_quarantines_nothing(
    database: Database, url: str
) -> None:
    await tell(database, seen(), failure())

    assert rows_of(url, "quarantine") == []


async def test_a_new_quarantine_is_a_change_of_what_is_served_and_an_old_one_is_not(
    database: Database,
) -> None:
    await tell(database, failure(digest=DIGEST))
    first = await change_number(database)
    await tell(database, failure(digest=DIGEST), minutes=1)

    assert (first, await change_number(database)) == (1, 1)


async def test_only_what_some_channel_may_offer_is_loaded_as_quarantine(
    database: Database, url: str
) -> None:
    await tell(database, failure(digest=DIGEST), failure("other", digest="e" * 64))
    with sqlite3.connect(Path(url.removeprefix("sqlite:///"))) as raw:
        raw.execute(
            "INSERT INTO channels VALUES ('shop','production','app',1,'s',NULL,?,NULL,100,0)",
            [DIGEST],
        )
    raw.close()

    assert (await load(database)).quarantine == {("phone", DIGEST)}


async def test_the_same_report_is_kept_once_and_another_timestamp_is_another(
    database: Database, url: str
) -> None:
    await tell(database, report(), report(), report(timestamp_ms=2))
    await tell(database, report(), report(timestamp_ms=None), report(timestamp_ms=None), minutes=1)

    assert sorted(row[4] for row in rows_of(url, "reports")) == [-1, 1, 2]


async def test_a_thousand_devices_in_one_batch_are_a_thousand(database: Database) -> None:
    phones = [seen(f"phone-{number}", running=True) for number in range(1_200)]
    await tell(database, *phones)
    await tell(database, *phones, minutes=6)
    await tell(database, *(failure(f"phone-{number}") for number in range(0, 1_200, 3)))

    assert await candidate(database) == ArmCounts(devices=1_200, failed=400, proven=800)


@pytest.mark.parametrize(
    "hostile",
    [
        seen("\ud800"),
        seen("a\0b"),
        seen("x" * 513),
        failure(digest="\udfff"),
        report("\ud83d"),
        report(timestamp_ms=2**63),
        report(timestamp_ms=-5),
    ],
    ids=ascii,
)
async def test_what_cannot_be_written_is_refused(database: Database, hostile: ReportItem) -> None:
    with pytest.raises(Refused) as refused:
        await tell(database, hostile, seen("good"))

    assert refused.value.reason == "ReportInvalid"
    assert await candidate(database) == ArmCounts()


async def test_any_letter_of_any_script_is_written_as_it_is(database: Database, url: str) -> None:
    await tell(database, seen("телефон 📱 \u202e\x1b[31m'; DROP TABLE counts; --"))

    assert await candidate(database) == ArmCounts(devices=1)


def rows_of(url: str, table: str) -> Sequence[tuple[object, ...]]:
    raw = sqlite3.connect(Path(url.removeprefix("sqlite:///")))
    try:
        return raw.execute(
            f"SELECT * FROM {table} ORDER BY 1, 2, 3"  # noqa: S608 - names from this file
        ).fetchall()
    finally:
        raw.close()
