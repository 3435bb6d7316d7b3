"""The public sigstore conformance suite's bundle-verify cases.

The data is not in this repository: it is looked for at $SLUICE_CONFORMANCE, or in
`../shared/conformance` beside the checkout. Each case runs with the artifact's file and with its
digest alone; both come to the same call here, as only digests are verified.
"""

import hashlib
import os
from pathlib import Path

import pytest

from sluice.errors import VerificationError
from sluice.verify.facts import Signer, Statement
from sluice.verify.managed_key import read_public_key, verify_managed
from sluice.verify.sigstore import verify_bundle
from sluice.verify.trust import parse_trust_root

HERE = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("SLUICE_CONFORMANCE", HERE.parent / "shared" / "conformance"))
CASES_DIR = DATA / "sigstore" / "bundle-verify"
CASES = (
    sorted(path.name for path in CASES_DIR.iterdir() if path.is_dir()) if CASES_DIR.is_dir() else []
)

SUBJECT = (
    "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/"
    ".github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"
)
ISSUER = "https://token.actions.githubusercontent.com"

KNOWN_FAILURES = {
    "intoto-with-custom-trust-root": "sigstore knows no log entries of kind intoto",
}

pytestmark = [
    pytest.mark.disable_socket,
    pytest.mark.skipif(not CASES, reason=f"no conformance data at {CASES_DIR}"),
]


def verified(case: str, artifact_sha256: str) -> bool:
    """Return whether the bundle proves that the expected signer or key signed the artifact."""
    folder = CASES_DIR / case
    own_root = folder / "trusted_root.json"
    root = own_root if own_root.exists() else DATA / "sigstore/public-good/trusted_root.json"
    named = {
        name: (folder / name).read_text().strip() if (folder / name).exists() else usual
        for name, usual in (("issuer", ISSUER), ("identity", SUBJECT))
    }
    signer = Signer(kind="sigstore", issuer=named["issuer"], subject=named["identity"])
    bundle = (folder / "bundle.sigstore.json").read_bytes()
    pem = folder / "key.pub"
    try:
        trusted = parse_trust_root(root.read_bytes())
        if pem.exists():
            key = read_public_key(pem.read_text())
            signer = Signer(kind="key", issuer="key", subject=key.fingerprint)
            fact = verify_managed(bundle, artifact_sha256, key, trusted)
        else:
            fact = verify_bundle(bundle, artifact_sha256, trusted)
    except VerificationError:
        return False
    about = fact.subjects if isinstance(fact, Statement) else {fact.artifact_sha256}
    return fact.signer == signer and artifact_sha256 in about


def artifact_of(case: str) -> Path:
    own = CASES_DIR / case / "artifact"
    return own if own.exists() else CASES_DIR / "a.txt"


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=pytest.mark.xfail(reason=KNOWN_FAILURES[case], strict=True))
        if case in KNOWN_FAILURES
        else case
        for case in CASES
    ],
)
def test_a_conformance_case_ends_as_it_must(case: str) -> None:
    artifact_sha256 = hashlib.sha256(artifact_of(case).read_bytes()).hexdigest()

    assert verified(case, artifact_sha256) == (not case.endswith("_fail"))


@pytest.mark.parametrize("case", [case for case in CASES if not case.endswith("_fail")])
def test_no_conformance_case_holds_for_another_artifact(case: str) -> None:
    other = hashlib.sha256(artifact_of(case).read_bytes() + b"\n").hexdigest()

    assert not verified(case, other)


def test_the_conformance_suite_is_whole() -> None:
    assert len(CASES) == 70
