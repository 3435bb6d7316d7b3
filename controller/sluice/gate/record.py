"""A verdict with everything that it was made from, as it is kept: whoever has it can judge again.

A record is canonical JSON, so one decision has one record and one digest. It holds the case and the
verdict; policies, the release, evidence and reports on bundles are pieces (`sluice.gate.codec`),
which it names by their digests.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sluice.errors import Refused, VerificationError
from sluice.gate.case import Case
from sluice.gate.codec import MisfitError, as_plain, from_plain
from sluice.policy.subject import PolicyInForce
from sluice.policy.verdict import Verdict
from sluice.resources.canonical import canonical_json, policy_digest, release_digest, sha256_hex
from sluice.resources.text import plain
from sluice.verify.json_strict import parse

__all__ = [
    "FORMAT",
    "RECORD_BYTES_MAX",
    "SLUICE_VERSION",
    "DecisionRecord",
    "as_record",
    "pieces_named",
    "read_record",
]

SLUICE_VERSION: Final = "0.1.0"
"""Version of this program, as pyproject.toml has it; a test compares them."""

FORMAT: Final = "sluice.dev/decision/v1"

RECORD_BYTES_MAX: Final = 64 * 1024 * 1024
"""Largest record that is read; a usual one has 3 KB, and one with 256 approvals has 200 KB."""

VERSION_CHARS_MAX: Final = 64
HEAD: Final = frozenset({"format", "sluice", "pieces", "case", "verdict", "verdictSha256"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
    """One decision: what was judged, what came out, and the bytes that are kept of it."""

    case: Case
    verdict: Verdict
    version: str
    """Version of Sluice that judged."""
    data: bytes = field(repr=False)
    """Canonical JSON."""
    pieces: Mapping[str, bytes] = field(repr=False)
    """Everything that `data` names by its SHA-256."""

    @property
    def digest(self) -> str:
        """SHA-256 of `data`, by which the audit log names the decision."""
        return sha256_hex(self.data)


def as_record(case: Case, verdict: Verdict, *, version: str = SLUICE_VERSION) -> DecisionRecord:
    """Return the record of a decision.

    Args:
        case: what was judged.
        verdict: what came out.
        version: the version of Sluice that judged.

    Raises:
        TypeError, ValueError: a value that has no form (`sluice.gate.codec`).
    """
    pieces: dict[str, bytes] = {}
    body = as_plain(case, Case, pieces)
    record = {
        "format": FORMAT,
        "sluice": version,
        "case": body,
        "verdict": as_plain(verdict, Verdict, pieces),
        "verdictSha256": verdict.digest(),
        "pieces": sorted(pieces),
    }
    data = canonical_json(record)
    return DecisionRecord(case=case, verdict=verdict, version=version, data=data, pieces=pieces)


def pieces_named(data: bytes) -> tuple[str, ...]:
    """Return the digests of the pieces that a record needs.

    Raises:
        Refused: `DecisionUnreadable`, `DecisionOfOtherVersion`.
    """
    return tuple(_head(data)["pieces"])


def read_record(data: bytes, pieces: Mapping[str, bytes]) -> DecisionRecord:
    """Return the decision that a record tells. That it is in the right form proves nothing else.

    Args:
        data: a record, not trusted.
        pieces: at least the pieces that it names, not trusted.

    Raises:
        Refused: `DecisionUnreadable`: it is damaged; `DecisionOfOtherVersion`: another version of
            Sluice wrote it, and this one does not know all of it.
    """
    head = _head(data)
    version = head["sluice"]
    own = {name: pieces[name] for name in head["pieces"] if name in pieces}
    used: dict[str, bytes] = {}
    try:
        case = from_plain(head["case"], Case, own, "case")
        verdict = from_plain(head["verdict"], Verdict, own, "verdict")
        as_plain(case, Case, used)
    except MisfitError as error:
        raise (_other_version(version, error) if error.unknown else _damaged(error)) from error
    _agree(head, case, verdict, used)
    return DecisionRecord(case=case, verdict=verdict, version=version, data=data, pieces=used)


def _agree(head: Mapping[str, Any], case: Case, verdict: Verdict, used: Iterable[str]) -> None:
    """Refuse a record whose digests are not those of what it holds."""
    if sorted(used) != head["pieces"]:
        raise _damaged("pieces: these are not the ones that it needs")
    if release_digest(case.subject.release) != case.subject.release_digest:
        raise _damaged("case.subject.releaseDigest is of another release")
    for each in case.policies:
        if isinstance(each, PolicyInForce) and policy_digest(each.spec) != each.ref.digest:
            raise _damaged(f"the digest of {each.label} is of another policy")
    if verdict.digest() != head["verdictSha256"]:
        raise _damaged("verdictSha256 is of another verdict")


def _head(data: bytes) -> dict[str, Any]:
    """Return the outermost values of a record, each of its type."""
    try:
        value = parse(data, what="record", reason="StatementUnreadable", bytes_max=RECORD_BYTES_MAX)
    except VerificationError as error:
        raise _damaged(error.message) from error
    if not isinstance(value, dict) or not isinstance(value.get("format"), str):
        raise _damaged("it is no record of a decision")
    version = value.get("sluice")
    version = version if isinstance(version, str) else "unknown"
    if value["format"] != FORMAT:
        raise _other_version(version, f"format: {value['format']}")
    if strange := sorted(value.keys() - HEAD):
        raise _other_version(version, f"{strange[0]}: is a field that is not known")
    named = value.get("pieces")
    if (
        value.keys() != HEAD
        or not isinstance(named, list)
        or not all(isinstance(each, str) for each in named)
        or named != sorted(set(named))
        or canonical_json(value) != data
    ):
        raise _damaged("it is not in the one form of records")
    return value


def _damaged(why: object) -> Refused:
    return Refused(
        "DecisionUnreadable",
        f"The record of the decision is damaged ({plain(str(why), 512)}): export it again, and see"
        " whether somebody wrote to the store (sluice audit verify).",
    )


def _other_version(version: str, why: object) -> Refused:
    return Refused(
        "DecisionOfOtherVersion",
        f"The record was written by Sluice {plain(version, VERSION_CHARS_MAX)}, and this version"
        f" does not know all of it ({plain(str(why), 512)}): use that version to read it.",
    )
