"""Frozen dataclasses as JSON and back, exactly: what a decision was made from is kept in this form.

The form follows the types, so that a field which is added to one of them is kept from then on, with
nothing to be written here. A type that has no form here is an error when it is first met, not
something that is left out. Rules:

1. A field that has its default is left out. Defaults say nothing (None, empty, False), so a record
   from before a field was added reads the same afterwards.
2. Large parts are *pieces*: their bytes are kept under their SHA-256, and the digest stands in
   their place. Many decisions share them.
3. Reading is strict: a field that is unknown or missing, or a value of another type or spelling, is
   refused, and so is a piece whose bytes are not those of its name.
"""

import types
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic.alias_generators import to_camel

from sluice.errors import Refused
from sluice.resources.canonical import canonical_json, sha256_hex
from sluice.resources.fields import Model
from sluice.resources.policy import PolicySpec
from sluice.resources.release import ReleaseSpec
from sluice.verify.bundle_report import BundleReport, report_from_json

__all__ = ["MisfitError", "as_plain", "from_plain", "has_form", "parts_of"]

T = TypeVar("T")

TIME: Final = "%Y-%m-%dT%H:%M:%S.%fZ"
CLASS: Final = "class"
"""Key that tells which class of several a value is of."""


class MisfitError(ValueError):
    """A part of a record that is not in the form of its type.

    Args:
        path: where, e.g. `case.subject.release`.
        message: what is wrong there.
        unknown: whether it is a field that the type does not have.
    """

    def __init__(self, path: str, message: str, *, unknown: bool = False) -> None:
        super().__init__(f"{path}: {message}")
        self.unknown = unknown


def as_plain(value: Any, kind: Any, pieces: MutableMapping[str, bytes]) -> Any:
    """Return a value as JSON.

    Args:
        value: an instance of `kind`.
        kind: a type that is built of dataclasses, tuples, frozen sets and plain values.
        pieces: gets the large parts, by their SHA-256.

    Raises:
        TypeError: the value is not of that type, or the type has no form.
        ValueError: text that is not valid Unicode, or an integer beyond 53 bits.
    """
    if kind in _PIECES:
        return _piece(_PIECES[kind].write(value), pieces)
    if kind is datetime:
        return value.astimezone(UTC).strftime(TIME)
    if is_dataclass(kind):
        return _fields_of(value, kind, pieces)
    if (words := _words(kind)) is not None:
        if value in words:
            return value
    elif (choices := _choices(kind)) is not None:
        if value is None and types.NoneType in choices:
            return None
        return _chosen(value, [each for each in choices if each is not types.NoneType], pieces)
    if (item := _item(kind)) is not None:
        parts = sorted(value) if get_origin(kind) is frozenset else value
        return [as_plain(each, item, pieces) for each in parts]
    if kind in (str, int, bool) and type(value) is kind:
        return value
    msg = f"no form for {type(value).__name__} as {kind}"
    raise TypeError(msg)


def from_plain(plain: Any, kind: Any, pieces: Mapping[str, bytes], path: str) -> Any:
    """Return the value that `as_plain` made `plain` of.

    Args:
        plain: parsed JSON that is not trusted.
        kind: its type.
        pieces: the large parts, by their SHA-256; they are not trusted either.
        path: where this is, for messages.

    Raises:
        MisfitError: it is in another form, or a piece is missing or has other bytes than its name.
    """
    if kind in _PIECES:
        return _read_piece(plain, _PIECES[kind], pieces, path)
    if kind is datetime:
        return _moment(plain, path)
    if is_dataclass(kind):
        return _instance(plain, kind, pieces, path)
    if (words := _words(kind)) is not None:
        if isinstance(plain, str) and plain in words:
            return plain
        raise MisfitError(path, "is none of the words that are known", unknown=True)
    if (choices := _choices(kind)) is not None:
        if plain is None and types.NoneType in choices:
            return None
        chosen = _choice(plain, [each for each in choices if each is not types.NoneType], path)
        rest = {k: v for k, v in plain.items() if k != CLASS} if _is_many(choices) else plain
        return from_plain(rest, chosen, pieces, path)
    if (item := _item(kind)) is not None:
        return _several(plain, kind, item, pieces, path)
    if kind in (str, int, bool) and type(plain) is kind:
        return plain
    raise MisfitError(path, "is of another type than it must be")


def has_form(kind: Any) -> bool:
    """Return whether values of a type, and of all that it is built of, can be kept."""
    if kind in _PIECES or kind in (datetime, str, int, bool) or _words(kind) is not None:
        return True
    if is_dataclass(kind):
        return all(has_form(each.kind) for each in parts_of(kind))
    if (choices := _choices(kind)) is not None:
        rest = [each for each in choices if each is not types.NoneType]
        return all(has_form(each) for each in rest) and (
            len(rest) == 1 or all(is_dataclass(each) for each in rest)
        )
    item = _item(kind)
    return item is not None and has_form(item)


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a dataclass, as it is kept."""

    name: str
    key: str
    """Its name in JSON."""
    kind: Any
    default: Any
    """MISSING when there is none."""


def parts_of(kind: Any) -> tuple[Part, ...]:
    """Return the fields of a dataclass that are kept: what it makes of them itself is not."""
    return _parts(kind)


@cache
def _parts(kind: Any) -> tuple[Part, ...]:
    hints = get_type_hints(kind)
    return tuple(
        Part(name=each.name, key=to_camel(each.name), kind=hints[each.name], default=each.default)
        for each in fields(kind)
        if each.init
    )


@dataclass(frozen=True, slots=True)
class _PieceForm:
    write: Callable[[Any], bytes]
    read: Callable[[bytes], Any]


def _spec_bytes(spec: Model) -> bytes:
    return canonical_json(spec.model_dump(mode="json", by_alias=True, exclude_none=True))


_PIECES: Final[Mapping[Any, _PieceForm]] = {
    bytes: _PieceForm(bytes, bytes),
    ReleaseSpec: _PieceForm(_spec_bytes, ReleaseSpec.model_validate_json),
    PolicySpec: _PieceForm(_spec_bytes, PolicySpec.model_validate_json),
    BundleReport: _PieceForm(BundleReport.as_json, report_from_json),
}
"""What is kept under its digest, and how it is written and read."""


def _piece(data: bytes, pieces: MutableMapping[str, bytes]) -> str:
    digest = sha256_hex(data)
    pieces[digest] = data
    return digest


def _read_piece(plain: Any, form: _PieceForm, pieces: Mapping[str, bytes], path: str) -> Any:
    data = pieces.get(plain) if isinstance(plain, str) else None
    if data is None:
        raise MisfitError(path, "names a piece that is missing")
    if sha256_hex(data) != plain:
        raise MisfitError(path, f"the piece {plain} has other bytes than its name says")
    try:
        value = form.read(data)
        same = form.write(value) == data
    except (ValueError, Refused) as error:  # pydantic's errors are ValueErrors
        message = f"the piece {plain} does not fit its type"
        raise MisfitError(path, message, unknown=True) from error
    if not same:
        raise MisfitError(path, f"the piece {plain} is spelled in another way", unknown=True)
    return value


def _fields_of(value: Any, kind: Any, pieces: MutableMapping[str, bytes]) -> dict[str, Any]:
    if type(value) is not kind:
        msg = f"{type(value).__name__} is no {kind.__name__}"
        raise TypeError(msg)
    found = ((part, getattr(value, part.name)) for part in parts_of(kind))
    return {
        part.key: as_plain(each, part.kind, pieces) for part, each in found if each != part.default
    }


def _instance(plain: Any, kind: Any, pieces: Mapping[str, bytes], path: str) -> Any:
    given = _object(plain, path)
    known = {part.key for part in parts_of(kind)}
    if strange := sorted(given.keys() - known):
        raise MisfitError(f"{path}.{strange[0]}", "is a field that is not known", unknown=True)
    values = {}
    for part in parts_of(kind):
        where = f"{path}.{part.key}"
        if part.key in given:
            values[part.name] = from_plain(given[part.key], part.kind, pieces, where)
            if values[part.name] == part.default:
                raise MisfitError(where, "says what is said by leaving it out")
        elif part.default is MISSING:
            raise MisfitError(where, "is missing")
    return kind(**values)


def _words(kind: Any) -> tuple[Any, ...] | None:
    """Return the words of a Literal, or of several; None for any other type."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    words = [_words(each) for each in _choices(kind) or ()]
    if not words or None in words:
        return None
    return tuple(word for each in words for word in each or ())


def _choices(kind: Any) -> tuple[Any, ...] | None:
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else None


def _is_many(choices: tuple[Any, ...]) -> bool:
    return len([each for each in choices if each is not types.NoneType]) > 1


def _chosen(value: Any, choices: list[Any], pieces: MutableMapping[str, bytes]) -> Any:
    if len(choices) == 1:
        return as_plain(value, choices[0], pieces)
    kind = next((each for each in choices if type(value) is each), None)
    if kind is None:
        msg = f"{type(value).__name__} is none of the classes that are known"
        raise TypeError(msg)
    return {CLASS: kind.__name__, **_fields_of(value, kind, pieces)}


def _choice(plain: Any, choices: list[Any], path: str) -> Any:
    if len(choices) == 1:
        return choices[0]
    name = _object(plain, path).get(CLASS)
    for each in choices:
        if each.__name__ == name:
            return each
    raise MisfitError(f"{path}.{CLASS}", "is none of the classes that are known", unknown=True)


def _item(kind: Any) -> Any:
    """Return the type of the items of a tuple or a set, or None for anything else."""
    arguments = get_args(kind)
    if get_origin(kind) is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:  # noqa: PLR2004 - of tuple[X, ...]
        return arguments[0]
    if get_origin(kind) is frozenset and arguments == (str,):
        return str
    return None


def _several(plain: Any, kind: Any, item: Any, pieces: Mapping[str, bytes], path: str) -> Any:
    if not isinstance(plain, list):
        raise MisfitError(path, "is no list")
    found = [from_plain(each, item, pieces, f"{path}[{i}]") for i, each in enumerate(plain)]
    if get_origin(kind) is tuple:
        return tuple(found)
    if found != sorted(set(found)):
        raise MisfitError(path, "is not sorted, or names something twice")
    return frozenset(found)


def _object(plain: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(plain, dict):
        raise MisfitError(path, "is no object")
    return plain


def _moment(plain: Any, path: str) -> datetime:
    try:
        moment = datetime.strptime(plain, TIME).replace(tzinfo=UTC)
    except (TypeError, ValueError) as error:
        raise MisfitError(path, "is no time") from error
    if moment.strftime(TIME) != plain:
        raise MisfitError(path, "is no time")
    return moment
