"""Manifests as files: which objects of ours stand in them, where, and what is to be mended.

Most YAML of a repository is not ours and is left alone. A file is looked into when it names our
group, or has escapes with which the group could be spelled in another way. What is ours and can't
be read is a problem; what can't be read and may be ours is told as left out.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, TypeVar

from typing_extensions import override

from sluice.errors import Refused
from sluice.resources.app import AppSpec
from sluice.resources.approval import ApprovalSpec
from sluice.resources.canonical import sha256_hex
from sluice.resources.channel import ChannelSpec
from sluice.resources.faults import Path, summary
from sluice.resources.fields import DNS_SUBDOMAIN
from sluice.resources.kinds import GROUP, KINDS, VERSION, Key, Spec, parse_spec
from sluice.resources.manifest import Manifest, read_manifests
from sluice.resources.policy import PolicySpec
from sluice.resources.release import ReleaseSpec
from sluice.resources.text import plain

__all__ = ["File", "Found", "ManifestReader", "Manifests", "Problem", "Spot", "may_be_ours"]

PATH_CHARS_MAX: Final = 256
MESSAGE_CHARS_MAX: Final = 1024
NAME_CHARS_MAX: Final = 253
"""Longest name of a Kubernetes object."""

_OURS: Final = re.compile(rb"[\"']?apiVersion[\"']?\s*:\s*[\"']?sluice\.dev/")
_PLACE: Final = re.compile(r"line (\d+), column (\d+): (.*)", re.DOTALL)

G = TypeVar("G")
S = TypeVar("S", AppSpec, ReleaseSpec, ApprovalSpec, ChannelSpec, PolicySpec)


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file, as bytes."""

    path: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Spot:
    """A place in a file; line and column are counted from 1."""

    path: str
    line: int = 1
    column: int = 1

    @override
    def __str__(self) -> str:
        return f"{plain(self.path, PATH_CHARS_MAX)}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """Something in the files that must be mended before anything can be said."""

    spot: Spot
    reason: str
    """CamelCase code."""
    message: str
    """A sentence that tells a person what to do, printable and on one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One object that stands in a file."""

    key: Key
    spec: Spec | None
    """None when it does not fit its model."""
    problem: str
    """What to mend when `spec` is None, as the operator says it."""
    path: str
    manifest: Manifest
    below: Path = ()
    """Where the object stands in its document: at the root, or in a List."""

    def spot(self, *path: str | int) -> Spot:
        """Return where a field stands, or the nearest one around it."""
        place = self.manifest.place((*self.below, *path))
        return Spot(path=self.path, line=place.line, column=place.column)


@dataclass(frozen=True, kw_only=True)
class Manifests:
    """All objects of ours in a set of files; looked up by what they are asked for, at no cost."""

    objects: Mapping[Key, Found] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    left_out: tuple[str, ...] = ()
    """Files that can't be read and may be ours, by path."""

    def of_kind(self, kind: str, namespace: str | None = None) -> tuple[Found, ...]:
        """Return the objects of a kind, in one namespace or in all, in the order of their keys."""
        if namespace is None:
            return self._kinds.get(kind, ())
        return self._places.get((kind, namespace), ())

    def approvals(self, namespace: str, release: str) -> tuple[Found, ...]:
        """Return the readable Approvals of a Release, in the order of their names."""
        return self._approvals.get((namespace, release), ())

    def is_default(self, namespace: str, channel: str) -> bool:
        """Return whether phones that name no channel of their own get this one."""
        spec = self.spec(ChannelSpec, namespace, channel)
        return spec is not None and spec.audience.default

    def releases(self, version: str) -> tuple[Found, ...]:
        """Return the readable Releases of a version, of all apps, in the order of their keys."""
        return self._versions.get(version, ())

    @cached_property
    def _kinds(self) -> Mapping[str, tuple[Found, ...]]:
        return _grouped((each.key.kind, each) for each in self._sorted)

    @cached_property
    def _places(self) -> Mapping[tuple[str, str], tuple[Found, ...]]:
        return _grouped(((each.key.kind, each.key.namespace), each) for each in self._sorted)

    @cached_property
    def _approvals(self) -> Mapping[tuple[str, str], tuple[Found, ...]]:
        return _grouped(
            ((each.key.namespace, each.spec.release), each)
            for each in self._sorted
            if isinstance(each.spec, ApprovalSpec)
        )

    @cached_property
    def _versions(self) -> Mapping[str, tuple[Found, ...]]:
        return _grouped(
            (each.spec.version, each) for each in self._sorted if isinstance(each.spec, ReleaseSpec)
        )

    @cached_property
    def _sorted(self) -> tuple[Found, ...]:
        return tuple(self.objects[key] for key in sorted(self.objects))

    def spec(self, kind: type[S], namespace: str, name: str) -> S | None:
        """Return the spec of an object; None when there is none that can be read."""
        word = kind.__name__.removesuffix("Spec")
        found = self.objects.get(Key(word, namespace, name))
        return found.spec if found and isinstance(found.spec, kind) else None


def _grouped(pairs: Iterable[tuple[G, Found]]) -> Mapping[G, tuple[Found, ...]]:
    found: dict[G, list[Found]] = {}
    for group, each in pairs:
        found.setdefault(group, []).append(each)
    return {group: tuple(each) for group, each in found.items()}


def may_be_ours(data: bytes) -> bool:
    """Return whether a file must be looked into."""
    return GROUP.encode() in data or b"\\" in data or data.startswith((b"\xff\xfe", b"\xfe\xff"))


class ManifestReader:
    """Reads files; one that was read before, byte for byte, is not read again."""

    def __init__(self, namespace: str = "") -> None:
        """Prepare to read.

        Args:
            namespace: of manifests that name none, as `kubectl apply -n` or Argo CD sets it.
        """
        self._namespace = namespace
        self._known: dict[tuple[str, str], tuple[tuple[Found, ...], tuple[Problem, ...], bool]] = {}

    def read(self, files: Iterable[File], *, problems: Iterable[Problem] = ()) -> Manifests:
        """Return all objects in files; `problems` are what was found before they were read."""
        objects: dict[Key, Found] = {}
        told, left_out, twice = list(problems), [], set()
        for file in files:
            found, faults, may_be = self._file(file)
            told += faults
            if may_be:
                left_out.append(file.path)
            for each in found:
                if (other := objects.get(each.key)) is not None:
                    twice.add(each.key)
                    told.append(_twice(each, other))
                objects.setdefault(each.key, each)
        # Which of two holds, nobody knows: so neither does.
        kept = {key: each for key, each in objects.items() if key not in twice}
        return Manifests(
            objects=kept, problems=tuple(sorted(told)), left_out=tuple(sorted(left_out))
        )

    def _file(self, file: File) -> tuple[tuple[Found, ...], tuple[Problem, ...], bool]:
        if not may_be_ours(file.data):
            return (), (), False
        memory = (file.path, sha256_hex(file.data))
        if memory not in self._known:
            self._known[memory] = self._read(file)
        return self._known[memory]

    def _read(self, file: File) -> tuple[tuple[Found, ...], tuple[Problem, ...], bool]:
        try:
            documents = read_manifests(file.data)
        except Refused as error:
            if _OURS.search(file.data):
                return (), (_unreadable(file.path, error),), False
            return (), (), True
        found: list[Found] = []
        problems: list[Problem] = []
        for document in documents:
            for below, value in _objects(document):
                read = list(self._object(file.path, document, below, value))
                problems += [each for each in read if isinstance(each, Problem)]
                found += [each for each in read if isinstance(each, Found)]
        return tuple(found), tuple(problems), False

    def _object(
        self, path: str, document: Manifest, below: Path, value: Mapping[str, Any]
    ) -> Iterator[Found | Problem]:
        place = document.place((*below, "kind"))
        spot = Spot(path=path, line=place.line, column=place.column)
        version, kind = value.get("apiVersion"), value.get("kind")
        if version != f"{GROUP}/{VERSION}" or not isinstance(kind, str) or kind not in KINDS:
            known = ", ".join(KINDS)
            message = f"This is none of {GROUP}/{VERSION}'s kinds, which are {known}: correct it."
            yield Problem(spot=spot, reason="KindUnknown", message=message)
            return
        key = self._key(kind, value.get("metadata"))
        if isinstance(key, str):
            yield Problem(spot=spot, reason="NameInvalid", message=key)
            return
        spec = parse_spec(key.kind, value.get("spec", {}))
        faults = spec if isinstance(spec, tuple) else ()
        found = Found(
            key=key,
            spec=None if isinstance(spec, tuple) else spec,
            problem=summary(faults) if faults else "",
            path=path,
            manifest=document,
            below=below,
        )
        for each in faults:
            message = f"{key}: mend {each}."
            yield Problem(
                spot=found.spot(*each.path),
                reason="SpecInvalid",
                message=plain(message, MESSAGE_CHARS_MAX),
            )
        yield found

    def _key(self, kind: str, metadata: Any) -> Key | str:
        """Return an object's key, or what is wrong with its names."""
        metadata = metadata if isinstance(metadata, Mapping) else {}
        name, namespace = metadata.get("name"), metadata.get("namespace") or self._namespace
        if not _is_name(name):
            return f"Give this {kind} a metadata.name of lower-case letters, digits, - and dots."
        if not KINDS[kind].namespaced:
            return Key(kind, "", name)
        if not namespace:
            return (
                f"{kind} {name} has no metadata.namespace, and approvals are for one namespace:"
                " write it, or say --namespace as your sync does."
            )
        if not _is_name(namespace):
            return f"{kind} {name} has a metadata.namespace that is no name of a namespace."
        return Key(kind, namespace, name)


def _objects(document: Manifest) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield the objects of our group in a document, which may be a List as kubectl writes it."""
    value = document.value
    if _is_ours(value):
        yield (), value
    items = value.get("items")
    if value.get("kind") == "List" and isinstance(items, list):
        for number, item in enumerate(items):
            if isinstance(item, Mapping) and _is_ours(item):
                yield ("items", number), item


def _is_ours(value: Mapping[str, Any]) -> bool:
    return str(value.get("apiVersion")).startswith(f"{GROUP}/")


def _is_name(value: Any) -> bool:
    return (
        isinstance(value, str)
        and 0 < len(value) <= NAME_CHARS_MAX
        and re.fullmatch(DNS_SUBDOMAIN.removesuffix("$"), value) is not None
    )


def _unreadable(path: str, error: Refused) -> Problem:
    placed = _PLACE.fullmatch(error.message)
    line, column, message = placed.groups() if placed else ("1", "1", error.message)
    return Problem(
        spot=Spot(path=path, line=int(line), column=int(column)),
        reason=error.reason,
        message=plain(message, MESSAGE_CHARS_MAX),
    )


def _twice(one: Found, other: Found) -> Problem:
    message = f"{one.key} stands here and in {other.spot()}: keep one of them."
    return Problem(spot=one.spot(), reason="ObjectTwice", message=message)
