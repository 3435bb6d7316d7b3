"""When a rollout may grow: hours of the week in a time zone, and freezes.

Open is a moment that is within some hours (or no hours are named) and within no freeze. All
intervals hold their beginning and not their end.

Times of day are read as RFC 5545 (3.3.5) does, so that each names one moment even on the days on
which clocks change: one that occurs twice means its first occurrence, and one that is skipped means
as long after the change as it stands after it (02:30, when 02:00 becomes 03:00, is 03:30). Hours
that thereby end before they begin are none. How long a recurring freeze lasts is counted in real
time.

Time zones come from the package tzdata and not from the machine, so that the same release of Sluice
gives the same answer everywhere.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from heapq import merge
from importlib.resources import files
from itertools import islice
from typing import Final, Literal
from zoneinfo import ZoneInfo

from sluice.errors import Refused
from sluice.policy.recurrence import days_from, read_rrule
from sluice.resources.text import plain

__all__ = [
    "Day",
    "Freeze",
    "Hours",
    "Opening",
    "Recurrence",
    "Window",
    "check_time_zone",
    "is_open",
]

Day = Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]

DURATION_SECONDS_MAX: Final = 92 * 86_400
"""Longest recurring freeze: a quarter. What lasts longer is named once, or is not a freeze."""

EDGES_MAX: Final = 500
"""Beginnings and ends looked at for the next change: hours alone change the answer every week."""

DAYS_KEPT: Final = 4
RECURRENCES_KEPT: Final = 1_024
"""Next days of a recurrence that are remembered, and of how many: the same ones all day."""

ZONES_KEPT: Final = 64
ZONE_CHARS_MAX: Final = 64
REASON_CHARS_MAX: Final = 128
FREEZES_SHOWN_MAX: Final = 3
"""Freezes named in one message; the rest is counted."""

_DAYS: Final[tuple[Day, ...]] = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY_MINUTES: Final = 24 * 60
_WEEK_MINUTES: Final = 7 * _DAY_MINUTES
_ONE_DAY: Final = timedelta(days=1)
_ZONE_NAME: Final = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}")
_LAST: Final = datetime(9990, 1, 1, tzinfo=UTC)
"""From here on, times can't be told in every zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Hours of the week in which it may grow."""

    days: tuple[Day, ...]
    """Days on which they begin."""

    start: str
    """Time of day at which they begin, `HH:MM`."""

    end: str
    """Time of day at which they end, `HH:MM`; if that is not after the start, on the next day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """A time in which nothing grows."""

    start: datetime
    """When it begins; aware."""

    end: datetime
    """When it is over; aware."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """A time in which nothing grows, again and again."""

    rrule: str
    """What `sluice.policy.recurrence` understands of RFC 5545."""

    start: datetime
    """First beginning, in the window's time zone; naive. It happens only if it fits the rule."""

    duration_seconds: int
    """How long it lasts each time, up to `DURATION_SECONDS_MAX`."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When a rollout may grow."""

    time_zone: str
    """IANA name, e.g. Europe/Berlin."""

    hours: tuple[Hours, ...] = ()
    """Empty: always, but for freezes."""

    freezes: tuple[Freeze, ...] = ()
    recurring: tuple[Recurrence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Whether a window is open."""

    open: bool
    message: str
    """A sentence that says until when and why, in the window's time zone."""

    changes_at: datetime | None
    """When the answer changes next (UTC); None when it does not in the time that is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """Some time in which it may grow (hours) or may not (a freeze)."""

    start: datetime
    end: datetime
    freeze: str
    """Why it is frozen; empty for hours."""


def is_open(window: Window, now: datetime) -> Opening:
    """Return whether a window is open, why, and when that changes.

    Args:
        window: the window.
        now: the time of the judgement; aware.

    Raises:
        Refused: `TimeZoneUnknown`, `RecurrenceInvalid`.
    """
    zone = _zone(window.time_zone)
    now = now.astimezone(UTC)
    spans = [_frozen_once(window.freezes, now)]
    spans += [_frozen_again(each, zone, now) for each in window.recurring]
    always = not window.hours or _cover_the_week(window.hours)
    if not always:
        spans += [_open_hours(each, zone, now) for each in window.hours]
    answer, freezes, changes_at = _look(merge(*spans, key=_start), now, always=always)
    message = _message(freezes, changes_at, zone, answer=answer)
    return Opening(open=answer, message=message, changes_at=changes_at)


def check_time_zone(name: str) -> None:
    """Check that there is a time zone of this name.

    Raises:
        Refused: `TimeZoneUnknown`.
    """
    _zone(name)


def _look(
    spans: Iterator[_Span], now: datetime, *, always: bool
) -> tuple[bool, tuple[str, ...], datetime | None]:
    """Return whether it is open, the freezes of this moment, and when the answer changes.

    Args:
        spans: what has not ended yet, in the order of its beginnings.
        now: the moment.
        always: it is open whenever it is not frozen.
    """
    first: tuple[bool, tuple[str, ...]] | None = None
    holding: list[_Span] = []
    coming, moment = next(spans, None), now
    for _ in range(EDGES_MAX):
        while coming and coming.start <= moment:
            holding.append(coming)
            coming = next(spans, None)
        holding = [each for each in holding if each.end > moment]
        freezes = [each for each in holding if each.freeze]
        answer = not freezes and (always or bool(holding))
        if first is None:
            first = answer, tuple(each.freeze for each in freezes)
        elif answer != first[0]:
            return *first, moment
        if freezes:
            # Whatever begins meanwhile, nothing opens before the last of them is over.
            moment = max(each.end for each in freezes)
        elif edges := [each.end for each in holding] + ([coming.start] if coming else []):
            moment = min(edges)
        else:
            break
    return *(first or (False, ())), None


def _start(span: _Span) -> datetime:
    return span.start


def _frozen_once(freezes: tuple[Freeze, ...], now: datetime) -> Iterator[_Span]:
    spans = (
        _Span(start=each.start.astimezone(UTC), end=each.end.astimezone(UTC), freeze=each.reason)
        for each in freezes
    )
    return iter(sorted((each for each in spans if each.end > now), key=_start))


def _frozen_again(recurrence: Recurrence, zone: ZoneInfo, now: datetime) -> Iterator[_Span]:
    if not 0 < recurrence.duration_seconds <= DURATION_SECONDS_MAX:
        raise Refused(
            "RecurrenceInvalid",
            f"A recurring freeze must last from a second to {DURATION_SECONDS_MAX // 86_400} days.",
        )
    lasts = timedelta(seconds=recurrence.duration_seconds)
    until = read_rrule(recurrence.rrule).until
    start = recurrence.start
    first = (now - lasts).astimezone(zone).date() - _ONE_DAY
    for day in _days_again(recurrence.rrule, start.date(), first):
        begin = _moment(day, start.time(), zone)
        if isinstance(until, datetime) and begin > until:
            return
        if begin + lasts > now:
            yield _Span(start=begin, end=begin + lasts, freeze=recurrence.reason)


def _days_again(rrule: str, start: date, first: date) -> Iterator[date]:
    days = _next_days(rrule, start, first)
    yield from days
    if len(days) == DAYS_KEPT:
        yield from days_from(read_rrule(rrule), start, days[-1] + _ONE_DAY)


@lru_cache(maxsize=RECURRENCES_KEPT)
def _next_days(rrule: str, start: date, first: date) -> tuple[date, ...]:
    # Looking for the next day of a rule that fits none takes the longest: once a day is enough.
    return tuple(islice(days_from(read_rrule(rrule), start, first), DAYS_KEPT))


def _open_hours(hours: Hours, zone: ZoneInfo, now: datetime) -> Iterator[_Span]:
    start, end = time.fromisoformat(hours.start), time.fromisoformat(hours.end)
    day = now.astimezone(zone).date() - 2 * _ONE_DAY
    while day.year < _LAST.year:
        if _DAYS[day.weekday()] in hours.days:
            begin = _moment(day, start, zone)
            over = _moment(day if end > start else day + _ONE_DAY, end, zone)
            if begin < over and over > now:
                yield _Span(start=begin, end=over, freeze="")
        day += _ONE_DAY


def _cover_the_week(hours: tuple[Hours, ...]) -> bool:
    """Return whether no minute of the week is outside of the hours."""
    minutes = [
        (_DAYS.index(day) * _DAY_MINUTES + _minutes(each.start), _length(each))
        for each in hours
        for day in each.days
    ]
    # Twice, so that what crosses from Sunday into Monday is seen.
    spans = sorted(
        (start + week, length) for start, length in minutes for week in (0, _WEEK_MINUTES)
    )
    covered = _WEEK_MINUTES
    for start, length in spans:
        if start <= covered:
            covered = max(covered, start + length)
    return covered >= 2 * _WEEK_MINUTES


def _minutes(clock: str) -> int:
    at = time.fromisoformat(clock)
    return at.hour * 60 + at.minute


def _length(hours: Hours) -> int:
    return (_minutes(hours.end) - _minutes(hours.start) - 1) % _DAY_MINUTES + 1


def _moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    # fold=0 is the first of two occurrences, and the offset before a gap.
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


@lru_cache(maxsize=ZONES_KEPT)
def _zone(name: str) -> ZoneInfo:
    # A name of another form might lead out of the folder: an empty one stays in it.
    path = name.split("/") if _ZONE_NAME.fullmatch(name) else []
    try:
        data = files("tzdata").joinpath("zoneinfo", *path)
        with data.open("rb") as file:
            return ZoneInfo.from_file(file, key=name)
    except (OSError, ValueError) as error:
        raise Refused(
            "TimeZoneUnknown",
            f"There is no time zone {plain(name, ZONE_CHARS_MAX)!r}: use a name of the IANA list,"
            " such as Europe/Berlin.",
        ) from error


def _message(
    freezes: tuple[str, ...], changes_at: datetime | None, zone: ZoneInfo, *, answer: bool
) -> str:
    if answer:
        return (
            f"The window is open until {_told(changes_at, zone)}."
            if changes_at
            else ("The window is open.")
        )
    why = "outside of its hours"
    if freezes:
        shown = ", ".join(plain(each, REASON_CHARS_MAX) for each in freezes[:FREEZES_SHOWN_MAX])
        more = len(freezes) - FREEZES_SHOWN_MAX
        why = f"frozen: {shown}" + (f" and {more} more" if more > 0 else "")
    opens = (
        f"It opens {_told(changes_at, zone)}" if changes_at else "No time is known when it opens"
    )
    return f"The window is closed, {why}. {opens}."


def _told(moment: datetime, zone: ZoneInfo) -> str:
    """Return e.g. `Fri 2026-11-27 16:30 +01:00 (Europe/Berlin)`."""
    local = moment.astimezone(zone) if moment < _LAST else moment
    text = local.isoformat(sep=" ", timespec="minutes")
    return f"{_DAYS[local.weekday()]} {text[:-6]} {text[-6:]} ({local.tzinfo})"
