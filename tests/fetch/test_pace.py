"""How slow a server may be."""

import pytest

from sluice.errors import Unavailable
from sluice.fetch.pace import Pace


def test_a_fast_server_is_never_given_up() -> None:
    pace = Pace(100, 10)
    for _ in range(50):
        pace.note(250, 2.0)


def test_a_server_that_sends_too_little_in_a_window_is_given_up() -> None:
    pace = Pace(100, 10)
    pace.note(999, 9.9)

    with pytest.raises(Unavailable) as slow:
        pace.note(0, 0.1)

    assert slow.value.reason == "FetchTooSlow"


def test_a_fast_start_does_not_pay_for_a_slow_end() -> None:
    pace = Pace(100, 10)
    pace.note(1_000_000, 10.0)

    with pytest.raises(Unavailable):
        pace.note(10, 10.0)


def test_waiting_ends_with_the_window() -> None:
    pace = Pace(100, 10)
    pace.note(500, 4.0)

    assert pace.seconds_left() == 6.0


def test_silence_is_too_slow_at_any_rate() -> None:
    with pytest.raises(Unavailable):
        Pace(0, 10).note(0, 10.0)
