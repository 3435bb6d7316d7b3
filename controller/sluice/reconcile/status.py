"""What people are shown: a projection of what was observed and decided. Never an input.

Ready is True when there is nothing left to do. Stalled means that waiting does not help: somebody
must change what stands in git. Missing approvals do not stall: they are what is waited for.
"""

from datetime import UTC, datetime
from typing import Literal

from sluice.policy.sealing import Ignored
from sluice.policy.verdict import Finding, Verdict
from sluice.reconcile.observed import (
    AppObserved,
    ApprovalObserved,
    ChannelObserved,
    PolicyObserved,
    ReleaseObserved,
    RolloutRow,
    SealedRevision,
)
from sluice.reconcile.step import (
    AdoptPolicy,
    AppStep,
    ChannelStep,
    Collect,
    DropClaim,
    Hold,
    Inspect,
    Keep,
    KeepRevocation,
    PolicyStep,
    Publish,
    Record,
    ReleaseStep,
    Rest,
    Serve,
    TakeClaim,
)
from sluice.resources.conditions import State, conditions_for
from sluice.resources.fields import percent
from sluice.resources.kinds import Resource
from sluice.resources.status import (
    ApprovalStatus,
    AppStatus,
    ArmStatus,
    BundleStatus,
    CandidatePhase,
    CandidateStatus,
    ChannelStatus,
    Condition,
    FindingStatus,
    PolicyStatus,
    ProposedStatus,
    ReleasePhase,
    ReleaseStatus,
    RevisionStatus,
    VerdictStatus,
)
from sluice.rollout.evidence import ArmCounts, Evidence
from sluice.serving.table import ServedBundle
from sluice.verify.facts import Approval, ExceptionGrant, GlassBroken, Rejected

__all__ = ["app_status", "approval_status", "channel_status", "policy_status", "release_status"]

SETTLED = frozenset(
    {
        "Live",
        "Claimed",
        "Published",
        "NoRelease",
        "NotPublished",
        "Fits",
        "InForce",
        "InForceByFirstUse",
        "InForceUnsealed",
        "Retired",
    }
)
"""Reasons to rest that mean: nothing is left to do."""

WAITING = frozenset(
    {
        "ApprovalsMissing",
        "AuthorUnknown",
        "SignatureMissing",
        "ProvenanceMissing",
        "Paused",
        "CeilingReached",
        "PolicySealMissing",
    }
)
"""Reasons to hold that the usual course of things ends: evidence arrives, a pause is lifted."""


def app_status(observed: AppObserved, step: AppStep) -> AppStatus:
    """Return the status of an App after a lap that decided `step`."""
    app, claim = observed.app, observed.claim
    return AppStatus(
        observed_generation=app.generation if app else None,
        conditions=_conditions(app, step) if app else (),
        held_by=f"{claim.namespace}/{claim.name}" if claim else None,
    )


def release_status(observed: ReleaseObserved, step: ReleaseStep) -> ReleaseStatus:
    """Return the status of a Release after a lap that decided `step`."""
    published = observed.publication is not None
    phase: ReleasePhase = "Published" if published else "Pending"
    if observed.spec is not None and observed.spec.revoked is not None:
        phase = "Revoked"
    elif isinstance(step, Hold):
        phase = "Refused"
    return ReleaseStatus(
        observed_generation=observed.release.generation,
        conditions=_conditions(observed.release, step),
        digest=observed.digest or None,
        phase=phase,
        published=published,
        channels=observed.channels,
    )


def approval_status(observed: ApprovalObserved) -> ApprovalStatus:
    """Return the status of an Approval: what its signed statement says, and whether it fits."""
    resource, fact = observed.approval, observed.fact
    if fact is None:
        message = resource.problem.message if resource.problem else ""
        return _approval_refused(resource, Hold(reason="SpecInvalid", message=message))
    if isinstance(fact, Rejected):
        return _approval_refused(resource, Hold(reason=fact.reason, message=fact.message))
    fits = fact.release_digest == observed.release_digest
    step: Rest | Hold = Rest(reason="Fits", message="It counts where a policy says so.")
    if not fits:
        step = Hold(
            reason="ApprovalForOtherRelease",
            message="It approves another release than the one it names: approve this one again.",
        )
    return ApprovalStatus(
        observed_generation=resource.generation,
        conditions=_conditions(resource, step),
        signer=fact.signer.subject,
        decision=_decision_of(fact),
        role=fact.role,
        channel=fact.channel,
        expires_at=fact.expires_at,
        release_digest=fact.release_digest,
        fits=fits,
        reason=None if fits else step.reason,
    )


def _decision_of(
    fact: Approval | ExceptionGrant | GlassBroken,
) -> Literal["approve", "reject", "withdraw", "except", "break-glass"]:
    match fact:
        case Approval():
            return fact.decision
        case ExceptionGrant():
            return "except"
        case GlassBroken():
            return "break-glass"


def _approval_refused(resource: Resource, step: Hold) -> ApprovalStatus:
    return ApprovalStatus(
        observed_generation=resource.generation,
        conditions=_conditions(resource, step),
        fits=False,
        reason=step.reason,
    )


def policy_status(observed: PolicyObserved, step: PolicyStep) -> PolicyStatus:
    """Return the status of a policy after a lap that decided `step`."""
    resource, in_force = observed.policy, observed.in_force
    return PolicyStatus(
        observed_generation=resource.generation if resource else None,
        conditions=_conditions(resource, step) if resource else (),
        channels=observed.channels,
        in_force=_revision(in_force) if in_force else None,
        proposed=_proposed(observed),
    )


def _revision(in_force: SealedRevision) -> RevisionStatus:
    policy = in_force.policy
    return RevisionStatus(
        revision=policy.spec.revision or 0,
        digest=policy.ref.digest,
        basis=in_force.basis,
        sealed_by=in_force.sealed_by,
        since=_whole(in_force.since),
    )


def _proposed(observed: PolicyObserved) -> ProposedStatus | None:
    proposed, judgement = observed.proposed, observed.judgement
    if proposed is None or not isinstance(judgement, Ignored):
        return None
    return ProposedStatus(
        revision=proposed.spec.revision,
        digest=proposed.ref.digest,
        reason=judgement.reason,
        sealed_by=judgement.sealed_by,
        could_seal=judgement.could_seal,
    )


def channel_status(observed: ChannelObserved, step: ChannelStep) -> ChannelStatus:
    """Return the status of a Channel after a lap that decided `step`."""
    table = observed.table
    return ChannelStatus(
        observed_generation=observed.channel.generation if observed.channel else None,
        conditions=_conditions(observed.channel, step) if observed.channel else (),
        generation=table.generation if table else None,
        live=_bundle(table.stable) if table else None,
        candidate=_candidate(observed, step),
        verdict=_verdict(observed.verdict) if observed.verdict else None,
    )


def _conditions(
    resource: Resource, step: AppStep | ReleaseStep | ChannelStep | PolicyStep
) -> tuple[Condition, ...]:
    state, reason, message = _state(step)
    return conditions_for(state, reason=reason, message=message, generation=resource.generation)


Effect = (
    Serve
    | Publish
    | Inspect
    | Record
    | Keep
    | KeepRevocation
    | Collect
    | DropClaim
    | AdoptPolicy
    | TakeClaim
)
"""Every step that does something."""


def _state(step: AppStep | ReleaseStep | ChannelStep | PolicyStep) -> tuple[State, str, str]:
    if isinstance(step, Rest):
        settled = step.reason in SETTLED
        return ("Current" if settled else "InProgress", step.reason, step.message)
    if isinstance(step, Hold):
        waiting = step.reason in WAITING or step.until is not None
        return ("InProgress" if waiting else "Stalled", step.reason, step.message)
    return ("InProgress", *_doing(step))


def _doing(step: Effect) -> tuple[str, str]:
    """Return what is being done, as a reason and a sentence."""
    match step:
        case Serve():
            return step.reason, step.message
        case Publish():
            return "Publishing", "The bundle is fetched and looked into."
        case Inspect():
            return "Inspecting", "The bundle is looked into."
        case Record():
            return "Judged", step.verdict.message
        case Keep():
            return "Keeping", f"What {step.word.source} says is kept."
        case KeepRevocation():
            return "Revoking", step.reason
        case Collect():
            return "Collecting", "Evidence is fetched."
        case DropClaim():
            return "Releasing", f"{step.claim.app_id} is given up."
        case AdoptPolicy():
            return "Adopting", "The revision comes into force."
        case TakeClaim():
            return "Claiming", f"{step.claim.app_id} is claimed."


def _candidate(observed: ChannelObserved, step: ChannelStep) -> CandidateStatus | None:
    spec, release, table = observed.spec, observed.release, observed.table
    row = observed.spent or observed.rollout
    if spec is None or release is None:
        return None
    if table and table.stable and table.stable.digest == release.bundle.sha256:
        return None
    steps = len(spec.rollout.steps)
    if row is None or row.release_digest != observed.release_digest:
        return CandidateStatus(
            version=release.version,
            release=spec.release,
            digest=release.bundle.sha256,
            phase="Waiting",
            step=f"0/{steps}",
        )
    rolling = row.phase == "Rolling"
    heard = observed.evidence
    if observed.rollout is None or row.rollout_id != observed.rollout.rollout_id:
        heard = Evidence()
    return CandidateStatus(
        version=row.version,
        release=spec.release,
        digest=row.bundle_digest,
        phase=_phase(row, paused=spec.paused),
        share=percent(table.share_bp) if table and rolling else "0%",
        step=f"{min(row.step + 1, steps)}/{steps}",
        since=_whole(row.step_since),
        next_at=_whole(step.until) if rolling and isinstance(step, Rest) and step.until else None,
        candidate=_arm(heard.candidate),
        control=_arm(heard.control),
    )


def _phase(row: RolloutRow, *, paused: bool) -> CandidatePhase:
    return "Paused" if paused and row.phase == "Rolling" else row.phase


def _whole(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def _arm(counts: ArmCounts) -> ArmStatus:
    return ArmStatus(devices=counts.devices, failed=counts.failed, proven=counts.proven)


def _bundle(bundle: ServedBundle | None) -> BundleStatus | None:
    return BundleStatus(version=bundle.version, digest=bundle.digest) if bundle else None


def _verdict(verdict: Verdict) -> VerdictStatus:
    return VerdictStatus(
        answer=verdict.answer,
        reason=verdict.reason,
        message=verdict.message,
        findings=tuple(_finding(each) for each in verdict.findings),
    )


def _finding(finding: Finding) -> FindingStatus:
    return FindingStatus(
        policy=finding.policy,
        requirement=finding.requirement,
        state=finding.state,
        enforced=finding.enforced,
        reason=finding.reason,
        message=finding.message,
        by=finding.by,
    )
