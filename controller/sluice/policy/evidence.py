"""Requirements that a pipeline meets: the bundle is signed, and its build is attested."""

from sluice.errors import VerificationError
from sluice.policy.patterns import path_matches
from sluice.policy.question import Answer, Question
from sluice.policy.signers import is_by
from sluice.policy.statements import about, by_authority, not_by, read_provenance
from sluice.resources.release import Source
from sluice.resources.requirements import Provenance, Signature
from sluice.resources.text import plain
from sluice.verify import facts
from sluice.verify.provenance import PROVENANCE_TYPE

__all__ = ["judge_provenance", "judge_signature"]

SAID_CHARS_MAX = 200
"""Longest text of a provenance that is repeated in a message."""

HOW = "in the pipeline, and add the sigstore bundle to spec.attestations"


def judge_signature(question: Question, need: Signature) -> Answer:
    """Return whether the authority has signed the bundle's digest."""
    authority = question.policy.authority(need.authority)
    wanted = question.subject.release.bundle.sha256
    found = [each for each in question.facts.signatures if each.artifact_sha256 == wanted]
    by = tuple(sorted({each.signer.subject for each in found if is_by(each, authority)}))
    if not by:
        return not_by(authority, found, "signature", "SignatureMissing", f"sign it {HOW}")
    message = f"signed by {', '.join(by)}."
    return Answer(state="satisfied", reason="Signed", message=message, by=by)


def judge_provenance(question: Question, need: Provenance) -> Answer:
    """Return whether the authority has attested a build that agrees with the release's source."""
    authority = question.policy.authority(need.authority)
    found = about(question, PROVENANCE_TYPE)
    own = by_authority(found, authority)
    if not own:
        how = f"attest the build {HOW}"
        return not_by(authority, found, "SLSA provenance", "ProvenanceMissing", how)
    answers = [_provenance(question, need, each) for each in own]
    return next((each for each in answers if each.state == "satisfied"), answers[0])


def _provenance(question: Question, need: Provenance, statement: facts.Statement) -> Answer:
    by = (statement.signer.subject,)
    source = question.subject.release.source
    try:
        built = read_provenance(statement)
    except VerificationError as error:
        message = error.message
        return Answer(state="refused", reason="ProvenanceUnreadable", message=message, by=by)
    if source is None:
        message = "fill in spec.source: where was it built from?"
        return Answer(state="missing", reason="SourceMissing", message=message, by=by)
    if wrong := _wrong(need, source, built):
        return Answer(state="refused", reason="ProvenanceDiffers", message=wrong, by=by)
    message = f"built from {built.revision} by {plain(built.builder_id, SAID_CHARS_MAX)}."
    return Answer(state="satisfied", reason="ProvenanceShown", message=message, by=by)


def _wrong(need: Provenance, source: Source, built: facts.Provenance) -> str:
    """Return what is not as it must be; empty when all is."""
    claims = (
        ("repository", built.repository, need.repository),
        ("builder", built.builder_id, need.builder_id),
        ("workflow", built.workflow_path, need.workflow),
        ("repository in spec.source", source.repository, need.repository),
        ("revision", built.revision, source.revision),
    )
    for what, said, meant in claims:
        if meant is not None and said != meant:
            return f"the {what} is {plain(said, SAID_CHARS_MAX)!r}, but must be {meant!r}."
    if need.ref is not None and not (built.ref and path_matches(need.ref, built.ref)):
        said = plain(built.ref, SAID_CHARS_MAX)
        return f"the git reference is {said!r}, but must fit {need.ref!r}."
    return ""
