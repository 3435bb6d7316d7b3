"""Where in a JSON document that was refused the fault stands, for the person who must mend it.

Python's reader tells no place of a key that stands twice, or of a number that is refused. So a text
that was refused is read once more, token by token; one that was let through never is.
"""

import json
import re
from typing import Final

__all__ = ["LOCATED_CHARS_MAX", "place_of_duplicate", "place_of_number"]

LOCATED_CHARS_MAX: Final = 64 * 1024
"""Longest text in which a place is looked for; it takes some 20 ms there. An approval has 600
characters, a provenance 15,000; scanners' megabytes are written by machines."""

_TOKEN: Final = re.compile(
    r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|-?(?:Infinity|NaN|[0-9][0-9.eE+-]*)|[a-z]+', re.DOTALL
)


def place_of_duplicate(text: str) -> str:
    """Return `line L, column C` of the first key that stands twice in one object; empty if unknown.

    The text is valid JSON but for its duplicate keys.
    """
    if len(text) > LOCATED_CHARS_MAX:
        return ""
    objects: list[set[str] | None] = []
    last = ""
    for token in _TOKEN.finditer(text):
        word = token[0]
        match word[0]:
            case "{":
                objects.append(set())
            case "[":
                objects.append(None)
            case "}" | "]":
                objects.pop()
            case '"' if last in "{," and objects and (keys := objects[-1]) is not None:
                key: str = json.loads(word)
                if key in keys:
                    return _place(text, token.start())
                keys.add(key)
            case _:
                pass
        last = word[0]
    return ""


def place_of_number(text: str, number: str) -> str:
    """Return `line L, column C` of the first number that begins so; empty if unknown."""
    if len(text) > LOCATED_CHARS_MAX or not number:
        return ""
    for token in _TOKEN.finditer(text):
        if token[0].startswith(number):
            return _place(text, token.start())
    return ""


def _place(text: str, at: int) -> str:
    line = text.count("\n", 0, at) + 1
    return f"line {line}, column {at - text.rfind(chr(10), 0, at)}"
