"""Manifests as they lie in git: YAML in which nothing means two things.

What is read here must be what the API server will store, because people sign the digest of it. So
everything that two YAML readers see differently is refused, with its line and column:

1. text that is not UTF-8, or larger than a manifest can be;
2. anchors, aliases and merge keys (and with them "billion laughs"), and tags;
3. nesting and numbers of values that no manifest has;
4. a key twice in one mapping: readers take the first, the last, or neither;
5. keys that are no text;
6. words that are text to one version of YAML and a number or a truth value to the other: `yes`,
   `010`, `1_000`, `12:30`; and characters that end a line for one of them alone.

Values are built from the parser's events, one by one, with no recursion: a hostile file is refused
at the first event that breaks a rule.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml
from typing_extensions import override

from sluice.errors import Refused
from sluice.resources.faults import Fault, Path, summary
from sluice.resources.kinds import GROUP, KINDS, VERSION, Spec, parse_spec
from sluice.resources.text import plain

__all__ = ["MANIFEST_BYTES_MAX", "Manifest", "Place", "read_manifests", "spec_of"]

MANIFEST_BYTES_MAX: Final = 1536 * 1024
"""As much as etcd takes in one object."""

DEPTH_MAX: Final = 64
"""Our deepest object has 8 levels."""

VALUES_MAX: Final = 20_000
"""Keys included. The largest policy there can be has 12,000; so many are read in 0.1 s."""

NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
TRUTHS: Final = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]{0,15})")
DECIMAL: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
LINE_BREAK_TO_SOME: Final = re.compile("[\x85\u2028\u2029]")
NOT_IN_YAML: Final = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no YAML file may hold (YAML 1.2, 5.1); the parser tells it without its line."""
SURROGATE: Final = re.compile("[\ud800-\udfff]")
NO_PLAIN_WORD: Final = frozenset("0123456789+-._=yYnNoO")
"""How a word begins that could be a number, or be ambiguous: all others are text to everybody."""
AMBIGUOUS: Final = re.compile(
    r"[yYnN]|[yY]es|YES|[nN]o|NO|[oO]n|ON|[oO]ff|OFF|="  # truths and signs of YAML 1.1
    r"|[-+]?0[0-9_]+|[-+]?0[xX][0-9a-fA-F_]+|[-+]?0[oO][0-7_]+|[-+]?0[bB][01_]+"  # other bases
    r"|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"  # base 60
    r"|[-+]?[0-9]*_[0-9_]*(\.[0-9_]*)?|[-+]?[0-9][0-9_]*\.([0-9]*_[0-9_]*)?"  # _ as a separator
    r"|[-+]?\.[0-9][0-9_]*([eE][-+]?[0-9]+)?|\+[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?"  # .5 and +5
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in a file, counted from 1."""

    line: int
    column: int

    @override
    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One document of a file."""

    value: Mapping[str, Any]
    marks: Mapping[Path, Any]
    """Where each value begins, by its path from the root: marks of the parser's, made into places
    when they are asked for, for a file has thousands."""

    def place(self, path: Path) -> Place:
        """Return where the value at `path` begins, or the nearest one around it."""
        while path not in self.marks:
            path = path[:-1]
        return _place(self.marks[path])


def read_manifests(data: bytes) -> tuple[Manifest, ...]:
    """Return the documents of a YAML file; empty ones are left out.

    Raises:
        Refused: the file says something twice, in two ways, or not in YAML; the message begins with
            the line and column.
    """
    if len(data) > MANIFEST_BYTES_MAX:
        raise Refused("ManifestTooLarge", f"Keep the file below {MANIFEST_BYTES_MAX} bytes.")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise _refused(_place_at(data, error.start), "this is not UTF-8") from error
    if not text.isascii() and (found := LINE_BREAK_TO_SOME.search(text)):
        at = _place_at(data, len(text[: found.start()].encode()))
        raise _refused(at, "write this character as an escape: to some readers it ends the line")
    try:
        return tuple(_documents(text))
    except yaml.MarkedYAMLError as error:
        raise _refused(_place(error.problem_mark), str(error.problem)) from error
    except yaml.YAMLError as error:
        if found := NOT_IN_YAML.search(text):
            at = _place_at(data, len(text[: found.start()].encode()))
            raise _refused(at, "write this character as an escape: it is none of YAML's") from error
        raise Refused("ManifestUnreadable", plain(str(error), 512)) from error


def spec_of(manifest: Manifest) -> Spec:
    """Return the typed spec of a custom resource.

    Raises:
        Refused: it is no custom resource of ours, or its author has to mend it; each fault begins
            with its line and column.
    """
    kind = manifest.value.get("kind")
    version = manifest.value.get("apiVersion")
    if not isinstance(kind, str) or kind not in KINDS or version != f"{GROUP}/{VERSION}":
        message = f"{manifest.place(())}: this is no custom resource of {GROUP}/{VERSION}."
        raise Refused("KindUnknown", message)
    spec = parse_spec(kind, manifest.value.get("spec", {}))
    if isinstance(spec, tuple):
        raise Refused("SpecInvalid", summary(tuple(_placed(each, manifest) for each in spec)))
    return spec


def _placed(fault: Fault, manifest: Manifest) -> Fault:
    return Fault(path=(), message=f"{manifest.place(fault.path)}: {fault}")


def _refused(place: Place, message: str) -> Refused:
    return Refused("ManifestUnreadable", f"{place}: {plain(message, 512)}.")


def _place_at(data: bytes, start: int) -> Place:
    before = data[:start]
    return Place(line=before.count(b"\n") + 1, column=start - before.rfind(b"\n"))


def _place(mark: Any) -> Place:
    return Place(line=mark.line + 1, column=mark.column + 1)


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not been read yet."""

    value: Any
    """A dict or a list."""
    path: Path
    key: str | None = None
    """In a mapping: the key that waits for its value."""


def _documents(text: str) -> Iterator[Manifest]:
    values = 0
    stack: list[_Open] = []
    marks: dict[Path, Any] = {}
    root: Any = None
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        _refuse_cleverness(event)
        match event:
            case yaml.DocumentStartEvent():
                root, marks = None, {}
            case yaml.DocumentEndEvent() if root is not None:
                yield Manifest(value=_mapping(root, marks[()]), marks=marks)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                stack.pop()
            case yaml.ScalarEvent() | yaml.CollectionStartEvent():
                values += 1
                if values > VALUES_MAX or len(stack) >= DEPTH_MAX:
                    raise _refused(_place(event.start_mark), "no manifest is so large or so deep")
                root = _add(event, stack, marks, root)
            case _:
                pass


def _refuse_cleverness(event: Any) -> None:
    if getattr(event, "anchor", None) is not None:
        raise _refused(_place(event.start_mark), "write it out: anchors and aliases are not read")
    if getattr(event, "tag", None) is not None:
        raise _refused(_place(event.start_mark), "leave the tag out: tags are not read")


def _mapping(root: Any, mark: Any) -> dict[str, Any]:
    if not isinstance(root, dict):
        raise _refused(_place(mark), "a manifest is a mapping with apiVersion, kind and spec")
    return root


def _add(
    event: Any,
    stack: list[_Open],
    marks: dict[Path, Any],
    root: Any,
) -> Any:
    """Put the value that begins with `event` into its parent, and return the document's root."""
    parent = stack[-1] if stack else None
    if parent and isinstance(parent.value, dict) and parent.key is None:
        parent.key = _key(event, parent.value)
        return root
    value = _value(event)
    path: Path = ()
    if parent and isinstance(parent.value, list):
        path = (*parent.path, len(parent.value))
        parent.value.append(value)
    elif parent and parent.key is not None:
        path = (*parent.path, parent.key)
        parent.value[parent.key] = value
        parent.key = None
    marks[path] = event.start_mark
    if isinstance(event, yaml.CollectionStartEvent):
        stack.append(_Open(value=value, path=path))
    return root if parent else value


def _key(event: Any, mapping: Mapping[str, Any]) -> str:
    if getattr(event, "value", None) == "<<" and event.implicit[0]:
        raise _refused(_place(event.start_mark), "write it out: merge keys are not read")
    key = _value(event)
    if not isinstance(key, str):
        raise _refused(_place(event.start_mark), "a key must be text: put it in quotes")
    if key in mapping:
        raise _refused(_place(event.start_mark), f"the key {key} stands here for the second time")
    return key


def _value(event: Any) -> Any:
    if isinstance(event, yaml.MappingStartEvent):
        return {}
    if isinstance(event, yaml.SequenceStartEvent):
        return []
    text = event.value
    if not event.implicit[0]:
        return _encodable(text, event)
    if text in NULLS:
        return None
    if text in TRUTHS:
        return TRUTHS[text]
    if text[0] not in NO_PLAIN_WORD:
        return _encodable(text, event)
    if INTEGER.fullmatch(text):
        return int(text)
    if AMBIGUOUS.fullmatch(text):
        message = f'put "{text}" in quotes: YAML readers do not agree on what it is'
        raise _refused(_place(event.start_mark), message)
    if DECIMAL.fullmatch(text):
        return _number(text, event)
    return _encodable(text, event)


def _number(text: str, event: Any) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _refused(_place(event.start_mark), "no computer has so large a number")
    return number


def _encodable(text: str, event: Any) -> str:
    if not text.isascii() and SURROGATE.search(text):
        raise _refused(_place(event.start_mark), "half of a surrogate pair is no text")
    return text
