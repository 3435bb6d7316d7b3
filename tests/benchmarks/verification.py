"""Proving one signature, under a trust root that is read already; nothing is remembered."""

import hashlib
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.measuring import Row, at_most, milliseconds, noted, ratio
from benchmarks.scene import a_busy_case, ssh_signed
from sluice.gate.trust import TrustRoom
from sluice.verify.managed_key import verify_managed
from sluice.verify.public_key import read_public_key
from sluice.verify.sigstore import verify_bundle
from sluice.verify.ssh_statement import verify_ssh_statement
from sluice.verify.trust import parse_trust_root
from support.minting import PrivateSigstore
from support.minting_keys import KeyMint, public_pem
from support.team import CI, CI_ISSUER

__all__ = ["rows"]

SIGNATURE_MS_MAX = 1.0
ARTIFACT = b"a bundle"


def rows() -> list[Row]:
    """Return what one signature of each kind costs, and how that compares."""
    with tempfile.TemporaryDirectory() as folder:
        armored, statement = ssh_signed(a_busy_case(Path(folder), TrustRoom()))
    digest = hashlib.sha256(ARTIFACT).hexdigest()
    mint, key = KeyMint(), ec.generate_private_key(ec.SECP256R1())
    managed, mint_root = mint.sign_blob(key, ARTIFACT), parse_trust_root(mint.trusted_root_json())
    read = read_public_key(public_pem(key))
    sigstore = PrivateSigstore()
    keyless = sigstore.sign_blob(ARTIFACT, CI, CI_ISSUER)
    root = parse_trust_root(sigstore.trusted_root_json())

    def by_ssh() -> object:
        return verify_ssh_statement(armored, statement)

    def by_key() -> object:
        return verify_managed(managed, digest, read, mint_root)

    def by_certificate() -> object:
        return verify_bundle(keyless, digest, root)

    return [
        at_most("one SSH signature (Ed25519)", milliseconds(by_ssh), "ms", SIGNATURE_MS_MAX),
        at_most("one managed key (P-256, Rekor v1)", milliseconds(by_key), "ms", SIGNATURE_MS_MAX),
        at_most(
            "one keyless bundle (P-256, Rekor v1)",
            milliseconds(by_certificate),
            "ms",
            SIGNATURE_MS_MAX,
        ),
        noted("keyless, compared with a managed key", ratio(by_certificate, by_key), "ratio"),
    ]
