"""What a channel does next: named situations, and properties over all of them."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.errors import Refused
from sluice.reconcile.channel import next_step
from sluice.reconcile.observed import Attempt, ChannelObserved
from sluice.reconcile.step import Hold, Publish, Record, Rest, Serve
from sluice.rollout.evidence import Evidence
from support.builders import APP_ID, BUNDLE, NOW
from support.observed import (
    BAD,
    GOOD,
    NEW,
    OLD,
    OLDER,
    PUBLICATION,
    RELEASE,
    ROLLING_TABLE,
    a_channel,
    a_rollout,
    a_spec,
    a_table,
    a_verdict,
    rolling,
    seen,
)

SITUATIONS = {
    "a verdict that is not in the audit log is recorded before anything else": (
        seen(verdict_recorded=False, publication=None),
        Record,
        "",
    ),
    "a release that is held is not published": (
        seen(verdict=a_verdict("held", "ApprovalsMissing"), publication=None),
        Hold,
        "ApprovalsMissing",
    ),
    "an allowed release is published": (seen(publication=None), Publish, ""),
    "a publication that failed waits for its next try": (
        seen(
            publication=None,
            attempt=Attempt(reason="FetchFailed", message="", retry_at=NOW + timedelta(seconds=5)),
        ),
        Hold,
        "FetchFailed",
    ),
    "a publication that failed for good is not tried again": (
        seen(publication=None, attempt=Attempt(reason="ArchiveBomb", message="", retry_at=None)),
        Hold,
        "ArchiveBomb",
    ),
    "a publication whose wait is over is tried again": (
        seen(
            publication=None,
            attempt=Attempt(reason="FetchFailed", message="", retry_at=NOW),
        ),
        Publish,
        "",
    ),
    "a published release is offered": (seen(), Serve, "Started"),
    "a paused channel does not begin": (seen(spec=a_spec(paused=True)), Hold, "Paused"),
    "a paused rollout does not grow": (
        rolling(
            spec=a_spec(paused=True),
            evidence=GOOD,
            rollout=a_rollout(step_since=NOW - timedelta(days=1)),
        ),
        Hold,
        "Paused",
    ),
    "a step holds": (rolling(evidence=GOOD), Rest, "StepHolds"),
    "a step that has its time and proof grows": (
        rolling(evidence=GOOD, rollout=a_rollout(step_since=NOW - timedelta(days=1))),
        Serve,
        "Advanced",
    ),
    "a rollout whose approval expired keeps what it has": (
        rolling(
            verdict=a_verdict("held", "ApprovalsMissing"),
            evidence=GOOD,
            rollout=a_rollout(step_since=NOW - timedelta(days=1)),
        ),
        Hold,
        "ApprovalsMissing",
    ),
    "phones that do worse take it back": (rolling(evidence=BAD), Serve, "WorseThanControl"),
    "phones that do worse take it back while paused": (
        rolling(evidence=BAD, spec=a_spec(paused=True)),
        Serve,
        "WorseThanControl",
    ),
    "phones that do worse take it back while approvals are missing": (
        rolling(evidence=BAD, verdict=a_verdict("held"), verdict_recorded=False),
        Serve,
        "WorseThanControl",
    ),
    "phones that do worse take it back while the spec can't be read": (
        rolling(evidence=BAD, spec=None, channel=a_channel(None, Refused("SpecInvalid", "Mend."))),
        Serve,
        "WorseThanControl",
    ),
    "phones that do worse take it back while the Release is missing from git": (
        rolling(
            evidence=BAD,
            release=None,
            release_digest="",
            verdict=None,
            release_problem=Refused("ReleaseMissing", "Add it."),
        ),
        Serve,
        "WorseThanControl",
    ),
    "phones that do worse take it back while the app is another's": (
        rolling(evidence=BAD, app_id="", app_problem=Refused("Conflict", "Taken.")),
        Serve,
        "WorseThanControl",
    ),
    "a release that was taken back is not tried again": (
        seen(spent=a_rollout(phase="RolledBack", reason="WorseThanControl")),
        Hold,
        "WorseThanControl",
    ),
    "a revoked candidate goes": (
        rolling(revoked={BUNDLE: "it leaks"}, verdict=a_verdict("withdrawn", "Revoked")),
        Serve,
        "Revoked",
    ),
    "a revoked stable release goes": (
        seen(spec=a_spec(release=None), release=None, revoked={OLD.digest: "it leaks"}),
        Serve,
        "Revoked",
    ),
    "a rejected candidate goes": (
        rolling(verdict=a_verdict("withdrawn", "Rejected"), verdict_recorded=False),
        Serve,
        "Rejected",
    ),
    "a release that is rejected before it is offered is held": (
        seen(verdict=a_verdict("withdrawn", "Rejected")),
        Hold,
        "Rejected",
    ),
    "a candidate that git no longer names goes": (
        rolling(rollout=a_rollout(release_digest="0" * 64)),
        Serve,
        "Superseded",
    ),
    "a candidate goes when git names no release": (
        rolling(spec=a_spec(release=None), release=None, verdict=None),
        Serve,
        "Superseded",
    ),
    "a Release that is missing from git takes nothing away": (
        rolling(
            release=None,
            release_digest="",
            verdict=None,
            release_problem=Refused("ReleaseMissing", "Add it."),
        ),
        Hold,
        "ReleaseMissing",
    ),
    "a release that is live is left alone": (
        seen(table=a_table(stable=NEW), rollout=a_rollout(phase="Complete")),
        Rest,
        "Live",
    ),
    "a channel that names no release rests": (
        seen(spec=a_spec(release=None), release=None, verdict=None),
        Rest,
        "NoRelease",
    ),
    "a channel whose app is another's is left as it is": (
        seen(app_id="", app_problem=Refused("Conflict", "Taken.")),
        Hold,
        "Conflict",
    ),
    "a channel whose spec can't be read is left as it is": (
        seen(spec=None, channel=a_channel(None, Refused("SpecInvalid", "Mend."))),
        Hold,
        "SpecInvalid",
    ),
    "a new audience is served": (
        seen(spec=a_spec(audience={"default": False})),
        Serve,
        "AudienceChanged",
    ),
    "a channel on which nothing is served yet is opened, so that its phones get an answer": (
        seen(table=None, spec=a_spec(release=None), release=None, verdict=None),
        Serve,
        "ChannelOpened",
    ),
    "a deleted channel is retired": (seen(channel=None, spec=None), Serve, "ChannelDeleted"),
    "a channel that is gone rests": (seen(channel=None, spec=None, table=None), Rest, "Gone"),
}


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda name: name.replace(" ", "-"))
def test_situation(situation: str) -> None:
    observed, kind, reason = SITUATIONS[situation]

    step = next_step(observed)

    assert isinstance(step, kind)
    assert getattr(step, "reason", "") == reason


def test_the_last_step_promotes_and_remembers_the_way_back() -> None:
    observed = rolling(
        evidence=GOOD,
        rollout=a_rollout(step=3, step_since=NOW - timedelta(days=1)),
        table=replace(ROLLING_TABLE, share_bp=10_000),
    )

    step = next_step(observed)

    assert isinstance(step, Serve)
    assert step.table is not None
    assert (step.change, step.table.stable, step.table.previous) == ("Promote", NEW, OLD)
    assert (step.table.candidate, step.table.share_bp) == (None, 0)


def test_taking_back_leaves_the_stable_release_and_remembers_the_bad_one() -> None:
    step = next_step(rolling(evidence=BAD))

    assert isinstance(step, Serve)
    assert step.table is not None
    assert step.rollout is not None
    assert (step.table.stable, step.table.candidate) == (OLD, None)
    assert step.table.withdrawn == ("1.2.0",)
    assert step.rollout.phase == "RolledBack"


def test_a_revoked_stable_release_falls_back_to_the_one_it_replaced() -> None:
    step = next_step(seen(revoked={OLD.digest: "it leaks"}))

    assert isinstance(step, Serve)
    assert step.table is not None
    assert (step.table.stable, step.table.withdrawn) == (OLDER, ("1.1.0",))


def test_a_revoked_stable_release_falls_back_to_builtin_when_all_before_it_are_revoked() -> None:
    step = next_step(seen(revoked={OLD.digest: "it leaks", OLDER.digest: "too"}))

    assert isinstance(step, Serve)
    assert step.table is not None
    assert step.table.stable is None


answers = st.sampled_from(
    [None, a_verdict(), a_verdict("held", "Missing"), a_verdict("withdrawn", "Rejected")]
)
tables = st.sampled_from(
    [None, a_table(), a_table(stable=None, previous=None), ROLLING_TABLE, a_table(stable=NEW)]
)
rows = st.sampled_from(
    [
        None,
        a_rollout(),
        a_rollout(step_since=NOW - timedelta(days=9)),
        a_rollout(step=3),
        a_rollout(release_digest="0" * 64),
        a_rollout(phase="RolledBack"),
        a_rollout(phase="Complete"),
    ]
)
anything = st.builds(
    seen,
    spec=st.sampled_from([None, a_spec(), a_spec(paused=True), a_spec(release=None)]),
    app_id=st.sampled_from(["", APP_ID]),
    release=st.sampled_from([None, RELEASE]),
    verdict=answers,
    verdict_recorded=st.booleans(),
    publication=st.sampled_from([None, PUBLICATION]),
    table=tables,
    rollout=rows,
    spent=st.sampled_from([None, a_rollout(phase="RolledBack")]),
    revoked=st.sampled_from([{}, {BUNDLE: "x"}, {OLD.digest: "x"}, {OLD.digest: "x", BUNDLE: "y"}]),
    evidence=st.sampled_from([Evidence(), GOOD, BAD]),
)


@settings(max_examples=2000)
@given(anything)
def test_nothing_is_offered_that_is_not_allowed_recorded_and_published(
    observed: ChannelObserved,
) -> None:
    step = next_step(observed)

    if isinstance(step, Serve) and step.change in ("Offer", "Promote"):
        assert observed.verdict is not None
        assert observed.verdict.answer == "allowed"
        assert observed.verdict_recorded
        assert observed.publication is not None
        assert observed.spent is None
        assert observed.spec is not None
        assert not observed.spec.paused
        assert step.table is not None
        offered = step.table.candidate or step.table.stable
        assert offered is not None
        assert offered.digest == observed.publication.digest
        assert offered.digest not in observed.revoked


@settings(max_examples=2000)
@given(anything)
def test_what_is_revoked_is_never_served_after_a_change(observed: ChannelObserved) -> None:
    step = next_step(observed)
    served = [observed.table.stable, observed.table.candidate] if observed.table else []

    if observed.channel is not None and any(
        each is not None and each.digest in observed.revoked for each in served
    ):
        assert isinstance(step, Serve)
        assert step.table is not None
        for left in (step.table.stable, step.table.candidate):
            assert left is None or left.digest not in observed.revoked


@settings(max_examples=2000)
@given(anything)
def test_invariant_the_way_back_is_always_open(observed: ChannelObserved) -> None:
    """The stable release stays until another has fully replaced it, or it is itself taken away."""
    step = next_step(observed)

    if isinstance(step, Serve) and step.table is not None and observed.table is not None:
        before, after = observed.table.stable, step.table.stable
        refused = observed.verdict is not None and observed.verdict.answer == "withdrawn"
        if before is not None and before.digest not in observed.revoked and not refused:
            assert after == before or (step.change == "Promote" and step.table.previous == before)


def run(lost: frozenset[int]) -> tuple[Any, list[str]]:
    world: dict[str, Any] = {
        "verdict_recorded": False,
        "publication": None,
        "table": None,
        "rollout": None,
    }
    changes, now = [], NOW
    for lap in range(40):
        step = next_step(seen(**world, evidence=GOOD, now=now))
        now += timedelta(days=1)
        if lap in lost:
            continue
        match step:
            case Record():
                world["verdict_recorded"] = True
            case Publish():
                world["publication"] = PUBLICATION
            case Serve():
                assert step.table is not None
                changes.append(f"{step.change} {step.table.share_bp}")
                table = replace(step.table, generation=step.seen_generation + 1)
                world |= {"table": table, "rollout": step.rollout or world["rollout"]}
            case Rest():
                if step.reason == "Live":
                    return replace(world["table"], generation=0), changes
            case Hold():
                raise AssertionError(step)
    raise AssertionError(world)


def test_invariant_every_step_can_be_cut_off() -> None:
    """A lap whose effect is lost any number of times ends where an undisturbed run ends.

    The world is a dictionary; each effect of a step is applied or lost, in every combination.
    """
    undisturbed = run(frozenset())
    assert undisturbed[1] == [
        "Open 0",
        "Offer 100",
        "Offer 1000",
        "Offer 5000",
        "Offer 10000",
        "Promote 0",
    ]
    for losses in product([False, True], repeat=8):
        assert run(frozenset(i for i, lost in enumerate(losses) if lost)) == undisturbed
