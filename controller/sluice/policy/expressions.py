"""What expressions of a policy speak of, and requirement `cel`.

All values are JSON, with the names that they have in manifests. What is not known is left out: ask
`has(live.version)` first, or write `live.?version.orValue("")`. There is no clock among them.

| variable | in | members |
|---|---|---|
| release | both | app, version, bundle, native, source, notes: as in the Release |
| channel | cel | name, namespace, appId, cluster |
| live | cel | version, bundleSha256 of what is served; nothing where nothing is served |
| bundle | cel | what was seen inside of it (`sluice.verify.bundle_report`) |
| predicate | attestation | the statement's predicate, as it was signed |
| statement | attestation | predicateType, issuer, subject, signedAt |
| findings, packages | attestation | in one form, whatever made them (`sluice.policy.scans`) |
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from pydantic.alias_generators import to_camel

from sluice.errors import Refused
from sluice.policy.bundle import report_of
from sluice.policy.cel import CelFault, Expression, compile_expression, evaluate_expression
from sluice.policy.question import Answer, Question
from sluice.policy.subject import Subject
from sluice.resources.release import ReleaseSpec
from sluice.resources.requirements import CelNeed

__all__ = ["CEL_VARIABLES", "STATEMENT_VARIABLES", "ask", "judge_cel", "names_in", "release_view"]

CEL_VARIABLES: Final = frozenset({"release", "channel", "live", "bundle"})
"""What an expression of requirement `cel` may speak of."""

STATEMENT_VARIABLES: Final = frozenset(
    {"release", "predicate", "statement", "findings", "packages"}
)
"""What an expression of requirement `attestation` may speak of."""

COMPILED_MAX: Final = 256
"""Expressions remembered, as in `sluice.policy.cel`."""

UNTOLD: Final = {"attestations", "revoked"}
"""Of a release, what is evidence and is judged by other means."""


def judge_cel(question: Question, need: CelNeed) -> Answer:
    """Return whether the expression is true of the release, the channel and what is served."""
    subject = question.subject
    variables: dict[str, Any] = {
        "release": release_view(subject.release),
        "channel": _channel_view(subject),
        "live": _live_view(subject),
    }
    report = report_of(question)
    if not isinstance(report, Answer):
        variables["bundle"] = _camel(json.loads(report.as_json()))
    elif "bundle" in names_in(need.expression):
        return report
    answer = ask(need.expression, variables, CEL_VARIABLES)
    if answer.reason == "ExpressionFalse":
        return replace(answer, message=need.message)
    return answer


def ask(expression: str, variables: Mapping[str, Any], known: frozenset[str]) -> Answer:
    """Return whether an expression is true.

    Args:
        expression: CEL.
        variables: JSON values.
        known: the variables that this kind of requirement has.
    """
    compiled = _compiled(expression)
    if isinstance(compiled, Answer):
        return compiled
    if unknown := sorted(compiled.names - known):
        message = (
            f"the expression speaks of {', '.join(unknown)}, and this requirement only knows"
            f" {', '.join(sorted(known))}: the policy's author must mend it."
        )
        return Answer(state="refused", reason="ExpressionInvalid", message=message)
    answer = evaluate_expression(compiled, variables)
    match answer:
        case CelFault():
            return Answer(state="refused", reason="ExpressionFailed", message=answer.message)
        case True:
            message = f"{expression} is true."
            return Answer(state="satisfied", reason="ExpressionTrue", message=message)
        case False:
            message = f"{expression} is not true."
            return Answer(state="refused", reason="ExpressionFalse", message=message)


def release_view(release: ReleaseSpec) -> dict[str, Any]:
    """Return a release as expressions see it."""
    fields = release.model_dump(mode="json", by_alias=True, exclude=UNTOLD, exclude_none=True)
    return dict(fields)


@lru_cache(maxsize=COMPILED_MAX)
def _compiled(expression: str) -> Expression | Answer:
    """Return an expression, or the answer for one that is none: that is remembered, too."""
    try:
        return compile_expression(expression)
    except Refused as error:
        message = f"{error.message} The policy's author must mend it."
        return Answer(state="refused", reason="ExpressionInvalid", message=message)


def names_in(expression: str) -> frozenset[str]:
    """Return the variables that an expression speaks of; none if it is no expression."""
    compiled = _compiled(expression)
    return frozenset() if isinstance(compiled, Answer) else compiled.names


def _channel_view(subject: Subject) -> dict[str, Any]:
    return {
        "name": subject.channel,
        "namespace": subject.namespace,
        "appId": subject.app_id,
        "cluster": subject.cluster,
    }


def _live_view(subject: Subject) -> dict[str, Any]:
    live = subject.circumstances.live
    return {"version": live.version, "bundleSha256": live.bundle_sha256} if live else {}


def _camel(report: Mapping[str, Any]) -> dict[str, Any]:
    return {to_camel(name): value for name, value in report.items()}
