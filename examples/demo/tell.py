"""What the demo prints: steps with their time, and the table at the end."""

import sys
import time
from dataclasses import dataclass, field

__all__ = ["Story", "StoryError"]


class StoryError(Exception):
    """A step did not go as told."""


@dataclass
class Story:
    """Steps, each with what was expected of it."""

    began: float = field(default_factory=time.monotonic)
    rows: list[tuple[str, str, str]] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Print a line with the time since the beginning."""
        print(f"{time.monotonic() - self.began:6.1f} s  {text}", flush=True)

    def detail(self, text: str) -> None:
        """Print a line that belongs to the one before."""
        print(f"            {text}", flush=True)

    def happened(self, step: str, outcome: str) -> None:
        """Note a step that went as told."""
        self.rows.append((step, outcome, f"{time.monotonic() - self.began:.1f} s"))
        self.say(f"✓ {step}: {outcome}")

    def expect(self, condition: object, what: str) -> None:
        """Go on only if something is so.

        Raises:
            StoryError: it is not.
        """
        if not condition:
            raise StoryError(what)

    def table(self) -> None:
        """Print what happened."""
        widths = [max(len(row[column]) for row in self.rows) for column in range(3)]
        print()
        for row in [("what", "outcome", "at"), *self.rows]:
            cells = zip(row, widths, strict=True)
            print("  " + "  ".join(cell.ljust(width) for cell, width in cells).rstrip())
        print(flush=True)

    def failed(self, error: BaseException) -> None:
        """Say what went wrong."""
        print(f"\n✗ {type(error).__name__}: {error}", file=sys.stderr, flush=True)
