"""Patterns of names: * stands for any characters; all else is compared exactly, end to end.

Not regular expressions: those are left unanchored, match `.` too freely, and can take exponential
time on hostile text. These take at most len(pattern) * len(text) steps.
"""

from typing import Final

__all__ = ["identity_matches", "name_matches", "origin_matches", "path_matches"]

IDENTITY_SEPARATORS: Final = "/@"
"""Characters that a * in an identity does not stand for: `acme/*` is not `acme/shop/evil`."""


def name_matches(pattern: str, name: str) -> bool:
    """Return whether a name (an appId or a channel) fits a pattern."""
    return _wild(pattern, name)


def identity_matches(pattern: str, identity: str) -> bool:
    """Return whether a certificate's subject fits a pattern; * stays between separators."""
    if "*" not in pattern:
        return pattern == identity
    return _piecewise(pattern, identity, IDENTITY_SEPARATORS)


def path_matches(pattern: str, path: str) -> bool:
    """Return whether a git reference fits a pattern; * stays between slashes."""
    return _piecewise(pattern, path, "/")


def origin_matches(pattern: str, origin: str) -> bool:
    """Return whether a network origin fits a pattern; * stands for no port and no slash.

    A * in the origin stands for what is only known when the code runs, and that can end the host:
    `https://${x}.example.com` leads anywhere, so it fits nothing.
    """
    return "*" not in origin and _piecewise(pattern.lower(), origin.lower(), "/:@")


def _piecewise(pattern: str, text: str, separators: str) -> bool:
    if not separators:
        return _wild(pattern, text)
    patterns, texts = pattern.split(separators[0]), text.split(separators[0])
    return len(patterns) == len(texts) and all(
        _piecewise(part, piece, separators[1:]) for part, piece in zip(patterns, texts, strict=True)
    )


def _wild(pattern: str, text: str) -> bool:
    at = used = 0
    star = resume = -1
    while used < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, resume, at = at, used, at + 1
        elif at < len(pattern) and pattern[at] == text[used]:
            at, used = at + 1, used + 1
        elif star >= 0:
            resume += 1
            at, used = star + 1, resume
        else:
            return False
    return pattern[at:].strip("*") == ""
