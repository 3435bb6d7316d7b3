"""The work queue: coalescing, one worker a key, timers, back-off."""

import asyncio

from sluice.operator.queue import WorkQueue


async def test_a_key_that_is_put_often_comes_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for _ in range(100):
        queue.put("a")
    queue.put("b")

    assert [await queue.get(), await queue.get()] == ["a", "b"]


async def test_a_key_that_is_put_while_a_worker_has_it_comes_again_and_not_before() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.put("a")
    await queue.get()
    queue.put("a")
    queue.put("a")
    queue.put("b")

    assert await queue.get() == "b"
    queue.done("a")
    assert await queue.get() == "a"


async def test_a_noisy_key_delays_nobody() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.put("noisy")
    queue.put("quiet")
    assert await queue.get() == "noisy"
    queue.put("noisy")
    queue.done("noisy")

    assert await queue.get() == "quiet"


async def test_of_several_timers_of_a_key_the_earliest_holds() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.put_after("a", 3600)
    queue.put_after("a", 0.01)
    queue.put_after("a", 1800)

    assert await asyncio.wait_for(queue.get(), 5) == "a"


async def test_a_timer_wakes_who_waits_already() -> None:
    queue: WorkQueue[str] = WorkQueue()
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.put_after("a", 0.01)

    assert await asyncio.wait_for(waiting, 5) == "a"


async def test_putting_a_key_cancels_its_timer() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.put_after("a", 0.01)
    queue.put("a")
    assert await queue.get() == "a"
    queue.done("a")
    queue.put_after("b", 0.05)

    assert await asyncio.wait_for(queue.get(), 5) == "b"


async def test_a_failed_key_comes_again_by_itself() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.put("a")
    queue.done(await queue.get(), failed=True)

    assert await asyncio.wait_for(queue.get(), 5) == "a"
