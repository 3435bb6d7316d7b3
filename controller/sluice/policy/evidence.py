"""Requirements that machines meet: the bundle is signed, and its build is attested."""

from sluice.errors import VerificationError
from sluice.policy.signers import asked_of, described, is_by
from sluice.policy.subject import PolicyInForce, Subject
from sluice.policy.verdict import Finding, State
from sluice.resources.requirements import Provenance, Requirement, Signature
from sluice.verify.facts import Facts, Statement
from sluice.verify.provenance import PROVENANCE_TYPE, provenance_of

__all__ = ["judge_provenance", "judge_signature"]

Outcome = tuple[State, str, str, tuple[str, ...]]
"""State, reason, message, by."""


def judge_signature(
    policy: PolicyInForce, requirement: Requirement, need: Signature, subject: Subject, facts: Facts
) -> Finding:
    """Return whether the authority has signed the bundle's digest."""
    authority = policy.authority(need.authority)
    own = [
        each for each in facts.signatures if each.artifact_sha256 == subject.release.bundle.sha256
    ]
    by = tuple(sorted({each.signer.subject for each in own if is_by(each, authority)}))
    if by:
        outcome: Outcome = "satisfied", "Signed", f"signed by {', '.join(by)}.", by
    elif own:
        others = sorted({described(each.signer) for each in own})
        outcome = (
            "refused",
            "SignedByOther",
            (
                f"the bundle is signed by {', '.join(others)}, not by {authority.name}: sign it"
                f" {asked_of(authority)}."
            ),
            tuple(others),
        )
    else:
        outcome = (
            "missing",
            "SignatureMissing",
            (
                f"no signature by {authority.name} over the bundle (sha256"
                f" {subject.release.bundle.sha256}): sign it in the pipeline and add the sigstore"
                " bundle under spec.attestations."
            ),
            (),
        )
    return _finding(policy, requirement, outcome)


def judge_provenance(
    policy: PolicyInForce,
    requirement: Requirement,
    need: Provenance,
    subject: Subject,
    facts: Facts,
) -> Finding:
    """Return whether the authority has attested a build that agrees with the release's source."""
    authority = policy.authority(need.authority)
    about = [
        each
        for each in facts.statements
        if each.predicate_type == PROVENANCE_TYPE and subject.release.bundle.sha256 in each.subjects
    ]
    own = [each for each in about if is_by(each, authority)]
    outcomes = [_provenance(need, subject, each) for each in own]
    good = [each for each in outcomes if each[0] == "satisfied"]
    if outcomes:
        outcome = (good or outcomes)[0]
    elif about:
        others = sorted({described(each.signer) for each in about})
        outcome = (
            "refused",
            "SignedByOther",
            f"the provenance is signed by {', '.join(others)}, not by {authority.name}.",
            tuple(others),
        )
    else:
        outcome = (
            "missing",
            "ProvenanceMissing",
            (
                f"no SLSA provenance by {authority.name} over the bundle: attest the build in the"
                " pipeline and add the sigstore bundle under spec.attestations."
            ),
            (),
        )
    return _finding(policy, requirement, outcome)


def _provenance(need: Provenance, subject: Subject, statement: Statement) -> Outcome:
    by = (statement.signer.subject,)
    try:
        built = provenance_of(statement)
    except VerificationError as error:
        return "refused", error.reason, error.message, by
    source = subject.release.source
    claims = [("repository", built.repository, need.repository)]
    if need.builder_id is not None:
        claims.append(("builder", built.builder_id, need.builder_id))
    if source is None:
        return "missing", "SourceMissing", "fill in spec.source: where was it built from?", by
    claims.append(("repository in spec.source", source.repository, need.repository))
    claims.append(("revision", built.revision, source.revision))
    for what, said, meant in claims:
        if said != meant:
            return (
                "refused",
                "ProvenanceDiffers",
                f"the {what} is {said!r}, but must be {meant!r}.",
                by,
            )
    return "satisfied", "Attested", f"built from {built.revision} by {built.builder_id}.", by


def _finding(policy: PolicyInForce, requirement: Requirement, outcome: Outcome) -> Finding:
    state, reason, message, by = outcome
    return Finding(
        policy=policy.label,
        requirement=requirement.name,
        state=state,
        enforced=requirement.enforcement == "Enforce",
        reason=reason,
        message=message,
        by=by,
    )
