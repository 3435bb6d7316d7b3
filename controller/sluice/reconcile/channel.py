"""The way of one release onto one channel.

The order of the branches is the safety argument:
(1) the way back comes first and depends on nothing but what is served, what is revoked, the verdict
    and what phones reported; it needs no approval and no window, and works while paused, while the
    spec can't be read and while the Release is missing;
(2) policies come into force before anything is judged by what was in force before them;
(3) what people said that takes something away, or owes something, is kept before anything grows;
(4) the verdict is in the audit log before anything it allows;
(5) nothing is published that is not allowed, nothing is offered that is not published;
(6) growth comes last, one step a lap.
"""

from dataclasses import replace

from sluice.reconcile.audience import audience_held, wanted_audience, widens
from sluice.reconcile.ceiling import above_ceiling
from sluice.reconcile.inspection import inspection
from sluice.reconcile.keeping import crowded, keeping
from sluice.reconcile.observed import ChannelObserved, Phase, RolloutRow
from sluice.reconcile.step import ChannelStep, Hold, Publish, Record, Rest, Serve
from sluice.reconcile.tables import first_table, offering, promoted, withdrawn
from sluice.resources.channel import Rollout
from sluice.resources.fields import BASIS_POINTS, basis_points, seconds
from sluice.rollout.advance import advance
from sluice.rollout.decision import Complete, Decision, Offer, Progress, RollBack
from sluice.rollout.decision import Hold as Wait
from sluice.rollout.strategy import Budget, Step, Steps, Strategy
from sluice.serving.table import ChannelTable

__all__ = ["next_step", "strategy_of"]

POOLED_ONLY = Budget(
    crashes=0.0, segments=0.0, not_started=0.0, silence=0.0, pooled=1.0, installs=0.0
)


def next_step(observed: ChannelObserved) -> ChannelStep:
    """Decide the one thing to do next for a channel."""
    return (
        _gone(observed)
        or _way_back(observed)
        or _unready(observed)
        or _policies_first(observed)
        or keeping(observed)
        or _record(observed)
        or _retarget(observed)
        or inspection(observed)
        or _nothing_to_do(observed)
        or crowded(observed)
        or _publish(observed)
        or _grow(observed)
    )


def strategy_of(rollout: Rollout) -> Strategy:
    """Return the strategy that a channel's spec asks for.

    The store counts arms and keeps no strata: so what it counts has the whole budget, and no lies
    are taken out of it.
    """
    steps = tuple(
        Step(
            share_bp=basis_points(each.share),
            hold_seconds=seconds(each.hold),
            min_devices=each.min_devices,
        )
        for each in rollout.steps
    )
    return Strategy(
        growth=Steps(steps=steps),
        budget=POOLED_ONLY,
        lies=0,
        undecided="Promote",
        false_alarm=float(rollout.guard.false_alarm),
        tolerance=basis_points(rollout.guard.tolerance) / 10_000,
    )


def _gone(observed: ChannelObserved) -> ChannelStep | None:
    if observed.channel is not None:
        return None
    if observed.table is None:
        return Rest(reason="Gone", message="The channel is gone, and nothing is served on it.")
    return Serve(
        change="Retire",
        table=None,
        rollout=_ended(observed, "Superseded", "ChannelDeleted", "The channel was deleted."),
        seen_generation=observed.table.generation,
        reason="ChannelDeleted",
        message="The channel was deleted: phones keep what they have.",
    )


def _unready(observed: ChannelObserved) -> ChannelStep | None:
    """A channel that can't be read, or whose app is another's: what is served stays as it is."""
    if observed.spec is None:
        problem = observed.channel and observed.channel.problem
        return Hold(reason="SpecInvalid", message=problem.message if problem else "")
    if not observed.app_id:
        problem = observed.app_problem
        return Hold(
            reason=problem.reason if problem else "AppMissing",
            message=problem.message if problem else "",
        )
    return None


def _policies_first(observed: ChannelObserved) -> ChannelStep | None:
    """One commit that makes a policy stricter and releases must not be faster than the policy."""
    if not observed.policy_due:
        return None
    return Rest(reason="PolicyDue", message="A revision of a policy comes into force first.")


def _way_back(observed: ChannelObserved) -> ChannelStep | None:
    table = observed.table
    if table is None:
        return None
    for served in (table.candidate, table.stable):
        if served is not None and served.digest in observed.revoked:
            message = f"{served.version} is revoked: {observed.revoked[served.digest]}"
            return _withdraw(observed, table, "Withdrawn", "Revoked", message)
    verdict = observed.verdict
    if verdict is not None and verdict.answer == "withdrawn" and _is_served(observed, table):
        return _withdraw(observed, table, "Withdrawn", verdict.reason, verdict.message)
    if table.candidate is None:
        return None
    decision = _decision(observed, observed.rollout)
    if isinstance(decision, RollBack):
        return _withdraw(observed, table, "RolledBack", decision.reason, decision.message)
    if _is_overtaken(observed):
        message = "The channel names another release now."
        return _withdraw(observed, table, "Superseded", "Superseded", message)
    return None


def _is_overtaken(observed: ChannelObserved) -> bool:
    """Return whether git names something else than what is rolled out; not knowing is no."""
    if observed.spec is None:
        return False
    if observed.spec.release is None:
        return True
    return observed.release is not None and not _is_rolling(observed)


def _withdraw(
    observed: ChannelObserved, table: ChannelTable, phase: Phase, reason: str, message: str
) -> ChannelStep:
    return Serve(
        change="Withdraw",
        table=withdrawn(
            table,
            gone=frozenset(observed.revoked) | _refused(observed),
            forget_candidate=phase == "Superseded",
        ),
        rollout=_ended(observed, phase, reason, message),
        seen_generation=table.generation,
        reason=reason,
        message=message,
    )


def _refused(observed: ChannelObserved) -> frozenset[str]:
    """Return the digest of the release that a verdict withdrew, if it did."""
    if observed.release and observed.verdict and observed.verdict.answer == "withdrawn":
        return frozenset({observed.release.bundle.sha256})
    return frozenset()


def _ended(observed: ChannelObserved, phase: Phase, reason: str, message: str) -> RolloutRow | None:
    row = observed.rollout
    if row is None or row.phase not in ("Rolling", "Complete"):
        return None
    if row.phase == "Complete" and phase == "Superseded":
        return None
    return replace(row, phase=phase, ended_at=observed.now, reason=reason, message=message)


def _record(observed: ChannelObserved) -> ChannelStep | None:
    if observed.verdict is None or observed.case is None or observed.verdict_recorded:
        return None
    return Record(verdict=observed.verdict, case=observed.case)


def _retarget(observed: ChannelObserved) -> ChannelStep | None:
    table = observed.table
    if observed.spec is None:
        return None
    if table is None:
        return Serve(
            change="Open",
            table=first_table(observed),
            rollout=None,
            seen_generation=0,
            reason="ChannelOpened",
            message="Phones that ask on this channel are answered from now on.",
        )
    audience = wanted_audience(observed.spec.audience)
    if audience == table.audience:
        return None
    if widens(table.audience, audience) and audience_held(observed, table):
        return None
    return Serve(
        change="Retarget",
        table=replace(table, audience=audience),
        rollout=None,
        seen_generation=table.generation,
        reason="AudienceChanged",
        message="The channel's audience changed.",
    )


def _nothing_to_do(observed: ChannelObserved) -> ChannelStep | None:
    spec, release, table = observed.spec, observed.release, observed.table
    if spec is None or spec.release is None:
        return Rest(reason="NoRelease", message="The channel names no release.")
    if release is None or observed.verdict is None:
        problem = observed.release_problem
        return Hold(
            reason=problem.reason if problem else "ReleaseMissing",
            message=problem.message if problem else "",
        )
    if observed.verdict.answer == "withdrawn":
        return Hold(reason=observed.verdict.reason, message=observed.verdict.message)
    if release.bundle.sha256 in observed.revoked:
        return Hold(
            reason="Revoked",
            message="This very bundle is revoked, by this Release once or by another:"
            f" {observed.revoked[release.bundle.sha256]}",
        )
    if observed.spent is not None:
        return Hold(
            reason=observed.spent.reason,
            message=f"{release.version} was taken back and is not tried again by itself:"
            f" {observed.spent.message} Point the channel at another release, or raise"
            " spec.rollout.retry.",
        )
    if table and table.stable and table.stable.digest == release.bundle.sha256:
        wanted = wanted_audience(spec.audience)
        if wanted != table.audience and (why := audience_held(observed, table)):
            return why
        return Rest(reason="Live", message=f"{release.version} is what all phones get.")
    if observed.verdict.answer == "held":
        verdict = observed.verdict
        return Hold(reason=verdict.reason, message=verdict.message, until=verdict.recheck_at)
    return None


def _publish(observed: ChannelObserved) -> ChannelStep | None:
    release, resource = observed.release, observed.release_object
    if observed.publication is not None or release is None or resource is None:
        return None
    attempt = observed.attempt
    if attempt and (attempt.retry_at is None or observed.now < attempt.retry_at):
        return Hold(reason=attempt.reason, message=attempt.message, until=attempt.retry_at)
    return Publish(
        app_id=observed.app_id,
        release=resource,
        spec=release,
        release_digest=observed.release_digest,
    )


def _grow(observed: ChannelObserved) -> ChannelStep:
    if observed.spec is None or observed.release is None:
        return Rest(reason="NoRelease", message="The channel names no release.")
    if observed.spec.paused:
        return Hold(reason="Paused", message="spec.paused is set: the rollout does not grow.")
    decision = _decision(observed, observed.rollout if _is_rolling(observed) else None)
    recheck = observed.verdict.recheck_at if observed.verdict else None
    match decision:
        case Wait():
            moments = [each for each in (decision.until, recheck) if each]
            until = min(moments, default=None)
            return Rest(reason=decision.reason, message=decision.message, until=until)
        case Offer():
            return above_ceiling(observed, decision.share_bp) or _serve_offer(observed, decision)
        case Complete():
            return above_ceiling(observed, BASIS_POINTS) or _serve_promotion(observed, decision)
        case RollBack():  # decided in the way back, before anything else
            return Rest(reason=decision.reason, message=decision.message)


def _serve_offer(observed: ChannelObserved, decision: Offer) -> ChannelStep:
    assert observed.spec is not None  # noqa: S101 - checked by the only caller
    assert observed.release is not None  # noqa: S101 - checked by the only caller
    assert observed.table is not None  # noqa: S101 - a channel is opened before anything else
    table = observed.table
    row = observed.rollout if _is_rolling(observed) else None
    return Serve(
        change="Offer",
        table=offering(table, observed.release, decision.share_bp, begins=row is None),
        rollout=_row(observed, decision, row),
        seen_generation=table.generation,
        reason=decision.reason,
        message=decision.message,
    )


def _row(observed: ChannelObserved, decision: Offer, row: RolloutRow | None) -> RolloutRow:
    if row is not None:
        return replace(
            row,
            step=decision.step,
            step_since=observed.now,
            reason=decision.reason,
            message=decision.message,
        )
    assert observed.spec is not None  # noqa: S101 - checked by the only caller
    assert observed.release is not None  # noqa: S101 - checked by the only caller
    return RolloutRow(
        rollout_id="",
        namespace=observed.namespace,
        channel=observed.name,
        release_digest=observed.release_digest,
        retry=observed.spec.rollout.retry,
        bundle_digest=observed.release.bundle.sha256,
        version=observed.release.version,
        phase="Rolling",
        step=decision.step,
        step_since=observed.now,
        started_at=observed.now,
        ended_at=None,
        reason=decision.reason,
        message=decision.message,
    )


def _serve_promotion(observed: ChannelObserved, decision: Complete) -> ChannelStep:
    table = observed.table
    if table is None:
        return Rest(reason="NoRelease", message="Nothing is offered.")
    return Serve(
        change="Promote",
        table=promoted(table),
        rollout=_ended(observed, "Complete", decision.reason, decision.message),
        seen_generation=table.generation,
        reason=decision.reason,
        message=decision.message,
    )


def _decision(observed: ChannelObserved, row: RolloutRow | None) -> Decision:
    """Return the decision on a rollout; a spec that can't be read is guarded by the defaults."""
    rollout = observed.spec.rollout if observed.spec else Rollout()
    rolling = row if row and row.phase == "Rolling" else None
    progress = Progress(step=rolling.step, step_since=rolling.step_since) if rolling else None
    return advance(strategy_of(rollout), progress, observed.evidence, observed.now)


def _is_rolling(observed: ChannelObserved) -> bool:
    """Return whether the release that git names is the one being rolled out."""
    row = observed.rollout
    return (
        row is not None and row.phase == "Rolling" and row.release_digest == observed.release_digest
    )


def _is_served(observed: ChannelObserved, table: ChannelTable) -> bool:
    if observed.release is None:
        return False
    digest = observed.release.bundle.sha256
    return any(
        each is not None and each.digest == digest for each in (table.candidate, table.stable)
    )
