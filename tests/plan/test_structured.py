"""A plan for machines has the shape that they expect."""

import json
from typing import Any

from sluice.plan.structured import PLAN_FORMAT, as_json, as_sarif
from support.pull_request import plan_of
from support.team import Team

Body = dict[str, Any]


def with_release(team: Team, base: list[Body], *words: str) -> list[Body]:
    release = team.release_manifest("1.4.2")
    head = [each for each in base if each["kind"] != "Channel"]
    head += [team.channel_manifest("shop-1.4.2"), release]
    return head + [team.approval_manifest(who, release) for who in words]


def sarif_of(base: list[Body], head: list[Body]) -> list[Body]:
    """Return the results, once all that SARIF 2.1.0 requires of them has been seen."""
    log = json.loads(as_sarif(plan_of(base, head)))
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    [run] = log["runs"]
    driver = run["tool"]["driver"]
    rules = [each["id"] for each in driver["rules"]]
    assert driver["name"] == "sluice plan"
    assert len(rules) == len(set(rules))
    for each in run["results"]:
        assert rules[each["ruleIndex"]] == each["ruleId"]
        assert each["level"] in ("none", "note", "warning", "error")
        assert each["message"]["text"]
        [location] = each["locations"]
        place = location["physicalLocation"]
        assert place["artifactLocation"]["uri"].startswith("deploy/")
        assert place["region"]["startLine"] >= 1
        assert place["region"]["startColumn"] >= 1
    results: list[Body] = run["results"]
    return results


def test_what_is_missing_warns_at_the_channel(team: Team, base: list[Body]) -> None:
    [result] = sarif_of(base, with_release(team, base, "alice"))

    assert (result["ruleId"], result["level"]) == ("ApprovalsMissing", "warning")
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "deploy/channel-production.yaml"


def test_an_allowed_release_has_no_results(team: Team, base: list[Body]) -> None:
    assert sarif_of(base, with_release(team, base, "alice", "bob")) == []


def test_problems_and_rejections_are_errors(team: Team, base: list[Body]) -> None:
    no = team.approval_manifest("carol", base[2], decision="reject")
    missing = [each for each in base if each["kind"] != "Release"]

    assert {each["level"] for each in sarif_of(base, [*base, no])} == {"error"}
    assert [each["ruleId"] for each in sarif_of(base, missing) if each["level"] == "error"] == [
        "ReleaseMissing"
    ]


def test_a_deleted_approval_and_a_changed_policy_are_in_it(team: Team, base: list[Body]) -> None:
    policy = team.policy_manifest(count=1, revision=2)
    head = [each for each in base if each["metadata"]["name"] not in ("releases", "shop-1.4.1-bob")]

    found = {each["ruleId"]: each["level"] for each in sarif_of(base, [*head, policy])}

    assert found["WordChange"] == "warning"
    assert found["PolicyChange"] == "warning"


def test_json_says_everything_that_the_text_says(team: Team, base: list[Body]) -> None:
    plan = plan_of(base, with_release(team, base, "alice"))
    value = json.loads(as_json(plan))
    [channel] = plan.channels
    assert channel.verdict is not None

    assert value["format"] == PLAN_FORMAT
    assert (value["outcome"], value["exitCode"]) == ("held", 3)
    assert value["channels"][0]["verdict"] == channel.verdict.as_json()
    assert value["channels"][0]["verdictDigest"] == channel.verdict.digest()
    assert value["channels"][0]["unknown"] == list(channel.unknown)
