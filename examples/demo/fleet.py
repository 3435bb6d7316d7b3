"""2,000 phones in a thread of their own; how they fare is read off from outside."""

import asyncio
import threading
from collections import Counter
from typing import Any

from support.phone import Behaviour, Fleet, phones

__all__ = ["RunningFleet"]


class RunningFleet:
    """A fleet that lives until it is stopped."""

    def __init__(self, count: int, *, period: float, bad: str, **fields: Any) -> None:
        behaviour = Behaviour(bad=frozenset({bad}), bad_share=0.6)
        self._fleet = Fleet(phones(count, behaviour=behaviour, download="full", **fields), awake=24)
        self._period = period
        self._loop = asyncio.new_event_loop()
        self._until = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="fleet", daemon=True)

    def start(self) -> None:
        """Let the phones live."""
        self._thread.start()

    def stop(self) -> None:
        """End their lives, and wait until that is so."""
        self._loop.call_soon_threadsafe(self._until.set)
        self._thread.join(timeout=20)

    def versions(self) -> Counter[str]:
        """Return how many phones run each version."""
        return self._fleet.versions()

    def rollbacks(self, version: str) -> int:
        """Return how many phones tried a version and had to go back."""
        return sum(phone.rollbacks[version] > 0 for phone in self._fleet.members)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._fleet.live(period=self._period, until=self._until))
