"""What is wrong with an object, in words that tell its author what to mend."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError
from typing_extensions import override

from sluice.resources.fields import PATTERN_HINTS
from sluice.resources.text import plain

__all__ = ["Fault", "faults_of", "summary", "written"]

FAULTS_SHOWN_MAX: Final = 5
"""Faults of one object that are listed; the rest is counted."""

NAME_CHARACTERS_MAX: Final = 64
MESSAGE_CHARACTERS_MAX: Final = 512

Path = tuple[str | int, ...]
"""Names of fields and indexes of items, from the outside in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing to mend."""

    path: Path
    """Where, from the object's root."""
    message: str
    """What, printable and on one line whatever the object held."""

    @override
    def __str__(self) -> str:
        return f"{written(self.path)}: {self.message}" if self.path else self.message


def written(path: Path) -> str:
    """Return a path as people write it, e.g. `spec.rollout.steps[0].share`."""
    steps = (
        f"[{part}]" if isinstance(part, int) else f".{plain(part, NAME_CHARACTERS_MAX)}"
        for part in path
    )
    return "".join(steps).removeprefix(".")


def faults_of(error: ValidationError, below: Path) -> tuple[Fault, ...]:
    """Return what a model found; `below` is where its value stands in the object."""
    found = error.errors(include_url=False)
    faulty = {fault["loc"][:length] for fault in found for length in range(len(fault["loc"]))}
    return tuple(
        Fault(path=(*below, *fault["loc"]), message=plain(_said(fault), MESSAGE_CHARACTERS_MAX))
        for fault in found
        # A faulty item does not count as one, so its list may seem too short: that is no news.
        if not (fault["type"] == "too_short" and fault["loc"] in faulty)
    )


def summary(faults: tuple[Fault, ...]) -> str:
    """Return the faults as one sentence, the first few in full."""
    more = len(faults) - FAULTS_SHOWN_MAX
    shown = "; ".join(str(each) for each in faults[:FAULTS_SHOWN_MAX])
    return f"Mend {shown}" + (f"; and {more} more" if more > 0 else "")


def _said(found: Mapping[str, Any]) -> str:
    context = found.get("ctx", {})
    match found["type"]:
        case "extra_forbidden":
            return "there is no such field"
        case "missing":
            return "this field is needed"
        case "string_type" if isinstance(found["input"], int | float):
            return "this must be text and is a number or true/false: put it in quotes"
        case "string_pattern_mismatch":
            pattern = context["pattern"]
            return PATTERN_HINTS.get(pattern, f"this must match {pattern}")
        case "value_error":
            return str(context["error"])
        case _:
            return str(found["msg"])
