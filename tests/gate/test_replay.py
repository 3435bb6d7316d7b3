"""Decisions made again, offline: the same verdict bit for bit, or exactly what differs."""

import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sluice.errors import Refused
from sluice.gate.document import Exported
from sluice.gate.judge import Judge
from sluice.gate.record import DecisionRecord, as_record, read_record
from sluice.gate.replay import Difference, Replay, differences, replay
from sluice.gate.trust import TrustRoom
from sluice.gate.vsa import sign_summary
from sluice.policy.verdict import Verdict
from sluice.verify.collect import Examiner
from support.decisions import Decided, the_record


def a_judge() -> Judge:
    return Judge(examiner=Examiner(), trust=TrustRoom())


def again(record: DecisionRecord, summary: bytes, decided: Decided) -> Replay:
    return replay(record, summary, a_judge(), (decided.seal_key.public_key(),))


async def test_every_decision_of_a_team_comes_out_again_bit_for_bit(decided: Decided) -> None:
    found = await decided.read()

    replays = [again(each.read(), each.summary, decided) for each in found]

    assert [each.record.verdict.answer for each in replays] == [
        "allowed",
        "held",
        "allowed",
        "withdrawn",
    ]
    for each, kept in zip(replays, found, strict=True):
        assert each.same
        assert each.signature_checked
        assert not each.of_other_version
        assert each.again.digest() == json.loads(kept.record)["verdictSha256"]
        assert each.again == each.record.verdict


async def test_the_summary_that_a_replay_would_sign_is_the_one_that_was_signed(
    decided: Decided,
) -> None:
    for each in await decided.read():
        record = each.read()
        assert sign_summary(as_record(record.case, record.verdict), decided.seal_key) == (
            each.summary
        )


def forged(kept: Exported, **changes: Any) -> DecisionRecord:
    """A record in which every digest fits, but somebody has written another verdict."""
    record = kept.read()
    return as_record(record.case, replace(record.verdict, **changes))


async def test_a_verdict_that_does_not_follow_is_told_field_by_field(decided: Decided) -> None:
    held = next(each for each in await decided.read() if each.read().verdict.answer == "held")

    found = again(forged(held, answer="allowed", reason="Allowed"), held.summary, decided)

    assert not found.same
    assert found.differences == (
        Difference(path="answer", recorded='"allowed"', again='"held"'),
        Difference(path="reason", recorded='"Allowed"', again='"ApprovalsMissing"'),
    )
    assert found.summary_fault is not None
    assert found.summary_fault.reason == "SummaryOfOther"


async def test_a_summary_of_another_decision_with_the_same_verdict_does_not_fit(
    decided: Decided,
) -> None:
    kept = (await decided.read())[0]
    record = kept.read()
    later = replace(record.case, now=record.case.now.replace(microsecond=1))

    found = again(as_record(later, record.verdict), kept.summary, decided)

    assert found.differences == ()
    assert not found.same


async def test_a_forger_with_a_key_of_their_own_is_told_apart(decided: Decided) -> None:
    held = next(each for each in await decided.read() if each.read().verdict.answer == "held")
    record = forged(held, answer="allowed")
    from_elsewhere = sign_summary(record, Ed25519PrivateKey.generate())

    found = again(record, from_elsewhere, decided)

    assert found.summary_fault is not None
    assert found.summary_fault.reason == "SummaryKeyUnknown"


async def test_evidence_that_was_taken_out_changes_the_verdict(decided: Decided) -> None:
    allowed = (await decided.read())[0].read()
    assert allowed.verdict.answer == "allowed"
    case = replace(allowed.case, evidence=allowed.case.evidence[:-1])

    found = again(as_record(case, allowed.verdict), b"{}", decided)

    assert {each.path for each in found.differences} >= {"answer", "findings[2].state"}


async def test_time_that_was_changed_changes_the_verdict(decided: Decided) -> None:
    allowed = (await decided.read())[0].read()
    later = replace(allowed.case, now=allowed.case.now.replace(year=allowed.case.now.year + 1))

    found = again(as_record(later, allowed.verdict), b"{}", decided)

    assert Difference(path="answer", recorded='"allowed"', again='"held"') in found.differences


async def test_also_what_the_digest_leaves_out_must_come_out_again(decided: Decided) -> None:
    allowed = (await decided.read())[0]
    assert allowed.read().verdict.recheck_at is not None

    found = again(forged(allowed, recheck_at=None), allowed.summary, decided)

    assert [each.path for each in found.differences] == ["recheckAt"]


def verdict(**changes: Any) -> Verdict:
    return replace(the_record().verdict, **changes)


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({}, []),
        ({"ceiling_bp": 100}, ["ceiling"]),
        ({"findings": ()}, ["findings[0]"]),
        ({"policies": ()}, ["policies[0]"]),
        ({"message": "m", "version": "9.9.9"}, ["message", "version"]),
    ],
)
def test_differences_are_named_by_their_place(changes: dict[str, Any], paths: list[str]) -> None:
    assert [each.path for each in differences(verdict(), verdict(**changes))] == paths


async def test_another_version_is_told(decided: Decided) -> None:
    kept = (await decided.read())[0].read()
    old = as_record(kept.case, kept.verdict, version="0.0.9")

    found = replay(read_record(old.data, old.pieces), b"{}", a_judge(), None)

    assert found.of_other_version
    assert not found.signature_checked


async def test_any_other_byte_in_a_record_or_piece_is_found(decided: Decided) -> None:
    """Each part of a real decision, at places spread over all of it."""
    kept = (await decided.read())[0]
    parts = {"record": kept.record, **kept.pieces}
    for name, data in parts.items():
        for place in range(0, len(data), max(1, len(data) // 24)):
            changed = bytearray(data)
            changed[place] ^= 1
            pieces = {**kept.pieces, name: bytes(changed)} if name != "record" else kept.pieces
            record = bytes(changed) if name == "record" else kept.record
            try:
                found = again(read_record(record, pieces), kept.summary, decided)
            except Refused:
                continue
            assert not found.same, (name, place)
