"""The promises of the design that the store keeps, each by its name."""

import asyncio
import os
import shutil
import signal
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.reconcile.observed import Attempt
from sluice.rollout.evidence import ArmCounts, Evidence
from sluice.serving.report import Failure, Report, Sighting
from sluice.store.attempts import AttemptKey, note_attempt
from sluice.store.audit import Intact, verify_chain
from sluice.store.blobs import Blobs
from sluice.store.channels import channel_row
from sluice.store.claims import release_claim
from sluice.store.crashpoints import STORE_CRASHPOINTS, Crashpoint, kill_at, unharmed
from sluice.store.database import Database
from sluice.store.inspections import keep_inspection
from sluice.store.migration import migrate
from sluice.store.policies import PolicyRow, adopt_policy
from sluice.store.reports import ReportItem, evidence, record, report_commits
from sluice.store.revocations import keep_revocation
from sluice.store.serving import clear_override, set_override
from sluice.store.words import keep_word
from sluice.verify.facts import Evidence as Signed
from support.offspring import KILLED, fork, wait
from support.storing import (
    APP_ID,
    BUNDLE_SERVED,
    CLAIM,
    NOW,
    RELEASE_DIGEST,
    Writer,
    a_promotion,
    a_publication,
    a_retirement,
    an_offer,
)

GAP = timedelta(minutes=5)
ROLLOUT = "shop/production/1"
POLICY = PolicyRow(
    kind="ReleasePolicy",
    namespace="shop",
    name="releases",
    revision=1,
    digest="1" * 64,
    sealed="sealed",
)
REJECTION = Signed(source="Approval bob", kind="approval", data=b"armor", statement=b"{}")
Told = tuple[ReportItem, int]
"""A report, and the minute in which it was received."""


# --- An acknowledged report is durable -----------------------------------------------------------


def sighting(device: int) -> Sighting:
    return Sighting(rollout_id=ROLLOUT, device_id=str(device), arm="candidate", running=False)


def failure(device: int) -> Failure:
    return Failure(
        rollout_id=ROLLOUT, device_id=str(device), arm="candidate", digest="", action="set_fail"
    )


async def report_for_ever(url: str, acknowledgements: int) -> None:
    """Submit reports of ever new devices; write a device's number down when it is answered."""
    database = await Database.open(url)

    async def phone(first: int) -> None:
        for device in range(first, 1_000_000, 50):
            await commits.submit([sighting(device), failure(device)])
            os.write(acknowledgements, f"{device}\n".encode())

    async with report_commits(database, now=lambda: NOW, proof_gap=GAP) as commits:
        await asyncio.gather(*(phone(first) for first in range(50)))


def test_an_acknowledged_report_is_durable_and_counted_once(url: str) -> None:
    reading, writing = os.pipe()
    child = fork(report_for_ever(url, writing))
    os.close(writing)
    acknowledged = read_lines(reading, 300)
    os.kill(child, signal.SIGKILL)
    assert wait(child) == KILLED
    acknowledged += read_lines(reading, 1_000_000)
    os.close(reading)

    known = {row[0] for row in query(url, "SELECT device_id FROM sightings")}
    again = [item for device in acknowledged for item in (sighting(device), failure(device))]
    counted_before = asyncio.run(told_once_more(url, []))
    counted_after = asyncio.run(told_once_more(url, again))

    assert set(map(str, acknowledged)) <= known
    assert counted_before == counted_after == ArmCounts(devices=len(known), failed=len(known))


async def told_once_more(url: str, items: list[ReportItem]) -> ArmCounts:
    database = await Database.open(url)
    await record(database, items, at=NOW, proof_gap=GAP)
    counted = await evidence(database, ROLLOUT)
    await database.close()
    return counted.candidate


def read_lines(descriptor: int, number: int) -> list[int]:
    """Read a number of whole lines, or all that there are."""
    data = b""
    while data.count(b"\n") < number and (part := os.read(descriptor, 65_536)):
        data += part
    return [int(line) for line in data.split(b"\n")[:-1]]


def test_processes_that_write_at_once_lose_nothing(url: str) -> None:
    children = [fork(report_some(url, first)) for first in (0, 100, 200)]

    assert [wait(child) for child in children] == [0, 0, 0]
    assert asyncio.run(told_once_more(url, [])) == ArmCounts(devices=300)


async def report_some(url: str, first: int) -> None:
    database = await Database.open(url)
    for device in range(first, first + 100):
        await record(database, [sighting(device)], at=NOW, proof_gap=GAP)
    await database.close()


# --- Late, repeated and reordered reports make no difference -------------------------------------

devices = st.sampled_from(["a", "b", "c"])
arms = st.sampled_from(["candidate", "control"])
items = st.one_of(
    st.builds(
        Sighting,
        rollout_id=st.sampled_from(["r1", "r2"]),
        device_id=devices,
        arm=arms,
        running=st.booleans(),
    ),
    st.builds(
        Failure,
        rollout_id=st.sampled_from(["r1", "r2", ""]),
        device_id=devices,
        arm=arms,
        digest=st.sampled_from(["", "d" * 64, "e" * 64]),
        action=st.sampled_from(["set_fail", "crash"]),
    ),
    st.builds(
        Report,
        app_id=st.just("app"),
        device_id=devices,
        action=st.sampled_from(["set", "crash"]),
        version_name=st.just("1.0.0"),
        timestamp_ms=st.sampled_from([None, 1, 2]),
    ),
)
told = st.lists(st.tuples(items, st.integers(0, 12)), max_size=12)


@given(events=told, data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_order_and_repetition_of_reports_leaves_the_same_rows(
    empty_store: Path,
    tmp_path_factory: pytest.TempPathFactory,
    events: list[Told],
    data: st.DataObject,
) -> None:
    repeated = events + (data.draw(st.lists(st.sampled_from(events))) if events else [])
    shuffled = data.draw(st.permutations(repeated))
    folder = tmp_path_factory.mktemp("order")

    first = asyncio.run(rows_after(empty_store, folder / "first.db", events))
    second = asyncio.run(rows_after(empty_store, folder / "second.db", shuffled))

    assert first == second
    assert first["counts"] == counted_by_hand(events)


async def rows_after(empty: Path, path: Path, events: list[Told]) -> dict[str, object]:
    """Record events one by one, those of one minute that follow each other in one batch."""
    shutil.copyfile(empty, path)
    url = f"sqlite:///{path}"
    database = await Database.open(url)
    batches: list[tuple[int, list[ReportItem]]] = []
    for item, minute in events:
        if not batches or batches[-1][0] != minute:
            batches.append((minute, []))
        batches[-1][1].append(item)
    for minute, batch in batches:
        await record(database, batch, at=NOW + timedelta(minutes=minute), proof_gap=GAP)
    counts = {rollout: await evidence(database, rollout) for rollout in ("r1", "r2")}
    await database.close()
    return {
        "sightings": query(url, "SELECT * FROM sightings ORDER BY 1, 2, 3"),
        "quarantine": query(url, "SELECT digest, device_id FROM quarantine ORDER BY 1, 2"),
        "reports": query(url, "SELECT * FROM reports ORDER BY 1, 2, 3, 4, 5"),
        "counts": counts,
    }


def counted_by_hand(events: list[Told]) -> dict[str, Evidence]:
    """What the counts must be, from the whole history at once."""
    counts = {}
    for rollout in ("r1", "r2"):
        arms = {}
        for arm in ("candidate", "control"):
            mine = [
                (item, minute)
                for item, minute in events
                if not isinstance(item, Report) and (item.rollout_id, item.arm) == (rollout, arm)
            ]
            seen = {item.device_id for item, _ in mine if isinstance(item, Sighting)}
            failed = {item.device_id for item, _ in mine if isinstance(item, Failure)} & seen
            proven = set()
            for device in seen - failed:
                minutes = [
                    minute
                    for item, minute in mine
                    if isinstance(item, Sighting) and item.device_id == device and item.running
                ]
                if minutes and max(minutes) - min(minutes) >= 5:
                    proven.add(device)
            arms[arm] = ArmCounts(devices=len(seen), failed=len(failed), proven=len(proven))
        counts[rollout] = Evidence(**arms)
    return counts


# --- Every effect is idempotent, and every step can be cut off -----------------------------------

LARGE_BUNDLE = b"large enough to be written in parts" * 70_000
LARGE_SERVED = replace(
    BUNDLE_SERVED, digest=a_publication(LARGE_BUNDLE).digest, size=len(LARGE_BUNDLE)
)


async def live_through_it_all(folder: Path, epoch: int, crashpoint: Crashpoint) -> None:
    """Do everything that can be written to a store, as an operator does after each start."""
    url = f"sqlite:///{folder}/sluice.db"
    await migrate(url, crashpoint=crashpoint)
    database = await Database.open(url, crashpoint=crashpoint)
    writer = Writer(database, folder / "blobs", epoch=epoch)
    writer.blobs = Blobs(folder / "blobs", crashpoint=crashpoint)
    await writer.lead()
    row = await channel_row(database, "shop", "production")
    generation = row.generation if row else 0
    await adopt_policy(database, POLICY, told={}, epoch=epoch, at=NOW)
    await keep_word(database, "shop", RELEASE_DIGEST, REJECTION, epoch=epoch, at=NOW)
    await keep_revocation(database, "shop", RELEASE_DIGEST, "It loses orders.", epoch=epoch, at=NOW)
    await keep_inspection(database, RELEASE_DIGEST, "sealed", epoch=epoch, at=NOW)
    if generation == 0:
        attempt = AttemptKey("Publish", "shop", RELEASE_DIGEST)
        failed = Attempt(reason="FetchFailed", message="It did not answer.", retry_at=NOW)
        await note_attempt(database, attempt, failed, epoch=epoch)
        await writer.publish(LARGE_BUNDLE)
        await writer.judge()
        await writer.serve(an_offer(candidate=LARGE_SERVED))
    report = Report(
        app_id=APP_ID, device_id="1", action="set_fail", version_name="1.2.0", timestamp_ms=1
    )
    await record(database, [sighting(1), failure(1), report], at=NOW, proof_gap=GAP)
    await set_override(database, APP_ID, "1", "beta", at=NOW)
    await clear_override(database, APP_ID, "1")
    promotion = a_promotion()
    assert promotion.table is not None
    if generation <= 1:
        table = replace(promotion.table, stable=LARGE_SERVED)
        await writer.serve(replace(promotion, table=table))
    if generation <= 2:
        await writer.serve(a_retirement(2))
    await release_claim(database, CLAIM, epoch=epoch, at=NOW)
    assert isinstance(await verify_chain(database), Intact)
    await database.close()


TABLES = (
    "claims",
    "policies",
    "kept_words",
    "inspections",
    "revocations",
    "verdicts",
    "ledger",
    "ledger_refusals",
    "publications",
    "channels",
    "overrides",
    "quarantine",
    "rollouts",
    "sightings",
    "counts",
    "reports",
    "attempts",
)


def what_is_left(folder: Path) -> dict[str, object]:
    """Everything that lasts, but for how often somebody has taken over or a poll was told so."""
    url = f"sqlite:///{folder}/sluice.db"
    left: dict[str, object] = {
        table: query(url, f"SELECT * FROM {table} ORDER BY 1, 2")  # noqa: S608 - names from above
        for table in TABLES
    }
    left["audit"] = query(
        url, "SELECT kind, subject, body FROM audit WHERE kind <> 'TookOver' ORDER BY seq"
    )
    left["blobs"] = sorted(
        path.name for path in (folder / "blobs" / "sha256").rglob("*") if path.is_file()
    )
    return left


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What is left after a life without a crash."""
    folder = tmp_path_factory.mktemp("undisturbed")
    asyncio.run(live_through_it_all(folder, 1, unharmed))
    return what_is_left(folder)


@pytest.mark.parametrize("point", STORE_CRASHPOINTS)
def test_every_effect_is_idempotent_and_can_be_cut_off_anywhere(
    tmp_path: Path, undisturbed: dict[str, object], point: str
) -> None:
    assert wait(fork(live_through_it_all(tmp_path, 1, kill_at(point)))) == KILLED

    asyncio.run(live_through_it_all(tmp_path, 2, unharmed))

    assert what_is_left(tmp_path) == undisturbed


def test_living_through_it_twice_changes_nothing(
    tmp_path: Path, undisturbed: dict[str, object]
) -> None:
    for epoch in (1, 2):
        asyncio.run(live_through_it_all(tmp_path, epoch, unharmed))

    assert what_is_left(tmp_path) == undisturbed


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(Path(url.removeprefix("sqlite:///")))) as raw:
        return raw.execute(statement).fetchall()
