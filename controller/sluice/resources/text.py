"""Text of unknown origin, made safe to show."""

from typing import Final

__all__ = ["plain"]

REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
CUT: Final = "…"


def plain(text: str, characters_max: int) -> str:
    """Return text that is safe in a terminal and a log: one line, printable, and not too long."""
    cut = text if len(text) <= characters_max else text[: characters_max - 1] + CUT
    return "".join(_plain_character(each) for each in cut)


def _plain_character(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else REPLACEMENT
