"""What one device showed in one rollout, merged so that order and repetition make no difference.

Reports come late, twice, out of order and through several servers. Each field is a least or a
greatest moment, so merging is commutative, associative and idempotent:

- `first_at`: when it was first seen in this arm;
- `running_at`: when it first said that it runs what the arm is given;
- `heard_until`: when it last said so, but no later than `running_at` plus the proof gap: all that
  is asked of it is whether the gap was reached, so a phone that has proved itself costs no writes;
- `failed_at`, `failure`: its first failure. It may come in before the sighting that it belongs to;
  until then it counts nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

__all__ = ["Seen", "Standing", "failed", "sighted", "standing"]

Standing = Literal["unseen", "seen", "proven", "failed"]
"""How a device is counted. `unseen`: it failed without having been given anything, as far as we
know, which counts nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of one device in one arm of one rollout."""

    first_at: datetime | None = None
    running_at: datetime | None = None
    heard_until: datetime | None = None
    failed_at: datetime | None = None
    failure: str | None = None


def sighted(seen: Seen, at: datetime, proof_gap: timedelta, *, running: bool) -> Seen:
    """Return what is known after the device asked for updates."""
    first_at = _earlier(seen.first_at, at)
    if not running:
        return replace(seen, first_at=first_at)
    running_at = _earlier(seen.running_at, at)
    last = at if seen.heard_until is None else max(seen.heard_until, at)
    return replace(
        seen,
        first_at=first_at,
        running_at=running_at,
        heard_until=min(last, running_at + proof_gap),
    )


def failed(seen: Seen, at: datetime, action: str) -> Seen:
    """Return what is known after the device reported a failure."""
    if seen.failed_at is None or seen.failure is None:
        return replace(seen, failed_at=at, failure=action)
    first_at, first = min((seen.failed_at, seen.failure), (at, action))
    return replace(seen, failed_at=first_at, failure=first)


def standing(seen: Seen, proof_gap: timedelta) -> Standing:
    """Return how the device is counted."""
    if seen.first_at is None:
        return "unseen"
    if seen.failed_at is not None:
        return "failed"
    if seen.running_at is None or seen.heard_until is None:
        return "seen"
    return "proven" if seen.heard_until - seen.running_at >= proof_gap else "seen"


def _earlier(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else min(known, at)
