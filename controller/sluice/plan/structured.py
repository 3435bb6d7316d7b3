"""A plan for machines: JSON of our own, and SARIF 2.1.0 for annotations of files.

Source: Static Analysis Results Interchange Format 2.1.0 (OASIS), sections 3.13 to 3.54.
"""

import json
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from sluice.plan.change import ChannelPlan, Plan
from sluice.plan.difference import Difference
from sluice.plan.manifests import Spot
from sluice.plan.policies import PolicyChange
from sluice.plan.text import HEADLINES
from sluice.plan.words import WordChange
from sluice.policy.verdict import Finding
from sluice.resources.text import plain

__all__ = ["PLAN_FORMAT", "as_json", "as_sarif"]

PLAN_FORMAT: Final = "sluice.dev/plan/v1"

SARIF_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
SARIF_TEXT_CHARS_MAX: Final = 1200


def as_json(plan: Plan) -> str:
    """Return the whole plan as JSON, in ASCII, so that no name steers a terminal."""
    value = {
        "format": PLAN_FORMAT,
        "cluster": plan.cluster,
        "at": plan.now.isoformat(),
        "policiesOf": plan.rule,
        "compared": plan.compared,
        "outcome": plan.outcome,
        "exitCode": plan.exit_code,
        "channels": [_channel(each) for each in plan.channels],
        "unaffectedChannels": plan.unaffected,
        "policies": [_policy(each) for each in plan.policies],
        "words": [_word(each) for each in plan.words],
        "problems": [
            {**_spot(each.spot), "reason": each.reason, "message": each.message}
            for each in plan.problems
        ],
        "unknown": list(plan.unknown),
    }
    return json.dumps(value, indent=2, ensure_ascii=True) + "\n"


def _channel(plan: ChannelPlan) -> dict[str, Any]:
    return {
        "namespace": plan.key.namespace,
        "name": plan.key.name,
        **_spot(plan.spot),
        "change": plan.what,
        "releaseBefore": plan.release_before,
        "releaseAfter": plan.release_after,
        "outcome": plan.outcome,
        "answerBefore": plan.answer_before,
        "verdict": plan.verdict.as_json() if plan.verdict else None,
        "verdictDigest": plan.verdict.digest() if plan.verdict else None,
        "verdictByNewPolicies": plan.verdict_after.as_json() if plan.verdict_after else None,
        "rollout": plan.steps,
        "releaseDifferences": [_difference(each) for each in plan.release_differences],
        "channelDifferences": [_difference(each) for each in plan.differences],
        "bundle": list(plan.contents),
        "unknown": list(plan.unknown),
    }


def _policy(change: PolicyChange) -> dict[str, Any]:
    return {
        "policy": str(change.key),
        **_spot(change.spot),
        "change": change.what,
        "comesIntoForce": change.comes_into_force,
        "message": change.message,
        "differences": [_difference(each) for each in change.differences],
    }


def _word(change: WordChange) -> dict[str, Any]:
    return {
        "approval": str(change.key),
        **_spot(change.spot),
        "change": change.what,
        "release": change.release,
        "proven": change.proven,
        "said": change.said,
        "alarm": change.alarm,
    }


def _difference(each: Difference) -> dict[str, Any]:
    return {"path": each.path, "before": each.before, "after": each.after}


def _spot(spot: Spot) -> dict[str, Any]:
    return {"file": plain(spot.path, 512), "line": spot.line, "column": spot.column}


def as_sarif(plan: Plan) -> str:
    """Return what is to be mended, given or looked at, as one SARIF run."""
    results = list(_results(plan))
    rules = {each["ruleId"]: {"id": each["ruleId"]} for each in results}
    index = {rule: number for number, rule in enumerate(rules)}
    for each in results:
        each["ruleIndex"] = index[each["ruleId"]]
    run = {
        "tool": {"driver": {"name": "sluice plan", "rules": list(rules.values())}},
        "automationDetails": {"id": f"sluice/{quote(plan.cluster, safe='')}/"},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    value = {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(value, indent=2, ensure_ascii=True) + "\n"


def _results(plan: Plan) -> Iterator[dict[str, Any]]:
    for problem in plan.problems:
        yield _result("error", problem.reason, problem.message, problem.spot)
    for channel in plan.channels:
        yield from _of_channel(channel)
    for policy in plan.policies:
        yield _result(
            "warning" if policy.comes_into_force else "note",
            "PolicyChange",
            f"{policy.key} ({policy.what}): {policy.message}",
            policy.spot,
        )
    for word in plan.words:
        if word.alarm:
            text = f"{word.key} ({word.what}): {word.said} {word.alarm}"
            yield _result("warning", "WordChange", text, word.spot)


def _of_channel(plan: ChannelPlan) -> Iterator[dict[str, Any]]:
    verdicts = [each for each in (plan.verdict, plan.verdict_after) if each is not None]
    told: dict[Finding, None] = {}
    for verdict in verdicts:
        told |= dict.fromkeys(each for each in verdict.findings if each.state != "satisfied")
    for each in told:
        level = "note" if not each.enforced else "error" if each.state == "refused" else "warning"
        text = f"{plan.key.name}: {each.requirement}: {each.message}"
        yield _result(level, each.reason, text, plan.spot)
    if not told and plan.outcome not in ("allowed", "nothing"):
        reason = verdicts[-1].reason if verdicts else plan.outcome
        message = verdicts[-1].message if verdicts else HEADLINES[plan.outcome]
        yield _result("error", reason, f"{plan.key.name}: {message}", plan.spot)


def _result(level: str, rule: str, text: str, spot: Spot) -> dict[str, Any]:
    return {
        "ruleId": rule,
        "level": level,
        "message": {"text": plain(text, SARIF_TEXT_CHARS_MAX)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(spot.path), "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": spot.line, "startColumn": spot.column},
                }
            }
        ],
    }


def _uri(path: str) -> str:
    """Return a path as a relative reference: a name may hold anything but a slash and a zero."""
    text = quote(path.encode("utf-8", "surrogateescape"), safe="/")
    return f"./{text}" if ":" in text.split("/")[0] else text
