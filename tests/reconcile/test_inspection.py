"""When a bundle is looked into."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sluice.gate.case import Case
from sluice.policy.subject import Circumstances, Live
from sluice.policy.verdict import Finding, Verdict
from sluice.reconcile.channel import next_step
from sluice.reconcile.inspection import inspection
from sluice.reconcile.observed import Attempt, ChannelObserved
from sluice.reconcile.step import Hold, Inspect
from support.builders import BUNDLE, NOW, a_subject
from support.observed import DIGEST, RELEASE, a_verdict, seen

LIVE = Live(version="1.1.0", bundle_sha256="a" * 64)


def a_finding(reason: str, **changes: Any) -> Finding:
    fields: dict[str, Any] = {
        "policy": "ReleasePolicy/policy",
        "requirement": reason.lower(),
        "state": "missing",
        "enforced": True,
        "reason": reason,
        "message": "",
    }
    return Finding(**{**fields, **changes})


def held_by(*findings: Finding) -> Verdict:
    return replace(a_verdict("held"), findings=findings)


def observed(*findings: Finding, **changes: Any) -> ChannelObserved:
    subject = replace(a_subject(RELEASE), circumstances=Circumstances(live=LIVE))
    fields: dict[str, Any] = {
        "verdict": held_by(*findings),
        "case": Case(subject=subject, policies=(), evidence=(), now=NOW),
        "publication": None,
    }
    return seen(**{**fields, **changes})


def test_a_bundle_that_a_policy_asks_about_is_looked_into_before_people_approve_it() -> None:
    step = next_step(observed(a_finding("BundleNotInspected"), a_finding("ApprovalsMissing")))

    assert step == Inspect(
        digest=BUNDLE, release_digest=DIGEST, url=RELEASE.bundle.url, size=RELEASE.bundle.size
    )


def test_nothing_is_fetched_that_machines_do_not_vouch_for() -> None:
    for reason in ("SignatureMissing", "SignedByOther", "ProvenanceMissing", "VersionTaken"):
        assert inspection(observed(a_finding("BundleNotInspected"), a_finding(reason))) is None


def test_a_warning_asks_as_well() -> None:
    step = inspection(observed(a_finding("BundleNotInspected", enforced=False)))

    assert isinstance(step, Inspect)


def test_what_is_served_now_is_looked_into_where_it_is() -> None:
    step = inspection(observed(a_finding("LiveBundleNotInspected")))

    assert step == Inspect(digest=LIVE.bundle_sha256, release_digest=DIGEST, url=None, size=0)


def test_nothing_is_looked_into_that_nobody_asks_about() -> None:
    assert inspection(observed(a_finding("ApprovalsMissing"))) is None
    assert inspection(observed(a_finding("BundleNotInspected", state="satisfied"))) is None
    assert inspection(seen(verdict=None)) is None
    assert inspection(observed(verdict=a_verdict("withdrawn"))) is None


@pytest.mark.parametrize("retry_at", [None, NOW + timedelta(minutes=1)])
def test_a_look_that_failed_is_told_and_not_tried_at_once(retry_at: Any) -> None:
    failed = Attempt(reason="ArchiveUnsafeName", message="../x", retry_at=retry_at)

    step = next_step(observed(a_finding("BundleNotInspected"), inspect_attempt=failed))

    assert step == Hold(reason="ArchiveUnsafeName", message="../x", until=retry_at)


def test_a_look_is_tried_again_in_time() -> None:
    failed = Attempt(reason="FetchFailed", message="", retry_at=NOW)

    step = next_step(observed(a_finding("BundleNotInspected"), inspect_attempt=failed))

    assert isinstance(step, Inspect)
