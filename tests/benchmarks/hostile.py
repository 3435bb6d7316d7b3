"""Hostile YAML and JSON: how long the slowest takes until it is refused."""

from collections.abc import Callable, Mapping
from functools import partial

from benchmarks.measuring import Row, at_most, milliseconds
from sluice.errors import Refused
from sluice.resources.manifest import MANIFEST_BYTES_MAX, read_manifests
from sluice.verify.json_strict import JSON_BYTES_MAX, parse

__all__ = ["rows"]

REFUSAL_MS_MAX = 50.0

YAML: Mapping[str, bytes] = {
    "a key twice": b"required: 2\nrequired: 0\n",
    "a key twice at the end of 19,000": b"".join(b"k%d: 1\n" % i for i in range(9_500)) + b"k0: 1",
    "aliases that grow": b"a: &a [x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n",
    "merge keys": b"a: {b: 1}\nc:\n  <<: {b: 2}\n",
    "depth without end": b"a: " + b"[" * 100_000,
    "depth in block style": b"".join(b" " * i + b"a:\n" for i in range(1_000)),
    "values without end": b"a: [" + b"b, " * 500_000,
    "a number with a point as version": b'version: 1.10\nversion: "1.10"\n',
    "base 60": b"at: 12:30\n",
    "octal": b"size: 010\n",
    "a key that is a list": b"? [a]\n: b\n",
    "tags": b"a: !!python/object/apply:os.system [ls]\n",
    "a quote without end": b'a: "' + b"x" * (MANIFEST_BYTES_MAX - 10),
    "a word without end": b"a" * (MANIFEST_BYTES_MAX - 10),
    "an anchor without end": b"a: &" + b"x" * (MANIFEST_BYTES_MAX - 10),
    "brackets without end": b"[" * (MANIFEST_BYTES_MAX - 10),
    "questions without end": b"? " * (MANIFEST_BYTES_MAX // 2 - 10),
    "dashes without end": b"- " * (MANIFEST_BYTES_MAX // 2 - 10),
    "more than fits": b"a: b\n" * MANIFEST_BYTES_MAX,
    "no UTF-8": b"a: \xff",
    "line breaks that some see": "a: b\N{LINE SEPARATOR}c: d".encode(),
}

JSON: Mapping[str, bytes] = {
    "a key twice": b'{"required":2,"required":0}',
    "a key twice, spelled differently": b'{"a":1,"\\u0061":2}',
    "not a number": b"[NaN]",
    "a number that rounds to infinity": b"[1e999]",
    "an integer of a million digits": b"9" * 1_000_000,
    "half a character": b'"\\ud83d"',
    "depth that exhausts a stack": b'{"a":' * 100_000,
    "depth of closed lists": b"[" * 900 + b"]" * 900,
    "a text without end": b'"\\' * 400_000,
    "quotes without end": b'"' * 1_000_000,
    "no UTF-8": b'"\xff"',
    "more than fits": b" " * JSON_BYTES_MAX + b"1",
}


def rows() -> list[Row]:
    """Return the slowest refusal of each kind."""
    return [
        _slowest("YAML", YAML, read_manifests),
        _slowest(
            "JSON",
            JSON,
            lambda data: parse(data, what="approval", reason="ApprovalUnreadable"),
        ),
    ]


def _slowest(kind: str, corpus: Mapping[str, bytes], read: Callable[[bytes], object]) -> Row:
    def refuse(data: bytes) -> None:
        try:
            read(data)
        except Refused:
            return
        raise AssertionError(data[:80])

    took = {name: milliseconds(partial(refuse, data)) for name, data in corpus.items()}
    name = max(took, key=lambda each: took[each])
    return at_most(
        f"slowest of {len(corpus)} hostile {kind} files refused ({name})",
        took[name],
        "ms",
        REFUSAL_MS_MAX,
    )
