"""Keys that want a lap: coalesced, one worker a key, with one timer each and back-off on failure.

However often a key is put, it waits in line once. While a worker has it, a further put makes it
come again afterwards. So a noisy object costs laps of its own and delays nobody.
"""

import asyncio
import heapq
from collections import OrderedDict
from collections.abc import Hashable
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)

__all__ = ["BACKOFF_SECONDS_MAX", "WorkQueue"]

BACKOFF_SECONDS_FIRST: Final = 0.2
BACKOFF_SECONDS_MAX: Final = 30.0
"""A failing key is tried again after 0.2, 0.4, 0.8 ... seconds, and every 30 at last."""


class WorkQueue(Generic[K]):
    """A queue of keys."""

    def __init__(self) -> None:
        self._ready: OrderedDict[K, None] = OrderedDict()
        self._busy: set[K] = set()
        self._again: set[K] = set()
        self._timers: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._failures: dict[K, int] = {}
        self._count = 0
        self._changed = asyncio.Event()

    def put(self, key: K) -> None:
        """Ask for a lap now."""
        self._timers.pop(key, None)
        if key in self._busy:
            self._again.add(key)
        else:
            self._ready[key] = None
            self._changed.set()

    def put_after(self, key: K, seconds: float) -> None:
        """Ask for a lap in some seconds; of several times, the earliest holds."""
        due = asyncio.get_running_loop().time() + max(seconds, 0.0)
        if due < self._timers.get(key, float("inf")):
            self._timers[key] = due
            self._count += 1
            heapq.heappush(self._heap, (due, self._count, key))
            self._changed.set()

    async def get(self) -> K:
        """Wait for a key and take it; nobody else gets it until `done`."""
        while True:
            wait = self._fire_timers()
            if self._ready:
                key, _ = self._ready.popitem(last=False)
                self._busy.add(key)
                return key
            self._changed.clear()
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def done(self, key: K, *, failed: bool = False) -> None:
        """Give a key back; a failed one comes again after its back-off."""
        self._busy.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.put(key)
        if failed:
            tries = self._failures[key] = self._failures.get(key, 0) + 1
            self.put_after(
                key, min(BACKOFF_SECONDS_FIRST * 2.0 ** (tries - 1), BACKOFF_SECONDS_MAX)
            )
        else:
            self._failures.pop(key, None)

    def _fire_timers(self) -> float | None:
        """Make due keys ready; return the seconds until the next timer, or None."""
        now = asyncio.get_running_loop().time()
        while self._heap:
            due, _, key = self._heap[0]
            if self._timers.get(key) != due:
                heapq.heappop(self._heap)
            elif due <= now:
                heapq.heappop(self._heap)
                self.put(key)
            else:
                return due - now
        return None
