"""What a verdict costs, counted in calls: the same on every machine, unlike seconds."""

import sys
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from sluice.policy.evaluate import evaluate
from sluice.policy.subject import PolicyInForce
from sluice.verify.facts import Ceiling, Facts
from support.builders import (
    NOW,
    REPOSITORY,
    SIGNED,
    VULN_TYPE,
    a_policy,
    a_provenance,
    a_review,
    a_scan,
    a_signature,
    a_subject,
    an_approval,
    an_exception,
    approvals_needed,
    by_ssh,
    glass,
    soaked,
    where,
)

CALLS_MAX = 3_000
"""Of one usual verdict; it takes 1,600, and those 2 ms."""

FLOOD_CALLS_MAX = 200_000
"""Of one verdict on 256 words of each sort in 24 roles; it takes 100,000, and those 50 ms."""

GROWTH_MAX = 2.4
"""Times the calls for twice the words: sorting takes a little more than twice."""

PEOPLE = tuple(f"p{i:02}" for i in range(96))
ROLES = {f"r{i:02}": [who for j, who in enumerate(PEOPLE) if (i + j) % 3][:64] for i in range(24)}


def calls_of(policy: PolicyInForce, found: Facts, **around: Any) -> Counter[str]:
    """Return which calls judging takes, and how many, once everything is warm."""
    subject = a_subject(**around)
    evaluate((policy,), subject, found, NOW)
    calls: Counter[str] = Counter()

    def counted(frame: Any, event: str, called: Any) -> None:
        if event == "call":
            calls[frame.f_code.co_name] += 1
        if event == "c_call":
            calls[called.__name__] += 1

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        evaluate((policy,), subject, found, NOW)
    finally:
        sys.setprofile(before)
    return calls


def a_usual_policy() -> PolicyInForce:
    return a_policy(
        SIGNED,
        {"name": "built", "provenance": {"authority": "ci", "repository": REPOSITORY}},
        {"name": "reviewed", "review": {"authority": "ci", "repository": REPOSITORY}},
        {
            "name": "scanned",
            "attestation": {
                "authority": "ci",
                "predicateType": VULN_TYPE,
                "severityBelow": "high",
                "expression": "findings.all(f, f.severity == 'low')",
            },
        },
        approvals_needed(count=2),
        approvals_needed("security", mfa=True),
        {"name": "contents", "bundle": {"secrets": "Refuse", "newOrigins": "Refuse"}},
        {"name": "soaked", "soak": {"channel": "beta", "duration": "1d"}},
        {"name": "up", "version": {}},
        {"name": "rule", "cel": {"expression": "bundle.files < 100", "message": "no"}},
        roles={"release-manager": ["alice", "bob"], "security": ["carol"]},
        ssh=True,
    )


def test_a_usual_verdict_takes_few_calls() -> None:
    policy = a_usual_policy()
    found = Facts(
        signatures=(a_signature(),),
        statements=(
            a_provenance(actors=("dora",)),
            a_review(),
            a_scan(*((f"CVE-{i}", "LOW") for i in range(100))),
        ),
        approvals=(
            an_approval("alice"),
            an_approval("bob"),
            an_approval("carol", role="security", **by_ssh("carol")),
        ),
    )
    around = where(soaked=(soaked(),))

    assert evaluate((policy,), a_subject(circumstances=around), found, NOW).answer == "allowed"
    calls = calls_of(policy, found, circumstances=around)
    assert calls.total() < CALLS_MAX
    assert calls["sha256_hex"] == 0


def flood(words: int) -> Facts:
    """Words of everybody in every role, each with a ceiling of its own."""
    roles = list(ROLES)
    return Facts(
        approvals=tuple(
            an_approval(
                PEOPLE[i * 7 % 96],
                role=roles[i % 24],
                ceiling=Ceiling(share_bp=1 + i * 37, until=None),
                nonce=f"nonce-{i}",
            )
            for i in range(words)
        ),
        exceptions=tuple(
            an_exception(PEOPLE[i % 96], role="r00", nonce=f"nonce-{i}") for i in range(words)
        ),
        glass_broken=tuple(
            glass(
                PEOPLE[i % 96],
                role="r01",
                nonce=f"nonce-{i}",
                signed_at=NOW - timedelta(minutes=1 + i % 60),
            )
            for i in range(words)
        ),
    )


@pytest.mark.parametrize("count", [1, 4, 16])
def test_twice_the_words_cost_about_twice(count: int) -> None:
    policy = a_policy(
        *(
            approvals_needed(role, count, mfa=i % 2 == 0, maxAge="30d")
            for i, role in enumerate(ROLES)
        ),
        people=PEOPLE,
        roles=ROLES,
        exceptions={"requirements": ["r00"], "role": "r00", "count": 16},
        breakGlass={
            "requirements": ["r00"],
            "role": "r01",
            "count": 16,
            "cosignRole": "r02",
            "cosignCount": 3,
        },
    )
    few, many = (calls_of(policy, flood(words)).total() for words in (128, 256))

    assert many < few * GROWTH_MAX
    assert many < FLOOD_CALLS_MAX
