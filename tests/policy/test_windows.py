"""Windows: open when they say so, to the minute, also when clocks change."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from sluice.errors import Refused
from sluice.policy import windows
from sluice.policy.recurrence import DAYS, YEARS_SEARCHED, check_rrule, days_from, read_rrule
from sluice.policy.windows import Freeze, Hours, Recurrence, Window, check_time_zone, is_open

WEEK_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
OFFICE = Hours(days=WEEK_DAYS[:5], start="09:00", end="16:30")
NIGHT = Hours(days=("Fri",), start="22:00", end="06:00")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def opening(window: Window, now: str) -> tuple[bool, datetime | None]:
    found = is_open(window, at(now))
    return found.open, found.changes_at


# ---- hours ----


@pytest.mark.parametrize(
    ("now", "is_it", "until"),
    [
        ("2026-11-27T08:59:59+01:00", False, "2026-11-27T09:00+01:00"),
        ("2026-11-27T09:00:00+01:00", True, "2026-11-27T16:30+01:00"),
        ("2026-11-27T16:29:59+01:00", True, "2026-11-27T16:30+01:00"),
        ("2026-11-27T16:30:00+01:00", False, "2026-11-30T09:00+01:00"),
        ("2026-11-28T12:00:00+01:00", False, "2026-11-30T09:00+01:00"),
    ],
)
def test_hours_hold_their_beginning_and_not_their_end(now: str, is_it: bool, until: str) -> None:
    window = Window(time_zone="Europe/Berlin", hours=(OFFICE,))

    assert opening(window, now) == (is_it, at(until))


def test_hours_may_cross_midnight() -> None:
    window = Window(time_zone="UTC", hours=(NIGHT,))

    assert opening(window, "2026-11-28T05:59Z") == (True, at("2026-11-28T06:00Z"))
    assert opening(window, "2026-11-28T06:00Z") == (False, at("2026-12-04T22:00Z"))
    assert opening(window, "2026-11-27T21:59Z") == (False, at("2026-11-27T22:00Z"))


def test_hours_that_end_when_they_begin_last_a_day() -> None:
    window = Window(time_zone="UTC", hours=(Hours(days=("Mon",), start="09:00", end="09:00"),))

    assert opening(window, "2026-11-24T08:59Z") == (True, at("2026-11-24T09:00Z"))
    assert opening(window, "2026-11-24T09:00Z") == (False, at("2026-11-30T09:00Z"))


def test_no_hours_are_all_hours() -> None:
    assert opening(Window(time_zone="UTC"), "2026-11-24T09:00Z") == (True, None)


def test_hours_that_cover_the_week_are_all_hours() -> None:
    whole = Hours(days=WEEK_DAYS, start="00:00", end="00:00")
    halves = (
        Hours(days=WEEK_DAYS, start="20:00", end="08:00"),
        Hours(days=WEEK_DAYS, start="08:00", end="20:00"),
    )
    gap = (halves[0], Hours(days=WEEK_DAYS, start="08:01", end="20:00"))

    assert opening(Window(time_zone="Europe/Berlin", hours=(whole,)), "2026-11-24T09:00Z") == (
        True,
        None,
    )
    assert opening(Window(time_zone="UTC", hours=halves), "2026-11-24T09:00Z") == (True, None)
    assert opening(Window(time_zone="UTC", hours=gap), "2026-11-24T09:00Z") == (
        True,
        at("2026-11-25T08:00Z"),
    )


def test_the_last_minute_of_the_week_may_be_missing() -> None:
    hours = (
        Hours(days=WEEK_DAYS[:6], start="00:00", end="00:00"),
        Hours(days=("Sun",), start="00:00", end="23:59"),
    )

    assert opening(Window(time_zone="UTC", hours=hours), "2026-11-24T09:00Z") == (
        True,
        at("2026-11-29T23:59Z"),
    )


# ---- the days on which clocks change ----

SPRING, AUTUMN = "2026-03-29", "2026-10-25"
"""In Berlin, 02:00 becomes 03:00, and 03:00 becomes 02:00."""


@pytest.mark.parametrize(
    ("start", "end", "begins", "ends"),
    [
        ("01:30", "04:00", f"{SPRING}T01:30+01:00", f"{SPRING}T04:00+02:00"),
        # 02:30 is skipped: as long after the change as it stands after it.
        ("02:30", "04:00", f"{SPRING}T03:30+02:00", f"{SPRING}T04:00+02:00"),
        ("01:00", "02:30", f"{SPRING}T01:00+01:00", f"{SPRING}T03:30+02:00"),
    ],
)
def test_a_skipped_time_is_as_long_after_the_change(
    start: str, end: str, begins: str, ends: str
) -> None:
    window = Window(time_zone="Europe/Berlin", hours=(Hours(days=("Sun",), start=start, end=end),))

    assert opening(window, f"{SPRING}T00:00+01:00") == (False, at(begins))
    assert opening(window, begins) == (True, at(ends))


@pytest.mark.parametrize(
    ("start", "end", "begins", "ends"),
    [
        ("01:00", "04:00", f"{AUTUMN}T01:00+02:00", f"{AUTUMN}T04:00+01:00"),
        # 02:30 occurs twice: the first occurrence is meant.
        ("02:30", "04:00", f"{AUTUMN}T02:30+02:00", f"{AUTUMN}T04:00+01:00"),
        ("01:00", "02:30", f"{AUTUMN}T01:00+02:00", f"{AUTUMN}T02:30+02:00"),
    ],
)
def test_a_time_that_occurs_twice_means_the_first(
    start: str, end: str, begins: str, ends: str
) -> None:
    window = Window(time_zone="Europe/Berlin", hours=(Hours(days=("Sun",), start=start, end=end),))

    assert opening(window, f"{AUTUMN}T00:00+02:00") == (False, at(begins))
    assert opening(window, begins) == (True, at(ends))


def test_hours_that_a_change_turns_around_are_none() -> None:
    """02:15 is skipped and means 03:15, which is after 03:00."""
    window = Window(
        time_zone="Europe/Berlin", hours=(Hours(days=("Sun",), start="02:15", end="03:00"),)
    )

    assert opening(window, f"{SPRING}T00:00+01:00") == (False, at("2026-04-05T02:15+02:00"))
    assert opening(window, f"{SPRING}T03:05+02:00") == (False, at("2026-04-05T02:15+02:00"))


# ---- freezes ----


def test_a_freeze_closes_and_says_why_and_until_when() -> None:
    window = Window(
        time_zone="Europe/Berlin",
        hours=(OFFICE,),
        freezes=(
            Freeze(start=at("2026-12-20T00:00Z"), end=at("2027-01-04T00:00Z"), reason="Christmas"),
        ),
    )

    found = is_open(window, at("2026-12-24T10:00Z"))

    assert found.open is False
    assert found.changes_at == at("2027-01-04T09:00+01:00")
    assert found.message == (
        "The window is closed, frozen: Christmas. It opens Mon 2027-01-04 09:00 +01:00"
        " (Europe/Berlin)."
    )


def test_freezes_that_meet_or_overlap_are_one() -> None:
    freezes = tuple(
        Freeze(start=at(f"2026-12-{a}T00:00Z"), end=at(f"2026-12-{b}T00:00Z"), reason=f"{a}-{b}")
        for a, b in [(25, 28), (20, 23), (22, 25), (30, 31)]
    )
    window = Window(time_zone="UTC", freezes=freezes)

    assert opening(window, "2026-12-01T00:00Z") == (True, at("2026-12-20T00:00Z"))
    assert opening(window, "2026-12-22T12:00Z") == (False, at("2026-12-28T00:00Z"))
    assert opening(window, "2026-12-28T00:00Z") == (True, at("2026-12-30T00:00Z"))
    assert opening(window, "2026-12-31T00:00Z") == (True, None)


def test_a_freeze_recurs_in_local_time_and_lasts_in_real_time() -> None:
    """The night of 25 October has an hour more: six hours from 22:00 end at 03:00."""
    window = Window(
        time_zone="Europe/Berlin",
        recurring=(
            Recurrence(
                rrule="FREQ=MONTHLY;BYDAY=4SA",
                start=datetime(2026, 1, 24, 22),  # noqa: DTZ001 - a local time has no zone on purpose
                duration_seconds=6 * 3600,
                reason="stock-taking",
            ),
        ),
    )

    assert opening(window, "2026-10-24T21:59+02:00") == (True, at("2026-10-24T22:00+02:00"))
    assert opening(window, "2026-10-25T02:59+01:00") == (False, at("2026-10-25T03:00+01:00"))
    assert opening(window, "2026-10-25T03:00+01:00") == (True, at("2026-11-28T22:00+01:00"))


def test_until_a_moment_is_held_to_the_second() -> None:
    def window(until: str) -> Window:
        again = Recurrence(
            rrule=f"FREQ=DAILY;UNTIL={until}",
            start=datetime(2026, 11, 24, 9),  # noqa: DTZ001 - local on purpose
            duration_seconds=60,
            reason="r",
        )
        return Window(time_zone="Europe/Berlin", recurring=(again,))

    # 09:00 in Berlin is 08:00 in UTC.
    now = "2026-11-24T12:00Z"
    assert opening(window("20261125T080000Z"), now) == (True, at("2026-11-25T08:00Z"))
    assert opening(window("20261125T075959Z"), now) == (True, None)
    assert opening(window("20261125"), now) == (True, at("2026-11-25T08:00Z"))
    assert opening(window("20261124"), now) == (True, None)


def test_what_never_opens_says_so() -> None:
    window = Window(
        time_zone="UTC",
        recurring=(
            Recurrence(
                rrule="FREQ=DAILY",
                start=datetime(2026, 1, 1),  # noqa: DTZ001 - local on purpose
                duration_seconds=2 * 86_400,
                reason="never\x1b[31m",
            ),
        ),
    )

    found = is_open(window, at("2026-11-24T12:00Z"))

    assert (found.open, found.changes_at) == (False, None)
    assert found.message == (
        "The window is closed, frozen: never\N{REPLACEMENT CHARACTER}[31m,"
        " never\N{REPLACEMENT CHARACTER}[31m. No time is known when it opens."
    )


@pytest.mark.parametrize("seconds", [0, -1, windows.DURATION_SECONDS_MAX + 1])
def test_a_recurring_freeze_must_last_for_some_time_and_not_too_long(seconds: int) -> None:
    again = Recurrence(
        rrule="FREQ=DAILY",
        start=datetime(2026, 1, 1),  # noqa: DTZ001 - local on purpose
        duration_seconds=seconds,
        reason="r",
    )

    with pytest.raises(Refused, match="RecurrenceInvalid"):
        is_open(Window(time_zone="UTC", recurring=(again,)), at("2026-11-24T12:00Z"))


def test_moments_at_the_end_of_time_are_told() -> None:
    end = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    window = Window(
        time_zone="Pacific/Kiritimati",
        freezes=(Freeze(start=at("2026-01-01T00:00Z"), end=end, reason="for ever"),),
    )

    found = is_open(window, at("2026-11-24T12:00Z"))

    assert found.changes_at == end
    assert "9999-12-31 23:59 +00:00 (UTC)" in found.message


# ---- time zones ----


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Europe",
        "Europe/",
        "Europe/Atlantis",
        "europe/berlin",
        "../zoneinfo/UTC",
        "/etc/passwd",
        "CET/../UTC",
        "Europe/../UTC",
        "Europe/Berlin\0",
        "Europe/Berlin\n",
        "zone.tab",
        "__init__.py",
        "leapseconds",
    ],
)
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(Refused, match="TimeZoneUnknown") as caught:
        check_time_zone(name)

    assert caught.value.message.isprintable()


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Ushuaia", "Etc/GMT+5"])
def test_time_zones_come_with_sluice(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    windows._zone.cache_clear()
    monkeypatch.setattr("zoneinfo._tzpath.TZPATH", ())

    check_time_zone(name)


# ---- minute by minute ----

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "Pacific/Chatham",
    "Africa/Casablanca",
    "Asia/Kolkata",
    "America/Sao_Paulo",
)
BACK_DAYS, AHEAD_DAYS = 4, 6
MINUTE = timedelta(minutes=1)


@lru_cache
def changes(zone: str) -> list[datetime]:
    """Return the moments of a year at which a zone's clocks change (the year's start if none)."""
    hours = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=n) for n in range(365 * 24))
    found, before = [], None
    for hour in hours:
        offset = hour.astimezone(ZoneInfo(zone)).utcoffset()
        if before not in (None, offset):
            found.append(hour)
        before = offset
    return found or [datetime(2026, 1, 1, tzinfo=UTC)]


@lru_cache(maxsize=64)
def walls(zone: str, first: datetime) -> dict[datetime, datetime]:
    """Return for each minute that a clock on the wall shows when it shows it first."""
    tz, shown = ZoneInfo(zone), {}
    for n in range((BACK_DAYS + AHEAD_DAYS + 4) * 1440):
        moment = first + n * MINUTE
        shown.setdefault(moment.astimezone(tz).replace(tzinfo=None), moment)
    return shown


def moment_of(wall: datetime, shown: dict[datetime, datetime]) -> datetime | None:
    """Return when a wall shows this time; a time that is skipped is counted on from before it."""
    skipped = 0
    while wall - skipped * MINUTE not in shown:
        skipped += 1
        if skipped > 200:
            return None
    return shown[wall - skipped * MINUTE] + skipped * MINUTE


def reference(window: Window, now: datetime) -> tuple[bool, datetime | None]:
    """Look at every minute from now on, in the plainest way there is."""
    first = (now - timedelta(days=BACK_DAYS)).replace(hour=0, minute=0)
    shown = walls(window.time_zone, first)
    days = sorted({wall.date() for wall in shown})
    grows = bytearray([not window.hours]) * len(shown) * 2
    for hours in window.hours:
        for day in days:
            if WEEK_DAYS[day.weekday()] in hours.days:
                start = datetime.fromisoformat(f"{day}T{hours.start}")
                end = datetime.fromisoformat(f"{day}T{hours.end}")
                end += timedelta(days=end <= start)
                mark(grows, moment_of(start, shown), moment_of(end, shown), first, value=1)
    for freeze in window.freezes:
        mark(grows, freeze.start, freeze.end, first, value=0)
    for again in window.recurring:
        for wall in rrulestr(again.rrule, dtstart=again.start):
            if wall.date() > days[-1]:
                break
            if wall.date() >= days[0] and (begin := moment_of(wall, shown)):
                lasts = timedelta(seconds=again.duration_seconds)
                mark(grows, begin, begin + lasts, first, value=0)
    ahead = grows[minutes_between(first, now) :][: AHEAD_DAYS * 1440]
    later = next((n for n, value in enumerate(ahead) if value != ahead[0]), None)
    return bool(ahead[0]), None if later is None else now + later * MINUTE


def mark(
    grows: bytearray, start: datetime | None, end: datetime | None, first: datetime, *, value: int
) -> None:
    if start and end:
        for minute in range(*(max(0, minutes_between(first, each)) for each in (start, end))):
            if minute < len(grows):
                grows[minute] = value


def minutes_between(first: datetime, then: datetime) -> int:
    return (then - first) // MINUTE


clocks = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
some_hours = st.builds(
    Hours,
    days=st.lists(st.sampled_from(WEEK_DAYS), min_size=1, max_size=7, unique=True).map(tuple),
    start=clocks,
    end=clocks,
)
some_rules = st.sampled_from(
    [
        "FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=3",
        "FREQ=WEEKLY;BYDAY=SA,SU",
        "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=TU,SU",
        "FREQ=MONTHLY;BYDAY=-1SU",
        "FREQ=MONTHLY;BYMONTHDAY=-1,1,29",
        "FREQ=YEARLY;BYMONTH=3,10,11;BYDAY=1SU,2SU,-1SU",
        "FREQ=DAILY;COUNT=90",
    ]
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Window, datetime]:
    zone = draw(st.sampled_from(ZONES))
    around = draw(st.sampled_from(changes(zone)))
    minutes = st.integers(-3 * 1440, 3 * 1440).map(lambda n: around + n * MINUTE)
    freezes = st.builds(
        lambda a, b: Freeze(start=min(a, b), end=max(a, b) + MINUTE, reason="f"), minutes, minutes
    )
    local_times = st.datetimes(
        datetime(2026, 1, 1),  # noqa: DTZ001 - local times have no zone
        datetime(2026, 2, 1),  # noqa: DTZ001 - local times have no zone
    )
    recurring = st.builds(
        Recurrence,
        rrule=some_rules,
        start=local_times.map(lambda t: t.replace(second=0, microsecond=0)),
        duration_seconds=st.integers(1, 30 * 60).map(lambda n: n * 60),
        reason=st.just("r"),
    )
    window = Window(
        time_zone=zone,
        hours=tuple(draw(st.lists(some_hours, max_size=4))),
        freezes=tuple(draw(st.lists(freezes, max_size=3))),
        recurring=tuple(draw(st.lists(recurring, max_size=2))),
    )
    return window, draw(minutes)


@given(cases())
@settings(max_examples=150, deadline=None)
def test_the_answer_and_its_end_agree_with_every_minute(case: tuple[Window, datetime]) -> None:
    window, now = case
    is_it, until = reference(window, now)
    found = is_open(window, now)

    assert found.open is is_it
    if until is not None:
        assert found.changes_at == until
    else:
        assert found.changes_at is None or found.changes_at >= now + timedelta(days=AHEAD_DAYS)


@given(cases())
@settings(max_examples=100, deadline=None)
def test_what_it_says_will_change_changes_then_and_not_before(
    case: tuple[Window, datetime],
) -> None:
    window, now = case
    found = is_open(window, now)
    assume(found.changes_at is not None)
    assert found.changes_at is not None

    before = is_open(window, max(now, found.changes_at - timedelta(microseconds=1)))
    then = is_open(window, found.changes_at)

    assert found.changes_at > now
    assert (before.open, before.changes_at) == (found.open, found.changes_at)
    assert then.open is not found.open


# ---- recurrence rules ----


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "'' is no part"),
        ("FREQ", "'FREQ' is no part"),
        ("INTERVAL=2", "it needs FREQ"),
        ("FREQ=SECONDLY", "FREQ can't be 'SECONDLY'"),
        ("FREQ=MINUTELY", "FREQ can't be 'MINUTELY'"),
        ("FREQ=HOURLY", "FREQ can't be 'HOURLY'"),
        ("freq=daily", "'freq' is not understood"),
        ("RRULE:FREQ=DAILY", "'RRULE:FREQ' is not understood"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL must be 1 to 1000"),
        ("FREQ=DAILY;INTERVAL=-1", "INTERVAL can't be '-1'"),
        ("FREQ=DAILY;INTERVAL=99999", "INTERVAL can't be '99999'"),
        ("FREQ=DAILY;INTERVAL=\N{ARABIC-INDIC DIGIT ONE}", "INTERVAL can't be"),
        ("FREQ=DAILY;COUNT=0", "COUNT must be 1 to 1000"),
        ("FREQ=DAILY;COUNT=1001", "COUNT must be 1 to 1000"),
        ("FREQ=DAILY;COUNT=1;UNTIL=20270101", "COUNT or UNTIL, not both"),
        ("FREQ=DAILY;UNTIL=20270230", "no such day or time as 20270230"),
        ("FREQ=DAILY;UNTIL=20270101T000000", "UNTIL can't be"),
        ("FREQ=DAILY;UNTIL=20270101T250000Z", "no such day or time"),
        ("FREQ=DAILY;FREQ=DAILY", "FREQ is given twice"),
        ("FREQ=DAILY;BYHOUR=9", "'BYHOUR' is not understood"),
        ("FREQ=DAILY;BYEASTER=0", "'BYEASTER' is not understood"),
        ("FREQ=DAILY\nDTSTART;TZID=/etc/passwd:20260101T000000", "FREQ can't be"),
        ("FREQ=DAILY;BYMONTH=13", "BYMONTH must be 1 to 12"),
        ("FREQ=DAILY;BYMONTHDAY=0", "BYMONTHDAY must be 1 to 31"),
        ("FREQ=DAILY;BYMONTHDAY=-32", "BYMONTHDAY must be 1 to 31"),
        ("FREQ=YEARLY;BYDAY=54MO", "BYDAY must be 1 to 53"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0", "BYSETPOS must be 1 to 366"),
        ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS needs another BY part"),
        ("FREQ=WEEKLY;BYDAY=1MO", "a numbered BYDAY needs FREQ=MONTHLY or YEARLY"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY does not go with FREQ=WEEKLY"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "no month has such a day"),
        ("FREQ=DAILY;" + "BYMONTH=1," * 40, "longer than 256 characters"),
        ("FREQ=DAILY;\x1b[31m=1", "is not understood"),
    ],
)
def test_a_rule_that_can_not_be_meant_is_refused(text: str, why: str) -> None:
    with pytest.raises(Refused) as caught:
        check_rrule(text)

    assert caught.value.reason == "RecurrenceInvalid"
    assert why in caught.value.message
    assert caught.value.message.isprintable()


def test_a_rule_that_fits_no_day_ends_all_the_same() -> None:
    """The first of a month is never its fifth Monday; dateutil walks to the year 9999."""
    rule = read_rrule("FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1")

    assert list(days_from(rule, date(2026, 1, 1), date(2026, 1, 1))) == []


def test_rare_days_are_found() -> None:
    """29 February is a Monday in 2044, and then in 2072."""
    rule = read_rrule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO")

    assert list(islice(days_from(rule, date(2026, 1, 1), date(2026, 1, 1)), 2)) == [
        date(2044, 2, 29),
        date(2072, 2, 29),
    ]


def test_positions_in_the_first_week_count_from_its_first_day() -> None:
    """1 January 2026 is a Thursday, and second in its week to the Monday before it."""
    rule = read_rrule("FREQ=WEEKLY;BYDAY=MO,TH;BYSETPOS=1")

    assert next(days_from(rule, date(2026, 1, 1), date(2026, 1, 1))) == date(2026, 1, 5)


def test_a_month_may_name_days_by_number_and_all_of_their_kind() -> None:
    """RFC 5545 adds them up; dateutil takes those that are both."""
    rule = read_rrule("FREQ=MONTHLY;BYDAY=TH,1MO")
    days = days_from(rule, date(2026, 6, 1), date(2026, 6, 1))

    assert [each.day for each in islice(days, 6)] == [1, 4, 11, 18, 25, 2]


@st.composite
def rules(draw: st.DrawFn) -> str:
    frequency = draw(st.sampled_from(["YEARLY", "MONTHLY", "WEEKLY", "DAILY"]))
    long = frequency in ("YEARLY", "MONTHLY")
    numbers = st.sampled_from(["1", "-1", "2", "+3", "5", "-5"]) if long else st.just("")
    numbered = draw(st.booleans()) and long

    def listed(values: st.SearchStrategy[object], most: int) -> st.SearchStrategy[str]:
        texts = st.lists(values.map(str), min_size=1, max_size=most, unique=True)
        return texts.map(",".join)

    days = st.sampled_from(DAYS)
    parts = {
        "INTERVAL": st.integers(1, 7).map(str),
        "BYMONTH": listed(st.integers(1, 12), 3),
        "BYDAY": listed(st.builds(str.__add__, numbers, days) if numbered else days, 3),
        "BYSETPOS": listed(st.sampled_from([1, 2, -1, 3, -2]), 2),
        "WKST": days,
        "COUNT": st.integers(1, 30).map(str),
        "UNTIL": st.dates(date(2026, 1, 1), date(2031, 1, 1)).map(lambda day: f"{day:%Y%m%d}"),
    }
    if frequency == "WEEKLY":
        # It counts the positions of the first week from the start, not from the week's first day.
        del parts["BYSETPOS"]
    else:
        parts["BYMONTHDAY"] = listed(st.sampled_from([1, 2, 15, 28, 29, 30, 31, -1, -31]), 4)
    chosen = draw(st.lists(st.sampled_from(sorted(parts)), max_size=5, unique=True))
    return ";".join([f"FREQ={frequency}", *(f"{name}={draw(parts[name])}" for name in chosen)])


@given(
    rules(),
    st.dates(date(2026, 1, 1), date(2028, 12, 31)),
    st.integers(0, 1500),
)
@example("FREQ=YEARLY;BYDAY=53TH", date(2026, 1, 1), 0)
@example("FREQ=WEEKLY;INTERVAL=2;WKST=SU", date(2026, 11, 29), 1000)
@settings(max_examples=150, deadline=None)
def test_days_agree_with_dateutil(text: str, start: date, later: int) -> None:
    try:
        rule = read_rrule(text)
    except Refused:
        return
    first = start + timedelta(days=later)
    end = first + timedelta(days=1500)
    mine = list(takewhile(lambda day: day < end, days_from(rule, start, first)))

    assert mine == list(by_dateutil(text, start, first, end, at_most=len(mine) + 1))


def by_dateutil(text: str, start: date, first: date, end: date, at_most: int) -> Iterator[date]:
    """Yield its days; UNTIL keeps it from walking to the year 9999 where a rule has no end."""
    if "COUNT" not in text and "UNTIL" not in text:
        text += f";UNTIL={end:%Y%m%d}"
    everything = rrulestr(text, dtstart=datetime.combine(start, datetime.min.time()))
    for moment in everything:
        if moment.date() >= end:
            return
        if moment.date() >= first:
            yield moment.date()


def test_the_search_has_an_end() -> None:
    rule = read_rrule("FREQ=YEARLY")
    days = list(days_from(rule, date(2026, 5, 1), date(2026, 5, 1)))

    assert (len(days), days[-1].year) == (YEARS_SEARCHED, 2026 + YEARS_SEARCHED - 1)
