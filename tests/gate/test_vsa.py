"""What came out of a decision, signed for others."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from sluice.errors import Refused, VerificationError
from sluice.gate.record import DecisionRecord, read_record
from sluice.gate.vsa import check_summary, payload_of, sign_summary, summary_of
from sluice.policy.verdict import Verdict
from sluice.resources.canonical import canonical_json, sha256_hex
from sluice.serving.seal import key_id
from sluice.verify.intoto import read_payload
from support.decisions import a_case, a_record, judged, the_record, verdicts

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
KEYS = (KEY.public_key(),)


def predicate(record: DecisionRecord) -> dict[str, Any]:
    found: dict[str, Any] = summary_of(record)["predicate"]
    return found


async def test_a_summary_is_about_the_bundle_and_names_the_policies_and_the_evidence(
    tmp_path: Path,
) -> None:
    kept = await judged(tmp_path)
    policy = kept.verdict.policies[0]
    listed = [
        {"kind": "ReleasePolicy", "namespace": "shop", "name": "releases", "sha256": policy.digest}
    ]
    name, digest = "com.example.shop@1.2.0", {"sha256": kept.case.subject.release.bundle.sha256}

    said, found = summary_of(kept), predicate(kept)

    assert [said["_type"], said["predicateType"], said["subject"]] == [
        "https://in-toto.io/Statement/v1",
        "https://slsa.dev/verification_summary/v1",
        [{"name": name, "digest": digest}],
    ]
    assert found["policy"] == {
        "uri": "https://sluice.dev/policies/v1",
        "digest": {"sha256": sha256_hex(canonical_json(listed))},
        "annotations": {"policies": listed},
    }
    assert found["inputAttestations"] == [
        {"name": each.source, "digest": {"sha256": sha256_hex(each.data)}}
        for each in kept.case.evidence
    ]


async def test_an_allowed_release_has_passed_and_nothing_is_said_about_its_slsa_level(
    tmp_path: Path,
) -> None:
    kept = await judged(tmp_path)

    found = predicate(kept)

    del found["policy"], found["inputAttestations"]
    assert found == {
        "verifier": {"id": "https://sluice.dev/gate/demo", "version": {"sluice": "0.1.0"}},
        "timeVerified": kept.case.now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "resourceUri": "pkg:generic/com.example.shop@1.2.0"
        "?channel=production&cluster=demo&namespace=shop",
        "verificationResult": "PASSED",
        "verifiedLevels": ["SLSA_BUILD_LEVEL_UNEVALUATED"],
        "slsaVersion": "1.2",
        "https://sluice.dev/decision/v1": {
            "answer": "allowed",
            "reason": "Allowed",
            "ceiling": 10_000,
            "verdict": {"sha256": kept.verdict.digest()},
            "record": {"sha256": sha256_hex(kept.data)},
        },
    }


@pytest.mark.parametrize("answer", ["held", "withdrawn"])
def test_what_is_not_allowed_has_failed(answer: Any) -> None:
    kept = the_record()
    said = predicate(a_record(kept.case, replace(kept.verdict, answer=answer)))

    assert (said["verificationResult"], said["verifiedLevels"]) == ("FAILED", ["FAILED"])
    assert said["https://sluice.dev/decision/v1"]["answer"] == answer


@given(verdicts())
def test_only_what_is_allowed_passes(verdict: Verdict) -> None:
    said = predicate(a_record(a_case(), verdict))

    assert (said["verificationResult"] == "PASSED") == (verdict.answer == "allowed")


def test_our_own_reader_of_statements_reads_it() -> None:
    kept = the_record()

    read = read_payload("application/vnd.in-toto+json", payload_of(sign_summary(kept, KEY), KEYS))

    assert read.subjects == frozenset({kept.case.subject.release.bundle.sha256})
    assert read.predicate_type == "https://slsa.dev/verification_summary/v1"


def test_the_envelope_is_signed_as_dsse_says() -> None:
    kept = the_record()

    envelope = json.loads(sign_summary(kept, KEY))

    payload = base64.b64decode(envelope["payload"])
    signed = (
        b"DSSEv1 28 application/vnd.in-toto+json " + str(len(payload)).encode() + b" " + payload
    )
    [signature] = envelope["signatures"]
    KEY.public_key().verify(base64.b64decode(signature["sig"]), signed)
    assert signature["keyid"] == key_id(KEY.public_key())
    assert envelope.keys() == {"payload", "payloadType", "signatures"}


def test_the_same_decision_gives_the_same_bytes() -> None:
    kept = the_record()
    again = read_record(kept.data, kept.pieces)

    assert sign_summary(kept, KEY) == sign_summary(again, KEY)


@given(st.data())
def test_any_other_byte_in_an_envelope_is_refused(data: st.DataObject) -> None:
    kept = the_record()
    envelope = bytearray(sign_summary(kept, KEY))
    place = data.draw(st.integers(0, len(envelope) - 1))
    envelope[place] ^= data.draw(st.integers(1, 255))

    with pytest.raises(VerificationError):
        check_summary(bytes(envelope), kept, KEYS)


@given(st.data())
def test_any_other_byte_in_a_record_is_refused(data: st.DataObject) -> None:
    """Even where the record stays readable, its summary is of another one."""
    kept = the_record()
    changed = bytearray(kept.data)
    place = data.draw(st.integers(0, len(changed) - 1))
    changed[place] ^= data.draw(st.integers(1, 255))

    with pytest.raises(Refused):
        check_summary(sign_summary(kept, KEY), read_record(bytes(changed), kept.pieces), keys=None)


@pytest.mark.parametrize(
    "change",
    [
        {"more": 1},
        {"payloadType": "application/json"},
        {"signatures": []},
        {"signatures": [{"keyid": "", "sig": "AA=="}, {"keyid": "", "sig": "AA=="}]},
        {"signatures": [{"keyid": "", "sig": "AA==", "more": 1}]},
        {"signatures": [{"keyid": "", "sig": "AB=="}]},
    ],
)
def test_an_envelope_has_one_form(change: dict[str, Any]) -> None:
    envelope = json.loads(sign_summary(the_record(), KEY))

    with pytest.raises(VerificationError) as refused:
        payload_of(canonical_json({**envelope, **change}), None)

    assert refused.value.reason == "SummaryUnreadable"


def test_a_key_that_is_not_given_signs_nothing() -> None:
    kept = the_record()

    with pytest.raises(VerificationError) as refused:
        check_summary(sign_summary(kept, OTHER), kept, KEYS)

    assert refused.value.reason == "SummaryKeyUnknown"


def test_another_key_under_the_name_of_ours_signs_nothing() -> None:
    kept = the_record()
    envelope = json.loads(sign_summary(kept, OTHER))
    envelope["signatures"][0]["keyid"] = key_id(KEY.public_key())

    with pytest.raises(VerificationError) as refused:
        check_summary(canonical_json(envelope), kept, KEYS)

    assert refused.value.reason == "SummaryBroken"


def test_a_key_that_was_replaced_still_counts_while_it_is_given() -> None:
    kept = the_record()

    check_summary(sign_summary(kept, OTHER), kept, (*KEYS, OTHER.public_key()))


def test_the_summary_of_another_decision_is_told_apart() -> None:
    kept, other = the_record(), the_record(a_case(evidence=()))

    with pytest.raises(VerificationError) as refused:
        check_summary(sign_summary(other, KEY), kept, KEYS)

    assert refused.value.reason == "SummaryOfOther"


@pytest.mark.parametrize("envelope", [b"", b"[]", b"{}", b'{"payload":1}', b"\xff", b"null"])
def test_what_is_no_envelope_is_refused(envelope: bytes) -> None:
    with pytest.raises(VerificationError) as refused:
        payload_of(envelope, None)

    assert refused.value.reason == "SummaryUnreadable"
