"""Observations of a channel, for tests of what it does next: all well unless told otherwise."""

from datetime import timedelta
from typing import Any

from sluice.errors import Refused
from sluice.gate.case import Case
from sluice.policy.verdict import Verdict
from sluice.reconcile.audience import wanted_audience
from sluice.reconcile.observed import ChannelObserved, Publication, RolloutRow
from sluice.reconcile.words import NO_WORDS
from sluice.resources.canonical import canonical_json
from sluice.resources.channel import ChannelSpec
from sluice.resources.kinds import Key, Resource
from sluice.rollout.evidence import ArmCounts, Evidence
from sluice.serving.table import ChannelTable, ServedBundle
from support.builders import APP_ID, BUNDLE, NOW, a_release, a_subject

OLD = ServedBundle(version="1.1.0", digest="a" * 64, size=900)
OLDER = ServedBundle(version="1.0.0", digest="9" * 64, size=800)
NEW = ServedBundle(version="1.2.0", digest=BUNDLE, size=1000)
RELEASE = a_release()
OBJECT = Resource(
    key=Key("Release", "shop", "shop-1.2.0"),
    uid="r",
    generation=1,
    resource_version="1",
    spec=RELEASE,
)
DIGEST = a_subject(RELEASE).release_digest
BAD = Evidence(candidate=ArmCounts(devices=20, failed=10), control=ArmCounts(devices=1000))
GOOD = Evidence(candidate=ArmCounts(devices=20, proven=20), control=ArmCounts(devices=1000))


def a_spec(**changes: Any) -> ChannelSpec:
    spec: dict[str, Any] = {"app": "shop", "release": "shop-1.2.0", "audience": {"default": True}}
    return ChannelSpec.model_validate_json(canonical_json({**spec, **changes}))


def a_channel(spec: ChannelSpec | None, problem: Refused | None = None) -> Resource:
    return Resource(
        key=Key("Channel", "shop", "production"),
        uid="u",
        generation=1,
        resource_version="1",
        spec=spec,
        problem=problem,
    )


def a_verdict(answer: Any = "allowed", reason: str = "Allowed") -> Verdict:
    return Verdict(
        answer=answer,
        reason=reason,
        message="Because.",
        app_id=APP_ID,
        namespace="shop",
        channel="production",
        version="1.2.0",
        release_digest=DIGEST,
        findings=(),
        policies=(),
    )


def a_table(**changes: Any) -> ChannelTable:
    fields: dict[str, Any] = {
        "app_id": APP_ID,
        "namespace": "shop",
        "channel": "production",
        "generation": 7,
        "audience": wanted_audience(a_spec().audience),
        "stable": OLD,
        "candidate": None,
        "previous": OLDER,
        "share_bp": 0,
        "rollout_id": "",
        "salt": "",
    }
    return ChannelTable(**{**fields, **changes})


ROLLING_TABLE = a_table(candidate=NEW, share_bp=100, rollout_id="r", salt="s")
PUBLICATION = Publication(
    app_id=APP_ID,
    version="1.2.0",
    digest=BUNDLE,
    size=1000,
    release_digest=DIGEST,
    published_at=NOW,
)


def a_rollout(**changes: Any) -> RolloutRow:
    fields: dict[str, Any] = {
        "rollout_id": "r",
        "namespace": "shop",
        "channel": "production",
        "release_digest": DIGEST,
        "retry": 0,
        "bundle_digest": BUNDLE,
        "version": "1.2.0",
        "phase": "Rolling",
        "step": 0,
        "step_since": NOW - timedelta(minutes=5),
        "started_at": NOW - timedelta(minutes=5),
        "ended_at": None,
        "reason": "Started",
        "message": "",
    }
    return RolloutRow(**{**fields, **changes})


def a_case() -> Case:
    """Return what a verdict was made from: decisions carry it, and do not look inside."""
    return Case(subject=a_subject(RELEASE), policies=(), evidence=(), now=NOW)


def seen(**changes: Any) -> ChannelObserved:
    spec = changes.get("spec", a_spec())
    fields: dict[str, Any] = {
        "channel": a_channel(spec),
        "namespace": "shop",
        "name": "production",
        "spec": spec,
        "app_id": APP_ID,
        "app_problem": None,
        "release": RELEASE,
        "release_object": OBJECT,
        "release_problem": None,
        "release_digest": DIGEST,
        "case": a_case(),
        "verdict": a_verdict(),
        "verdict_recorded": True,
        "publication": PUBLICATION,
        "attempt": None,
        "inspect_attempt": None,
        "table": a_table(),
        "rollout": None,
        "spent": None,
        "revoked": {},
        "evidence": Evidence(),
        "words": NO_WORDS,
        "policy_due": False,
        "now": NOW,
    }
    return ChannelObserved(**{**fields, **changes})


def rolling(**changes: Any) -> ChannelObserved:
    return seen(**{"table": ROLLING_TABLE, "rollout": a_rollout(), **changes})
