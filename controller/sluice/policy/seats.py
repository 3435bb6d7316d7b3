"""Who fills which seat: one person a seat, one seat a person, as many seats as can be filled.

A greedy choice is not enough: a person who could sit in two roles must be given the seat that
leaves the most seats filled. That is a maximum matching; these are small (tens of seats, 96
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
    by_name = {able: sorted(able) for able in seats}

    def seat(index: int, tried: set[str]) -> bool:
        for person in by_name[seats[index]]:
            if person not in sitting:
                sitting[person] = index
                return True
        for person in by_name[seats[index]]:
            if person not in tried:
                tried.add(person)
                if seat(sitting[person], tried):
                    sitting[person] = index
                    return True
        return False

    hopeless: set[frozenset[str]] = set()
    for index, able in enumerate(seats):
        # What can't be filled now can't be later, and neither can a seat for the same people.
        if able not in hopeless and not seat(index, set()):
            hopeless.add(able)
    return {index: person for person, index in sorted(sitting.items(), key=lambda item: item[1])}
