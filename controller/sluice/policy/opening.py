"""Requirement `window`: now is a time at which a rollout may grow (`sluice.policy.windows`)."""

from datetime import datetime
from functools import lru_cache
from typing import Final

from sluice.errors import Refused
from sluice.policy.question import Answer, Question
from sluice.policy.windows import Freeze, Hours, Recurrence, Window, is_open
from sluice.resources import requirements
from sluice.resources.fields import seconds

__all__ = ["judge_window"]

WINDOWS_KEPT: Final = 256
"""Windows remembered in the form that is asked; policies have a few."""


def judge_window(question: Question, need: requirements.Window) -> Answer:
    """Return whether the window is open, and when that changes."""
    try:
        opening = is_open(_window(need), question.now)
    except Refused as error:
        return Answer(state="refused", reason="WindowInvalid", message=error.message)
    return Answer(
        state="satisfied" if opening.open else "missing",
        reason="WindowOpen" if opening.open else "WindowClosed",
        message=opening.message,
        recheck_at=opening.changes_at,
    )


@lru_cache(maxsize=WINDOWS_KEPT)
def _window(need: requirements.Window) -> Window:
    """Return a window in the form that is asked.

    Raises:
        Refused: RecurrenceInvalid, when a recurring freeze begins on a day that there is not.
    """
    return Window(
        time_zone=need.time_zone,
        hours=tuple(Hours(days=each.days, start=each.start, end=each.end) for each in need.hours),
        freezes=tuple(
            Freeze(start=each.start, end=each.end, reason=each.reason) for each in need.freezes
        ),
        recurring=tuple(
            Recurrence(
                rrule=each.rrule,
                start=_start(each.start),
                duration_seconds=seconds(each.duration),
                reason=each.reason,
            )
            for each in need.recurring
        ),
    )


def _start(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        message = f"There is no {text}: let the recurring freeze begin on a day that there is."
        raise Refused("RecurrenceInvalid", message) from error
