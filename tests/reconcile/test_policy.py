"""What is done next with a policy: judged by nothing but what was observed."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.policy.sealing import Adopt, Ignored, Judgement, Same
from sluice.policy.subject import PolicyInForce
from sluice.reconcile.observed import PolicyObserved, SealedRevision
from sluice.reconcile.policy import next_step
from sluice.reconcile.status import policy_status
from sluice.reconcile.step import AdoptPolicy, Hold, Rest
from sluice.resources.canonical import canonical_json
from sluice.resources.kinds import Key, Resource
from sluice.resources.policy import PolicySpec
from support.builders import NOW, a_policy

KEY = Key("ReleasePolicy", "shop", "policy")
OBJECT = Resource(key=KEY, uid="u", generation=3, resource_version="1", spec=None)
ADOPT = Adopt(basis="Owners", sealed_by=("alice",))
MISSING = Ignored(
    reason="PolicySealMissing", message="Seal it.", sealed_by=("alice",), could_seal=("bob",)
)


def a_revision(number: int, **changes: Any) -> PolicyInForce:
    policy = a_policy()
    fields = policy.spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    fields |= {"owners": {"people": ["alice"], "threshold": 1}, "revision": number, **changes}
    return replace(policy, spec=PolicySpec.model_validate_json(canonical_json(fields)))


def in_force(number: int = 1, basis: Any = "Owners", **changes: Any) -> SealedRevision:
    return SealedRevision(
        policy=a_revision(number, **changes), basis=basis, sealed_by=("alice",), since=NOW
    )


def seen(**changes: Any) -> PolicyObserved:
    fields: dict[str, Any] = {
        "key": KEY,
        "policy": OBJECT,
        "proposed": a_revision(2),
        "problem": "",
        "in_force": in_force(),
        "store_problem": "",
        "judgement": ADOPT,
        "unsealed_allowed": False,
        "channels": 1,
        "now": NOW,
    }
    return PolicyObserved(**{**fields, **changes})


judgements: st.SearchStrategy[Judgement | None] = st.sampled_from(
    [ADOPT, Same(), MISSING, replace(MISSING, reason="PolicyUnsealed"), None]
)


@given(
    judgement=judgements,
    problem=st.sampled_from(["", "It is not what was sealed."]),
    proposed=st.sampled_from([None, a_revision(2)]),
    policy=st.sampled_from([None, OBJECT]),
    known=st.sampled_from([None, in_force(), in_force(retired=True)]),
    allowed=st.booleans(),
)
def test_invariant_9_nothing_comes_into_force_but_by_the_judgement(
    judgement: Judgement | None,
    problem: str,
    proposed: PolicyInForce | None,
    policy: Resource | None,
    known: SealedRevision | None,
    allowed: bool,
) -> None:
    observed = seen(
        judgement=judgement,
        store_problem=problem,
        proposed=proposed,
        policy=policy,
        in_force=known,
        unsealed_allowed=allowed,
    )

    step = next_step(observed)

    adopts = judgement == ADOPT and not problem and proposed is not None and policy is not None
    assert isinstance(step, AdoptPolicy) == adopts
    if policy is not None:
        assert policy_status(observed, step).conditions


@pytest.mark.parametrize(
    ("changes", "kind", "reason", "words"),
    [
        ({"store_problem": "Forged."}, Hold, "PolicyRowRefused", "Forged. Until then everything"),
        (
            {"proposed": None, "problem": "No key."},
            Hold,
            "PolicyUnreadable",
            "No key. Until then revision 1 stays in force.",
        ),
        (
            {"proposed": None, "problem": "No key.", "in_force": None},
            Hold,
            "PolicyUnreadable",
            "everything in its reach is held",
        ),
        ({"judgement": MISSING}, Hold, "PolicySealMissing", "Until then revision 1 stays"),
        ({"judgement": Same()}, Rest, "InForce", "sealed by alice"),
        (
            {"judgement": Same(), "in_force": in_force(basis="FirstUse")},
            Rest,
            "InForceByFirstUse",
            "--genesis",
        ),
        ({"judgement": Same(), "in_force": in_force(retired=True)}, Rest, "Retired", "nothing"),
        ({"policy": None}, Rest, "InForceWithoutFile", "revision 2 with retired: true"),
        ({"policy": None, "in_force": in_force(2, retired=True)}, Rest, "Retired", "revision 2"),
        ({"policy": None, "in_force": None}, Rest, "Gone", ""),
    ],
)
def test_what_is_so_is_said_with_what_to_do(
    changes: dict[str, Any], kind: type, reason: str, words: str
) -> None:
    step = next_step(seen(**changes))

    assert isinstance(step, Rest | Hold)
    assert (type(step), step.reason) == (kind, reason)
    assert words in step.message


def test_a_status_shows_what_is_in_force_what_is_proposed_and_who_could_seal_it() -> None:
    observed = seen(judgement=MISSING)
    shown = policy_status(observed, next_step(observed))

    assert shown.in_force is not None
    assert (shown.in_force.revision, shown.in_force.sealed_by) == (1, ("alice",))
    assert shown.proposed is not None
    assert (shown.proposed.revision, shown.proposed.could_seal) == (2, ("bob",))
    assert {each.type for each in shown.conditions} == {"Ready", "Reconciling"}
