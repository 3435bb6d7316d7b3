"""Many submissions, one commit."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from sluice.errors import Refused, Unavailable
from sluice.rollout.evidence import ArmCounts
from sluice.serving.report import Sighting
from sluice.store.database import Database
from sluice.store.group_commit import GroupCommit
from sluice.store.reports import evidence, report_commits


class Disk:
    """Takes batches one at a time, when it is let."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.open = asyncio.Event()

    async def write(self, batch: Sequence[int]) -> None:
        await self.open.wait()
        if 666 in batch:
            raise Refused("Hostile", "This one breaks what it is in.")
        if 503 in batch:
            raise Unavailable("StoreFailed", "The disk is away.")
        self.batches.append(list(batch))


async def test_what_comes_together_is_written_together() -> None:
    disk = Disk()
    disk.open.set()
    async with GroupCommit(disk.write) as commits:
        await asyncio.gather(*(commits.submit([number]) for number in range(5)))

    assert disk.batches == [[0, 1, 2, 3, 4]]


async def test_a_batch_has_an_end() -> None:
    disk = Disk()
    disk.open.set()
    async with GroupCommit(disk.write, batch_items_max=3) as commits:
        await asyncio.gather(*(commits.submit([number, number]) for number in range(3)))

    assert disk.batches == [[0, 0], [1, 1], [2, 2]]


async def test_a_submission_larger_than_a_batch_is_still_one() -> None:
    disk = Disk()
    disk.open.set()
    async with GroupCommit(disk.write, batch_items_max=3) as commits:
        await commits.submit([1, 2, 3, 4, 5])

    assert disk.batches == [[1, 2, 3, 4, 5]]


async def test_nobody_is_answered_before_the_disk_is() -> None:
    disk = Disk()
    async with GroupCommit(disk.write, linger_seconds=0) as commits:
        submitting = asyncio.create_task(commits.submit([1]))
        for _ in range(20):
            await asyncio.sleep(0)
        answered_early = submitting.done()
        disk.open.set()
        await submitting

    assert not answered_early


async def test_more_than_fits_in_the_queue_is_turned_away() -> None:
    disk = Disk()
    async with GroupCommit(disk.write, queued_items_max=4) as commits:
        waiting = asyncio.create_task(commits.submit([1, 2, 3]))
        await asyncio.sleep(0)
        with pytest.raises(Unavailable) as refused:
            await commits.submit([4, 5])
        disk.open.set()
        await waiting
        await commits.submit([6, 7, 8, 9])

    assert refused.value.reason == "Overloaded"
    assert disk.batches == [[1, 2, 3], [6, 7, 8, 9]]


async def test_a_hostile_submission_fails_alone() -> None:
    disk = Disk()
    disk.open.set()
    async with GroupCommit(disk.write) as commits:
        answers = await asyncio.gather(
            *(commits.submit([number]) for number in (1, 666, 2)), return_exceptions=True
        )

    assert [each and type(each).__name__ for each in answers] == [None, "Refused", None]
    assert disk.batches == [[1], [2]]


async def test_a_transaction_that_fails_fails_its_own_and_the_next_goes_on() -> None:
    disk = Disk()
    disk.open.set()
    async with GroupCommit(disk.write) as commits:
        with pytest.raises(Unavailable):
            await commits.submit([503])
        await commits.submit([1])

    assert disk.batches == [[1]]


async def test_leaving_writes_what_was_submitted_and_takes_no_more() -> None:
    disk = Disk()
    commits = GroupCommit(disk.write)
    async with commits:
        waiting = asyncio.create_task(commits.submit([1]))
        await asyncio.sleep(0)
        disk.open.set()
    await waiting

    with pytest.raises(Unavailable) as refused:
        await commits.submit([2])
    assert refused.value.reason == "Closing"
    assert disk.batches == [[1]]


async def test_a_caller_that_gives_up_harms_nobody() -> None:
    disk = Disk()
    async with GroupCommit(disk.write, linger_seconds=0) as commits:
        impatient = asyncio.create_task(commits.submit([1]))
        patient = asyncio.create_task(commits.submit([2]))
        await asyncio.sleep(0)
        impatient.cancel()
        disk.open.set()
        await patient

    assert disk.batches == [[1, 2]]


async def test_reports_are_on_disk_and_counted_when_they_are_answered(database: Database) -> None:
    def now() -> datetime:
        return datetime(2026, 11, 24, tzinfo=UTC)

    async with report_commits(database, now=now, proof_gap=timedelta(minutes=5)) as commits:
        await asyncio.gather(
            *(
                commits.submit(
                    [Sighting(rollout_id="r", device_id=str(n), arm="candidate", running=False)]
                )
                for n in range(100)
            )
        )
        counted = (await evidence(database, "r")).candidate

    assert counted == ArmCounts(devices=100)
