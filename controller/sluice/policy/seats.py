"""Who fills which seat: one person a seat, one seat a person, as many seats as can be filled.

A greedy choice is not enough: a person who could sit in two roles must be given the seat that
leaves the most seats filled. That is a maximum matching; these are small (tens of seats, 512
people), so the plain augmenting-path method does.
"""

from collections.abc import Mapping, Sequence

__all__ = ["fill_seats"]


def fill_seats(seats: Sequence[frozenset[str]]) -> Mapping[int, str]:
    """Return a maximum matching of seats to people.

    Args:
        seats: for each seat, the people who could fill it.

    Returns:
        Index of each filled seat -> the person in it; no person occurs twice. Earlier seats and
        people first by name are preferred, so that equal input gives equal output.
    """
    sitting: dict[str, int] = {}

    def seat(index: int, tried: set[str]) -> bool:
        for person in sorted(seats[index] - tried):
            tried.add(person)
            if person not in sitting or seat(sitting[person], tried):
                sitting[person] = index
                return True
        return False

    for index in range(len(seats)):
        seat(index, set())
    return {index: person for person, index in sorted(sitting.items(), key=lambda item: item[1])}
