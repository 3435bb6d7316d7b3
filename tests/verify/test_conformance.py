"""The public sigstore conformance suite's bundle-verify cases.

Each case runs with the artifact's file and with its digest alone; both come to the same call here,
as only digests are verified.
"""

import hashlib

import pytest

from sluice.errors import VerificationError
from sluice.verify.facts import Signer, Statement
from sluice.verify.managed_key import read_public_key, verify_managed
from sluice.verify.sigstore import verify_bundle
from sluice.verify.trust import parse_trust_root
from support.conformance import CASES, KNOWN_FAILURES, Case, needs_data

SUBJECT = (
    "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/"
    ".github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"
)
ISSUER = "https://token.actions.githubusercontent.com"

pytestmark = [pytest.mark.disable_socket, needs_data]


def verified(case: Case, artifact_sha256: str) -> bool:
    """Return whether the bundle proves that the expected signer or key signed the artifact."""
    signer = Signer(
        kind="sigstore",
        issuer=case.stated("issuer", ISSUER),
        subject=case.stated("identity", SUBJECT),
    )
    try:
        root = parse_trust_root(case.root)
        if case.pem is None:
            fact = verify_bundle(case.bundle, artifact_sha256, root)
        else:
            key = read_public_key(case.pem)
            signer = Signer(kind="key", issuer="key", subject=key.fingerprint)
            fact = verify_managed(case.bundle, artifact_sha256, key, root)
    except VerificationError:
        return False
    about = fact.subjects if isinstance(fact, Statement) else {fact.artifact_sha256}
    return fact.signer == signer and artifact_sha256 in about


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.xfail(reason=KNOWN_FAILURES[name], strict=True))
        if name in KNOWN_FAILURES
        else name
        for name in CASES
    ],
)
def test_a_conformance_case_ends_as_it_must(name: str) -> None:
    case = Case(name)

    assert verified(case, case.artifact_sha256) == (not name.endswith("_fail"))


@pytest.mark.parametrize("name", [name for name in CASES if not name.endswith("_fail")])
def test_no_conformance_case_holds_for_another_artifact(name: str) -> None:
    case = Case(name)
    other = hashlib.sha256(case.artifact + b"\n").hexdigest()

    assert not verified(case, other)


def test_the_conformance_suite_is_whole() -> None:
    assert len(CASES) == 70
