"""Past decisions under policies that are only proposed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from sluice.gate.judge import Judge
from sluice.gate.record import DecisionRecord
from sluice.gate.trust import TrustRoom
from sluice.gate.whatif import WhatIf, what_if
from sluice.policy.subject import PolicyInForce, UnreadablePolicy
from sluice.resources.canonical import canonical_json
from sluice.resources.kinds import Key
from sluice.resources.policy import PolicySpec
from sluice.verify.collect import Examiner
from support.decisions import Decided


def proposed(manifest: Mapping[str, Any], **key: str) -> PolicyInForce | UnreadablePolicy:
    spec = PolicySpec.model_validate_json(canonical_json(manifest["spec"]))
    fields = {"kind": manifest["kind"], **manifest["metadata"], **key}
    return TrustRoom().policy(Key(**fields), spec)


@pytest.fixture
async def records(decided: Decided) -> list[DecisionRecord]:
    return [each.read() for each in await decided.read()]


def under(
    records: list[DecisionRecord], *policies: PolicyInForce | UnreadablePolicy
) -> list[WhatIf]:
    judge = Judge(examiner=Examiner(), trust=TrustRoom())
    return [what_if(each, policies, judge) for each in records]


def answers(found: list[WhatIf]) -> list[tuple[str, str]]:
    return [(each.before.answer, each.after.answer) for each in found if each.flips]


def test_the_policy_of_then_flips_nothing(decided: Decided, records: list[DecisionRecord]) -> None:
    found = under(records, proposed(decided.policy()))

    assert answers(found) == []
    assert not any(each.told_otherwise for each in found)
    assert [each.after for each in found] == [each.record.verdict for each in found]


def test_a_stricter_policy_in_its_place_holds_what_was_allowed(
    decided: Decided, records: list[DecisionRecord]
) -> None:
    found = under(records, proposed(decided.policy(count=3)))

    assert answers(found) == [("allowed", "held"), ("allowed", "held")]
    assert [each.reason for each in found[0].why] == ["ApprovalsMissing"]
    assert all(len(each.after.policies) == 1 for each in found)


def test_a_laxer_policy_allows_what_was_held(
    decided: Decided, records: list[DecisionRecord]
) -> None:
    found = under(records, proposed(decided.policy(count=1)))

    assert set(answers(found)) == {("held", "allowed")}
    flip = next(each for each in found if each.flips and each.record.case.evidence[2:])
    assert [each.reason for each in flip.why] == ["ApprovalsMissing"]


def test_a_policy_of_another_name_is_added(decided: Decided, records: list[DecisionRecord]) -> None:
    found = under(records, proposed(decided.policy(count=3), name="stricter"))

    assert answers(found) == [("allowed", "held"), ("allowed", "held")]
    assert [each.name for each in found[0].after.policies] == ["releases", "stricter"]


def test_a_laxer_policy_that_is_added_widens_nothing(
    decided: Decided, records: list[DecisionRecord]
) -> None:
    found = under(records, proposed(decided.policy(count=1), name="laxer"))

    assert answers(found) == []


def test_a_policy_of_the_cluster_binds_every_namespace(
    decided: Decided, records: list[DecisionRecord]
) -> None:
    policy = proposed(decided.policy(count=3), kind="ClusterReleasePolicy", namespace="")

    assert answers(under(records, policy)) == [("allowed", "held"), ("allowed", "held")]


def test_why_is_what_is_unmet_under_one_and_not_under_the_other(
    records: list[DecisionRecord],
) -> None:
    shown = records[0].verdict.findings[0]
    old, both, new = (
        replace(shown, requirement=name, state="missing") for name in ("old", "both", "new")
    )
    warning = replace(shown, requirement="warning", state="missing", enforced=False)
    before = replace(records[0].verdict, findings=(shown, old, both))
    after = replace(records[0].verdict, findings=(shown, both, new, warning))

    assert WhatIf(record=records[0], before=before, after=after).why == (new, old)


def test_a_policy_of_another_namespace_binds_nothing(
    decided: Decided, records: list[DecisionRecord]
) -> None:
    assert answers(under(records, proposed(decided.policy(count=3), namespace="bank"))) == []
