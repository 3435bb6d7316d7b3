"""Everything a decision is made from, as one frozen value a kind.

Observed is gathered anew for each lap: specs from the cache, rows from the store, facts from
evidence. It carries `now`. Nothing in it comes from a status or an annotation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sluice.errors import Refused
from sluice.gate.case import Case
from sluice.policy.sealing import Basis, Judgement
from sluice.policy.subject import PolicyInForce
from sluice.policy.verdict import Verdict
from sluice.reconcile.words import Words
from sluice.resources.app import AppSpec
from sluice.resources.channel import ChannelSpec
from sluice.resources.kinds import Key, Resource
from sluice.resources.release import ReleaseSpec
from sluice.rollout.evidence import Evidence
from sluice.serving.table import ChannelTable
from sluice.verify.facts import Approval, ExceptionGrant, GlassBroken, Rejected

__all__ = [
    "AppObserved",
    "ApprovalObserved",
    "Attempt",
    "ChannelObserved",
    "Claim",
    "EvidenceReference",
    "Phase",
    "PolicyObserved",
    "Publication",
    "ReleaseObserved",
    "RolloutRow",
    "SealedRevision",
]

Phase = Literal["Rolling", "Complete", "RolledBack", "Withdrawn", "Superseded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Who holds an appId."""

    app_id: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceReference:
    """Evidence that is not inline: where it is, and its digest."""

    name: str
    url: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A bundle in the store, complete and equal to its digest."""

    app_id: str
    version: str
    digest: str
    size: int
    release_digest: str
    published_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The last try at something outside that failed."""

    reason: str
    message: str
    retry_at: datetime | None
    """None: trying again changes nothing, until the spec changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutRow:
    """One rollout of one release on one channel, as the store keeps it."""

    rollout_id: str
    namespace: str
    channel: str
    release_digest: str
    retry: int
    """spec.rollout.retry for which it was begun."""
    bundle_digest: str
    version: str
    phase: Phase
    step: int
    step_since: datetime
    started_at: datetime
    ended_at: datetime | None
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppObserved:
    """What is known of one App."""

    app: Resource | None
    """None: deleted."""
    namespace: str
    name: str
    spec: AppSpec | None
    claim: Claim | None
    """Who holds the spec's appId now."""
    stale: Claim | None
    """A claim that this App holds and no longer asks for; of several, one that can be given up."""
    serving: bool
    """Whether any channel still serves phones of `stale`."""
    published: bool
    """Whether a bundle was ever published under `stale`."""
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseObserved:
    """What is known of one Release."""

    release: Resource
    spec: ReleaseSpec | None
    digest: str
    """Release digest; empty when the spec does not fit the model."""
    uncollected: tuple[EvidenceReference, ...]
    attempt: Attempt | None
    """Why the last collection failed."""
    publication: Publication | None
    channels: tuple[str, ...]
    """Names of the channels that point at it."""
    revocation_kept: bool
    """Whether the store holds that its bundle is revoked."""
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalObserved:
    """What is known of one Approval."""

    approval: Resource
    release_digest: str
    """Digest of the Release that it names; empty when there is none."""
    fact: Approval | ExceptionGrant | GlassBroken | Rejected | None
    """What its bytes prove; None when there are none, for the spec does not fit the model."""
    words: Words
    """Whether it must not be forgotten, and how many words on the Release are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedRevision:
    """The revision of a sealed policy that is in force, as the store keeps it."""

    policy: PolicyInForce
    basis: Basis
    """On whose word it is."""
    sealed_by: tuple[str, ...]
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyObserved:
    """What is known of one policy."""

    key: Key
    policy: Resource | None
    """None: removed from git, but perhaps still in force."""
    proposed: PolicyInForce | None
    """What stands in git; None when there is nothing, or it can't be read."""
    problem: str
    """Why what stands in git can't be read."""
    in_force: SealedRevision | None
    store_problem: str
    """Why what the store holds of it can't be believed; empty when it can."""
    judgement: Judgement | None
    """Whether `proposed` comes into force; None when there is nothing to judge, or by."""
    unsealed_allowed: bool
    """Whether policies without owners are in force here."""
    channels: int
    """Number of channels that it binds."""
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelObserved:
    """What is known of one Channel: the whole input of the decision what it serves next."""

    channel: Resource | None
    """None: deleted from git, but still served."""
    namespace: str
    name: str
    spec: ChannelSpec | None
    app_id: str
    """appId of its App when this namespace holds the claim, else empty."""
    app_problem: Refused | None
    """Why `app_id` is empty."""
    release: ReleaseSpec | None
    release_object: Resource | None
    """The object that `release` is the spec of."""
    release_problem: Refused | None
    """Why `release` is None although the channel names one."""
    release_digest: str
    case: Case | None
    """Everything that the verdict was made from."""
    verdict: Verdict | None
    """None when there is no release to judge."""
    verdict_recorded: bool
    """Whether this very verdict is the last one in the audit log for this channel."""
    publication: Publication | None
    attempt: Attempt | None
    """Why the last publication failed."""
    inspect_attempt: Attempt | None
    """Why the last look into the bundle failed."""
    table: ChannelTable | None
    """What is served now."""
    rollout: RolloutRow | None
    """The channel's latest rollout, ended or not."""
    spent: RolloutRow | None
    """The rollout in which this very release (and retry) was taken back here, if it ever was."""
    revoked: Mapping[str, str]
    """Bundle digest -> reason, of every Release in this namespace that is revoked, and of what this
    channel names or serves that ever was."""
    evidence: Evidence
    """What phones reported in `rollout`, ended or not."""
    words: Words
    policy_due: bool
    """Whether a revision of a policy that may bind the channel is about to come into force."""
    now: datetime
