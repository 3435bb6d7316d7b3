"""What the policy core answers, requirement by requirement."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.policy.evaluate import evaluate
from sluice.policy.subject import Circumstances, UnreadablePolicy
from sluice.verify.facts import Rejected, Signer
from support.builders import (
    CI,
    NOW,
    SIGNED,
    SSO,
    a_policy,
    a_release,
    a_signature,
    a_subject,
    an_approval,
    approvals_needed,
    facts,
)


def judge(policies: Any, found: Any, subject: Any = None, now: Any = NOW) -> Any:
    if not isinstance(policies, tuple):
        policies = (policies,)
    return evaluate(policies, subject or a_subject(), found, now)


def reasons(verdict: Any) -> list[str]:
    return [each.reason for each in verdict.findings if each.state != "satisfied"]


def test_a_signed_and_approved_release_is_allowed() -> None:
    verdict = judge(a_policy(), facts(an_approval("alice")))

    assert (verdict.answer, verdict.reason) == ("allowed", "Allowed")
    assert verdict.recheck_at == NOW + timedelta(days=7)


def test_no_policy_means_held() -> None:
    verdict = judge((), facts(an_approval("alice")))

    assert (verdict.answer, verdict.reason) == ("held", "NoPolicy")


def test_a_policy_of_another_namespace_does_not_bind() -> None:
    policy = a_policy()
    elsewhere = replace(policy, ref=replace(policy.ref, namespace="other"))

    assert judge(elsewhere, facts(an_approval())).reason == "NoPolicy"


def test_a_policy_that_cannot_be_read_holds_everything() -> None:
    broken = UnreadablePolicy(ref=a_policy().ref, problem="spec.requirements: missing")

    verdict = judge((a_policy(), broken), facts(an_approval()))

    assert (verdict.answer, verdict.reason) == ("held", "PolicyUnreadable")


@pytest.mark.parametrize(
    ("selector", "binds"),
    [
        ({"apps": ["com.example.*"]}, True),
        ({"apps": ["com.example.shop"], "channels": ["prod*"]}, True),
        ({"apps": ["com.example"]}, False),
        ({"channels": ["beta"]}, False),
        ({"apps": ["org.*"]}, False),
    ],
)
def test_selectors_say_what_a_policy_binds(selector: Any, binds: bool) -> None:
    verdict = judge(a_policy(selector=selector), facts(an_approval()))

    assert (verdict.reason != "NoPolicy") == binds


def test_a_revoked_release_is_withdrawn_whatever_else_is_true() -> None:
    subject = a_subject(a_release(revoked={"reason": "it crashes"}))

    verdict = judge(a_policy(), facts(an_approval("alice", subject)), subject)

    assert (verdict.answer, verdict.reason) == ("withdrawn", "Revoked")


def test_a_version_is_one_bundle_for_ever_whatever_is_excepted() -> None:
    """Row 30 of the attacks."""
    taken = a_subject(circumstances=Circumstances(version_taken_by="7" * 64))

    verdict = judge(a_policy(), facts(an_approval("alice", taken)), taken)

    assert (verdict.answer, verdict.reason) == ("held", "VersionTaken")
    assert "7" * 64 in verdict.message


def test_a_policy_that_is_retired_binds_nothing() -> None:
    owners = {"people": ["alice"], "threshold": 1}
    retired = a_policy(owners=owners, revision=2, retired=True)

    assert judge(retired, facts(an_approval())).reason == "NoPolicy"
    assert judge((retired, a_policy()), facts(an_approval())).answer == "allowed"


SCOPE = {
    "release_digest": "0" * 64,
    "app_id": "com.example.other",
    "version": "1.2.1",
    "channel": "beta",
    "namespace": "other",
    "cluster": "staging",
}


@pytest.mark.parametrize("field", SCOPE)
def test_an_approval_for_something_else_does_not_count(field: str) -> None:
    verdict = judge(a_policy(), facts(an_approval("alice", **{field: SCOPE[field]})))

    assert verdict.answer == "held"
    assert "sign for this release itself" in verdict.message


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"expires_at": NOW}, "expired"),
        ({"role": "security"}, "is not in the role"),
        ({"signer": Signer(kind="sigstore", issuer=SSO, subject="eve@example.com")}, "nobody"),
        (
            {"signer": Signer(kind="sigstore", issuer="https://evil", subject="alice@example.com")},
            "nobody",
        ),
        ({"signer": Signer(kind="sigstore", issuer="", subject="alice@example.com")}, "nobody"),
        ({"root_sha256": "9" * 64}, "nobody"),
    ],
)
def test_an_approval_that_does_not_count_says_why(change: Any, why: str) -> None:
    verdict = judge(a_policy(), facts(an_approval("alice", **change)))

    assert verdict.answer == "held"
    assert verdict.reason == "ApprovalsMissing"
    assert why in verdict.message


def test_an_author_does_not_approve_their_own_change() -> None:
    verdict = judge(a_policy(), facts(an_approval("dora")))

    assert verdict.reason == "ApprovalsMissing"
    assert "dora is an author of the change" in verdict.message


def test_an_author_does_not_approve_with_a_second_identity() -> None:
    other = Signer(kind="sigstore", issuer=SSO, subject="dora.private@example.com")

    assert judge(a_policy(), facts(an_approval("dora", signer=other))).answer == "held"


def test_who_signed_the_bundle_counts_as_an_author() -> None:
    by_alice = a_signature(signer=Signer(kind="sigstore", issuer=SSO, subject="alice@example.com"))
    found = replace(facts(an_approval("alice")), signatures=(a_signature(), by_alice))

    assert judge(a_policy(), found).reason == "ApprovalsMissing"


def test_a_release_that_names_no_author_waits_for_one() -> None:
    subject = a_subject(a_release(source=None))

    verdict = judge(a_policy(), facts(an_approval("alice", subject)), subject)

    assert verdict.reason == "AuthorUnknown"


def test_one_person_with_two_identities_fills_one_seat() -> None:
    second = Signer(kind="sigstore", issuer=SSO, subject="alice.private@example.com")
    policy = a_policy(approvals_needed(count=2))
    verdict = judge(policy, facts(an_approval("alice"), an_approval("alice", signer=second)))

    assert verdict.answer == "held"
    assert "1 of 2 approvals" in verdict.message
    assert "of bob, carol" in verdict.message


def test_one_person_in_two_roles_fills_one_seat() -> None:
    policy = a_policy(
        approvals_needed("release-manager"),
        approvals_needed("security"),
        roles={"release-manager": ["alice"], "security": ["alice", "bob"]},
    )
    both = (an_approval("alice"), an_approval("alice", role="security"))

    assert judge(policy, facts(*both)).answer == "held"
    assert judge(policy, facts(*both, an_approval("bob", role="security"))).answer == "allowed"


def test_a_requirement_that_only_warns_takes_nobody_from_one_that_is_enforced() -> None:
    policy = a_policy(
        {**approvals_needed("second"), "enforcement": "Warn"},
        approvals_needed("first"),
        roles={"second": ["alice"], "first": ["alice"]},
    )
    found = facts(an_approval("alice", role="first"), an_approval("alice", role="second"))

    assert judge(policy, found).answer == "allowed"


def test_an_old_approval_no_longer_counts() -> None:
    policy = a_policy(approvals_needed(maxAge="2h"))
    found = facts(an_approval("alice"))

    fresh = judge(policy, found)
    assert fresh.answer == "allowed"
    assert fresh.recheck_at == NOW + timedelta(hours=1)
    assert judge(policy, found, now=NOW + timedelta(hours=1)).answer == "held"


def test_a_rejection_by_somebody_in_a_role_withdraws() -> None:
    found = facts(an_approval("alice"), an_approval("bob", decision="reject"))

    verdict = judge(a_policy(), found)

    assert (verdict.answer, verdict.reason) == ("withdrawn", "Rejected")


def test_a_rejection_by_a_stranger_stops_nothing() -> None:
    found = facts(an_approval("alice"), an_approval("eve", decision="reject"))

    assert judge(a_policy(), found).answer == "allowed"


def test_an_unsigned_bundle_is_held() -> None:
    verdict = judge(a_policy(SIGNED), facts(signed=False))

    assert (verdict.answer, verdict.reason) == ("held", "SignatureMissing")


@pytest.mark.parametrize(
    "change",
    [
        {"signer": Signer(kind="sigstore", issuer=SSO, subject="alice@example.com")},
        {"signer": Signer(kind="sigstore", issuer="https://evil", subject=CI)},
        {"root_sha256": "9" * 64},
    ],
)
def test_a_bundle_signed_by_another_is_refused(change: Any) -> None:
    found = replace(facts(signed=False), signatures=(a_signature(**change),))

    assert judge(a_policy(SIGNED), found).reason == "SignedByOther"


def test_a_signature_over_another_bundle_is_none() -> None:
    found = replace(facts(signed=False), signatures=(a_signature(artifact_sha256="0" * 64),))

    assert judge(a_policy(SIGNED), found).reason == "SignatureMissing"


def test_a_warning_does_not_hold() -> None:
    policy = a_policy({**SIGNED, "enforcement": "Warn"})

    verdict = judge(policy, facts(signed=False))

    assert verdict.answer == "allowed"
    assert reasons(verdict) == ["SignatureMissing"]


def test_refused_evidence_is_shown_and_decides_nothing() -> None:
    junk = Rejected(
        source="Approval/junk", reason="BundleUnreadable", message="Mend it.", evidence_sha256="1"
    )
    verdict = judge(a_policy(), facts(an_approval("alice"), rejected=(junk,)))

    assert verdict.answer == "allowed"
    assert verdict.findings[-1].reason == "BundleUnreadable"


def test_a_second_more_permissive_policy_changes_nothing() -> None:
    strict, lax = a_policy(), a_policy({**SIGNED, "enforcement": "Warn"}, name="lax")

    assert judge((strict, lax), facts()).answer == "held"
    assert judge((lax, strict), facts()).answer == "held"


def test_equal_verdicts_have_equal_digests_and_the_clock_is_no_part_of_them() -> None:
    first = judge(a_policy(), facts(an_approval()))
    later = judge(a_policy(), facts(an_approval()), now=NOW + timedelta(minutes=5))

    assert first.digest() == later.digest()
    assert first.digest() != judge(a_policy(), facts()).digest()


PEOPLE = ["alice", "bob", "carol", "dora", "eve"]
ballots = st.lists(
    st.builds(
        an_approval,
        st.sampled_from(PEOPLE),
        decision=st.sampled_from(["approve", "approve", "reject"]),
        role=st.sampled_from(["release-manager", "security"]),
        channel=st.sampled_from(["production", "production", "beta"]),
    ),
    max_size=5,
)
policies = st.lists(
    st.builds(
        a_policy,
        st.sampled_from([SIGNED, approvals_needed(), approvals_needed(count=2)]),
        st.sampled_from([approvals_needed("security", name="second")]),
        roles=st.just({"release-manager": PEOPLE[:4], "security": PEOPLE[:2]}),
    ),
    max_size=3,
).map(tuple)


@given(policies, ballots, st.booleans(), st.builds(a_policy, st.just(SIGNED)))
def test_another_policy_never_widens_what_is_allowed(
    some: Any, votes: Any, signed: bool, further: Any
) -> None:
    before = judge(some, facts(*votes, signed=signed)).answer
    after = judge((*some, further), facts(*votes, signed=signed)).answer

    assert not (some and before != "allowed" and after == "allowed")
    assert not (before == "withdrawn" and after != "withdrawn")


@given(policies, ballots, st.sampled_from(PEOPLE[:2]))
def test_a_rejection_never_widens_what_is_allowed(some: Any, votes: Any, who: str) -> None:
    rejection = an_approval(who, decision="reject", role="security")
    order = {"withdrawn": 0, "held": 1, "allowed": 2}
    before = judge(some, facts(*votes)).answer
    after = judge(some, facts(*votes, rejection)).answer

    assert order[after] <= order[before]


def test_a_default_channel_is_bound_whatever_its_name() -> None:
    """Else a channel of testers could be made everybody's, past the policy of production."""
    strict = a_policy(approvals_needed(count=2), selector={"channels": ["production"]})
    testers = a_subject(channel="beta")
    everybody = a_subject(channel="beta", default_channel=True)

    assert evaluate((strict,), testers, facts(), NOW).reason == "NoPolicy"
    assert evaluate((strict,), everybody, facts(), NOW).reason == "ApprovalsMissing"


def test_a_policy_may_bind_channels_by_name_alone() -> None:
    selector = {"channels": ["production"], "defaultChannels": False}
    strict = a_policy(approvals_needed(count=2), selector=selector)

    verdict = evaluate((strict,), a_subject(channel="beta", default_channel=True), facts(), NOW)

    assert verdict.reason == "NoPolicy"


def test_the_apps_of_a_policy_are_bound_by_name_all_the_same() -> None:
    other = a_policy(approvals_needed(), selector={"apps": ["com.example.other"]})

    verdict = evaluate((other,), a_subject(default_channel=True), facts(), NOW)

    assert verdict.reason == "NoPolicy"
