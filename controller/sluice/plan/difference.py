"""What differs between two values of JSON, for people: field by field, lists by name or content."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from typing_extensions import override

from sluice.resources.canonical import sha256_hex
from sluice.resources.fields import Model
from sluice.resources.text import plain

__all__ = ["Difference", "differences", "fields_of"]

VALUE_CHARS_MAX: Final = 120
"""Longest value that is shown; of longer text, its size and digest are."""

PATH_CHARS_MAX: Final = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field that differs; printable and on one line."""

    path: str
    """Where, e.g. `requirements.approved.approvals.count`."""
    before: str | None
    """None: it was not there."""
    after: str | None
    """None: it is not there any more."""

    @override
    def __str__(self) -> str:
        if self.before is None:
            return f"+ {self.path}: {self.after}"
        if self.after is None:
            return f"- {self.path}: {self.before}"
        return f"~ {self.path}: {self.before} → {self.after}"


def fields_of(model: Model, *, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return a spec as JSON with the names its author writes, defaults left out."""
    fields: dict[str, Any] = model.model_dump(
        mode="json", by_alias=True, exclude_defaults=True, exclude=set(without)
    )
    return fields


def differences(before: Any, after: Any) -> tuple[Difference, ...]:
    """Return every difference, in the order of their paths."""
    return tuple(sorted(_between((), before, after), key=lambda each: each.path))


_ABSENT: Final = object()


def _between(path: tuple[str, ...], before: Any, after: Any) -> Iterator[Difference]:
    if before is not _ABSENT and after is not _ABSENT and before == after:
        return
    match before, after:
        case Mapping(), Mapping():
            for name in {**before, **after}:
                yield from _between(
                    (*path, str(name)), before.get(name, _ABSENT), after.get(name, _ABSENT)
                )
        case list(), list() if _named(before) and _named(after):
            old = {each["name"]: each for each in before}
            new = {each["name"]: each for each in after}
            yield from _between(path, old, new)
        case list(), list() if _scalars(before) and _scalars(after) and set(before) != set(after):
            for each in before:
                if each not in after:
                    yield Difference(path=_joined(path), before=_shown(each), after=None)
            for each in after:
                if each not in before:
                    yield Difference(path=_joined(path), before=None, after=_shown(each))
        case _:
            yield Difference(
                path=_joined(path),
                before=None if before is _ABSENT else _shown(before),
                after=None if after is _ABSENT else _shown(after),
            )


def _named(values: list[Any]) -> bool:
    names = [each.get("name") if isinstance(each, Mapping) else None for each in values]
    return all(isinstance(each, str) for each in names) and len(set(names)) == len(names)


def _scalars(values: list[Any]) -> bool:
    return all(isinstance(each, str | int) for each in values)


def _joined(path: tuple[str, ...]) -> str:
    return plain(".".join(path), PATH_CHARS_MAX)


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) > VALUE_CHARS_MAX:
        return f"({len(text)} characters, sha256:{sha256_hex(text.encode())[:12]}…)"
    return plain(text, VALUE_CHARS_MAX)
