"""What never widens what is allowed, and what time alone changes: of the whole verdict.

Removing a fact is let widen in these cases alone, for then it takes back what somebody had said:
(1) a rejection, a withdrawal, or an approval that had replaced an earlier word of its person;
(2) a word that broke the glass, and so made a debt; (3) a statement or signature. The first two
stand in Approvals: the operator remembers words of no, and a deleted Approval pauses growth. The
last stands in the Release, and without it the Release has another digest: nobody has approved that.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.policy.evaluate import evaluate
from sluice.policy.subject import PolicyInForce
from sluice.policy.verdict import Verdict
from sluice.resources.canonical import canonical_json
from sluice.resources.policy import PolicySpec
from sluice.verify.facts import Approval, Facts, Statement
from support.builders import CI_SIGNER, a_release, a_subject, an_approval
from support.worlds import PEOPLE, ROLES, World, policies, requirements, width, worlds

THOROUGH = settings(max_examples=150, deadline=None)


def changed(policy: PolicyInForce, **changes: Any) -> PolicyInForce:
    fields = policy.spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    return replace(
        policy, spec=PolicySpec.model_validate_json(canonical_json({**fields, **changes}))
    )


@THOROUGH
@given(worlds(), policies("further"))
def test_a_further_policy_never_widens(world: World, further: PolicyInForce) -> None:
    """But for the first one, without which nothing is allowed."""
    more = world.verdict(policies=(*world.policies, further))

    assert width(more) <= width(world.verdict())


@THOROUGH
@given(worlds(), requirements("further"))
def test_a_further_requirement_never_widens(world: World, further: dict[str, Any]) -> None:
    first, *rest = world.policies
    fields = first.spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    more = changed(first, requirements=[*fields["requirements"], further])

    assert width(world.verdict(policies=(more, *rest))) <= width(world.verdict())


@THOROUGH
@given(
    worlds(),
    st.sampled_from((*PEOPLE, "stranger")),
    st.sampled_from(sorted(ROLES)),
    st.integers(0, 3),
)
def test_a_rejection_never_widens(world: World, who: str, role: str, sequence: int) -> None:
    no = an_approval(who, role=role, decision="reject", sequence=sequence)
    with_it = replace(world.facts, approvals=(*world.facts.approvals, no))

    assert width(world.verdict(facts=with_it)) <= width(world.verdict())


@given(worlds(policies_min=0))
def test_a_revoked_release_is_withdrawn(world: World) -> None:
    subject = a_subject(a_release(revoked={"reason": "it crashes"}), circumstances=world.around)

    assert evaluate(world.policies, subject, world.facts, world.now).answer == "withdrawn"


def took_something_away(facts: Facts, who: str, role: str) -> bool:
    """Whether a person said no in a role, replaced a word of theirs, or broke the glass."""
    words = [each for each in facts.approvals if each.source == f"Approval/{who}"]
    words = [each for each in words if each.role == role]
    return (
        any(each.decision != "approve" for each in words)
        or len(words) > 1
        or any(each.source == f"Approval/{who}" for each in facts.glass_broken)
    )


@THOROUGH
@given(worlds(), st.sampled_from(PEOPLE), st.sampled_from(sorted(ROLES)))
def test_somebody_who_leaves_a_role_never_widens(world: World, who: str, role: str) -> None:
    """But for their own words of no, which nobody says any more."""
    if took_something_away(world.facts, who, role):
        return
    members = {**ROLES, role: [each for each in ROLES[role] if each != who]}
    roles = [{"name": name, "members": people} for name, people in members.items()]
    without = tuple(changed(each, roles=roles) for each in world.policies)

    assert width(world.verdict(policies=without)) <= width(world.verdict())


def without_one(facts: Facts) -> Iterator[tuple[Any, Facts]]:
    for kind in ("signatures", "statements", "approvals", "exceptions", "glass_broken"):
        given = getattr(facts, kind)
        for i, each in enumerate(given):
            yield each, replace(facts, **{kind: (*given[:i], *given[i + 1 :])})


def may_widen(removed: Any, facts: Facts) -> bool:
    """Whether removing a fact takes back something that was said; see above."""
    if removed in facts.signatures or removed in facts.statements:
        return True
    if removed in facts.glass_broken:
        return True
    if not isinstance(removed, Approval):
        return False
    others = [
        each
        for each in facts.approvals
        if (each.source, each.role) == (removed.source, removed.role) and each != removed
    ]
    return removed.decision != "approve" or bool(others)


@THOROUGH
@given(worlds())
def test_a_fact_that_is_removed_never_widens_unless_it_took_something_away(world: World) -> None:
    before = width(world.verdict())
    for removed, rest in without_one(world.facts):
        assert width(world.verdict(facts=rest)) <= before or may_widen(removed, world.facts)


@THOROUGH
@given(worlds())
def test_a_statement_that_is_removed_widens_only_what_a_newer_or_named_one_held(
    world: World,
) -> None:
    """A sole statement of its type, by the pipeline and naming nobody, only ever helps."""
    before = width(world.verdict())
    for removed, rest in without_one(world.facts):
        if removed not in world.facts.statements:
            continue
        types = [each.predicate_type for each in world.facts.statements]
        names = people_named_in(removed)
        if types.count(removed.predicate_type) == 1 and not names and removed.signer == CI_SIGNER:
            assert width(world.verdict(facts=rest)) <= before


def people_named_in(statement: Statement) -> set[str]:
    """Who is barred because of a statement, and not because the release names them."""
    predicate = statement.predicate()
    named = predicate.get("buildDefinition", {}).get("internalParameters", {}).get("authors", [])
    return {*named, predicate.get("author", "dora@example.com")} - {"dora@example.com"}


@THOROUGH
@given(worlds(), st.integers(0, 3 * 24 * 60))
def test_nothing_changes_before_the_time_at_which_to_look_again(world: World, minutes: int) -> None:
    verdict = world.verdict()
    later = world.now + timedelta(minutes=minutes, microseconds=-1)
    if later >= world.now and (verdict.recheck_at is None or later < verdict.recheck_at):
        assert world.verdict(now=later) == verdict


@THOROUGH
@given(worlds())
def test_the_time_to_look_again_is_always_ahead(world: World) -> None:
    recheck_at = world.verdict().recheck_at

    assert recheck_at is None or recheck_at > world.now


def gist(verdict: Verdict) -> Any:
    return (
        width(verdict),
        {(each.policy, each.requirement, each.state) for each in verdict.findings},
        verdict.recheck_at,
    )


@THOROUGH
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_facts_does_not_matter(world: World, random: Any) -> None:
    def shuffled(items: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(random.sample(items, len(items)))

    mixed = Facts(
        signatures=shuffled(world.facts.signatures),
        statements=shuffled(world.facts.statements),
        approvals=shuffled(world.facts.approvals),
        exceptions=shuffled(world.facts.exceptions),
        glass_broken=shuffled(world.facts.glass_broken),
    )

    assert gist(world.verdict(facts=mixed)) == gist(world.verdict())


@THOROUGH
@given(worlds())
def test_the_same_facts_twice_are_worth_no_more(world: World) -> None:
    twice = Facts(
        signatures=world.facts.signatures * 2,
        statements=world.facts.statements * 2,
        approvals=world.facts.approvals * 2,
        exceptions=world.facts.exceptions * 2,
        glass_broken=world.facts.glass_broken * 2,
    )

    assert width(world.verdict(facts=twice)) == width(world.verdict())
