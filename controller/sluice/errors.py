"""Failures, named by what happens next.

    SluiceError
    ├── Refused       somebody must change something; trying again changes nothing
    │   └── VerificationError   evidence that proves nothing (sluice.verify)
    ├── NotYet        wait; `until` says how long at most
    ├── Unavailable   the world did not answer; try again with back-off
    └── Fenced        another process leads now; stop acting and exit

Pure cores return findings; they raise `Refused` only for bytes that cannot be read at all. Foreign
exceptions stop at the border of a room and are chained (`raise ... from error`).
"""

from datetime import datetime

from typing_extensions import override

__all__ = ["Fenced", "NotYet", "Refused", "SluiceError", "Unavailable", "VerificationError"]


class SluiceError(Exception):
    """Base of every failure that Sluice names.

    Args:
        reason: CamelCase code for machines; the same word is used in conditions and the audit log.
        message: a sentence that tells a person what to do.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message

    @override
    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


class Refused(SluiceError):
    """Somebody must change something: trying again with the same input gives the same answer."""


class VerificationError(Refused):
    """Evidence (a signature, a statement, an archive) that proves nothing."""


class NotYet(SluiceError):
    """Nothing is wrong; it is too early.

    Args:
        until: when to look again, or None when only an event can change it.
    """

    def __init__(self, reason: str, message: str, until: datetime | None = None) -> None:
        super().__init__(reason, message)
        self.until = until


class Unavailable(SluiceError):
    """The world did not answer (network, disk, API server): try again with back-off."""


class Fenced(SluiceError):
    """A newer leader holds the store: this process must stop acting."""
