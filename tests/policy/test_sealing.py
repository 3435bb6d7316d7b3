"""Promise 9: a policy revision is in force only when the owners named by the one before signed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.policy.sealing import Adopt, Ignored, Judgement, Same, judge_revision
from sluice.policy.subject import PolicyInForce
from sluice.resources.canonical import canonical_json, policy_digest
from sluice.resources.genesis import Genesis
from sluice.resources.policy import PolicySpec
from sluice.verify.facts import PolicySeal, Signer
from support.builders import NOW, SSO, a_policy, approvals_needed

PEOPLE = ("alice", "bob", "carol", "dora")
CLUSTER = "prod"


def key_of(who: str, number: int = 1) -> str:
    return f"ssh-ed25519 {who.capitalize():A<40}{number}"


def a_revision(
    revision: int = 1,
    owners: tuple[str, ...] = ("alice", "bob"),
    threshold: int = 2,
    *,
    count: int = 2,
    mfa: bool = False,
    name: str = "releases",
    **changes: Any,
) -> PolicyInForce:
    policy = a_policy(approvals_needed(count=count), people=PEOPLE, name=name)
    fields = policy.spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    for person in fields["people"]:
        person["keys"] = [key_of(person["name"]), key_of(person["name"], 2)]
    fields |= {
        "owners": {"people": list(owners), "threshold": threshold, "mfa": mfa},
        "revision": revision,
        **changes,
    }
    spec = PolicySpec.model_validate_json(canonical_json(fields))
    return PolicyInForce(ref=replace(policy.ref, digest=policy_digest(spec)), spec=spec)


def a_seal(who: str, over: PolicyInForce, *, number: int = 1, **changes: Any) -> PolicySeal:
    fields: dict[str, Any] = {
        "signer": Signer(kind="ssh", issuer="ssh", subject=key_of(who, number)),
        "signed_at": NOW - timedelta(hours=1),
        "time_proven": False,
        "user_verified": False,
        "origin": "",
        "expires_at": NOW + timedelta(days=7),
        "nonce": f"nonce-of-{who}-{number}",
        "evidence_sha256": f"{who}-{number}",
        "root_sha256": "",
        "source": f"seal by {who}",
        "kind": over.ref.kind,
        "namespace": over.ref.namespace,
        "name": over.ref.name,
        "revision": over.spec.revision,
        "policy_digest": over.ref.digest,
        "clusters": frozenset({CLUSTER}),
    }
    return PolicySeal(**{**fields, **changes})


def judged(
    proposed: PolicyInForce,
    *seals: PolicySeal,
    in_force: PolicyInForce | None = None,
    genesis: Genesis | None = None,
) -> Judgement:
    return judge_revision(
        in_force=in_force, proposed=proposed, seals=seals, genesis=genesis, cluster=CLUSTER, now=NOW
    )


def reason(judgement: Judgement) -> str:
    return judgement.reason if isinstance(judgement, Ignored) else type(judgement).__name__


FIRST = a_revision()
SECOND = a_revision(2, count=1)


def test_the_next_revision_is_adopted_when_the_owners_of_the_one_before_have_sealed_it() -> None:
    seals = [a_seal(who, SECOND) for who in ("alice", "bob")]

    assert judged(SECOND, *seals, in_force=FIRST) == Adopt(
        basis="Owners", sealed_by=("alice", "bob")
    )


def test_what_is_in_force_already_is_the_same_whatever_its_seals() -> None:
    assert judged(FIRST, in_force=FIRST) == Same()


def test_a_seal_that_is_missing_is_named_with_who_could_give_it() -> None:
    found = judged(SECOND, a_seal("alice", SECOND), in_force=FIRST)

    assert found == Ignored(
        reason="PolicySealMissing",
        message="Revision 2 is not in force: 1 of 2 owners that revision 1 names have sealed it."
        " Still needed: 1 of bob.",
        sealed_by=("alice",),
        could_seal=("bob",),
    )


@pytest.mark.parametrize(
    ("revision", "count", "expected"),
    [
        (1, 2, "PolicyRollback"),
        (2, 2, "PolicyRevisionChanged"),
        (4, 2, "PolicyRevisionJump"),
        (1_000_000, 2, "PolicyRevisionJump"),
    ],
)
def test_only_the_very_next_revision_is_looked_at_however_well_it_is_sealed(
    revision: int, count: int, expected: str
) -> None:
    proposed = a_revision(revision, count=count)
    seals = [a_seal(who, proposed) for who in PEOPLE]

    assert reason(judged(proposed, *seals, in_force=SECOND)) == expected


@pytest.mark.parametrize("in_force", [None, FIRST])
def test_a_policy_without_owners_is_unsealed(in_force: PolicyInForce | None) -> None:
    unsealed = a_policy(approvals_needed(), name="releases")

    assert reason(judged(unsealed, in_force=in_force)) == "PolicyUnsealed"


def test_new_owners_can_not_let_themselves_in() -> None:
    """Row 14: the revision names carol and dora, who seal it."""
    taken = a_revision(2, owners=("carol", "dora"))
    seals = [a_seal(who, taken) for who in ("carol", "dora")]

    assert reason(judged(taken, *seals, in_force=FIRST)) == "PolicySealMissing"
    by_old = [a_seal(who, taken) for who in ("alice", "bob")]
    assert isinstance(judged(taken, *by_old, in_force=FIRST), Adopt)


def test_new_keys_of_old_owners_do_not_count_for_the_revision_that_brings_them() -> None:
    people = [{"name": who, "keys": [key_of(who, 7)]} for who in PEOPLE]
    swapped = a_revision(2, people=people)
    seals = [a_seal(who, swapped, number=7) for who in ("alice", "bob")]

    assert reason(judged(swapped, *seals, in_force=FIRST)) == "PolicySealMissing"


def test_several_keys_of_one_person_are_one_seal() -> None:
    seals = [a_seal("alice", SECOND), a_seal("alice", SECOND, number=2)]

    assert reason(judged(SECOND, *seals, in_force=FIRST)) == "PolicySealMissing"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"policy_digest": "0" * 64}, "the digest"),
        ({"revision": 3}, "the revision"),
        ({"name": "others"}, "the policy"),
        ({"namespace": "elsewhere"}, "the namespace"),
        ({"kind": "ClusterReleasePolicy"}, "the kind"),
        ({"clusters": frozenset({"staging"})}, "is for staging"),
        ({"expires_at": NOW}, "expired at"),
        ({"signed_at": NOW + timedelta(minutes=2)}, "yet to come"),
        ({"origin": "https://evil.example.com"}, "the SSH key"),
        ({"signer": Signer(kind="key", issuer="key", subject="SHA256:00")}, "the key SHA256:00"),
        ({"signer": Signer(kind="ssh", issuer="ssh", subject=key_of("carol"))}, "by carol"),
        (
            {
                "signer": Signer(kind="sigstore", issuer=SSO, subject="bob@example.com"),
                "root_sha256": "0" * 64,
            },
            "bob@example.com",
        ),
    ],
)
def test_a_seal_of_anything_else_does_not_count(changes: dict[str, Any], words: str) -> None:
    found = judged(
        SECOND, a_seal("alice", SECOND), a_seal("bob", SECOND, **changes), in_force=FIRST
    )

    assert isinstance(found, Ignored)
    assert found.reason == "PolicySealMissing"
    assert found.sealed_by == ("alice",)
    assert words in found.message


def test_the_same_signature_under_two_roots_is_no_complaint() -> None:
    stranger = a_seal("bob", SECOND, signer=Signer(kind="ssh", issuer="ssh", subject="else"))
    seals = [a_seal("bob", SECOND), stranger]

    found = judged(SECOND, *seals, in_force=FIRST)

    assert isinstance(found, Ignored)
    assert "Not counted" not in found.message


def test_a_second_factor_is_asked_for_where_the_owners_ask_for_it() -> None:
    strict = a_revision(mfa=True)
    seals = [a_seal("alice", SECOND, user_verified=True), a_seal("bob", SECOND)]

    assert reason(judged(SECOND, *seals, in_force=strict)) == "PolicySealMissing"
    seals[1] = a_seal("bob", SECOND, user_verified=True)
    assert isinstance(judged(SECOND, *seals, in_force=strict), Adopt)


GENESIS = Genesis.model_validate_json(
    f'{{"owners": [{{"name": "rita", "keys": ["{key_of("rita")}"]}},'
    f' {{"name": "ron", "keys": ["{key_of("ron")}"]}}], "threshold": 1}}'
)


def test_the_first_revision_is_1_and_sealed_by_its_own_owners() -> None:
    seals = [a_seal(who, FIRST) for who in ("alice", "bob")]

    assert judged(FIRST, *seals) == Adopt(basis="FirstUse", sealed_by=("alice", "bob"))
    assert reason(judged(FIRST, seals[0])) == "PolicySealMissing"
    later = [a_seal(who, SECOND) for who in ("alice", "bob")]
    assert reason(judged(SECOND, *later)) == "PolicyRevisionJump"


def test_the_first_revision_needs_root_owners_where_there_are_any() -> None:
    own = [a_seal(who, FIRST) for who in ("alice", "bob")]
    root = a_seal("ron", FIRST)

    found = judged(FIRST, *own, genesis=GENESIS)
    assert isinstance(found, Ignored)
    assert found.could_seal == ("root:rita", "root:ron")
    assert reason(judged(FIRST, own[0], root, genesis=GENESIS)) == "PolicySealMissing"
    assert judged(FIRST, *own, root, genesis=GENESIS) == Adopt(
        basis="Genesis", sealed_by=("root:ron", "alice", "bob")
    )


@pytest.mark.parametrize(
    "changes",
    [
        # A policy brings its own trust roots, which certify whatever name their maker likes.
        {"signer": Signer(kind="sigstore", issuer=SSO, subject=key_of("ron"))},
        {"origin": "https://evil.example.com"},
    ],
)
def test_a_root_owner_signs_with_an_ssh_key_and_in_no_other_way(changes: dict[str, Any]) -> None:
    own = [a_seal(who, FIRST) for who in ("alice", "bob")]

    assert (
        reason(judged(FIRST, *own, a_seal("ron", FIRST, **changes), genesis=GENESIS))
        == "PolicySealMissing"
    )


def test_root_owners_have_no_say_once_a_policy_is_in_force() -> None:
    seals = [a_seal(who, SECOND) for who in ("rita", "ron")]

    assert reason(judged(SECOND, *seals, in_force=FIRST, genesis=GENESIS)) == "PolicySealMissing"


def test_a_retired_policy_comes_back_only_as_its_next_revision() -> None:
    retired = a_revision(2, retired=True)

    assert reason(judged(FIRST, in_force=retired)) == "PolicyRollback"
    back = a_revision(3)
    assert isinstance(
        judged(back, *(a_seal(who, back) for who in ("alice", "bob")), in_force=retired), Adopt
    )


somebody = st.frozensets(st.sampled_from(PEOPLE), min_size=1)


@given(owners=somebody, sealers=st.frozensets(st.sampled_from(PEOPLE)), data=st.data())
def test_invariant_9_no_revision_without_the_threshold_of_the_owners_before(
    owners: frozenset[str], sealers: frozenset[str], data: st.DataObject
) -> None:
    threshold = data.draw(st.integers(1, len(owners)))
    own = data.draw(somebody)
    before = a_revision(1, owners=tuple(sorted(owners)), threshold=threshold)
    after = a_revision(2, owners=tuple(sorted(own)), threshold=1, count=1)
    seals = [a_seal(who, after, number=number) for who in sealers for number in (1, 2)]

    found = judged(after, *seals, in_force=before)

    assert isinstance(found, Adopt) == (len(sealers & owners) >= threshold)


a_proposal = st.builds(
    a_revision,
    st.integers(1, 4),
    owners=somebody.map(lambda names: tuple(sorted(names))),
    threshold=st.just(1),
    count=st.integers(1, 3),
    retired=st.booleans(),
)


@given(
    st.lists(
        st.tuples(a_proposal, st.frozensets(st.sampled_from(PEOPLE)), st.booleans()), max_size=12
    )
)
def test_invariant_9_whatever_is_proposed_the_revisions_in_force_are_a_chain(
    proposals: list[tuple[PolicyInForce, frozenset[str], bool]],
) -> None:
    chain: list[PolicyInForce] = []
    for proposed, sealers, stale in proposals:
        before = chain[-1] if chain else None
        old = {"policy_digest": "0" * 64} if stale else {}
        found = judged(
            proposed, *(a_seal(who, proposed, **old) for who in sealers), in_force=before
        )
        if isinstance(found, Adopt):
            named = (before or proposed).spec.owners
            assert named is not None
            assert not stale
            assert sealers & set(named.people)
            chain.append(proposed)

    assert [each.spec.revision for each in chain] == list(range(1, len(chain) + 1))
