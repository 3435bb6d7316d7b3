"""Requirement `attestation`: a signed statement of one type about the bundle, and what it says.

In the order of the code:
(1) The newest statement of the type by the authority decides: an older clean scan must not hide a
    newer dirty one (`sluice.policy.statements`).
(2) It is not too old, nor from the future.
(3) Where severities are asked for, or the expression speaks of findings or packages, it must be a
    document that is read (`sluice.policy.scans`), and somebody must have looked for them: what
    nobody looked for is not absent.
(4) Its open findings are below the severity. One of unknown severity counts as the worst.
(5) The expression is true of it.
"""

from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from sluice.errors import Refused
from sluice.policy.expressions import STATEMENT_VARIABLES, ask, names_in, release_view
from sluice.policy.question import Answer, Question
from sluice.policy.scans import Finding, Scan, normalise
from sluice.policy.severity import as_bad_as
from sluice.policy.statements import about, by_authority, judge_newest, not_by
from sluice.resources.release import ReleaseSpec
from sluice.resources.requirements import AttestationNeed, Severity
from sluice.resources.text import plain
from sluice.verify.facts import Statement

__all__ = ["judge_attestation"]

ANSWERS_KEPT: Final = 32
"""Statements whose content was judged and is remembered, of 4 MiB at most each: reading one of
that size again in each lap would take 100 ms."""

FINDINGS_SHOWN_MAX: Final = 8
NAME_CHARS_MAX: Final = 160


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
    spoken_of = names_in(need.expression) if need.expression is not None else frozenset()
    predicate = dict(statement.predicate())
    scan = Scan()
    if need.severity_below is not None or spoken_of & {"findings", "packages"}:
        read = _scan(need, predicate, spoken_of)
        if isinstance(read, Answer):
            return replace(read, by=by)
        scan = read
    if need.severity_below is not None and (bad := _too_bad(need.severity_below, scan)):
        return Answer(state="refused", reason="SeverityTooHigh", message=bad, by=by)
    if need.expression is not None:
        variables: dict[str, Any] = {
            "release": release_view(release),
            "predicate": predicate,
            "statement": _statement_view(statement),
            "findings": [each.as_json() for each in scan.findings],
            "packages": [each.as_json() for each in scan.packages],
        }
        answer = ask(need.expression, variables, STATEMENT_VARIABLES)
        if answer.state != "satisfied":
            return replace(answer, by=by)
    message = f"attested by {statement.signer.subject} at {statement.signed_at.isoformat()}."
    return Answer(state="satisfied", reason="AttestationShown", message=message, by=by)


def _scan(
    need: AttestationNeed, predicate: dict[str, Any], spoken_of: frozenset[str]
) -> Scan | Answer:
    """Return what a document found, or the answer where that is not known."""
    try:
        scan = normalise(need.predicate_type, predicate)
    except Refused as error:
        return Answer(state="refused", reason="ScanUnreadable", message=error.message)
    if not scan.known:
        message = (
            f"neither findings nor packages can be read from {need.predicate_type}: the policy's"
            " author must ask for another type, or for what its predicate says."
        )
        return Answer(state="refused", reason="ScanUnknown", message=message)
    # An empty list is believed only of somebody who looked.
    blind = "findings" in spoken_of and not scan.findings and not scan.scanned
    if blind or (need.severity_below is not None and not scan.scanned):
        message = (
            "nobody has looked for findings: this document does not come of a scan. Attest a"
            " scanner's report."
        )
        return Answer(state="refused", reason="ScanMissing", message=message)
    if "packages" in spoken_of and not scan.packages:
        message = "it names no packages at all: attest an inventory (CycloneDX or SPDX)."
        return Answer(state="refused", reason="ScanMissing", message=message)
    return scan


def _too_bad(limit: Severity, scan: Scan) -> str:
    """Return what is open and too bad, as a sentence; empty when nothing is."""
    bad = [
        each for each in scan.findings if each.state == "open" and as_bad_as(each.severity, limit)
    ]
    if not bad:
        return ""
    shown = ", ".join(plain(_named(each), NAME_CHARS_MAX) for each in bad[:FINDINGS_SHOWN_MAX])
    more = len(bad) - FINDINGS_SHOWN_MAX
    return (
        f"{len(bad)} open findings of severity {limit} or worse, or of unknown severity: {shown}"
        + (f" and {more} more" if more > 0 else "")
        + ": mend them, or attest why they do no harm."
    )


def _named(finding: Finding) -> str:
    where = f" in {finding.package}" if finding.package else ""
    return f"{finding.id} ({finding.severity}){where}"


def _statement_view(statement: Statement) -> dict[str, Any]:
    return {
        "predicateType": statement.predicate_type,
        "issuer": statement.signer.issuer,
        "subject": statement.signer.subject,
        "signedAt": statement.signed_at.isoformat(),
    }
