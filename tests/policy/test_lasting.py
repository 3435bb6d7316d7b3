"""What a git write that only deletes can do: nothing that widens what is allowed."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.policy.evaluate import evaluate
from sluice.policy.lasting import lasting_words
from sluice.policy.subject import PolicyInForce, UnreadablePolicy
from sluice.policy.verdict import PolicyRef, Verdict
from sluice.verify.facts import Approval, Ceiling, Facts, GlassBroken
from support.builders import (
    NOW,
    SIGNED,
    a_policy,
    a_subject,
    an_approval,
    approvals_needed,
    facts,
)

BREAKABLE = {
    "requirements": ["release-manager"],
    "role": "release-manager",
    "count": 2,
    "cosignRole": "release-manager",
    "cosignCount": 1,
    "longest": "4h",
}
POLICY = a_policy(SIGNED, approvals_needed(count=2), breakGlass=BREAKABLE)
UNKNOWN = UnreadablePolicy(
    ref=PolicyRef(kind="ReleasePolicy", namespace="shop", name="x", digest=""), problem="?"
)


def lasting(*words: Approval, policy: PolicyInForce = POLICY, **more: Any) -> set[str]:
    found = lasting_words((policy, UNKNOWN), a_subject(), facts(*words, **more), NOW)
    return set(found)


def broken(who: str, incident: str = "INC-1", **changes: Any) -> GlassBroken:
    said = an_approval(who, signed_at=NOW - timedelta(minutes=5))
    fields: dict[str, Any] = {
        name: getattr(said, name)
        for name in GlassBroken.__dataclass_fields__
        if name not in ("policy", "incident", "reason")
    }
    fields |= {
        "evidence_sha256": f"glass-{who}-{incident}",
        "expires_at": NOW + timedelta(hours=1),
        "policy": POLICY.label,
        "incident": incident,
        "reason": "The shop is down.",
    }
    return GlassBroken(**{**fields, **changes})


@pytest.mark.parametrize("decision", ["reject", "withdraw"])
def test_what_takes_something_away_lasts_and_a_yes_does_not(decision: str) -> None:
    word = an_approval("alice", decision=decision)

    assert lasting(word, an_approval("bob")) == {word.evidence_sha256}


@pytest.mark.parametrize(
    "changes",
    [
        {"channel": "beta"},
        {"role": "security"},
        {"signer": an_approval("stranger").signer},
        {"release_digest": "0" * 64},
    ],
)
def test_a_word_that_does_not_count_is_not_kept(changes: dict[str, Any]) -> None:
    assert lasting(an_approval("alice", decision="reject", **changes)) == set()


def test_under_a_policy_that_does_not_bind_nothing_is_kept() -> None:
    elsewhere = a_policy(SIGNED, selector={"channels": ["beta"]})

    assert lasting(an_approval("alice", decision="reject"), policy=elsewhere) == set()


def test_a_no_that_its_person_took_back_is_not_kept() -> None:
    words = [an_approval(decision="reject"), an_approval(sequence=1)]

    assert lasting(*words) == set()


def test_a_yes_that_goes_less_far_than_the_one_before_lasts() -> None:
    less = an_approval(sequence=1, ceiling=Ceiling(share_bp=1000, until=None))

    assert lasting(an_approval(), less) == {less.evidence_sha256}


def test_broken_glass_lasts_also_when_it_has_expired_or_was_not_enough() -> None:
    late = broken("alice", expires_at=NOW - timedelta(minutes=1))
    short = broken("bob", "INC-2")
    other = broken("carol", policy="ReleasePolicy/other")

    assert lasting(glass_broken=(late, short, other)) == {
        late.evidence_sha256,
        short.evidence_sha256,
    }


words = st.builds(
    an_approval,
    st.sampled_from(["alice", "bob", "carol"]),
    decision=st.sampled_from(["approve", "approve", "reject", "withdraw"]),
    sequence=st.integers(0, 3),
    ceiling=st.none() | st.builds(Ceiling, share_bp=st.sampled_from([1, 5000]), until=st.none()),
    expires_at=st.sampled_from([NOW - timedelta(hours=1), NOW + timedelta(days=1)]),
    nonce=st.uuids().map(str),
)
glass = st.builds(
    broken,
    st.sampled_from(["alice", "bob", "carol"]),
    st.sampled_from(["INC-1", "INC-2"]),
    signed_at=st.integers(1, 60).map(lambda hours: NOW - timedelta(hours=hours)),
    expires_at=st.sampled_from([NOW - timedelta(minutes=1), NOW + timedelta(hours=1)]),
    evidence_sha256=st.uuids().map(str),
)


def reach(verdict: Verdict) -> tuple[int, int]:
    """Return how far a verdict lets a release go."""
    order = ["withdrawn", "held", "allowed"].index(verdict.answer)
    return order, verdict.ceiling_bp if verdict.answer == "allowed" else 0


def judged(found: Facts) -> Verdict:
    return evaluate((POLICY,), a_subject(), found, NOW)


@given(
    said=st.lists(words, max_size=6),
    glasses=st.lists(glass, max_size=4),
    data=st.data(),
)
def test_invariant_3_deleting_words_never_widens_what_is_allowed(
    said: list[Approval], glasses: list[GlassBroken], data: st.DataObject
) -> None:
    whole = facts(*said, glass_broken=tuple(glasses))
    kept = lasting_words((POLICY,), a_subject(), whole, NOW)
    everything = [each.evidence_sha256 for each in (*said, *glasses)]
    left = kept | set(data.draw(st.lists(st.sampled_from(everything))) if everything else [])

    after = facts(
        *(each for each in said if each.evidence_sha256 in left),
        glass_broken=tuple(each for each in glasses if each.evidence_sha256 in left),
    )

    assert reach(judged(after)) <= reach(judged(whole))
