"""How fast the other side must be, so that nobody can hold a worker by sending slowly."""

from typing import Final

from sluice.errors import Unavailable

__all__ = ["Pace"]

BYTES_MIN: Final = 1
"""Whatever the rate: a window in which nothing comes is too slow."""


class Pace:
    """Counts what comes against the time that was spent waiting for it.

    The time that the reader takes (a slow disk, say) is not counted, for it is not the sender's.

    Args:
        bytes_per_second_min: the least rate.
        window_seconds: over how long it is measured.
    """

    def __init__(self, bytes_per_second_min: float, window_seconds: float) -> None:
        self._bytes_min = max(BYTES_MIN, bytes_per_second_min * window_seconds)
        self._window_seconds = window_seconds
        self._bytes = 0
        self._waited_seconds = 0.0

    def seconds_left(self) -> float:
        """Return how long to wait at most before `note` is called again."""
        return self._window_seconds - self._waited_seconds

    def note(self, size: int, waited_seconds: float) -> None:
        """Count what came (0 for nothing) after some waiting.

        Raises:
            Unavailable: `FetchTooSlow`.
        """
        self._bytes += size
        self._waited_seconds += waited_seconds
        if self._waited_seconds < self._window_seconds:
            return
        if self._bytes < self._bytes_min:
            raise Unavailable(
                "FetchTooSlow", "The server sends too slowly, or nothing at all: it is tried again."
            )
        self._bytes = 0
        self._waited_seconds = 0.0
