"""On which days something happens again and again: recurrence rules of RFC 5545.

Understood are FREQ (YEARLY, MONTHLY, WEEKLY, DAILY), INTERVAL, COUNT, UNTIL, BYMONTH, BYMONTHDAY,
BYDAY, BYSETPOS and WKST. The time of day is that of the start, so that the parts that name hours,
minutes and seconds are refused, like all others. The start itself happens only if it fits the rule.

This is not `dateutil.rrule`, which the tests compare it with: that takes INTERVAL=0 and never
returns, walks to the year 9999 for a rule that fits no day (seconds, in one call that nothing can
stop), and opens the file that TZID names.
"""

import calendar
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal

from sluice.errors import Refused
from sluice.resources.text import plain

__all__ = ["DAYS", "Rule", "check_rrule", "days_from", "read_rrule"]

DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

RRULE_CHARS_MAX: Final = 256
INTERVAL_MAX: Final = 1_000
COUNT_MAX: Final = 1_000
"""Most occurrences that are counted; each is found anew from the start."""

YEARS_SEARCHED: Final = 50
"""How far ahead the next day is looked for; 29 February is a Monday every 28 or 40 years."""

RULES_KEPT: Final = 256

_WEEK: Final = 7
_Frequency = Literal["YEARLY", "MONTHLY", "WEEKLY", "DAILY"]

_PARTS: Final = {
    "FREQ": re.compile(r"YEARLY|MONTHLY|WEEKLY|DAILY"),
    "INTERVAL": re.compile(r"[0-9]{1,4}"),
    "COUNT": re.compile(r"[0-9]{1,4}"),
    "UNTIL": re.compile(r"[0-9]{8}(T[0-9]{6}Z)?"),
    "BYMONTH": re.compile(r"[0-9]{1,2}(,[0-9]{1,2}){0,11}"),
    "BYMONTHDAY": re.compile(r"[+-]?[0-9]{1,2}(,[+-]?[0-9]{1,2}){0,61}"),
    "BYDAY": re.compile(
        r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)(,([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU))*"
    ),
    "BYSETPOS": re.compile(r"[+-]?[0-9]{1,3}(,[+-]?[0-9]{1,3})*"),
    "WKST": re.compile(r"MO|TU|WE|TH|FR|SA|SU"),
}
"""Each part that is understood, and what its value must look like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A recurrence rule, read."""

    frequency: _Frequency
    interval: int
    count: int | None
    until: date | datetime | None
    """The last local day, or the last moment (UTC); inclusive."""

    months: frozenset[int]
    month_days: frozenset[int]
    """-1 is the last day of the month."""

    week_days: tuple[tuple[int, int], ...]
    """(which, weekday): the second Monday is (2, 0), the last (-1, 0), every Monday (0, 0)."""

    positions: tuple[int, ...]
    week_start: int


def check_rrule(text: str) -> None:
    """Check that a recurrence rule can be read and fits some day.

    Raises:
        Refused: `RecurrenceInvalid`, saying what is wrong with it.
    """
    read_rrule(text)


@lru_cache(maxsize=RULES_KEPT)
def read_rrule(text: str) -> Rule:
    """Return a recurrence rule, e.g. `FREQ=MONTHLY;BYDAY=-1FR`.

    Raises:
        Refused: `RecurrenceInvalid`, saying what is wrong with it.
    """
    parts = _parts(text)
    rule = Rule(
        frequency=parts["FREQ"],  # type: ignore[arg-type]  # the pattern lets no other word through
        interval=int(parts.get("INTERVAL", "1")),
        count=int(parts["COUNT"]) if "COUNT" in parts else None,
        until=_until(parts["UNTIL"]) if "UNTIL" in parts else None,
        months=frozenset(_numbers(parts, "BYMONTH")),
        month_days=frozenset(_numbers(parts, "BYMONTHDAY")),
        week_days=tuple(
            (int(each[:-2] or "0"), DAYS.index(each[-2:]))
            for each in parts.get("BYDAY", "").split(",")
            if each
        ),
        positions=_numbers(parts, "BYSETPOS"),
        week_start=DAYS.index(parts.get("WKST", "MO")),
    )
    if why := _fault(rule):
        raise _refused(text, why)
    return rule


def days_from(rule: Rule, start: date, first: date) -> Iterator[date]:
    """Yield the days of a rule in order, from `first` on, for `YEARS_SEARCHED` years.

    UNTIL ends them only when it is a day; a moment is for the caller to compare.

    Args:
        rule: the rule.
        start: the day from which the rule counts.
        first: the first day of interest.
    """
    counted = 0
    # Counting begins at the start; without a count, so may what came before be passed over.
    begin = start if rule.count else max(start, first)
    end = date(min(max(start, first).year + YEARS_SEARCHED, date.max.year - 1), 1, 1)
    for period in _periods(rule, start, begin, end):
        for day in _days_in(rule, start, period):
            if day < start:
                continue
            if type(rule.until) is date and day > rule.until:
                return
            counted += 1
            if rule.count and counted > rule.count:
                return
            if day >= first:
                yield day


def _parts(text: str) -> dict[str, str]:
    if len(text) > RRULE_CHARS_MAX:
        raise _refused(text, f"it is longer than {RRULE_CHARS_MAX} characters")
    parts: dict[str, str] = {}
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        if not equals:
            raise _refused(text, f"{part!r} is no part such as FREQ=DAILY")
        if name in parts:
            raise _refused(text, f"{name} is given twice")
        if name not in _PARTS:
            raise _refused(text, f"{name!r} is not understood; there are {', '.join(_PARTS)}")
        if not _PARTS[name].fullmatch(value):
            raise _refused(text, f"{name} can't be {value!r}")
        parts[name] = value
    if "FREQ" not in parts:
        raise _refused(text, "it needs FREQ=YEARLY, MONTHLY, WEEKLY or DAILY")
    if "COUNT" in parts and "UNTIL" in parts:
        raise _refused(text, "give COUNT or UNTIL, not both")
    return parts


def _numbers(parts: dict[str, str], name: str) -> tuple[int, ...]:
    return tuple(int(each) for each in parts.get(name, "").split(",") if each)


def _until(text: str) -> date | datetime:
    try:
        if len(text) == len("20261231"):
            return date(int(text[:4]), int(text[4:6]), int(text[6:]))
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise _refused(text, f"there is no such day or time as {text}") from error


def _fault(rule: Rule) -> str:
    """Return what is wrong with a rule; nothing when it is good."""
    numbered = any(which for which, _ in rule.week_days)
    limits: tuple[tuple[str, Iterable[int], int], ...] = (
        ("INTERVAL", (rule.interval,), INTERVAL_MAX),
        ("COUNT", () if rule.count is None else (rule.count,), COUNT_MAX),
        ("BYMONTH", rule.months, 12),
        ("BYMONTHDAY", (abs(each) for each in rule.month_days), 31),
        ("BYDAY", (abs(which) for which, _ in rule.week_days if which), 53),
        ("BYSETPOS", (abs(each) for each in rule.positions), 366),
    )
    for name, numbers, most in limits:
        if not all(1 <= each <= most for each in numbers):
            return f"{name} must be 1 to {most}"
    checks = (
        (
            numbered and rule.frequency in ("DAILY", "WEEKLY"),
            "a numbered BYDAY needs FREQ=MONTHLY or YEARLY",
        ),
        (
            bool(rule.month_days) and rule.frequency == "WEEKLY",
            "BYMONTHDAY does not go with FREQ=WEEKLY",
        ),
        (
            bool(rule.positions) and not (rule.months or rule.month_days or rule.week_days),
            "BYSETPOS needs another BY part",
        ),
        (
            bool(rule.month_days) and not _fits_a_month(rule),
            "no month has such a day",
        ),
    )
    for wrong, why in checks:
        if wrong:
            return why
    return ""


def _fits_a_month(rule: Rule) -> bool:
    shortest = min(abs(each) for each in rule.month_days)
    return any(
        shortest <= calendar.monthrange(2024, month)[1] for month in rule.months or range(1, 13)
    )


def _periods(rule: Rule, start: date, begin: date, end: date) -> Iterator[date]:
    """Yield the first day of each year, month, week or day that the rule's interval picks."""
    number = _number(rule, begin) - _number(rule, start)
    number -= number % rule.interval
    while (first := _first_day(rule, start, number)) < end:
        yield first
        number += rule.interval


def _number(rule: Rule, day: date) -> int:
    """Return the number of the period that a day is in."""
    match rule.frequency:
        case "YEARLY":
            return day.year
        case "MONTHLY":
            return day.year * 12 + day.month
        case "WEEKLY":
            # The first day there is, 1 January of the year 1, is a Monday and number 1.
            return (day.toordinal() - 1 - rule.week_start) // _WEEK
        case "DAILY":
            return day.toordinal()


def _first_day(rule: Rule, start: date, number: int) -> date:
    """Return the first day of the period that is so many after that of the start."""
    number += _number(rule, start)
    match rule.frequency:
        case "YEARLY":
            return date(number, 1, 1)
        case "MONTHLY":
            return date((number - 1) // 12, (number - 1) % 12 + 1, 1)
        case "WEEKLY":
            return date.fromordinal(number * _WEEK + 1 + rule.week_start)
        case "DAILY":
            return date.fromordinal(number)


def _days_in(rule: Rule, start: date, first: date) -> list[date]:
    """Return the days of one period, in order."""
    days = _all_days_in(rule, start, first)
    if rule.months:
        days = [day for day in days if day.month in rule.months]
    if rule.positions:
        return sorted({days[at] for each in rule.positions if (at := _at(each, days)) is not None})
    return days


def _all_days_in(rule: Rule, start: date, first: date) -> list[date]:
    """Return the days of one period that fit, but for their month and position."""
    match rule.frequency:
        case "YEARLY":
            months = sorted(rule.months) or range(1, 13)
            return [day for each in months for day in _days_of(rule, start, first.year, each)]
        case "MONTHLY":
            return _days_of(rule, start, first.year, first.month)
        case "WEEKLY":
            wanted = {weekday for _, weekday in rule.week_days} or {start.weekday()}
            week = (first + timedelta(days=each) for each in range(_WEEK))
            return [day for day in week if day.weekday() in wanted]
        case "DAILY":
            fits = _is_month_day(rule, first) and _is_week_day(rule, first)
            return [first] if fits else []


def _at(position: int, days: list[date]) -> int | None:
    at = position - 1 if position > 0 else len(days) + position
    return at if 0 <= at < len(days) else None


def _days_of(rule: Rule, start: date, year: int, month: int) -> list[date]:
    """Return the days of a month that fit a yearly or monthly rule."""
    if not rule.month_days and not rule.week_days:
        # Without BYMONTH, a yearly rule keeps to the month of its start too.
        if rule.frequency == "YEARLY" and not rule.months and month != start.month:
            return []
        wanted = start.day
        return [date(year, month, wanted)] if wanted <= calendar.monthrange(year, month)[1] else []
    days = [date(year, month, each + 1) for each in range(calendar.monthrange(year, month)[1])]
    return [day for day in days if _is_month_day(rule, day) and _is_week_day(rule, day)]


def _is_month_day(rule: Rule, day: date) -> bool:
    if not rule.month_days:
        return True
    from_end = day.day - calendar.monthrange(day.year, day.month)[1] - 1
    return day.day in rule.month_days or from_end in rule.month_days


def _is_week_day(rule: Rule, day: date) -> bool:
    if not rule.week_days:
        return True
    return any(
        weekday == day.weekday() and (not which or which in _which(rule, day))
        for which, weekday in rule.week_days
    )


def _which(rule: Rule, day: date) -> tuple[int, int]:
    """Return which of its weekday a day is, from the front and from the back.

    They are numbered in the month, but in the year when a yearly rule names no months.
    """
    if rule.frequency == "YEARLY" and not rule.months:
        at, length = day.timetuple().tm_yday, 366 if calendar.isleap(day.year) else 365
    else:
        at, length = day.day, calendar.monthrange(day.year, day.month)[1]
    return (at - 1) // _WEEK + 1, -((length - at) // _WEEK + 1)


def _refused(text: str, why: str) -> Refused:
    shown = plain(text, RRULE_CHARS_MAX)
    return Refused(
        "RecurrenceInvalid", f"The recurrence {shown!r} is refused: {plain(why, RRULE_CHARS_MAX)}."
    )
