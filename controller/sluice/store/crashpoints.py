"""Named points at which a test may cut a process off, in the order in which an effect passes them.

The store calls the function that it was given with the point's name. Outside of tests that is
`unharmed`, which does nothing. A test walks `STORE_CRASHPOINTS`, kills a process at each, starts it
again, and looks whether the end is the same.
"""

import os
import signal
from collections.abc import Callable
from typing import Final, Literal, get_args

__all__ = [
    "BLOB_STAGES",
    "STORE_CRASHPOINTS",
    "TRANSACTION_STAGES",
    "Crashpoint",
    "Purpose",
    "kill_at",
    "unharmed",
]

Crashpoint = Callable[[str], None]

Purpose = Literal[
    "migrate",
    "take-over",
    "take-claim",
    "release-claim",
    "adopt-policy",
    "keep-word",
    "keep-revocation",
    "keep-inspection",
    "record-verdict",
    "publish",
    "serve",
    "note-attempt",
    "record-reports",
    "set-override",
    "clear-override",
]
"""What a write transaction is for. Its points are named `<purpose>:<stage>`."""

TRANSACTION_STAGES: Final = ("begun", "before-commit", "after-commit")

BLOB_STAGES: Final = (
    "blob:begun",
    "blob:part-written",
    "blob:written",
    "blob:synced",
    "blob:renamed",
    "blob:counted",
)

STORE_CRASHPOINTS: Final = (
    *BLOB_STAGES,
    *(f"{purpose}:{stage}" for purpose in get_args(Purpose) for stage in TRANSACTION_STAGES),
)
"""All points of the store."""


def unharmed(_point: str) -> None:
    """Go on: nothing is to be cut off."""


def kill_at(point: str, *, nth: int = 1) -> Crashpoint:
    """Return a crashpoint that kills this process (SIGKILL) when it passes a point.

    Args:
        point: name of the point.
        nth: at which pass, counted from 1.
    """
    left = nth

    def passing(name: str) -> None:
        nonlocal left
        if name != point:
            return
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return passing
