"""Thousands of hostile variants of bundles that hold: each is refused, or it is the same bundle.

Two bundles are the same when they prove the same: signer, time, content. Variants that may be the
same are of these classes, and no other:

- JSON in another spelling: order of keys, white space around values, escaped letters, null for a
  field that is left out; a list of no timestamps. Values are equal once they are read.
- `a hint`: what a bundle says of a managed key is read by nobody.
- `no digest`: the digest beside a signature repeats the one that the signature is checked against.
- `another version`: the formats differ in where the certificate is, and content that is in its
  place in both means the same in both.
- `no timestamps` where the log signs a time: whoever signs may ask for one or the other.
- a flipped bit in a timestamp (RFC 3161) outside of what its authority signed.
- a trust root with members twice or in another order, or other members of a kind that vouches for
  nothing in the bundle; spans that begin or end at the very moment of signing.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from sluice.errors import VerificationError
from sluice.verify.facts import BlobSignature, Statement
from sluice.verify.managed_key import read_public_key, verify_managed
from sluice.verify.sigstore import verify_bundle
from sluice.verify.trust import parse_trust_root
from support.bundle_mutants import mutants_of
from support.conformance import CASES, KNOWN_FAILURES, Case, needs_data
from support.json_mutants import Mutant
from support.minting import new_key
from support.minting_keys import KeyMint, public_pem
from support.root_mutants import root_mutants_of

pytestmark = [
    pytest.mark.disable_socket,
    # A certificate in which a bit was flipped may have a serial number that cryptography frowns on.
    pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning"),
]

Fact = BlobSignature | Statement


@dataclass(frozen=True, kw_only=True)
class Held:
    """A bundle that holds, with what it holds under."""

    bundle: bytes
    root: bytes
    artifact_sha256: str
    pem: str | None

    def prove(self, bundle: bytes | None = None, root: bytes | None = None) -> Fact:
        bundle = self.bundle if bundle is None else bundle
        trusted = parse_trust_root(self.root if root is None else root)
        if self.pem is None:
            return verify_bundle(bundle, self.artifact_sha256, trusted)
        return verify_managed(bundle, self.artifact_sha256, read_public_key(self.pem), trusted)

    @property
    def signature(self) -> Any:
        value = json.loads(self.bundle)
        return value.get("messageSignature") or value.get("dsseEnvelope")

    @property
    def used(self) -> frozenset[str]:
        """The kinds of members of the trust root that vouch for the bundle."""
        stamped = json.loads(self.bundle)["verificationMaterial"].get("timestampVerificationData")
        return (
            frozenset({"tlogs"})
            | (frozenset({"ctlogs", "certificateAuthorities"}) if self.pem is None else frozenset())
            | (frozenset({"timestampAuthorities"}) if stamped else frozenset())
        )


ARTIFACT = b"the bundle"
NOW = datetime.now(UTC).replace(microsecond=0)
STATEMENT = {
    "_type": "https://in-toto.io/Statement/v1",
    "subject": [{"name": "bundle.zip", "digest": {"sha256": hashlib.sha256(ARTIFACT).hexdigest()}}],
    "predicateType": "https://example.com/predicate",
    "predicate": {"score": 7.5},
}


def minted(mint: KeyMint) -> dict[str, Held]:
    """Return a bundle of every kind that can be minted."""
    key, who = new_key(), ("a@example.com", "https://issuer.test", NOW)
    pem = public_pem(key)
    bundles = {
        "a file by an identity": (mint.sigstore.sign_blob(ARTIFACT, *who), None),
        "a statement by an identity": (mint.sigstore.sign_statement(STATEMENT, *who), None),
        "a file by a key": (mint.sign_blob(key, ARTIFACT, NOW), pem),
        "a file by a key, v2": (mint.sign_blob(key, ARTIFACT, NOW, log="v2"), pem),
        "a statement by a key": (mint.sign_statement(key, STATEMENT, NOW), pem),
        "a statement by a key, v2": (mint.sign_statement(key, STATEMENT, NOW, log="v2"), pem),
        "a statement by a key, intoto": (
            mint.sign_statement(key, STATEMENT, NOW, log="intoto"),
            pem,
        ),
    }
    return {
        name: Held(
            bundle=bundle,
            root=mint.trusted_root_json(),
            artifact_sha256=hashlib.sha256(ARTIFACT).hexdigest(),
            pem=pem,
        )
        for name, (bundle, pem) in bundles.items()
    }


MINT = KeyMint()
MINTED = minted(MINT)
STRANGERS = minted(KeyMint())

VALID = [name for name in CASES if not name.endswith("_fail") and name not in KNOWN_FAILURES]
SUITE = {
    name: Held(
        bundle=case.bundle, root=case.root, artifact_sha256=case.artifact_sha256, pem=case.pem
    )
    for name, case in ((name, Case(name)) for name in VALID)
}
LENDERS = [
    "happy-path-v0.1",
    "happy-path-v0.3",
    "happy-path-intoto-in-dsse-v3",
    "rekor2-happy-path",
    "rekor2-dsse-happy-path",
    "managed-key-happy-path",
]
"""Cases that parts are taken from: one of every kind."""


def others_than(held: Held, lenders: Iterable[Held]) -> list[bytes]:
    """Return bundles with other signatures, each signature once."""
    found = {
        json.dumps(lender.signature): lender.bundle
        for lender in lenders
        if lender.signature != held.signature
    }
    return list(found.values())


def authorities_of(root: bytes) -> list[str]:
    return [
        certificate["rawBytes"]
        for authority in json.loads(root)["certificateAuthorities"]
        for certificate in authority["certChain"]["certificates"]
    ]


def wrong(held: Held, mutants: Iterable[Mutant], prove: Callable[[bytes], Fact]) -> list[str]:
    """Return what ends otherwise than it must, a line each."""
    honest, count, found = held.prove(), 0, []
    for mutant in mutants:
        count += 1
        try:
            fact = prove(mutant.data)
        except VerificationError:
            outcome = "refused"
        else:
            same = replace(
                fact, evidence_sha256=honest.evidence_sha256, root_sha256=honest.root_sha256
            )
            outcome = "same" if same == honest else "another fact"
        if outcome not in mutant.outcome.split(" or "):
            found.append(f"{mutant.kind} ({mutant.place}): {outcome}")
    # None at all would be right for none.
    assert count > 50
    return found


@pytest.mark.parametrize("name", MINTED)
def test_no_variant_of_a_minted_bundle_proves_more(name: str) -> None:
    held = MINTED[name]
    lenders = [each for other in (MINTED, STRANGERS) for each in other.values()]
    others = others_than(held, lenders)
    certificates = [
        *authorities_of(held.root),
        base64.b64encode(MINT.authority.root.public_bytes(Encoding.DER)).decode(),
    ]

    assert wrong(held, mutants_of(held.bundle, others, certificates), held.prove) == []


@pytest.mark.parametrize("name", MINTED)
def test_no_variant_of_a_minted_trust_root_proves_more(name: str) -> None:
    held = MINTED[name]
    mutants = root_mutants_of(held.root, [KeyMint().trusted_root_json()], NOW, held.used)

    assert wrong(held, mutants, lambda root: held.prove(root=root)) == []


@needs_data
@pytest.mark.parametrize("name", SUITE)
def test_no_variant_of_a_conformance_case_proves_more(name: str) -> None:
    held = SUITE[name]
    others = others_than(held, (SUITE[lender] for lender in LENDERS))
    certificates = authorities_of(held.root)[-2:]

    assert wrong(held, mutants_of(held.bundle, others, certificates), held.prove) == []


@needs_data
@pytest.mark.parametrize("name", SUITE)
def test_no_variant_of_a_conformance_trust_root_proves_more(name: str) -> None:
    held = SUITE[name]
    mutants = root_mutants_of(
        held.root, [MINT.trusted_root_json()], held.prove().signed_at, held.used
    )

    assert wrong(held, mutants, lambda root: held.prove(root=root)) == []


@needs_data
def test_the_variants_of_the_suite_are_many() -> None:
    count = sum(
        1
        for held in SUITE.values()
        for _ in mutants_of(held.bundle, others_than(held, map(SUITE.get, LENDERS)), [])
    )

    assert count > 10_000
