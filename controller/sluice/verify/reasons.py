"""Why evidence proves nothing: the closed set of reason codes, in the order of the checks.

The order is meant: of two refusals of the same evidence under two trust roots, the later one got
further and tells more (`further`). "This certificate is not ours" is what every other root says;
"this certificate had expired" is what the right one says.
"""

import unicodedata
from typing import Final, Literal, get_args

from sluice.errors import VerificationError

__all__ = ["ArchiveReason", "Reason", "clean_text", "further", "refusal", "unprintable"]

Reason = Literal[
    # The trust root itself.
    "TrustRootUnreadable",
    "TrustRootMissing",
    # Reading the bundle.
    "BundleUnreadable",
    "BundleVersionUnknown",
    "BundleUnsafe",
    "KeyNotNamed",
    "CertificateUnexpected",
    "LogEntryMissing",
    "NotASignature",
    "NotAStatement",
    # Reading a public key, and what it can sign.
    "PublicKeyUnreadable",
    "PublicKeyUnsupported",
    "PublicKeyWeak",
    "PublicKeySignsNoFiles",
    # Reading an SSH signature, and its key.
    "SshSignatureUnreadable",
    "SshNamespaceOther",
    "SshCertificateUnsupported",
    "SshKeyUnsupported",
    "SshKeyWeak",
    "SshAlgorithmUnsupported",
    "SshClientDataOther",
    "SshNotTouched",
    # Who signed, and when.
    "TimestampMissing",
    "TimestampInvalid",
    "CertificateUntrusted",
    "CertificateExpired",
    "CertificateNotLogged",
    "CertificateUnusable",
    "IdentityMissing",
    "IdentityAmbiguous",
    "TrustKeyRetired",
    # That it was logged.
    "LogUntrusted",
    "LogEntryInvalid",
    "LogEntryForOther",
    # What was signed.
    "SignatureInvalid",
    "SignatureForOtherArtifact",
    "StatementUnreadable",
    "SubjectMissing",
    "StatementMisplaced",
    "ProvenanceUnreadable",
    "NotAnApproval",
    "NotASeal",
    "ApprovalUnreadable",
    "ApprovalForOtherRelease",
    "SealForOtherPolicy",
]
"""Reason codes of evidence. The same words appear in verdicts, conditions and the audit log."""

ArchiveReason = Literal[
    "ArchiveUnreadable",
    "ArchiveTooLarge",
    "ArchiveBomb",
    "ArchiveEncrypted",
    "ArchiveMethodUnknown",
    "ArchiveSpecialFile",
    "ArchiveUnsafeName",
    "ArchiveDuplicate",
    "ArchiveHiddenEntry",
    "ArchiveStreamedStored",
    "ArchiveCorrupt",
    "ArchiveNoIndex",
]
"""Reason codes of archives, in the order of the checks."""

_PROGRESS: Final = {reason: place for place, reason in enumerate(get_args(Reason))}

_UNPRINTABLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories refused in names: control, format (bidirectional overrides, zero width),
surrogate, private, unassigned, line and paragraph separators. They exist to deceive a reader or a
log (attack 47)."""


def refusal(reason: Reason | ArchiveReason, message: str) -> VerificationError:
    """Return the error to raise for evidence that proves nothing, or an archive that is refused."""
    return VerificationError(reason, message)


def further(one: VerificationError, other: VerificationError) -> VerificationError:
    """Return the refusal that got further, or the first one when they got equally far."""
    return other if _PROGRESS.get(other.reason, 0) > _PROGRESS.get(one.reason, 0) else one


def unprintable(text: str) -> bool:
    """Return whether a text has characters that show as something else, or not at all."""
    # Almost every text is ASCII, where only control characters are unprintable.
    if text.isascii():
        return not text.isprintable()
    return any(unicodedata.category(char) in _UNPRINTABLE for char in text)


def clean_text(value: str, *, what: str, chars_max: int, reason: Reason) -> str:
    """Return `value` if it is short, not empty and shows as what it is.

    Raises:
        VerificationError: with `reason`, naming `what`; the value itself is not repeated.
    """
    if not value:
        raise refusal(reason, f"The {what} is empty; sign again with a client that sets it.")
    if len(value) > chars_max:
        raise refusal(reason, f"The {what} is longer than {chars_max} characters; shorten it.")
    if unprintable(value):
        raise refusal(
            reason, f"The {what} contains control or invisible characters; sign again without them."
        )
    return value
