"""What signed statements say: approvals of a release, and the provenance of a bundle.

Reader and writer of an approval are this one module, so that they cannot drift apart: `sluice
approve`, the demo and the tests write what the operator reads. No cryptography here: statements
arrive verified (`sluice.verify.sigstore`).
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from sluice.errors import VerificationError
from sluice.resources.fields import AppId, Name, RoleName, SemVer, Timestamp
from sluice.verify.facts import (
    IDENTITY_CHARS_MAX,
    SOURCE_CHARS_MAX,
    Approval,
    Provenance,
    Statement,
)
from sluice.verify.reasons import clean_text, refusal

__all__ = [
    "APPROVAL_TYPE",
    "COMMENT_CHARS_MAX",
    "PROVENANCE_TYPE",
    "STATEMENT_TYPE",
    "ApprovalClaim",
    "approval_from",
    "build_approval_statement",
    "provenance_of",
]

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
APPROVAL_TYPE: Final = "https://sluice.dev/approval/v1"
PROVENANCE_TYPE: Final = "https://slsa.dev/provenance/v1"

COMMENT_CHARS_MAX: Final = 1024
"""Longest comment of an approver; it is shown in verdicts and kept in the audit log."""

ACTORS_MAX: Final = 64
"""Most people a provenance may name; a Release names as many authors at most."""

_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_RFC3339_UTC: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z")


class ApprovalClaim(BaseModel):
    """Everything that an approval binds, apart from the release digest, which is its subject."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        use_attribute_docstrings=True,
    )

    app: AppId
    """The app's identifier as the phones send it (an App's `spec.appId`)."""

    namespace: Name
    """Namespace of the Release."""

    version: SemVer
    """Version of the Release."""

    channel: Name
    """Name of the Channel it may reach."""

    cluster: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9._:-]+$")]
    """The cluster's name for itself (a setting of the operator)."""

    decision: Literal["approve", "reject"]
    """The person's word."""

    role: RoleName
    """The role that the person speaks in."""

    nonce: Annotated[str, Field(min_length=16, max_length=128, pattern=r"^[A-Za-z0-9_-]+$")]
    """Random text that makes two approvals of the same words distinct."""

    expires_at: Timestamp
    """When the word ends (UTC)."""

    comment: Annotated[str, Field(max_length=COMMENT_CHARS_MAX)] = ""
    """For people; one line."""


def build_approval_statement(release_digest: str, claim: ApprovalClaim) -> dict[str, Any]:
    """Return the in-toto statement that a person signs to approve or reject a release.

    Args:
        release_digest: `sluice.resources.canonical.release_digest` of the Release's spec.
        claim: what the approval binds.
    """
    predicate = claim.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    predicate["expiresAt"] = claim.expires_at.isoformat().replace("+00:00", "Z")
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": f"{claim.app}@{claim.version}", "digest": {"sha256": release_digest}}],
        "predicateType": APPROVAL_TYPE,
        "predicate": predicate,
    }


def approval_from(statement: Statement, *, source: str) -> Approval:
    """Return the approval that a statement is.

    Args:
        statement: a verified statement.
        source: label of where it was found, for people.

    Raises:
        VerificationError: NotAnApproval when it says something else; ApprovalUnreadable when its
            predicate is not exactly that of an approval, or it is about more than one release.
    """
    if statement.predicate_type != APPROVAL_TYPE:
        raise refusal(
            "NotAnApproval",
            f"This is a signed statement, but no approval: sign one of type {APPROVAL_TYPE}"
            " (sluice approve).",
        )
    if len(statement.subjects) != 1:
        raise refusal(
            "ApprovalUnreadable",
            "The approval is about more than one release; sign one approval for each.",
        )
    claim = _claim(statement)
    return Approval(
        app_id=claim.app,
        namespace=claim.namespace,
        version=claim.version,
        channel=claim.channel,
        cluster=claim.cluster,
        decision=claim.decision,
        role=claim.role,
        nonce=claim.nonce,
        expires_at=claim.expires_at.astimezone(UTC),
        release_digest=next(iter(statement.subjects)),
        comment=claim.comment,
        signer=statement.signer,
        signed_at=statement.signed_at,
        evidence_sha256=statement.evidence_sha256,
        root_sha256=statement.root_sha256,
        source=source[:SOURCE_CHARS_MAX],
    )


def _claim(statement: Statement) -> ApprovalClaim:
    # pydantic takes several spellings of a time; a signed one has only RFC 3339's.
    expires = statement.predicate().get("expiresAt")
    if not isinstance(expires, str) or not _RFC3339_UTC.fullmatch(expires):
        raise refusal(
            "ApprovalUnreadable",
            "The approval has no expiresAt like 2026-01-31T12:00:00Z; sign it again with one.",
        )
    try:
        claim = ApprovalClaim.model_validate_json(
            statement.predicate_json, by_alias=True, by_name=False
        )
    except ValidationError as error:
        fields = sorted({str(each["loc"][0]) for each in error.errors() if each["loc"]} & _FIELDS)
        what = f"has a bad {', '.join(fields)}" if fields else "has fields that no approval has"
        raise refusal(
            "ApprovalUnreadable", f"The approval {what}; sign it again (sluice approve)."
        ) from error
    if claim.comment:
        clean_text(
            claim.comment,
            what="comment of the approval",
            chars_max=COMMENT_CHARS_MAX,
            reason="ApprovalUnreadable",
        )
    return claim


_FIELDS: Final = frozenset(
    field.alias or name for name, field in ApprovalClaim.model_fields.items()
)


def provenance_of(statement: Statement) -> Provenance:
    """Return what a SLSA v1 provenance statement says about the build.

    The source is the one resolved dependency that is a git commit; where there are several, the one
    of the repository that the workflow came from. Actors are those that GitHub's generators write
    (`internalParameters.github.actor`, `GITHUB_ACTOR` and their `triggering` kin), and a list
    `internalParameters.authors`, which a pipeline may add.

    Source: https://slsa.dev/spec/v1.0/provenance.

    Raises:
        VerificationError: ProvenanceUnreadable, when it is of another type, or says no builder, or
            not exactly one source commit.
    """
    if statement.predicate_type != PROVENANCE_TYPE:
        raise _unreadable(f"is not of type {PROVENANCE_TYPE}")
    predicate = statement.predicate()
    definition = _mapping(predicate, "buildDefinition")
    workflow = _mapping(_mapping(definition, "externalParameters"), "workflow")
    stated = _text(workflow, "repository")
    repository, revision, ref = _source(definition, stated)
    path, workflow_ref = _text(workflow, "path"), _text(workflow, "ref")
    builder = _text(_mapping(_mapping(predicate, "runDetails"), "builder"), "id")
    return Provenance(
        builder_id=_said(builder, "builder (runDetails.builder.id)"),
        repository=_said(repository, "source repository"),
        revision=revision,
        workflow=_said(f"{path}@{workflow_ref}", "workflow") if path else "",
        ref=_said(ref or workflow_ref, "git reference") if ref or workflow_ref else "",
        actors=_actors(_mapping(definition, "internalParameters")),
    )


def _source(definition: Mapping[str, Any], stated: str) -> tuple[str, str, str]:
    """Return repository, revision and git reference (or an empty text) of the source."""
    listed = definition.get("resolvedDependencies")
    sources = set()
    for dependency in listed if isinstance(listed, list) else []:
        commit = _text(_mapping(dependency, "digest"), "gitCommit")
        if _COMMIT.fullmatch(commit):
            repository, ref = _git(_text(dependency, "uri"))
            sources.add((repository, commit, ref))
    if stated:
        sources = {each for each in sources if each[0] == _git(stated)[0]}
    if len(sources) != 1:
        found = "several" if sources else "no"
        raise _unreadable(f"names {found} source commits (resolvedDependencies with a gitCommit)")
    return sources.pop()


def _git(uri: str) -> tuple[str, str]:
    """Split `git+https://host/owner/name@refs/heads/main` into repository URL and reference."""
    scheme, mark, rest = uri.removeprefix("git+").partition("://")
    host, slash, path = rest.partition("/")
    # An @ before the first slash belongs to a user name, not to a reference.
    path, _, ref = path.partition("@")
    return f"{scheme}{mark}{host}{slash}{path}", ref


def _actors(internal: Mapping[str, Any]) -> frozenset[str]:
    github = _mapping(internal, "github")
    named = [
        _text(github, "actor"),
        _text(github, "triggering_actor"),
        _text(internal, "GITHUB_ACTOR"),
        _text(internal, "GITHUB_TRIGGERING_ACTOR"),
    ]
    listed = internal.get("authors", [])
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise _unreadable("has authors that are not a list of texts")
    return _clean_set([*named, *listed])


def _clean_set(texts: Iterable[str]) -> frozenset[str]:
    found = frozenset(_said(text, "actor") for text in texts if text)
    if len(found) > ACTORS_MAX:
        raise _unreadable(f"names more than {ACTORS_MAX} actors")
    return found


def _mapping(value: Any, key: str) -> Mapping[str, Any]:
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _text(value: Any, key: str) -> str:
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, str) else ""


def _said(text: str, what: str) -> str:
    return clean_text(
        text,
        what=f"{what} of the provenance",
        chars_max=IDENTITY_CHARS_MAX,
        reason="ProvenanceUnreadable",
    )


def _unreadable(why: str) -> VerificationError:
    return refusal(
        "ProvenanceUnreadable", f"The provenance {why}; make it with a SLSA v1 generator."
    )
