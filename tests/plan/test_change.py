"""What merging would do, judged as the operator judges, and never in the change's favour."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sluice.plan.change import ChannelPlan, Plan
from sluice.resources.canonical import canonical_json
from sluice.resources.genesis import Genesis
from support.pull_request import plan_of
from support.sealing import SshPerson, sealed
from support.team import Team, manifest

Body = dict[str, Any]


def without(bodies: list[Body], kind: str, name: str = "") -> list[Body]:
    return [
        each
        for each in bodies
        if not (each["kind"] == kind and name in ("", each["metadata"]["name"]))
    ]


def pointing_at(team: Team, bodies: list[Body], release: str | None, **spec: Any) -> list[Body]:
    return [*without(bodies, "Channel"), team.channel_manifest(release, **spec)]


def with_policy(bodies: list[Body], policy: Body) -> list[Body]:
    return [*without(bodies, "ReleasePolicy"), policy]


def the_channel(plan: Plan) -> ChannelPlan:
    [channel] = plan.channels
    return channel


def reasons(channel: ChannelPlan) -> set[str]:
    verdicts = [each for each in (channel.verdict, channel.verdict_after) if each]
    return {
        finding.reason
        for verdict in verdicts
        for finding in verdict.findings
        if finding.enforced and finding.state != "satisfied"
    }


@pytest.fixture
def next_release(team: Team) -> Body:
    return team.release_manifest("1.4.2")


def test_a_release_without_enough_approvals_would_be_held(
    team: Team, base: list[Body], next_release: Body
) -> None:
    alice = team.approval_manifest("alice", next_release)

    plan = plan_of(base, [*pointing_at(team, base, "shop-1.4.2"), next_release, alice])

    channel = the_channel(plan)
    assert (channel.release_before, channel.release_after) == ("shop-1.4.1", "shop-1.4.2")
    assert channel.outcome == "held"
    assert reasons(channel) == {"ApprovalsMissing"}
    assert channel.verdict is not None
    assert "Still needed: 1 of bob, carol" in channel.verdict.message
    assert plan.exit_code == 3


def test_a_release_that_enough_people_approve_is_allowed(
    team: Team, base: list[Body], next_release: Body
) -> None:
    words = [team.approval_manifest(who, next_release) for who in ("alice", "bob")]

    plan = plan_of(base, [*pointing_at(team, base, "shop-1.4.2"), next_release, *words])

    assert the_channel(plan).outcome == "allowed"
    assert plan.exit_code == 0
    assert [each.what for each in plan.words] == ["added", "added"]
    assert plan.words[0].said.startswith("alice approves 1.4.2 as release-manager for channel")


def test_an_approval_alone_is_enough_of_a_change_to_judge_anew(
    team: Team, base: list[Body], next_release: Body
) -> None:
    alice, bob = (team.approval_manifest(who, next_release) for who in ("alice", "bob"))
    before = [*pointing_at(team, base, "shop-1.4.2"), next_release, alice]

    channel = the_channel(plan_of(before, [*before, bob]))

    assert channel.what == "judged anew"
    assert channel.answer_before == "held"
    assert channel.outcome == "allowed"


def test_a_change_of_nothing_that_is_judged_judges_nothing(team: Team, base: list[Body]) -> None:
    plan = plan_of(base, [*base, team.release_manifest("1.5.0")])

    assert plan.channels == ()
    assert plan.unaffected == 1
    assert plan.exit_code == 0


def test_channels_that_do_not_change_are_judged_when_asked_for(base: list[Body]) -> None:
    channel = the_channel(plan_of(base, base, everything=True))

    assert (channel.what, channel.outcome) == ("unchanged", "allowed")


def test_attack_14_a_policy_weakened_with_the_release_is_judged_as_it_was(
    team: Team, base: list[Body], next_release: Body
) -> None:
    """Even one that its owners have sealed: it counts from the next change on."""
    alice = team.approval_manifest("alice", next_release)
    weaker = team.policy_manifest(count=1, revision=2)
    weak = with_policy(pointing_at(team, base, "shop-1.4.2"), weaker)

    plan = plan_of(base, [*weak, next_release, alice])

    channel = the_channel(plan)
    assert channel.outcome == "held"
    assert channel.verdict is not None
    assert channel.verdict.answer == "held"
    assert channel.verdict_after is not None
    assert channel.verdict_after.answer == "allowed"
    [change] = plan.policies
    assert change.comes_into_force
    assert not any("taken to be in force" in each for each in channel.unknown)
    assert change.message == "Revision 2, sealed by alice, bob, comes into force."
    assert [str(each) for each in change.differences] == [
        "~ requirements.approved.approvals.count: 2 → 1",
        "~ revision: 1 → 2",
    ]


def test_a_policy_made_stricter_judges_too(
    team: Team, base: list[Body], next_release: Body
) -> None:
    words = [team.approval_manifest(who, next_release) for who in ("alice", "bob")]
    stricter = team.policy_manifest(count=3, revision=2)
    strict = with_policy(pointing_at(team, base, "shop-1.4.2"), stricter)

    channel = the_channel(plan_of(base, [*strict, next_release, *words]))

    assert channel.verdict is not None
    assert channel.verdict.answer == "allowed"
    assert channel.outcome == "held"


def test_a_first_policy_does_not_judge_what_comes_with_it_unless_asked_to(
    base: list[Body],
) -> None:
    first = plan_of([], base)
    asked = plan_of([], base, rule="head")

    verdict = the_channel(first).verdict
    assert verdict is not None
    assert verdict.reason == "NoPolicy"
    assert first.exit_code == 3
    assert "(--genesis)" in first.policies[0].message
    assert (the_channel(asked).outcome, asked.exit_code) == ("allowed", 0)


def test_root_owners_must_seal_a_first_policy(team: Team, base: list[Body]) -> None:
    root = SshPerson()
    people = [{"name": "root", "keys": [root.public_key]}]
    genesis = Genesis.model_validate_json(canonical_json({"owners": people, "threshold": 1}))
    both = sealed(base[1], root, *(team.keys[who] for who in ("alice", "bob")), cluster="prod")

    without_root = plan_of([], base, rule="head", genesis=genesis)
    with_root = plan_of([], with_policy(base, both), rule="head", genesis=genesis)

    assert without_root.exit_code == 3
    assert "root owners of the cluster have sealed it" in without_root.policies[0].message
    assert with_root.exit_code == 0


def test_a_policy_without_owners_counts_only_where_the_cluster_lets_it(
    team: Team, base: list[Body]
) -> None:
    unsealed = with_policy(base, team.unsealed_policy_manifest())

    strict = plan_of(unsealed, unsealed, everything=True)
    lax = plan_of(unsealed, unsealed, everything=True, unsealed=True)

    assert reasons(the_channel(strict)) == {"PolicyUnreadable"}
    assert the_channel(lax).outcome == "allowed"


def test_a_policy_without_owners_is_changed_by_merging_and_judges_for_the_last_time(
    team: Team, base: list[Body], next_release: Body
) -> None:
    unsealed = with_policy(base, team.unsealed_policy_manifest())
    head = [*without(pointing_at(team, unsealed, "shop-1.4.2"), "ReleasePolicy"), next_release]

    plan = plan_of(unsealed, head, unsealed=True)

    assert plan.policies[0].comes_into_force
    verdict = the_channel(plan).verdict
    assert verdict is not None
    assert verdict.reason == "ApprovalsMissing"


def test_a_revision_that_too_few_owners_sealed_changes_nothing(
    team: Team, base: list[Body], next_release: Body
) -> None:
    weak = team.policy_manifest(count=1, revision=2, sealed_by=("alice",))
    alice = team.approval_manifest("alice", next_release)
    head = [*with_policy(pointing_at(team, base, "shop-1.4.2"), weak), next_release, alice]

    plan = plan_of(base, head, rule="head")

    [change] = plan.policies
    assert not change.comes_into_force
    assert "1 of 2 owners that revision 1 names have sealed it" in change.message
    assert the_channel(plan).verdict_after is None
    assert the_channel(plan).outcome == "held"


def test_a_policy_that_stands_at_base_outlives_its_seals(team: Team, base: list[Body]) -> None:
    """Seals expire; what they brought into force does not."""
    later = datetime.now(UTC) + timedelta(days=30)
    longer = [
        team.approval_manifest(who, base[2], expires_at=later + timedelta(days=1))
        for who in ("alice", "bob")
    ]
    head = [*without(base, "Approval"), *longer]

    assert the_channel(plan_of(base, head, now=later)).outcome == "allowed"


def test_a_first_revision_that_was_never_sealed_is_not_taken_to_be_in_force(
    team: Team, base: list[Body]
) -> None:
    half = with_policy(base, team.policy_manifest(sealed_by=("alice",)))

    assert reasons(the_channel(plan_of(half, half, everything=True))) == {"PolicyUnreadable"}


def test_a_later_revision_is_taken_to_be_in_force_and_said_to_be(
    team: Team, base: list[Body]
) -> None:
    later = with_policy(base, team.policy_manifest(revision=7, sealed_by=()))

    channel = the_channel(plan_of(later, later, everything=True))

    assert channel.outcome == "allowed"
    assert any("Revision 7 of ReleasePolicy/releases is taken" in each for each in channel.unknown)


def test_a_sealed_policy_outlives_its_file(base: list[Body]) -> None:
    plan = plan_of(base, without(base, "ReleasePolicy"), everything=True)

    [change] = plan.policies
    assert not change.comes_into_force
    assert the_channel(plan).outcome == "allowed"


def test_a_deleted_approval_is_called_out_and_empties_its_seat(
    team: Team, base: list[Body]
) -> None:
    plan = plan_of(base, without(base, "Approval", "shop-1.4.1-bob"))

    [word] = plan.words
    assert (word.what, word.key.name) == ("removed", "shop-1.4.1-bob")
    assert "growth pauses" in word.alarm
    assert the_channel(plan).answer_before == "allowed"
    assert the_channel(plan).outcome == "held"


@pytest.mark.parametrize(("decision", "outcome"), [("reject", "withdrawn"), ("withdraw", "held")])
def test_a_no_that_is_deleted_is_called_out_and_counts_all_the_same(
    team: Team, base: list[Body], decision: str, outcome: str
) -> None:
    """As in the cluster, which keeps what it has seen (row 13 of the attacks, and its reverse)."""
    no = team.approval_manifest("alice", base[2], decision=decision, sequence=1)
    no["metadata"]["name"] = "shop-1.4.1-no"

    given = plan_of(base, [*base, no])
    deleted = plan_of([*base, no], base)

    assert the_channel(given).outcome == outcome
    [word] = deleted.words
    assert "outlives its file" in word.alarm
    assert the_channel(deleted).outcome == outcome
    assert the_channel(deleted).verdict is not None


def test_an_approval_that_proves_nothing_is_told(team: Team, base: list[Body]) -> None:
    other = team.release_manifest("1.4.9")
    forged = team.approval_manifest("carol", other)
    forged["spec"]["release"] = "shop-1.4.1"

    [word] = plan_of(base, [*base, forged]).words

    assert not word.proven
    assert word.said.startswith("ApprovalForOtherRelease")


def test_a_word_of_somebody_whom_no_policy_names_is_called_out(
    team: Team, base: list[Body]
) -> None:
    [word] = plan_of(base, [*base, team.approval_manifest("mallory", base[2])]).words

    assert word.proven
    assert "counts for nothing" in word.alarm


def test_a_channel_that_is_paused_says_so(team: Team, base: list[Body]) -> None:
    plan = plan_of(base, pointing_at(team, base, "shop-1.4.1", paused=True))

    assert the_channel(plan).steps.startswith("paused, and once it is not: 1% for 30m")
    assert [str(each) for each in the_channel(plan).differences] == ["+ paused: true"]


def test_a_release_that_changes_is_a_problem_before_all_else(team: Team, base: list[Body]) -> None:
    changed = [
        {**each, "spec": {**each["spec"], "notes": "other"}} if each["kind"] == "Release" else each
        for each in base
    ]

    plan = plan_of(base, changed)

    [problem] = plan.problems
    assert problem.reason == "Immutable"
    assert str(problem.spot) == "deploy/release-shop-1.4.1.yaml:7:3"
    assert plan.exit_code == 1


def test_a_revocation_withdraws(team: Team, base: list[Body]) -> None:
    revoked = [
        {**each, "spec": {**each["spec"], "revoked": {"reason": "it leaks"}}}
        if each["kind"] == "Release"
        else each
        for each in base
    ]

    plan = plan_of(base, revoked)

    assert the_channel(plan).outcome == "withdrawn"
    assert plan.exit_code == 4


def test_attack_30_a_version_that_is_another_bundle_already_is_refused(
    team: Team, base: list[Body]
) -> None:
    other = team.release_manifest("1.4.1", b"PK another bundle")
    other["metadata"]["name"] = "shop-1.4.1-again"
    words = [team.approval_manifest(who, other) for who in ("alice", "bob")]

    plan = plan_of(base, [*pointing_at(team, base, "shop-1.4.1-again"), other, *words])

    assert reasons(the_channel(plan)) == {"VersionTaken"}
    assert the_channel(plan).outcome == "refused"
    assert plan.exit_code == 4


@pytest.mark.parametrize(
    ("head_without", "reason"), [("App", "AppMissing"), ("Release", "ReleaseMissing")]
)
def test_what_a_channel_names_must_be_there(
    base: list[Body], head_without: str, reason: str
) -> None:
    plan = plan_of(base, without(base, head_without))

    assert [each.reason for each in plan.problems] == [reason]
    assert plan.problems[0].spot.path == "deploy/channel-production.yaml"


def test_a_release_of_another_app_is_a_problem(team: Team, base: list[Body]) -> None:
    other = team.release_manifest("2.0.0", app="till")

    plan = plan_of(base, [*pointing_at(team, base, "shop-2.0.0"), other])

    assert [each.reason for each in plan.problems] == ["ReleaseOfOtherApp"]


def test_a_channel_that_is_removed_or_emptied_changes_nothing_on_phones(
    team: Team, base: list[Body]
) -> None:
    removed = plan_of(base, without(base, "Channel"))
    emptied = plan_of(base, pointing_at(team, base, None))

    assert (the_channel(removed).what, removed.exit_code) == ("removed", 0)
    assert (the_channel(emptied).outcome, emptied.exit_code) == ("nothing", 0)


def test_what_is_served_now_is_said_to_be_taken_from_base(
    team: Team, base: list[Body], next_release: Body
) -> None:
    plan = plan_of(base, [*pointing_at(team, base, "shop-1.4.2"), next_release])
    fresh = plan_of(without(base, "Channel"), base)

    [told] = the_channel(plan).unknown
    assert told.startswith("Phones are taken to get shop-1.4.1 (1.4.1) now")
    assert the_channel(fresh).unknown[0].startswith("Phones are taken to get nothing")


def test_what_only_the_cluster_knows_counts_as_not_shown_and_is_told(
    team: Team, base: list[Body], next_release: Body
) -> None:
    needs = [
        {"name": "soaked", "soak": {"channel": "beta", "duration": "1d"}},
        {"name": "hours", "window": {"timeZone": "Europe/Berlin"}},
        {"name": "contents", "bundle": {"secrets": "Refuse"}},
    ]
    before = with_policy(base, team.policy_manifest(requirements=needs))

    channel = the_channel(plan_of(before, [*pointing_at(team, before, "shop-1.4.2"), next_release]))

    assert channel.outcome == "held"
    assert [each.partition(":")[0] for each in channel.unknown[1:]] == [
        "soaked",
        "hours",
        "contents",
    ]


def test_a_release_that_is_revoked_at_base_is_not_taken_to_be_live(
    team: Team, base: list[Body], next_release: Body
) -> None:
    base[2]["spec"]["revoked"] = {"reason": "it leaks"}

    channel = the_channel(plan_of(base, [*pointing_at(team, base, "shop-1.4.2"), next_release]))

    assert channel.unknown[0].startswith("Phones are taken to get nothing")


def test_an_attestation_at_a_url_counts_only_when_it_is_handed_in(
    team: Team, base: list[Body], next_release: Body
) -> None:
    given = next_release["spec"]["attestations"][0].pop("inline").encode()
    digest = hashlib.sha256(given).hexdigest()
    next_release["spec"]["attestations"][0] |= {
        "url": "https://ci.example.com/s.json",
        "sha256": digest,
    }
    words = [team.approval_manifest(who, next_release) for who in ("alice", "bob")]
    head = [*pointing_at(team, base, "shop-1.4.2"), next_release, *words]

    blind, seeing = plan_of(base, head), plan_of(base, head, fetched={digest: given})

    assert reasons(the_channel(blind)) == {"SignatureMissing"}
    assert any("--evidence" in each for each in the_channel(blind).unknown)
    assert the_channel(seeing).outcome == "allowed"


def test_time_is_an_argument(team: Team, base: list[Body]) -> None:
    later = datetime.now(UTC) + timedelta(days=30)

    assert the_channel(plan_of(base, base, everything=True, now=later)).outcome == "held"


def test_approvals_for_another_cluster_do_not_count_here(base: list[Body]) -> None:
    assert the_channel(plan_of(base, base, everything=True, cluster="qa")).outcome == "held"


def test_policies_of_the_cluster_bind(team: Team, base: list[Body]) -> None:
    wide = team.policy_manifest(count=3, name="wide")
    wide = manifest("ClusterReleasePolicy", "wide", "", wide["spec"])
    owners = [team.keys[who] for who in ("alice", "bob")]

    plan = plan_of(base, [*base, sealed(wide, *owners, cluster="prod")])

    assert the_channel(plan).outcome == "held"
    assert plan.unknown == ()
