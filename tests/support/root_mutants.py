"""Variants of a trust root under which a bundle holds, and what must come of the bundle then."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from support.json_mutants import REFUSED, SAME, Mutant, Outcome, Path, changed, drop, put

__all__ = ["root_mutants_of"]

MEMBERS = ("tlogs", "ctlogs", "certificateAuthorities", "timestampAuthorities")


def root_mutants_of(
    root: bytes, others: list[bytes], moment: datetime, used: frozenset[str]
) -> Iterator[Mutant]:
    """Yield every mutant of a trust root.

    Args:
        root: a trust root.
        others: trust roots of other sigstores.
        moment: when the bundle was signed, the only moment that is proven for it.
        used: the kinds of members that vouch for the bundle, of `MEMBERS`; changing others changes
            nothing.
    """
    value = json.loads(root)
    for name in MEMBERS:
        if value.get(name):
            yield from _spans(value, name, moment, REFUSED if name in used else SAME)
            yield from _members(value, name, REFUSED if name in used else SAME)
            for place, other in enumerate(others):
                theirs = json.loads(other)[name]
                outcome: Outcome = REFUSED if name in used or not theirs else SAME
                yield changed(value, f"another's {name}", put((name,), theirs), outcome, place)
    for place, other in enumerate(others):
        yield Mutant(kind="another's root", place=str(place), data=other, outcome=REFUSED)
    for media in ("", "application/json", None, 3):
        yield changed(value, "another type of root", put(("mediaType",), media))
    for path in ((), ("tlogs", 0), ("tlogs", 0, "publicKey"), ("certificateAuthorities", 0)):
        yield changed(value, "an unknown field of a root", put((*path, "extra"), 1))
    text = value["tlogs"][0]["publicKey"]["rawBytes"]
    for place, loose in enumerate((f"{text[:4]}\n{text[4:]}", f"{text} ", f"{text}====")):
        edit = put(("tlogs", 0, "publicKey", "rawBytes"), loose)
        yield changed(value, "loose base64 in a root", edit, place=place)


def _spans(
    value: dict[str, Any], name: str, moment: datetime, outcome: Outcome
) -> Iterator[Mutant]:
    long, short = timedelta(days=3650), timedelta(seconds=1)
    for kind, start, end, expected in (
        ("had ended", moment - long, moment - short, outcome),
        ("had not begun", moment + short, None, outcome),
        ("was never in force", moment + short, moment - short, outcome),
        ("ended just then", moment - long, moment, SAME),
        ("began just then", moment, None, SAME),
    ):
        span = {"start": _rfc3339(start), **({"end": _rfc3339(end)} if end else {})}
        yield changed(
            value,
            f"{name}: a span that {kind}",
            lambda root, s=span: [put(path, s)(root) for path in _span_paths(root, name)],
            expected,
        )
    yield changed(
        value,
        f"{name}: a span without start",
        lambda root: [drop((*path, "start"))(root) for path in _span_paths(root, name)],
    )


def _members(value: dict[str, Any], name: str, outcome: Outcome) -> Iterator[Mutant]:
    members = value[name]
    # A root without any member of a kind is none, but for timestamps.
    emptied = outcome if name == "timestampAuthorities" else REFUSED
    yield changed(value, f"{name}: none", put((name,), []), emptied)
    yield changed(value, f"{name}: each twice", put((name,), members * 2), SAME)
    yield changed(value, f"{name}: in another order", put((name,), members[::-1]), SAME)
    yield changed(value, f"{name}: an object for the list", put((name,), members[0]))
    if name == "tlogs":
        stranger = {"keyId": "A" * 43 + "="}
        edits = [put((name, place, "logId"), stranger) for place in range(len(members))]
        yield changed(
            value, "tlogs: under another id", lambda root: [edit(root) for edit in edits], outcome
        )


def _span_paths(root: dict[str, Any], name: str) -> list[Path]:
    inside = ("publicKey", "validFor") if name in ("tlogs", "ctlogs") else ("validFor",)
    return [(name, place, *inside) for place in range(len(root[name]))]


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
