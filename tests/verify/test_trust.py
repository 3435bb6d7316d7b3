"""Trust roots: read strictly, and known by their bytes."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sluice.errors import VerificationError
from sluice.verify.trust import InForce, parse_trust_root
from support.minting import PrivateSigstore, Span

SIGSTORE = PrivateSigstore()
ROOT_JSON = SIGSTORE.trusted_root_json()


def without(key: str) -> Callable[[dict[str, Any]], None]:
    return lambda root: root.update({key: []})


HOSTILE: dict[str, Callable[[dict[str, Any]], object]] = {
    "no authority": without("certificateAuthorities"),
    "no log": without("tlogs"),
    "no certificate log": without("ctlogs"),
    "another type": lambda root: root.update(mediaType="text/plain"),
    "no type": lambda root: root.pop("mediaType"),
    "an unknown field": lambda root: root.update(extra=1),
    "a certificate that is none": lambda root: root["certificateAuthorities"][0].update(
        certChain={"certificates": [{"rawBytes": "AAAA"}]}
    ),
    "an authority without certificates": lambda root: root["certificateAuthorities"][0].update(
        certChain={"certificates": []}
    ),
    "a timestamp authority without certificates": lambda root: root.update(
        timestampAuthorities=[
            {**root["certificateAuthorities"][0], "certChain": {"certificates": []}}
        ]
    ),
    "a time without zone": lambda root: root["tlogs"][0]["publicKey"].update(
        validFor={"start": "2026-01-01T00:00:00"}
    ),
    "a span without start": lambda root: root["ctlogs"][0]["publicKey"].update(validFor={}),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_trust_root_with_a_gap_is_refused(case: str) -> None:
    root = json.loads(ROOT_JSON)
    HOSTILE[case](root)

    with pytest.raises(VerificationError) as refused:
        parse_trust_root(json.dumps(root).encode())

    assert refused.value.reason == "TrustRootUnreadable"


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", ROOT_JSON[:-1], b"[" * 10_000])
def test_what_is_no_trust_root_is_refused(data: bytes) -> None:
    with pytest.raises(VerificationError) as refused:
        parse_trust_root(data)

    assert refused.value.reason == "TrustRootUnreadable"


def test_a_trust_root_is_known_by_its_bytes() -> None:
    root = parse_trust_root(ROOT_JSON)

    assert root.root_sha256 == hashlib.sha256(ROOT_JSON).hexdigest()
    assert root == parse_trust_root(ROOT_JSON)
    assert root != parse_trust_root(ROOT_JSON + b"\n")


def test_a_member_is_in_force_from_its_start_to_its_end_and_at_both() -> None:
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    root = parse_trust_root(SIGSTORE.trusted_root_json(log=Span(start=start, end=end)))
    tick = timedelta(microseconds=1)

    def logs(*moments: datetime) -> tuple[int, ...]:
        return root.at(moments).logs

    assert [logs(start - tick), logs(start), logs(end), logs(end + tick)] == [(), (0,), (0,), ()]
    assert logs(start, end + tick) == ()
    assert root.always() == InForce(authorities=(0,), logs=(0,), certificate_logs=(0,))
