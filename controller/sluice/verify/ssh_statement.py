"""An in-toto statement under an SSH signature: as much a fact as one in a sigstore bundle.

Its signer is the key itself, its time is what the signer says, and it holds under no trust root.
Only words of people may be signed so (`sluice.verify.words`): the purpose in the signature,
`sluice-approval@v1`, says as much.
"""

from datetime import UTC, datetime
from typing import Final

from sluice.resources.canonical import canonical_json
from sluice.verify.claims import SEAL_TYPE, WORD_TYPES
from sluice.verify.facts import Signer, Statement, evidence_digest
from sluice.verify.intoto import PAYLOAD_TYPE, read_payload
from sluice.verify.json_strict import parse
from sluice.verify.reasons import refusal
from sluice.verify.ssh import APPROVAL_NAMESPACE, verify_ssh

__all__ = ["SSH_ISSUER", "verify_ssh_statement"]

SSH_ISSUER: Final = "ssh"
"""Issuer of a signer that is an SSH key: nobody vouches for it but the policy that names it."""

_NO_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Nobody proves when it was signed; the statement itself says, for what that is worth."""


def verify_ssh_statement(armored: bytes, statement: bytes) -> Statement:
    """Return the statement, if the signature holds under the key inside it.

    Args:
        armored: the signature, as `ssh-keygen -Y sign -n sluice-approval@v1` writes it.
        statement: the signed text: an in-toto statement as canonical JSON.

    Raises:
        VerificationError: whatever `verify_ssh` and `read_payload` raise; SshNotTouched when a
            security key signed with nobody there; StatementUnreadable when the text is not
            canonical, StatementMisplaced when it is not one of the statements that people sign.
    """
    signature = verify_ssh(armored, statement, namespace=APPROVAL_NAMESPACE)
    # ssh-keygen takes it (attack 10); but then whoever is on the machine signs as its user.
    if signature.counter is not None and not signature.user_present:
        raise refusal(
            "SshNotTouched",
            "The security key signed without being touched; make a key without no-touch-required,"
            " and touch it when you sign.",
        )
    payload = read_payload(PAYLOAD_TYPE, statement)
    value = parse(statement, what="signed statement", reason="StatementUnreadable")
    # One value, one text: what two readers could read as two things is nobody's word (attack 49).
    if not _is_canonical(value, statement):
        raise refusal(
            "StatementUnreadable",
            "The signed text is not canonical JSON; sign what sluice approve --statement writes.",
        )
    if payload.predicate_type not in WORD_TYPES | {SEAL_TYPE}:
        raise refusal(
            "StatementMisplaced",
            "An SSH key signs approvals and seals alone; attest with sigstore.",
        )
    return Statement(
        predicate_type=payload.predicate_type,
        subjects=payload.subjects,
        predicate_json=payload.predicate_json,
        signer=Signer(kind="ssh", issuer=SSH_ISSUER, subject=signature.public_key),
        signed_at=_NO_TIME,
        evidence_sha256=evidence_digest(armored, statement),
        root_sha256="",
        time_proven=False,
        user_verified=signature.user_verified,
        origin=signature.origin or "",
    )


def _is_canonical(value: object, text: bytes) -> bool:
    try:
        return canonical_json(value) == text
    except (TypeError, ValueError):
        return False
