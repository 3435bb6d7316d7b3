"""How large a regular expression becomes when the library (RE2) compiles it.

RE2 takes no exponential time, but `{1,900}` is written out 900 times, compiling that takes a
microsecond a state, each time the expression is evaluated, and matching may take some nanoseconds
a state for every character.
"""

import re
from typing import Final

__all__ = ["states"]

STATES_MAX: Final = 10_000_000
"""Where counting ends; RE2 refuses far smaller ones."""

_CHARACTER: Final = 4
"""States of one character, whose UTF-8 has 4 bytes at most."""

_CLASS: Final = 16
_COMPLEMENT: Final = 40
_UNICODE: Final = 6_000
"""States of a class of ASCII characters, of `.` or the complement of a class, and of `\\pL`."""

_ATOM: Final = re.compile(
    r"(?P<unicode>\\[pP](?:\{[^}]*\}|.))|(?P<escape>\\.)|(?P<open>\()|(?P<close>\))"
    r"|(?P<complement>\.|\[\^\]?(?:\\.|\[:[^\]]*:\]|[^\]\\])*\])"
    r"|(?P<set>\[\]?(?:\\.|\[:[^\]]*:\]|[^\]\\])*\])|(?P<other>.)",
    re.DOTALL,
)
_REPETITION: Final = re.compile(r"\{(\d{1,4})(,?)(\d{0,4})\}")


def states(pattern: str) -> int:
    """Return about how many states a regular expression has, rather too many than too few."""
    fold = 2 if "(?" in pattern else 1
    groups, at = [0], 0
    while found := _ATOM.match(pattern, at):
        at = found.end()
        size = 0
        match found.lastgroup:
            case "open":
                groups.append(_CHARACTER)
                continue
            case "close":
                size = groups.pop() if len(groups) > 1 else 0
            case "unicode":
                size = _UNICODE
            case "escape":
                size = _CLASS
            case "complement" | "set" as kind:
                size = _COMPLEMENT if kind == "complement" else _CLASS
                size += _UNICODE * found[0].lower().count("\\p")
                size += _COMPLEMENT * sum(not each.isascii() for each in found[0])
            case _:
                size = _CHARACTER * fold
        if repeated := _REPETITION.match(pattern, at):
            at = repeated.end()
            size *= max(int(repeated[3] or repeated[1]), 1)
        groups[-1] = min(groups[-1] + size, STATES_MAX)
    return min(sum(groups), STATES_MAX)
