"""Whose signature it is: certificates, managed keys and SSH keys against a policy."""

import base64
from typing import Any

import pytest

from sluice.policy.registry import folded
from sluice.policy.signers import is_by, key_fingerprint, person_behind
from sluice.resources.canonical import canonical_json, sha256_hex
from sluice.resources.people import Authority
from sluice.verify.facts import Facts
from support.builders import (
    ROOT,
    SIGNED,
    SSO,
    Signer,
    a_policy,
    a_signature,
    an_approval,
    by_ssh,
)
from support.judging import judged, told

DER = bytes(range(91))
BODY = base64.encodebytes(DER).decode().strip()
PEM = f"-----BEGIN PUBLIC KEY-----\n{BODY}\n-----END PUBLIC KEY-----\n"
FINGERPRINT = f"SHA256:{sha256_hex(DER)}"


def authority(**fields: Any) -> Authority:
    given = {"name": "a", "trustedRoot": ROOT, **fields}
    return Authority.model_validate_json(canonical_json(given))


KEY = authority(publicKey=PEM)
KEYLESS = authority(issuer=SSO, subjects=["*@example.com"])


def signed(kind: Any = "key", issuer: str = "key", subject: str = FINGERPRINT, **more: Any) -> Any:
    return a_signature(signer=Signer(kind=kind, issuer=issuer, subject=subject), **more)


def test_a_managed_key_is_known_by_its_fingerprint() -> None:
    assert key_fingerprint(PEM) == FINGERPRINT
    assert key_fingerprint(PEM.replace("\n", "\r\n")) == FINGERPRINT
    assert is_by(signed(), KEY)


@pytest.mark.parametrize(
    "pem", ["", "xx", PEM + PEM, PEM.replace("PUBLIC", "PRIVATE"), PEM.replace("AAEC", "A=EC")]
)
def test_what_is_no_public_key_has_no_fingerprint(pem: str) -> None:
    assert key_fingerprint(pem) == ""
    assert not is_by(signed(subject="SHA256:"), authority(publicKey=pem or "no"))


@pytest.mark.parametrize(
    ("fact", "by"),
    [
        (signed(subject="SHA256:" + "0" * 64), KEY),
        (signed(root_sha256="9" * 64), KEY),
        (signed(), KEYLESS),
        (signed("sigstore", SSO, FINGERPRINT), KEY),
        (signed("sigstore", SSO, "alice@example.com"), KEY),
        (signed("sigstore", "", "alice@example.com"), KEYLESS),
        (signed("sigstore", f"{SSO}/", "alice@example.com"), KEYLESS),
        (signed("sigstore", SSO.upper(), "alice@example.com"), KEYLESS),
        (signed("sigstore", SSO, "alice@example.com", root_sha256="9" * 64), KEYLESS),
        (signed("sigstore", SSO, "alice@evil@example.com"), KEYLESS),
        (signed("sigstore", SSO, "alice@example.com.evil.example"), KEYLESS),
        (signed("sigstore", SSO, "alice@example.com\n"), KEYLESS),
        (signed("ssh", "ssh", "alice@example.com"), KEYLESS),
        (signed("ssh", SSO, "alice@example.com"), KEYLESS),
        (signed("ssh", "ssh", FINGERPRINT), KEY),
    ],
)
def test_who_is_not_an_authority(fact: Any, by: Authority) -> None:
    assert is_by(signed("sigstore", SSO, "alice@example.com"), KEYLESS)
    assert not is_by(fact, by)


def test_a_managed_key_signs_a_bundle_for_a_policy_that_names_it() -> None:
    authorities = [
        {"name": "ci", "publicKey": PEM, "trustedRoot": ROOT},
        {"name": "sso", "issuer": SSO, "subjects": ["*@example.com"], "trustedRoot": ROOT},
    ]
    found = Facts(signatures=(signed(),))
    other = Facts(signatures=(signed(subject="SHA256:" + "0" * 64),))

    assert told(SIGNED, found, authorities=authorities) == ("satisfied", "Signed")
    assert told(SIGNED, other, authorities=authorities) == ("refused", "SignedByOther")
    assert FINGERPRINT in judged(SIGNED, authorities=authorities).message


def test_the_person_behind_a_signature_is_found_by_certificate_or_key() -> None:
    policy = a_policy(ssh=True)

    assert person_behind(an_approval("bob"), policy) == "bob"
    assert person_behind(an_approval("bob", **by_ssh("alice")), policy) == "alice"
    assert person_behind(an_approval("stranger"), policy) is None
    assert person_behind(an_approval("bob", **by_ssh("alice")), a_policy()) is None


def test_names_that_bar_somebody_are_compared_in_one_form_and_signers_exactly() -> None:
    policy = a_policy()
    shouting = Signer(kind="sigstore", issuer=SSO, subject="ALICE@example.com")

    assert policy.registry.named([" Alice@Example.com"]) == {"alice"}
    assert folded("\N{LATIN SMALL LETTER LONG S}trasse") == folded("STRASSE")
    assert person_behind(an_approval(signer=shouting), policy) is None
