"""Requirement `attestation`: a signed statement of one type about the bundle, and what it says.

In the order of the code:
(1) The newest statement of the type by the authority decides: an older clean scan must not hide a
    newer dirty one (`sluice.policy.statements`).
(2) It is not too old, nor from the future.
(3) Its open findings are below the severity. One of unknown severity counts as the worst.
(4) The expression is true of it.
"""

from functools import lru_cache
from typing import Any, Final

from sluice.policy.expressions import STATEMENT_VARIABLES, ask, release_view
from sluice.policy.question import Answer, Question
from sluice.policy.statements import about, by_authority, judge_newest, not_by
from sluice.resources.release import ReleaseSpec
from sluice.resources.requirements import AttestationNeed
from sluice.verify.facts import Statement

__all__ = ["judge_attestation"]

ANSWERS_KEPT: Final = 32
"""Statements whose content was judged and is remembered, of 4 MiB at most each: reading one of
that size again in each lap would take 100 ms."""


def judge_attestation(question: Question, need: AttestationNeed) -> Answer:
    """Return whether the authority attests what is asked for."""
    authority = question.policy.authority(need.authority)
    found = about(question, need.predicate_type)
    own = by_authority(found, authority)
    if not own:
        what = f"statement {need.predicate_type}"
        how = "attest it in the pipeline, and add the sigstore bundle to spec.attestations"
        return not_by(authority, found, what, "AttestationMissing", how)
    release = question.subject.release
    return judge_newest(own, question, need.max_age, lambda each: _content(need, each, release))


@lru_cache(maxsize=ANSWERS_KEPT)
def _content(need: AttestationNeed, statement: Statement, release: ReleaseSpec) -> Answer:
    """Return whether a statement says what is asked for; no clock has a part in it."""
    by = (statement.signer.subject,)
    if need.severity_below is not None:
        message = f"no severities can be read from {need.predicate_type}: leave severityBelow out."
        return Answer(state="refused", reason="ScanUnknown", message=message, by=by)
    if need.expression is not None:
        variables: dict[str, Any] = {
            "release": release_view(release),
            "predicate": dict(statement.predicate()),
            "statement": _statement_view(statement),
        }
        answer = ask(need.expression, variables, STATEMENT_VARIABLES)
        if answer.state != "satisfied":
            return answer
    message = f"attested by {statement.signer.subject} at {statement.signed_at.isoformat()}."
    return Answer(state="satisfied", reason="AttestationShown", message=message, by=by)


def _statement_view(statement: Statement) -> dict[str, Any]:
    return {
        "predicateType": statement.predicate_type,
        "issuer": statement.signer.issuer,
        "subject": statement.signer.subject,
        "signedAt": statement.signed_at.isoformat(),
    }
