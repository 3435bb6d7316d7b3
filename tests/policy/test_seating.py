"""Approvals: seats with ceilings, second factors and ages, against brute force; words in order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.policy.evaluate import evaluate
from sluice.resources.fields import BASIS_POINTS
from sluice.verify.facts import Approval, Ceiling, Signer
from support.builders import (
    NOW,
    SSO,
    a_policy,
    a_provenance,
    a_subject,
    an_approval,
    an_exception,
    approvals_needed,
    by_ssh,
    facts,
)
from support.judging import judged, told

HOUR = timedelta(hours=1)
PEOPLE = ("alice", "bob", "carol", "dora")
ROLES = {"manager": ["alice", "bob", "carol", "dora"], "security": ["alice", "bob", "dora"]}
LEVELS = (1000, 5000, BASIS_POINTS)


@dataclass(frozen=True)
class Need:
    role: str
    count: int
    mfa: bool
    max_age_hours: int | None
    not_author: bool
    enforced: bool


@dataclass(frozen=True)
class Vote:
    who: str
    role: str
    level: int
    mfa: bool
    age_hours: int


needs = st.lists(
    st.builds(
        Need,
        role=st.sampled_from(sorted(ROLES)),
        count=st.integers(1, 2),
        mfa=st.booleans(),
        max_age_hours=st.sampled_from([None, 2]),
        not_author=st.booleans(),
        enforced=st.sampled_from([True, True, False]),
    ),
    min_size=1,
    max_size=3,
)
votes = st.lists(
    st.builds(
        Vote,
        who=st.sampled_from(PEOPLE),
        role=st.sampled_from(sorted(ROLES)),
        level=st.sampled_from(LEVELS),
        mfa=st.booleans(),
        age_hours=st.sampled_from([1, 3]),
    ),
    max_size=6,
)


def counts(vote: Vote, need: Need, level: int) -> bool:
    return (
        vote.role == need.role
        and vote.who in ROLES[vote.role]
        and vote.level >= level
        and (vote.mfa or not need.mfa)
        and (need.max_age_hours is None or vote.age_hours < need.max_age_hours)
        and not (need.not_author and vote.who == "dora")
    )


def filled(needs: Sequence[Need], votes: Sequence[Vote], level: int) -> bool:
    """Try every way in which each person sits for one need or for none."""
    for places in product(range(-1, len(needs)), repeat=len(PEOPLE)):
        sat = dict(zip(PEOPLE, places, strict=True))
        fits = all(
            place < 0 or any(v.who == who and counts(v, needs[place], level) for v in votes)
            for who, place in sat.items()
        )
        if fits and all(places.count(i) >= need.count for i, need in enumerate(needs)):
            return True
    return False


def as_requirement(number: int, need: Need) -> dict[str, Any]:
    more = {"maxAge": f"{need.max_age_hours}h"} if need.max_age_hours else {}
    asked = approvals_needed(
        need.role,
        need.count,
        name=f"seats-{number}",
        mfa=need.mfa,
        notAuthor=need.not_author,
        **more,
    )
    return {**asked, "enforcement": "Enforce" if need.enforced else "Warn"}


def as_approval(number: int, vote: Vote) -> Approval:
    return an_approval(
        vote.who,
        role=vote.role,
        ceiling=None if vote.level == BASIS_POINTS else Ceiling(share_bp=vote.level, until=None),
        signed_at=NOW - vote.age_hours * HOUR,
        evidence_sha256=f"{number:064x}",
        **by_ssh(vote.who, touched_and_verified=vote.mfa),
    )


@given(needs, votes)
def test_seats_agree_with_brute_force(needs: list[Need], votes: list[Vote]) -> None:
    binding = [each for each in needs if each.enforced]
    expected = max((level for level in LEVELS if filled(binding, votes, level)), default=0)
    policy = [as_requirement(i, each) for i, each in enumerate(needs)]
    found = facts(*(as_approval(i, each) for i, each in enumerate(votes)), signed=False)

    verdict = evaluate((a_policy(*policy, roles=ROLES, ssh=True),), a_subject(), found, NOW)

    assert (verdict.answer == "allowed") == (expected > 0)
    if expected:
        assert verdict.ceiling_bp == expected


def up_to(share_bp: int, **more: Any) -> dict[str, Any]:
    return {"ceiling": Ceiling(share_bp=share_bp, until=more.pop("until", None)), **more}


def test_nobody_is_counted_here_at_one_share_and_there_at_another() -> None:
    """alice fills both seats only if she sits at 10 % in one and at 100 % in the other."""
    policy = a_policy(approvals_needed("manager"), approvals_needed("security"), roles=ROLES)

    def verdict(*given: Approval) -> Any:
        return evaluate((policy,), a_subject(), facts(*given, signed=False), NOW)

    alice = (an_approval(role="manager"), an_approval(role="security", **up_to(1000)))
    assert verdict(*alice).answer == "held"
    bob = an_approval("bob", role="security", **up_to(5000))
    assert (verdict(*alice, bob).answer, verdict(*alice, bob).ceiling_bp) == ("allowed", 5000)
    for_all = an_approval("bob", role="security")
    assert verdict(*alice, bob, for_all).ceiling_bp == BASIS_POINTS


def test_a_ceiling_says_that_it_is_one_and_ends() -> None:
    end = NOW + 2 * HOUR
    found = facts(an_approval(**up_to(1000, until=end)))
    verdict = judged(approvals_needed(), found)

    assert (verdict.answer, verdict.ceiling_bp, verdict.recheck_at) == ("allowed", 1000, end)
    assert "enough for 10% of the phones" in verdict.findings[0].message
    assert judged(approvals_needed(), found, now=end).answer == "held"


def test_who_sits_where_they_must_is_not_named_as_who_could_sit_elsewhere() -> None:
    policy = a_policy(
        approvals_needed("manager"),
        approvals_needed("security"),
        roles={"manager": ["alice"], "security": ["alice", "bob"]},
    )
    found = facts(an_approval(role="manager"), signed=False)
    [_, security] = evaluate((policy,), a_subject(), found, NOW).findings

    assert security.reason == "ApprovalsMissing"
    assert "Still needed: 1 of bob." in security.message


# Words of one person, in their order.

MANAGER = approvals_needed()


def answer(*words: Approval, **more: Any) -> str:
    return judged(MANAGER, facts(*words), **more).answer


def word(decision: str, sequence: int, **more: Any) -> Approval:
    return an_approval(decision=decision, sequence=sequence, **more)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([word("approve", 1), word("reject", 2)], "withdrawn"),
        ([word("approve", 2), word("reject", 1)], "allowed"),
        ([word("approve", 1), word("reject", 1)], "withdrawn"),
        ([word("approve", 1), word("withdraw", 2)], "held"),
        ([word("approve", 1), word("withdraw", 1)], "held"),
        ([word("withdraw", 1), word("approve", 2)], "allowed"),
        ([word("reject", 1), word("withdraw", 2)], "held"),
        ([word("reject", 1), word("withdraw", 2), word("approve", 3)], "allowed"),
        ([word("approve", 1), word("approve", 2, expires_at=NOW)], "held"),
        ([word("approve", 1), word("reject", 2, expires_at=NOW)], "withdrawn"),
        ([word("approve", 1), word("withdraw", 2, expires_at=NOW)], "held"),
        ([word("approve", 1), word("reject", 2, signed_at=NOW + 24 * HOUR)], "withdrawn"),
        ([word("approve", 1), word("approve", 2, signed_at=NOW + 24 * HOUR)], "allowed"),
        ([word("approve", 1), word("reject", 2, channel="beta")], "allowed"),
        ([word("approve", 1), word("reject", 2, role="security")], "allowed"),
    ],
    ids=lambda value: (
        None
        if isinstance(value, str)
        else ", ".join(f"{each.decision} {each.sequence}" for each in value)
    ),
)
@pytest.mark.parametrize("backwards", [False, True])
def test_a_persons_last_word_counts(words: list[Approval], expected: str, backwards: bool) -> None:
    assert answer(*(reversed(words) if backwards else words)) == expected


def test_words_in_two_roles_replace_each_other_in_neither() -> None:
    roles = {"release-manager": ["alice"], "security": ["alice"]}
    words = (word("reject", 1, role="security"), word("approve", 9))

    assert judged(MANAGER, facts(*words), roles=roles).answer == "withdrawn"


def test_an_approval_from_the_future_counts_when_its_time_has_come() -> None:
    ahead = an_approval(signed_at=NOW + HOUR)
    verdict = judged(MANAGER, facts(ahead))

    assert verdict.answer == "held"
    assert "yet to come" in verdict.message
    assert verdict.recheck_at == NOW + HOUR - timedelta(seconds=60)
    assert answer(ahead, now=verdict.recheck_at) == "allowed"
    assert answer(an_approval(signed_at=NOW + timedelta(seconds=60))) == "allowed"


# Who signed, and how.


def test_an_ssh_key_of_a_person_signs_for_them() -> None:
    by_key = an_approval(**by_ssh("alice"))

    assert judged(MANAGER, facts(by_key), ssh=True).answer == "allowed"
    assert judged(MANAGER, facts(by_key)).answer == "held"


def test_a_key_and_an_identity_of_one_person_fill_one_seat() -> None:
    both = facts(an_approval(), an_approval(**by_ssh("alice")))

    assert judged(approvals_needed(count=2), both, ssh=True).answer == "held"


@pytest.mark.parametrize(
    ("how", "policy", "expected"),
    [
        (by_ssh("alice"), {}, "allowed"),
        (by_ssh("alice", touched_and_verified=False), {}, "held"),
        ({}, {}, "held"),
        ({"user_verified": True}, {}, "held"),
        ({}, {"mfa": True}, "allowed"),
        (by_ssh("alice", touched_and_verified=False), {"mfa": True}, "held"),
        ({**by_ssh("alice"), "origin": "https://approve.example.com"}, {}, "held"),
        (
            {**by_ssh("alice"), "origin": "https://approve.example.com"},
            {"origins": ["https://approve.example.com"]},
            "allowed",
        ),
        (
            {**by_ssh("alice"), "origin": "https://approve.example.com.evil.example"},
            {"origins": ["https://approve.example.com"]},
            "held",
        ),
    ],
    ids=[
        "user-verified key",
        "key that was only touched",
        "issuer that states nothing",
        "a flag that no certificate has",
        "issuer that the policy states",
        "key beside such an issuer",
        "website that is not listed",
        "website that is listed",
        "website that looks like it",
    ],
)
def test_a_second_factor_is_shown_by_the_key_or_stated_of_the_issuer(
    how: dict[str, Any], policy: dict[str, Any], expected: str
) -> None:
    stated = {"mfa": policy.pop("mfa", False)}
    authority = {"name": "sso", "issuer": SSO, "subjects": ["*@example.com"], **stated}
    authorities = [{**authority, "trustedRoot": "{}"}]
    verdict = judged(
        approvals_needed(mfa=True),
        facts(an_approval(**how), signed=False),
        ssh=True,
        authorities=authorities,
        **policy,
    )

    assert verdict.answer == expected


def test_a_managed_key_is_nobody() -> None:
    by_key = Signer(kind="key", issuer="key", subject="alice@example.com")

    assert answer(an_approval(signer=by_key)) == "held"


def test_an_author_does_not_approve_under_an_alias() -> None:
    by_alice = facts(an_approval(), statements=(a_provenance(actors=("octocat",)),))

    assert judged(MANAGER, by_alice).answer == "allowed"
    assert judged(MANAGER, by_alice, aliases={"alice": ["OctoCat "]}).answer == "held"


def test_a_rejection_is_passed_by_through_no_exception_whatever_it_is_called() -> None:
    need = {"name": "rejections", "signature": {"authority": "ci"}}
    allowed = {"requirements": ["rejections"], "role": "release-manager", "count": 1}
    found = facts(
        an_approval("bob", decision="reject"), exceptions=(an_exception("alice", "rejections"),)
    )

    verdict = judged(need, found, exceptions=allowed)

    assert (verdict.answer, verdict.reason) == ("withdrawn", "Rejected")
    assert told(need, facts(signed=False, exceptions=found.exceptions), exceptions=allowed) == (
        "satisfied",
        "Excepted",
    )
