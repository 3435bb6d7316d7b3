"""Variants of a bundle in its JSON: each changes one thing, and says what must come of it.

A *mutant* must be refused, or else it is the same bundle in another spelling and must prove the
very same; which of the two is known beforehand, by its class. `EITHER` is for bytes of which only
some are signed (a timestamp's): there, too, nothing but the same may be proven.
"""

import base64
import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

__all__ = [
    "EITHER",
    "REFUSED",
    "SAME",
    "Edit",
    "Mutant",
    "Outcome",
    "Path",
    "changed",
    "drop",
    "put",
    "spelled",
]

Outcome = Literal["refused", "same", "refused or same"]
REFUSED: Outcome = "refused"
SAME: Outcome = "same"
EITHER: Outcome = "refused or same"

BYTES = {
    "canonicalizedBody",
    "digest",
    "hashes",
    "keyId",
    "payload",
    "rawBytes",
    "rootHash",
    "sig",
    "signature",
    "signedEntryTimestamp",
    "signedTimestamp",
}
NUMBERS = {"integratedTime", "logIndex", "treeSize"}

Path = tuple[str | int, ...]
Edit = Callable[[dict[str, Any]], object]


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A changed bundle."""

    kind: str
    """Class of the change, e.g. `base64 with white space`."""

    place: str
    """Where it was changed, for people."""

    data: bytes
    outcome: Outcome


def spelled(value: dict[str, Any]) -> Iterator[Mutant]:
    """Yield every change that can be made without knowing what a bundle means."""
    bundle = json.dumps(value).encode()
    yield from _spellings(bundle, value)
    yield from _texts(bundle)
    yield from _fields(value)
    yield from _bytes(value)
    yield from _numbers(value)


def changed(
    value: dict[str, Any], kind: str, edit: Edit, outcome: Outcome = REFUSED, place: object = ""
) -> Mutant:
    """Return a mutant of a parsed bundle, after `edit` has changed a copy in place."""
    return Mutant(kind=kind, place=str(place), data=_edited(value, edit), outcome=outcome)


def _edited(value: dict[str, Any], edit: Edit) -> bytes:
    copied = copy.deepcopy(value)
    edit(copied)
    return json.dumps(copied).encode()


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def put(path: Path, new: Any) -> Edit:
    """Return an edit that sets what is at a path, or adds it."""
    return lambda value: _at(value, path[:-1]).__setitem__(path[-1], new)


def drop(path: Path) -> Edit:
    """Return an edit that takes away what is at a path."""
    return lambda value: _at(value, path[:-1]).__delitem__(path[-1])


def _walk(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    yield path, value
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _walk(child, (*path, name))
    elif isinstance(value, list):
        for place, child in enumerate(value):
            yield from _walk(child, (*path, place))


def _shown(path: Path) -> str:
    return ".".join(str(step) for step in path) or "bundle"


def _name(path: Path) -> str:
    return next((step for step in reversed(path) if isinstance(step, str)), "")


def _spellings(bundle: bytes, value: dict[str, Any]) -> Iterator[Mutant]:
    """Yield the bundle as other clients could have written it."""
    shuffled = json.dumps(value, sort_keys=True, indent=3).encode()
    escaped = "".join(f"\\u{ord(char):04x}" for char in "messageSignature")
    for kind, data in (
        ("keys in another order, indented", shuffled),
        ("white space around", b"\n \t" + bundle + b"\r\n"),
        ("escaped letters", bundle.replace(b'"messageSignature"', f'"{escaped}"'.encode())),
    ):
        yield Mutant(kind=kind, place="bundle", data=data, outcome=SAME)
    for path in (("verificationMaterial", "publicKey"), ("verificationMaterial", "certificate")):
        if path[-1] not in value["verificationMaterial"]:
            yield changed(value, "a null for nothing", put(path, None), SAME, _shown(path))


def _texts(bundle: bytes) -> Iterator[Mutant]:
    head = bundle.index(b"{") + 1
    deep = b"[" * 100_000 + b"]" * 100_000
    for kind, data in (
        ("nothing", b""),
        ("a byte order mark", b"\xef\xbb\xbf" + bundle),
        ("UTF-16", bundle.decode().encode("utf-16")),
        ("broken UTF-8", bundle[:head] + b'"\xff":1,' + bundle[head:]),
        ("something after it", bundle + b"{}"),
        ("a comment", bundle[:head] + b"/**/" + bundle[head:]),
        ("a trailing comma", bundle.rstrip()[:-1] + b",}"),
        ("a list around it", b"[" + bundle + b"]"),
        ("NaN", bundle[:head] + b'"x":NaN,' + bundle[head:]),
        ("infinity", bundle[:head] + b'"x":-Infinity,' + bundle[head:]),
        ("a number too large", bundle[:head] + b'"x":1e999,' + bundle[head:]),
        ("a lone surrogate", bundle[:head] + b'"x":"\\ud800",' + bundle[head:]),
        ("nesting without end", bundle[:head] + b'"x":' + deep + b"," + bundle[head:]),
        ("megabytes of space", bundle + b" " * (5 * 1024 * 1024)),
    ):
        yield Mutant(kind=kind, place="bundle", data=data, outcome=REFUSED)
    for part in range(1, 8):
        cut = bundle[: len(bundle) * part // 8]
        yield Mutant(kind="cut off", place=f"{part}/8", data=cut, outcome=REFUSED)


def _fields(value: dict[str, Any]) -> Iterator[Mutant]:
    """Yield changes of the fields of every object, whatever they mean."""
    for path, node in _walk(value):
        if not isinstance(node, dict):
            continue
        where = _shown(path)
        yield changed(value, "an unknown field", put((*path, "extra"), 1), place=where)
        if path:
            yield changed(value, "a list for an object", put(path, []), place=where)
        for name, child in node.items():
            place = _shown((*path, name))
            for kind, again in (("a key twice", child), ("a key twice, differing", "x")):
                data = _twice(value, path, name, again)
                yield Mutant(kind=kind, place=place, data=data, outcome=REFUSED)
            yield changed(value, "a number for a value", put((*path, name), 7), place=place)
            snake = "".join(f"_{char.lower()}" if char.isupper() else char for char in name)
            if snake != name:
                edit = put((*path, snake), child)
                yield changed(value, "a field by both names", edit, place=place)


def _twice(value: dict[str, Any], path: Path, name: str, again: Any) -> bytes:
    mark = "the place of the second one"
    data = _edited(value, put((*path, mark), again))
    return data.replace(json.dumps(mark).encode(), json.dumps(name).encode())


def _bytes(value: dict[str, Any]) -> Iterator[Mutant]:
    for path, text in _walk(value):
        if _name(path) not in BYTES or not isinstance(text, str) or not text:
            continue
        data = base64.b64decode(text)
        stamp = _name(path) == "signedTimestamp"
        for kind, other in (
            ("white space in base64", text[:4] + "\n" + text[4:]),
            ("white space after base64", text + " "),
            ("a stranger in base64", text[:4] + "!" + text[4:]),
            ("base64 without its end", text[:-1]),
            ("base64 without its last bytes", text[:-4]),
            ("base64 with more bytes", base64.b64encode(data + b"\0").decode()),
            ("base64 with more padding", text + "===="),
            ("another alphabet", text[:4] + "-_" + text[6:]),
            ("no bytes", ""),
            ("one byte", "AA=="),
        ):
            yield changed(value, kind, put(path, other), place=_shown(path))
        yield from _loose_bits(value, path, text)
        for bit in sorted(
            {0, 1, 7, len(data) * 2, len(data) * 4, len(data) * 6, len(data) * 8 - 1}
        ):
            flipped = bytearray(data)
            flipped[bit // 8] ^= 128 >> bit % 8
            edit = put(path, base64.b64encode(flipped).decode())
            place = f"{_shown(path)} bit {bit}"
            yield changed(value, "a flipped bit", edit, EITHER if stamp else REFUSED, place)


def _loose_bits(value: dict[str, Any], path: Path, text: str) -> Iterator[Mutant]:
    """Yield a text whose last letter has other bits after the last byte, which decoders drop."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    body = text.rstrip("=")
    if body == text:
        return
    last = alphabet[alphabet.index(body[-1]) ^ 1]
    edit = put(path, body[:-1] + last + text[len(body) :])
    yield changed(value, "bits after the last byte", edit, place=_shown(path))


def _numbers(value: dict[str, Any]) -> Iterator[Mutant]:
    for path, text in _walk(value):
        if _name(path) not in NUMBERS or not isinstance(text, str):
            continue
        number = int(text)
        for other in (
            number + 1,
            number - 1,
            0 if number else 9,
            2**63,
            2**64 - 1,
            -number - 1,
            f"+{text}",
            f" {text}",
            f"0{text}",
            f"{text}.0",
            f"{text}e0",
            f"{text[0]}_{text[1:]}" if len(text) > 1 else f"{text}_",
            "".join(chr(0xFF10 + int(digit)) for digit in text),
            "",
            "x",
        ):
            kind = "another number" if isinstance(other, int) else "a number in another spelling"
            place = f"{_shown(path)} {ascii(other)[:24]}"
            yield changed(value, kind, put(path, str(other)), place=place)
        for kind, new in (("a bare number", number), ("a fraction", number + 0.5)):
            yield changed(value, kind, put(path, new), place=_shown(path))
