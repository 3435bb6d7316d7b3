"""The one thing to do next. Each step is one effect that can be repeated and cut off anywhere."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sluice.gate.case import Case
from sluice.policy.sealing import Basis
from sluice.policy.subject import PolicyInForce
from sluice.policy.verdict import Verdict
from sluice.reconcile.observed import Claim, EvidenceReference, RolloutRow
from sluice.resources.kinds import Resource
from sluice.resources.release import ReleaseSpec
from sluice.serving.table import ChannelTable
from sluice.verify.facts import Evidence

__all__ = [
    "AdoptPolicy",
    "AppStep",
    "ApprovalStep",
    "Change",
    "ChannelStep",
    "Collect",
    "DropClaim",
    "Hold",
    "Inspect",
    "Keep",
    "KeepRevocation",
    "PolicyStep",
    "Publish",
    "Record",
    "ReleaseStep",
    "Rest",
    "Serve",
    "TakeClaim",
]

Change = Literal["Open", "Offer", "Withdraw", "Promote", "Retarget", "Retire"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """Nothing to do. Why, and until when at most (None: until something changes)."""

    reason: str
    message: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Nothing may be done, and somebody has to act: why."""

    reason: str
    message: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeClaim:
    """Claim the appId for this namespace; the first one to do it keeps it."""

    claim: Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class DropClaim:
    """Give an appId up: its App is gone, and nothing was ever published under it."""

    claim: Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptPolicy:
    """Put a revision of a policy into force; from then on git can't take it out again."""

    policy: PolicyInForce
    basis: Basis
    sealed_by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepRevocation:
    """Keep that a bundle is revoked, before its Release can be deleted from git."""

    digest: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Collect:
    """Fetch evidence that is given by url, pinned by its digest."""

    references: tuple[EvidenceReference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """Keep a person's word on a release, so that it counts even once its file is deleted."""

    namespace: str
    release_digest: str
    word: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Write the verdict to the audit log. It comes before whatever the verdict allows."""

    verdict: Verdict
    case: Case
    """What it was made from: kept, so that it can be made again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspect:
    """Look into a bundle, and keep what was seen: a policy asks for it."""

    digest: str
    release_digest: str
    """The release on whose account it is looked at."""
    url: str | None
    """Where to fetch it from; None: it is in the store, for it is served."""
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """Fetch the bundle, look into it, and store it under its digest."""

    app_id: str
    release: Resource
    spec: ReleaseSpec
    release_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Serve:
    """Change what the channel serves, in one transaction together with its audit entry.

    The shell fills in what a pure function can't: `table.generation` and, for a rollout that
    begins, its id and salt (both are empty here).
    """

    change: Change
    table: ChannelTable | None
    """What is served from now on; None: the channel is gone."""
    rollout: RolloutRow | None
    """The rollout's row from now on, or None when the change does not touch one."""
    seen_generation: int
    """Generation that the decision saw (0: none): the store refuses the change if it has moved."""
    reason: str
    message: str


AppStep = TakeClaim | DropClaim | Rest | Hold
PolicyStep = AdoptPolicy | Rest | Hold
ApprovalStep = Keep | Rest
ReleaseStep = Collect | KeepRevocation | Rest | Hold
ChannelStep = Serve | Keep | Record | Inspect | Publish | Rest | Hold
