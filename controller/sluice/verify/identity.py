"""Who a signing certificate names: exactly one subject, vouched for by exactly one issuer.

The certificate is not checked here; only read. Sources: RFC 5280 4.2.1.6 for subjects and
https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md for the issuer.
"""

from typing import Final

from cryptography.hazmat import asn1
from cryptography.x509 import (
    Certificate,
    ExtensionNotFound,
    GeneralName,
    ObjectIdentifier,
    OtherName,
    RFC822Name,
    SubjectAlternativeName,
    UniformResourceIdentifier,
    UnrecognizedExtension,
)

from sluice.verify.facts import IDENTITY_CHARS_MAX, Signer
from sluice.verify.reasons import clean_text, refusal

__all__ = ["signer_of"]

_ISSUER: Final = ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
"""Issuer as a DER UTF8String; every certificate since 2022 has it."""

_ISSUER_RAW: Final = ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
"""Issuer as bare bytes; deprecated, still issued beside the other."""

_USER_NAME: Final = ObjectIdentifier("1.3.6.1.4.1.57264.1.7")
"""OtherName of a subject that is neither e-mail address nor URI."""


def signer_of(certificate: Certificate) -> Signer:
    """Return whom the certificate names.

    Raises:
        VerificationError: IdentityMissing when there is no subject or issuer, or it is empty;
            IdentityAmbiguous when there are several, or one can't be read.
    """
    return Signer(kind="sigstore", issuer=_issuer(certificate), subject=_subject(certificate))


def _subject(certificate: Certificate) -> str:
    try:
        names = list(certificate.extensions.get_extension_for_class(SubjectAlternativeName).value)
    except ExtensionNotFound:
        names = []
    except ValueError as error:
        raise refusal(
            "IdentityAmbiguous", "The signing certificate has extensions that can't be read."
        ) from error
    if not names:
        raise refusal(
            "IdentityMissing",
            "The signing certificate names nobody; sign with an identity (an e-mail or workflow).",
        )
    if len(names) > 1:
        raise refusal(
            "IdentityAmbiguous",
            "The signing certificate names several subjects; use a certificate for one identity.",
        )
    return _clean(_text(names[0]), "subject of the signing certificate")


def _text(name: GeneralName) -> str:
    match name:
        case RFC822Name() | UniformResourceIdentifier():
            return name.value
        case OtherName() if name.type_id == _USER_NAME:
            return _utf8_string(name.value)
    raise refusal(
        "IdentityAmbiguous",
        "The signing certificate names its subject in an unknown form; use an e-mail or URI.",
    )


def _issuer(certificate: Certificate) -> str:
    found = set()
    for oid in (_ISSUER, _ISSUER_RAW):
        try:
            value = certificate.extensions.get_extension_for_oid(oid).value
        except ExtensionNotFound:
            continue
        except ValueError as error:
            raise refusal(
                "IdentityAmbiguous", "The signing certificate has extensions that can't be read."
            ) from error
        if isinstance(value, UnrecognizedExtension):
            found.add(_utf8_string(value.value) if oid == _ISSUER else _utf8(value.value))
    if not found:
        raise refusal(
            "IdentityMissing",
            "The signing certificate does not say who vouched for its subject (the OIDC issuer).",
        )
    if len(found) > 1:
        # An issuer for old readers and another one for new readers is somebody's trick.
        raise refusal("IdentityAmbiguous", "The signing certificate names two different issuers.")
    return _clean(found.pop(), "issuer of the signing certificate")


def _utf8_string(value: bytes) -> str:
    try:
        return asn1.decode_der(str, value)
    except ValueError as error:
        raise refusal(
            "IdentityAmbiguous", "The signing certificate has a name that is not DER text."
        ) from error


def _utf8(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise refusal(
            "IdentityAmbiguous", "The signing certificate has a name that is not UTF-8."
        ) from error


def _clean(value: str, what: str) -> str:
    if not value:
        raise refusal("IdentityMissing", f"The {what} is empty; sign with a full identity.")
    return clean_text(value, what=what, chars_max=IDENTITY_CHARS_MAX, reason="IdentityAmbiguous")
