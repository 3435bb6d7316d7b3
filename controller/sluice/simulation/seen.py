"""What a fleet shows in one minute, for many runs at once."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Counts", "Floats", "Harm", "Ints", "Returned", "Seen"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(slots=True, kw_only=True)
class Counts:
    """Devices that were newly counted in a signal, by arm: shape (runs,) or (runs, segments)."""

    candidate: Ints
    failed: Ints
    control: Ints
    control_failed: Ints

    def of(self, run: int) -> tuple[int, int, int, int]:
        """Return the four numbers of a run."""
        return (
            int(self.candidate[run]),
            int(self.failed[run]),
            int(self.control[run]),
            int(self.control_failed[run]),
        )


@dataclass(slots=True, kw_only=True)
class Returned:
    """Who came back, so far (see `sluice.rollout.evidence.Silence`)."""

    tests: tuple[Counts, ...]
    unreturned: Ints
    excess: Floats
    information: Floats


@dataclass(slots=True, kw_only=True)
class Seen:
    """One minute of each run."""

    crashes: Counts
    not_started: Counts
    segments: Counts | None
    """Shape (runs, segments)."""
    returned: Returned | None
    offers: Ints
    control: Ints
    """Devices that were seen in control for the first time."""
    install_failures: Ints
    out: Ints
    """Of all minutes so far."""
    withheld: NDArray[np.bool_]
    drawn: Ints
    """Devices that were seen for the first time at all, and are in the share."""
    drawn_control: Ints


@dataclass(slots=True, kw_only=True)
class Harm:
    """What a release did, of all minutes so far."""

    failed: Ints
    """Devices that fail with it and would not have without, if the two had nothing to do with each
    other: what other tools' figures count. A healthy release has some too."""
    caused: Ints
    """Devices that fail, do not start or do not come back because of what is wrong with it."""
    offered: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
