"""How bad findings are, in one order."""

from typing import Final

from sluice.resources.requirements import Severity

__all__ = ["as_bad_as"]

_ORDER: Final = ("none", "low", "medium", "high", "critical")


def as_bad_as(severity: str, limit: Severity) -> bool:
    """Return whether a severity is the limit or worse; one that nobody knows is the worst.

    Args:
        severity: as found, e.g. `high`; anything but the five words counts as the worst.
        limit: the lowest severity that is not let pass.
    """
    return severity not in _ORDER or _ORDER.index(severity) >= _ORDER.index(limit)
