"""Many submissions, one commit: what many phones send at once shares one wait for the disk."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

from sluice.errors import Unavailable

__all__ = ["BATCH_ITEMS_MAX", "QUEUED_ITEMS_MAX", "GroupCommit"]

BATCH_ITEMS_MAX: Final = 1_000
"""Items of one transaction: some milliseconds of work, so that other writers get their turn."""

QUEUED_ITEMS_MAX: Final = 20_000
"""Items that wait, about a second of work; beyond it, whoever sends is told to come again."""

LINGER_SECONDS: Final = 0.002
"""How long a batch waits for company; a commit takes longer than that."""

Item = TypeVar("Item")


@dataclass(eq=False)
class _Submission(Generic[Item]):
    items: Sequence[Item]
    done: asyncio.Future[None] = field(default_factory=asyncio.Future)


class GroupCommit(Generic[Item]):
    """Gathers submissions into batches and commits one batch after the other.

    Used as `async with GroupCommit(write) as commits: await commits.submit(items)`. Leaving the
    block writes what was submitted, and takes nothing more.

    Args:
        write: writes a batch in one transaction, and returns when it is on disk.
        batch_items_max: items of one transaction.
        queued_items_max: items that may wait.
        linger_seconds: how long a batch waits for company.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Item]], Awaitable[None]],
        *,
        batch_items_max: int = BATCH_ITEMS_MAX,
        queued_items_max: int = QUEUED_ITEMS_MAX,
        linger_seconds: float = LINGER_SECONDS,
    ) -> None:
        self._write = write
        self._batch_items_max = batch_items_max
        self._queued_items_max = queued_items_max
        self._linger_seconds = linger_seconds
        self._waiting: deque[_Submission[Item]] = deque()
        self._queued_items = 0
        self._work = asyncio.Event()
        self._closing = False
        self._writer: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._writer = asyncio.create_task(self._run(), name="group-commit")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Write what waits, then end."""
        self._closing = True
        self._work.set()
        if self._writer is not None:
            await self._writer

    async def submit(self, items: Sequence[Item]) -> None:
        """Return when all the items are on disk. They are written in one transaction.

        A caller that is cancelled leaves its items where they are: they may be written or not.

        Raises:
            Refused: the items cannot be written as they are.
            Unavailable: `Overloaded` or `Closing`: nothing was written; `StoreFailed`: the
                transaction failed.
        """
        if not items:
            return
        if self._closing:
            raise Unavailable("Closing", "This server is going away: come again.")
        if self._queued_items + len(items) > self._queued_items_max:
            raise Unavailable("Overloaded", "More comes in than can be written: come again.")
        submission = _Submission(items)
        self._waiting.append(submission)
        self._queued_items += len(items)
        self._work.set()
        await submission.done

    async def _run(self) -> None:
        while self._waiting or not self._closing:
            await self._work.wait()
            if self._queued_items < self._batch_items_max and not self._closing:
                await asyncio.sleep(self._linger_seconds)
            if batch := self._next_batch():
                await self._commit(batch)
            if not self._waiting and not self._closing:
                self._work.clear()

    def _next_batch(self) -> list[_Submission[Item]]:
        batch: list[_Submission[Item]] = []
        items = 0
        while self._waiting and (
            not batch or items + len(self._waiting[0].items) <= self._batch_items_max
        ):
            batch.append(self._waiting.popleft())
            items += len(batch[-1].items)
        self._queued_items -= items
        return batch

    async def _commit(self, batch: list[_Submission[Item]]) -> None:
        items = [item for submission in batch for item in submission.items]
        error = await self._failure(items)
        if error is not None and len(batch) > 1 and not isinstance(error, Unavailable):
            # One submission is at fault, and the others shall not suffer for it.
            for submission in batch:
                await self._commit([submission])
            return
        for submission in batch:
            if submission.done.done():
                continue
            if error is None:
                submission.done.set_result(None)
            else:
                submission.done.set_exception(error)

    async def _failure(self, items: Sequence[Item]) -> BaseException | None:
        # A task of its own, so that whatever it raises is a value here, and the writer lives on.
        writing = asyncio.ensure_future(self._write(items))
        await asyncio.wait({writing})
        return writing.exception()
