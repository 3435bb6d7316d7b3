"""What becomes of people's words on a release, beside what they say."""

from dataclasses import dataclass
from typing import Final

from sluice.verify.facts import Evidence

__all__ = ["NO_WORDS", "WORDS_KEPT_MAX", "Words"]

WORDS_KEPT_MAX: Final = 256
"""Words that are kept of one release: each of 96 people may say no, withdraw and break the glass.
A release that has so many grows no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What becomes of people's words on a release, beside what they say."""

    unkept: tuple[Evidence, ...] = ()
    """Those that must not be forgotten (`sluice.policy.lasting`), and are not in the store yet."""
    kept: int = 0
    """Number of words on the release that are in the store."""
    overlooked: int = 0
    """Number of Approvals of the release that are not looked at, for they are too many."""


NO_WORDS: Final = Words()
"""Of a release that nobody said anything on."""
