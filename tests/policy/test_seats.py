"""Seats against brute force."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from sluice.policy.seats import fill_seats

people = st.sampled_from("abcde")
seatings = st.lists(st.frozensets(people, max_size=4), max_size=5)


def most_by_brute_force(seats: list[frozenset[str]]) -> int:
    best = 0
    for choice in product(*[[None, *sorted(seat)] for seat in seats]):
        sitting = [who for who in choice if who is not None]
        if len(sitting) == len(set(sitting)):
            best = max(best, len(sitting))
    return best


@given(seatings)
def test_as_many_seats_are_filled_as_brute_force_finds(seats: list[frozenset[str]]) -> None:
    assert len(fill_seats(seats)) == most_by_brute_force(seats)


@given(seatings)
def test_nobody_sits_twice_or_where_they_may_not(seats: list[frozenset[str]]) -> None:
    filled = fill_seats(seats)

    assert len(set(filled.values())) == len(filled)
    assert all(who in seats[index] for index, who in filled.items())


@given(seatings, st.frozensets(people))
def test_a_further_seat_at_the_end_empties_none_before_it(
    seats: list[frozenset[str]], further: frozenset[str]
) -> None:
    assert set(fill_seats(seats)) <= set(fill_seats([*seats, further]))
