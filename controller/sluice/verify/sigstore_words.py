"""What sigstore's refusals mean here, told by how their messages begin.

sigstore has one kind of error for all that can be wrong. A table of hostile bundles in the tests
holds the lines below to what sigstore says today; its minor version is pinned. What is told apart
here is only the reason: a bundle is refused in any case.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sigstore import errors as sigstore_errors

from sluice.errors import VerificationError
from sluice.verify.reasons import Reason, refusal

__all__ = ["meaning_of", "one_kind_of_error"]

_MEANINGS: Final[tuple[tuple[str, Reason, str], ...]] = (
    (
        "bundle contains an invalid leaf",
        "CertificateUnusable",
        "The first certificate of the bundle is not one to sign code with.",
    ),
    ("Invalid Timestamp Response", "TimestampInvalid", "The bundle's timestamp is unreadable."),
    (
        "failed to verify SCT",
        "CertificateNotLogged",
        "The signing certificate is in no certificate log that the trust root names.",
    ),
    (
        "Key usage is not",
        "CertificateUnusable",
        "The signing certificate is not one to sign with.",
    ),
    (
        "Extended usage does not",
        "CertificateUnusable",
        "The signing certificate is not one to sign code with.",
    ),
    (
        "invalid log entry",
        "LogEntryInvalid",
        "The transparency log's proof does not hold; fetch the bundle again, or sign again.",
    ),
    (
        "Bundle message digest mismatch",
        "SignatureForOtherArtifact",
        "The signature is over another file; sign this one.",
    ),
    (
        "Signature is invalid for input",
        "SignatureInvalid",
        "The certificate's key did not sign this file; sign it again.",
    ),
    (
        "DSSE: invalid signature",
        "SignatureInvalid",
        "The certificate's key did not sign this statement; sign it again.",
    ),
    (
        "transparency log entry is inconsistent",
        "LogEntryForOther",
        "The log entry is about another signature; use the bundle as the client wrote it.",
    ),
    (
        "log entry payload hash",
        "LogEntryForOther",
        "The log entry is about another statement; use the bundle as the client wrote it.",
    ),
    (
        "log entry signatures",
        "LogEntryForOther",
        "The log entry is about another signature; use the bundle as the client wrote it.",
    ),
    (
        "Expected entry type",
        "LogEntryForOther",
        "The log entry is about another kind of signature; use the bundle as the client wrote it.",
    ),
    (
        "Unsupported DSSE log entry",
        "LogEntryInvalid",
        "The log entry is of a kind unknown for statements; sign again with a current client.",
    ),
    (
        "invalid DSSE log entry",
        "LogEntryInvalid",
        "The log entry is unreadable; use the bundle as the client wrote it.",
    ),
)


def meaning_of(error: sigstore_errors.Error) -> VerificationError:
    """Return our refusal for an error of sigstore's; BundleUnreadable for one without a line."""
    said = str(error)
    for beginning, reason, message in _MEANINGS:
        if said.startswith(beginning):
            return refusal(reason, message)
    return refusal(
        "BundleUnreadable", "The sigstore bundle can't be read; use it as the client wrote it."
    )


@contextmanager
def one_kind_of_error() -> Iterator[None]:
    """Turn whatever is raised for hostile bytes into one VerificationError."""
    try:
        yield
    except VerificationError:
        raise
    except sigstore_errors.Error as error:
        raise meaning_of(error) from error
    except Exception as error:
        raise refusal(
            "BundleUnreadable", "The sigstore bundle can't be read; use it as the client wrote it."
        ) from error
    except BaseException as error:
        # A panic in cryptography's Rust code is no Exception; everything else is not for us.
        if type(error).__name__ != "PanicException":
            raise
        raise refusal("BundleUnreadable", "The sigstore bundle broke its reader.") from error
