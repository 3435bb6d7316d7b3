"""The payload of a signed statement: an in-toto statement about SHA-256 digests.

sigstore proves who signed the payload and leaves its meaning to the caller. Source:
https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from sluice.verify.json_strict import canonical_text, parse
from sluice.verify.reasons import clean_text, refusal

__all__ = ["PAYLOAD_TYPE", "SUBJECTS_MAX", "Payload", "read_payload"]

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"

SUBJECTS_MAX: Final = 1024
"""Most subjects of a statement; a build of every platform and language has a few hundred."""

PREDICATE_TYPE_CHARS_MAX: Final = 512
"""Longest predicate type; they are short URIs."""

_STATEMENT_TYPES: Final = frozenset(
    {"https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"}
)
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """What a statement says."""

    predicate_type: str
    subjects: frozenset[str]
    """SHA-256 digests, 64 lower-case hexadecimal digits each."""

    predicate_json: str
    """Canonical JSON of an object."""


def read_payload(payload_type: str, payload: bytes) -> Payload:
    """Return what a signed payload says.

    Raises:
        VerificationError: StatementUnreadable when it is no in-toto statement; SubjectMissing when
            it is about nothing, or about something that has no SHA-256 digest.
    """
    # The payload type is signed too: the same bytes signed for another protocol say nothing here
    # (attack 11).
    if payload_type != PAYLOAD_TYPE:
        raise refusal(
            "StatementUnreadable",
            f"The signed payload is not of type {PAYLOAD_TYPE}; attest again.",
        )
    statement = parse(payload, what="signed statement", reason="StatementUnreadable")
    if not isinstance(statement, dict) or statement.get("_type") not in _STATEMENT_TYPES:
        raise refusal(
            "StatementUnreadable", "The signed payload is no in-toto statement (v1); attest again."
        )
    predicate_type = statement.get("predicateType")
    predicate = statement.get("predicate")
    if not isinstance(predicate_type, str) or not isinstance(predicate, dict | None):
        raise refusal(
            "StatementUnreadable", "The statement's predicate is not an object with a type."
        )
    return Payload(
        predicate_type=clean_text(
            predicate_type,
            what="predicateType of the statement",
            chars_max=PREDICATE_TYPE_CHARS_MAX,
            reason="StatementUnreadable",
        ),
        subjects=_subjects(statement.get("subject")),
        predicate_json=canonical_text(predicate or {}),
    )


def _subjects(listed: Any) -> frozenset[str]:
    if not isinstance(listed, list) or not listed:
        raise refusal("SubjectMissing", "The statement is about nothing; name the bundle in it.")
    if len(listed) > SUBJECTS_MAX:
        raise refusal("SubjectMissing", f"The statement has more than {SUBJECTS_MAX} subjects.")
    return frozenset(_digest(subject) for subject in listed)


def _digest(subject: Any) -> str:
    digests = subject.get("digest") if isinstance(subject, dict) else None
    digest = digests.get("sha256") if isinstance(digests, dict) else None
    if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
        raise refusal(
            "SubjectMissing",
            "The statement has a subject without a sha256 of 64 lower-case hexadecimal digits.",
        )
    return digest
