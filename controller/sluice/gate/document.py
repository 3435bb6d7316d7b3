"""Decisions as one JSON document that holds all they need: for an auditor with no access to us.

    {"format": "sluice.dev/decisions/v1",
     "decisions": [{"record": {...}, "summary": {...}}, ...],
     "pieces": {"<sha256>": "text" or {"base64": "..."}}}

Pieces that decisions share stand in it once. It need not be in a canonical form: what counts are
the digests inside.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sluice.errors import Refused, VerificationError
from sluice.gate.record import DecisionRecord, read_record
from sluice.resources.canonical import canonical_json
from sluice.verify.json_strict import parse

__all__ = ["DOCUMENT_BYTES_MAX", "Exported", "as_document", "read_document"]

FORMAT: Final = "sluice.dev/decisions/v1"

DOCUMENT_BYTES_MAX: Final = 256 * 1024 * 1024
"""Largest document; one release with its evidence has 100 KB, and each further decision 8 KB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """One decision outside of the store."""

    record: bytes = field(repr=False)
    summary: bytes = field(repr=False)
    """DSSE envelope (`sluice.gate.vsa`)."""
    pieces: Mapping[str, bytes] = field(repr=False)
    """At least those that the record names, if nobody took one out."""

    def read(self) -> DecisionRecord:
        """Return the decision.

        Raises:
            Refused: as `sluice.gate.record.read_record` does.
        """
        return read_record(self.record, self.pieces)


def as_document(decisions: Iterable[Exported]) -> str:
    """Return decisions as one document, in ASCII, made to be read by people too."""
    decisions = tuple(decisions)
    document = {
        "format": FORMAT,
        "decisions": [
            {"record": json.loads(each.record), "summary": json.loads(each.summary)}
            for each in decisions
        ],
        "pieces": {name: _told(data) for each in decisions for name, data in each.pieces.items()},
    }
    return json.dumps(document, sort_keys=True, indent=1, ensure_ascii=True) + "\n"


def read_document(data: bytes) -> tuple[Exported, ...]:
    """Return the decisions of a document, in their order. Nothing of it is trusted yet.

    Raises:
        Refused: `DocumentUnreadable`.
    """
    try:
        value = parse(
            data, what="document", reason="StatementUnreadable", bytes_max=DOCUMENT_BYTES_MAX
        )
    except VerificationError as error:
        raise _unreadable(error.message) from error
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise _unreadable(f"Its format is not {FORMAT}.")
    if value.keys() != {"format", "decisions", "pieces"}:
        raise _unreadable("It has other parts than format, decisions and pieces.")
    listed, pieces = value["decisions"], value["pieces"]
    if not isinstance(listed, list) or not isinstance(pieces, dict):
        raise _unreadable("Its decisions are no list, or its pieces no object.")
    held = {name: _piece(each) for name, each in pieces.items()}
    return tuple(_exported(each, held) for each in listed)


def _told(data: bytes) -> str | dict[str, str]:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _piece(value: Any) -> bytes:
    try:
        match value:
            case str():
                return value.encode()
            case {"base64": str(text), **rest} if not rest:
                return base64.b64decode(text, validate=True)
            case _:
                raise _unreadable("One of its pieces is neither text nor base64.")
    except binascii.Error as error:
        raise _unreadable("One of its pieces is no base64.") from error


def _exported(value: Any, pieces: Mapping[str, bytes]) -> Exported:
    if not isinstance(value, dict) or value.keys() != {"record", "summary"}:
        raise _unreadable("One of its decisions is not a record and a summary.")
    try:
        record, summary = (canonical_json(value[each]) for each in ("record", "summary"))
    except (TypeError, ValueError) as error:
        raise _unreadable("One of its decisions holds a number with a point.") from error
    return Exported(record=record, summary=summary, pieces=pieces)


def _unreadable(why: str) -> Refused:
    return Refused(
        "DocumentUnreadable",
        f"This is no document of decisions as `sluice audit export` writes it: {why}",
    )
