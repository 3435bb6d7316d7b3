"""A decision made again: evidence is proven anew, judged anew, and the verdict compared.

Nothing of the record is believed but that it tells what was judged. The same version of Sluice must
come to the same verdict, bit for bit.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from sluice.errors import VerificationError
from sluice.gate.judge import Judge
from sluice.gate.record import SLUICE_VERSION, DecisionRecord
from sluice.gate.vsa import check_summary
from sluice.policy.verdict import Verdict
from sluice.resources.canonical import canonical_json

__all__ = ["Difference", "Replay", "differences", "replay"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One place where two verdicts differ."""

    path: str
    """Such as `findings[2].state`."""
    recorded: str
    """JSON; empty where there is nothing."""
    again: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What came of making a decision again."""

    record: DecisionRecord
    again: Verdict
    differences: tuple[Difference, ...]
    summary_fault: VerificationError | None
    """Why the signed summary is not one of this decision; None when it is."""
    signature_checked: bool
    """Whether keys were given to check its signature with."""

    @property
    def same(self) -> bool:
        """Whether everything is as it was recorded."""
        return not self.differences and self.summary_fault is None

    @property
    def of_other_version(self) -> bool:
        """Whether another version of Sluice judged, which may have said so in other words."""
        return self.record.version != SLUICE_VERSION


def replay(
    record: DecisionRecord,
    summary: bytes,
    judge: Judge,
    keys: Iterable[Ed25519PublicKey] | None,
) -> Replay:
    """Make a decision again, and compare.

    Args:
        record: what was decided, and from what.
        summary: its signed summary, not trusted.
        judge: proves and judges; a new one remembers nothing.
        keys: public halves of the seal keys that are accepted; None leaves the signature aside.
    """
    again = judge.verdict(record.case)
    fault = None
    try:
        check_summary(summary, record, keys)
    except VerificationError as error:
        fault = error
    return Replay(
        record=record,
        again=again,
        differences=differences(record.verdict, again),
        summary_fault=fault,
        signature_checked=keys is not None,
    )


def differences(recorded: Verdict, again: Verdict) -> tuple[Difference, ...]:
    """Return every place where two verdicts differ; none means that they are equal in all."""
    found = tuple(_differing(_whole(recorded), _whole(again), ""))
    if not found and (recorded != again or recorded.digest() != again.digest()):
        return (Difference(path="digest", recorded=recorded.digest(), again=again.digest()),)
    return found


def _whole(verdict: Verdict) -> dict[str, Any]:
    """Return all of a verdict, also the part that its digest leaves out."""
    again_at = verdict.recheck_at.isoformat() if verdict.recheck_at else None
    return {**json.loads(canonical_json(verdict.as_json())), "recheckAt": again_at}


def _differing(one: Any, other: Any, path: str) -> Iterator[Difference]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            inner = f"{path}.{key}" if path else key
            yield from _differing(one.get(key), other.get(key), inner)
    elif isinstance(one, list) and isinstance(other, list):
        for i in range(max(len(one), len(other))):
            left = one[i] if i < len(one) else None
            right = other[i] if i < len(other) else None
            yield from _differing(left, right, f"{path}[{i}]")
    elif one != other or type(one) is not type(other):
        yield Difference(path=path, recorded=_shown(one), again=_shown(other))


def _shown(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=True, sort_keys=True)
