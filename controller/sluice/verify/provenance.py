"""What machines sign about a bundle: the provenance of its build, as SLSA v1 says it.

No cryptography here: statements arrive verified.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sluice.errors import VerificationError
from sluice.verify.facts import IDENTITY_CHARS_MAX, Provenance, Statement
from sluice.verify.reasons import clean_text, refusal

__all__ = ["PROVENANCE_TYPE", "STATEMENT_TYPE", "provenance_of"]

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PROVENANCE_TYPE: Final = "https://slsa.dev/provenance/v1"

ACTORS_MAX: Final = 64
"""Most people a provenance may name; a Release names as many authors at most."""

_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


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
        workflow_path=path,
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
