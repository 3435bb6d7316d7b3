"""Policies in force, as the operator reads them back and writes them: sealed.

Only what carries the operator's own seal counts: a row that somebody else wrote brings no policy
into force. And what this process has once seen in force can't go missing from the store, or back to
an earlier revision, without its noticing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import ValidationError

from sluice.errors import VerificationError
from sluice.policy.sealing import Basis
from sluice.policy.subject import PolicyInForce
from sluice.policy.verdict import PolicyRef
from sluice.reconcile.observed import SealedRevision
from sluice.reconcile.step import AdoptPolicy
from sluice.resources.canonical import canonical_json, policy_digest
from sluice.resources.kinds import Key
from sluice.resources.policy import PolicySpec
from sluice.serving.seal import SealPurpose, open_text, seal_text
from sluice.store.database import Database
from sluice.store.policies import PolicyRow, adopt_policy, policies_in_force, policy_in_force

__all__ = ["POLICY_PURPOSE", "Sealed", "SealedPolicies", "Seen"]

POLICY_PURPOSE: Final = SealPurpose(
    prefix=b"sluice.dev/policy/v1\0",
    what="policy",
    # The largest policy has 1.2 million characters.
    chars_max=2 * 1024 * 1024,
)

Sealed = SealedRevision | VerificationError
"""A revision in force, or why what the store holds can't be believed."""

Seen = Mapping[Key, int]
"""The highest revision of each policy that this process has seen in force."""


@dataclass(frozen=True, slots=True)
class _Opened:
    row: PolicyRow
    found: Sealed


class SealedPolicies:
    """The sealed policies of all namespaces, and of the cluster."""

    def __init__(
        self, database: Database, key: Ed25519PrivateKey, others: Sequence[Ed25519PublicKey] = ()
    ) -> None:
        self._database = database
        self._key = key
        self._trusted = (key.public_key(), *others)
        self._opened: dict[Key, _Opened] = {}
        self._seen: Seen = {}

    def seen(self) -> Seen:
        """Return what this process has seen in force until now: take it before the store is read.

        What is read later can't be older than that, unless the store went back.
        """
        return self._seen

    async def of_namespace(self, namespace: str, seen: Seen) -> Mapping[Key, Sealed]:
        """Return what is in force in a namespace, policies of the cluster included.

        Args:
            namespace: whose policies.
            seen: from before the snapshot that is read in.

        Raises:
            Unavailable: `StoreFailed`.
        """
        rows = await policies_in_force(self._database, namespace)
        found = {row.key: self._open(row, seen) for row in rows}
        for key in seen.keys() - found.keys():
            if key.namespace in ("", namespace):
                found[key] = _gone_back(key, seen[key], 0)
        return found

    async def of(self, key: Key, seen: Seen) -> Sealed | None:
        """Return the revision of one policy that is in force, or None when none ever was.

        Args:
            key: of the policy.
            seen: from before the snapshot that is read in.

        Raises:
            Unavailable: `StoreFailed`.
        """
        row = await policy_in_force(self._database, key)
        if row is not None:
            return self._open(row, seen)
        return _gone_back(key, seen[key], 0) if key in seen else None

    async def keys(self) -> set[Key]:
        """Return the keys of all policies that were ever in force.

        Raises:
            Unavailable: `StoreFailed`.
        """
        return {row.key for row in await policies_in_force(self._database)} | set(self._seen)

    async def adopt(self, key: Key, step: AdoptPolicy, *, epoch: int, at: datetime) -> None:
        """Seal a revision, and put it into force.

        Raises:
            Fenced: another operator leads.
            Unavailable: `Moved`: another revision came into force meanwhile; `StoreFailed`.
        """
        spec, digest = step.policy.spec, step.policy.ref.digest
        revision = spec.revision or 0
        inside = {
            "kind": key.kind,
            "namespace": key.namespace,
            "name": key.name,
            "revision": revision,
            "spec": spec.model_dump(mode="json", by_alias=True, exclude_none=True),
            "basis": step.basis,
            "sealedBy": list(step.sealed_by),
            "at": at.astimezone(UTC).isoformat(),
        }
        row = PolicyRow(
            kind=key.kind,
            namespace=key.namespace,
            name=key.name,
            revision=revision,
            digest=digest,
            sealed=seal_text(canonical_json(inside).decode(), self._key, POLICY_PURPOSE),
        )
        told = {"basis": step.basis, "sealedBy": list(step.sealed_by), "retired": spec.retired}
        await adopt_policy(self._database, row, told=told, epoch=epoch, at=at)

    def _open(self, row: PolicyRow, seen: Seen) -> Sealed:
        """Return what a row holds; the same row is opened once."""
        known = self._opened.get(row.key)
        if known is None or known.row != row:
            known = self._opened[row.key] = _Opened(row, _opened(row, self._trusted))
        if isinstance(known.found, VerificationError):
            return known.found
        if row.revision < seen.get(row.key, 0):
            return _gone_back(row.key, seen[row.key], row.revision)
        if row.revision > self._seen.get(row.key, 0):
            self._seen = {**self._seen, row.key: row.revision}
        return known.found


def _opened(row: PolicyRow, trusted: Sequence[Ed25519PublicKey]) -> Sealed:
    try:
        inside = json.loads(open_text(row.sealed, trusted, POLICY_PURPOSE))
        return _revision(row.key, row.revision, inside)
    except VerificationError as error:
        return error
    except (ValidationError, ValueError, KeyError, TypeError):
        return VerificationError(
            "SealMalformed",
            "The policy was sealed by another release of Sluice; run the one that sealed it.",
        )


def _revision(key: Key, revision: int, inside: Mapping[str, Any]) -> SealedRevision:
    place = (inside["kind"], inside["namespace"], inside["name"], inside["revision"])
    if place != (*key, revision) or inside["basis"] not in get_args(Basis):
        raise VerificationError(
            "SealMisplaced",
            "The row holds another policy, or another revision of it: somebody else wrote to the"
            " store. Find out who, and restore it from a backup.",
        )
    spec = PolicySpec.model_validate_json(canonical_json(inside["spec"]))
    ref = PolicyRef(
        kind=key.kind, namespace=key.namespace, name=key.name, digest=policy_digest(spec)
    )
    return SealedRevision(
        policy=PolicyInForce(ref=ref, spec=spec),
        basis=inside["basis"],
        sealed_by=tuple(inside["sealedBy"]),
        since=datetime.fromisoformat(inside["at"]),
    )


def _gone_back(key: Key, seen: int, now: int) -> VerificationError:
    there = f"only revision {now}" if now else "nothing"
    return VerificationError(
        "PolicyGoneBack",
        f"Revision {seen} of {key} was in force, and the store holds {there} of it now: somebody"
        " changed the store, or restored an older one. Restore the newest, or restart the operator"
        " to go on from what is there.",
    )
