"""Why a decision is what it is, and what is another than before."""

from dataclasses import replace
from datetime import timedelta

import pytest

from sluice.gate.explanation import changes_between, explain, explanation_json
from sluice.gate.judge import Judge
from sluice.gate.record import DecisionRecord
from sluice.gate.trust import TrustRoom
from sluice.policy.subject import Live
from sluice.verify.collect import Examiner
from sluice.verify.facts import Evidence
from support.builders import a_subject
from support.decisions import Decided, a_case, the_record


def in_words(before: DecisionRecord, after: DecisionRecord) -> list[str]:
    return list(changes_between(before, after))


def test_the_same_decision_later_has_no_changes() -> None:
    kept = the_record()
    later = the_record(replace(kept.case, now=kept.case.now + timedelta(days=1)))

    assert in_words(kept, later) == []


def test_every_part_that_changed_is_named(decided: Decided) -> None:
    kept = the_record()
    scan = kept.case.evidence[0]
    review = Evidence(source="attestation review", kind="attestation", data=b"{}")
    subject = a_subject()
    served = replace(subject.circumstances, live=Live(version="1.0.0", bundle_sha256="a" * 64))
    changed = a_case(
        evidence=(replace(scan, data=b"other"), review),
        policies=(),
        subject=replace(subject, circumstances=served),
    )

    assert in_words(kept, the_record(changed)) == [
        "answer: held (SignatureMissing) → held (NoPolicy)",
        "ReleasePolicy/policy signed: missing (SignatureMissing) → not asked",
        "policy: ReleasePolicy policy went",
        "evidence: attestation scan is another",
        "evidence: attestation review came",
        "circumstances: live is another",
    ]


@pytest.fixture
async def records(decided: Decided) -> list[DecisionRecord]:
    return [each.read() for each in await decided.read()]


def test_an_approval_that_came_is_why_it_is_allowed_now(records: list[DecisionRecord]) -> None:
    allowed = [i for i, each in enumerate(records) if each.verdict.answer == "allowed"][-1]

    assert in_words(records[allowed - 1], records[allowed]) == [
        "answer: held (ApprovalsMissing) → allowed (Allowed)",
        "ReleasePolicy/releases approved: missing (ApprovalsMissing) → satisfied (Approved)",
        "evidence: Approval shop-1.1.0-bob came",
    ]


def test_ceilings_and_the_decision_before_are_in_the_explanation(
    records: list[DecisionRecord],
) -> None:
    record = next(each for each in records if each.verdict.ceiling_bp == 5_000)
    judge = Judge(examiner=Examiner(), trust=TrustRoom())

    told = explanation_json(explain(record, judge.facts(record.case), records[0]))

    assert told["ceilings"] == [
        {"source": "Approval shop-1.1.0-bob", "share": "50%", "until": None}
    ]
    assert told["decision"] == record.digest
    assert told["before"]["decision"] == records[0].digest
    assert told["verdict"] == record.verdict.as_json()
    assert record.verdict.recheck_at is not None
    assert told["recheckAt"] == record.verdict.recheck_at.isoformat()
