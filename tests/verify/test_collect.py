"""Evidence about one release: what it proves, and why the rest does not."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sluice.verify.claims import ApprovalClaim, build_statement
from sluice.verify.collect import Examiner, TrustedKey, examine
from sluice.verify.facts import Evidence, Facts, Signer
from sluice.verify.provenance import PROVENANCE_TYPE
from sluice.verify.public_key import read_public_key
from sluice.verify.trust import parse_trust_root
from support.minting import Flaw, PrivateSigstore, edited, new_key
from support.minting_keys import KeyMint, public_pem
from support.sealing import SshPerson

pytestmark = pytest.mark.disable_socket

NOW = datetime.now(UTC).replace(microsecond=0)
ISSUER = "https://id.example"
ALICE, BUILDER = "alice@example.com", "https://github.com/acme/shop/.github/workflows/r.yml@main"
ARTIFACT = b"the bundle"
DIGEST = hashlib.sha256(ARTIFACT).hexdigest()
RELEASE = "ab" * 32

PERSON = SshPerson()
OURS, THEIRS = PrivateSigstore(), PrivateSigstore()
ROOT, OTHER_ROOT = (parse_trust_root(each.trusted_root_json()) for each in (OURS, THEIRS))
CLAIM = ApprovalClaim(
    app="com.example.shop",
    namespace="shop",
    version="1.2.0",
    channel="production",
    cluster="main",
    decision="approve",
    role="release-manager",
    nonce="0123456789abcdef",
    expires_at=NOW + timedelta(days=7),
)

DATED = CLAIM.model_copy(update={"issued_at": NOW})


def attestation(data: bytes) -> Evidence:
    return Evidence(source="attestation x", kind="attestation", data=data)


def approval(data: bytes, source: str = "Approval y") -> Evidence:
    return Evidence(source=source, kind="approval", data=data)


def a_statement(digest: str = DIGEST) -> bytes:
    return OURS.sign_statement(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"digest": {"sha256": digest}}],
            "predicateType": "https://slsa.dev/provenance/v1",
            "predicate": {},
        },
        BUILDER,
        ISSUER,
        NOW,
    )


def an_approval(release: str = RELEASE, sigstore: PrivateSigstore = OURS) -> bytes:
    return sigstore.sign_statement(build_statement(release, CLAIM), ALICE, ISSUER, NOW)


def facts_of(*evidence: Evidence, roots: Any = (ROOT,)) -> Facts:
    return examine(evidence, artifact_sha256=DIGEST, release_digest=RELEASE, roots=roots)


def reason_of(evidence: Evidence, roots: Any = (ROOT,)) -> str:
    facts = facts_of(evidence, roots=roots)

    assert (facts.signatures, facts.statements, facts.approvals) == ((), (), ())
    (rejected,) = facts.rejected
    assert rejected.source == evidence.source
    assert rejected.evidence_sha256 == evidence.sha256()
    return rejected.reason


def by_ssh(statement: dict[str, Any], **kind: Any) -> Evidence:
    signed = PERSON.sign_statement(statement)
    return Evidence(
        **{"source": "Approval z", "kind": "approval", **kind},
        data=signed["signature"].encode(),
        statement=signed["statement"].encode(),
    )


def test_an_ssh_key_signs_an_approval_and_no_root_is_needed() -> None:
    facts = facts_of(by_ssh(build_statement(RELEASE, DATED)), roots=())

    [found] = facts.approvals
    assert found.signer == Signer(kind="ssh", issuer="ssh", subject=PERSON.public_key)
    assert (found.signed_at, found.time_proven) == (NOW, False)
    assert (found.root_sha256, found.user_verified, found.origin) == ("", False, "")


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        pytest.param(
            by_ssh(build_statement(RELEASE, CLAIM)), "ApprovalUnreadable", id="without a time"
        ),
        pytest.param(
            by_ssh(build_statement("cd" * 32, DATED)),
            "ApprovalForOtherRelease",
            id="of another release",
        ),
        pytest.param(
            by_ssh({**build_statement(RELEASE, DATED), "predicateType": PROVENANCE_TYPE}),
            "StatementMisplaced",
            id="an attestation",
        ),
        pytest.param(
            by_ssh(build_statement(RELEASE, DATED), kind="attestation"),
            "StatementMisplaced",
            id="an approval offered as an attestation",
        ),
    ],
)
def test_an_ssh_signature_counts_for_nothing_else(evidence: Evidence, reason: str) -> None:
    assert reason_of(evidence) == reason


def test_the_text_under_an_ssh_signature_has_one_spelling() -> None:
    spaced = json.dumps(build_statement(RELEASE, DATED)).encode()
    evidence = Evidence(
        source="x", kind="approval", data=PERSON.sign(spaced).encode(), statement=spaced
    )

    assert reason_of(evidence) == "StatementUnreadable"


def test_evidence_is_told_apart_by_where_the_statement_ends() -> None:
    one = Evidence(source="", kind="approval", statement=b"ab", data=b"c")
    other = Evidence(source="", kind="approval", statement=b"a", data=b"bc")

    assert one.sha256() != other.sha256()


def test_a_managed_key_attests_under_its_own_root() -> None:
    mint, key = KeyMint(), new_key()
    root = parse_trust_root(mint.trusted_root_json())
    trusted = TrustedKey(key=read_public_key(public_pem(key)), root=root)
    evidence = attestation(mint.sign_blob(key, ARTIFACT, NOW))

    facts = facts_of(evidence, roots=(root, trusted))

    [signature] = facts.signatures
    assert signature.signer == Signer(kind="key", issuer="key", subject=trusted.key.fingerprint)
    assert signature.root_sha256 == root.root_sha256
    assert reason_of(evidence, roots=(root,)) == "KeyNotNamed"
    stranger = TrustedKey(key=read_public_key(public_pem(new_key())), root=root)
    assert facts_of(evidence, roots=(stranger,)).signatures == ()


def test_a_managed_key_speaks_for_nobody() -> None:
    mint, key = KeyMint(), new_key()
    root = parse_trust_root(mint.trusted_root_json())
    trusted = TrustedKey(key=read_public_key(public_pem(key)), root=root)
    signed = mint.sign_statement(key, build_statement(RELEASE, CLAIM), NOW)

    assert facts_of(approval(signed), roots=(root, trusted)).approvals == ()


def test_each_kind_of_evidence_becomes_its_kind_of_fact() -> None:
    facts = facts_of(
        attestation(OURS.sign_blob(ARTIFACT, BUILDER, ISSUER, NOW)),
        attestation(a_statement()),
        approval(an_approval()),
        attestation(b"broken"),
    )

    assert [each.signer.subject for each in facts.signatures] == [BUILDER]
    assert [each.predicate_type for each in facts.statements] == ["https://slsa.dev/provenance/v1"]
    assert [(each.signer.subject, each.source) for each in facts.approvals] == [
        (ALICE, "Approval y")
    ]
    assert [each.reason for each in facts.rejected] == ["BundleUnreadable"]


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        pytest.param(
            attestation(OURS.sign_blob(b"another", BUILDER, ISSUER, NOW)),
            "SignatureForOtherArtifact",
            id="a signature over another file",
        ),
        pytest.param(
            attestation(a_statement("cd" * 32)),
            "SignatureForOtherArtifact",
            id="a statement about another file",
        ),
        pytest.param(
            approval(an_approval("cd" * 32)),
            "ApprovalForOtherRelease",
            id="an approval of another release",
        ),
        pytest.param(
            approval(an_approval(DIGEST)),
            "ApprovalForOtherRelease",
            id="an approval of the bundle instead of the release",
        ),
        pytest.param(approval(a_statement(RELEASE)), "NotAnApproval", id="provenance as approval"),
        pytest.param(
            approval(OURS.sign_blob(RELEASE, ALICE, ISSUER, NOW)),
            "NotAStatement",
            id="a bare signature as approval",
        ),
        pytest.param(
            attestation(an_approval(DIGEST)), "StatementMisplaced", id="an approval as attestation"
        ),
    ],
)
def test_evidence_about_something_else_is_rejected(evidence: Evidence, reason: str) -> None:
    assert reason_of(evidence) == reason


def test_nothing_is_proven_without_a_trust_root() -> None:
    assert reason_of(approval(an_approval()), roots=()) == "TrustRootMissing"


def test_a_bundle_is_a_fact_for_each_root_under_which_it_holds() -> None:
    spaced = parse_trust_root(OURS.trusted_root_json() + b"\n")
    facts = facts_of(approval(an_approval()), roots=(ROOT, OTHER_ROOT, spaced))

    assert [each.root_sha256 for each in facts.approvals] == [ROOT.root_sha256, spaced.root_sha256]
    assert facts.rejected == ()


@pytest.mark.parametrize("roots", [(ROOT, OTHER_ROOT), (OTHER_ROOT, ROOT)])
def test_the_root_that_got_furthest_says_why(roots: Any) -> None:
    late = OURS.sign_statement(
        build_statement(RELEASE, CLAIM),
        ALICE,
        ISSUER,
        NOW,
        flaw=Flaw(signature_key=OURS.ca_key),
    )

    assert reason_of(approval(late), roots=roots) == "SignatureInvalid"
    assert reason_of(approval(an_approval("cd" * 32)), roots=roots) == "ApprovalForOtherRelease"


def test_a_remembered_outcome_is_the_same_one() -> None:
    examiner = Examiner()
    evidence = (
        attestation(OURS.sign_blob(ARTIFACT, BUILDER, ISSUER, NOW)),
        approval(an_approval()),
        approval(an_approval(), source="Approval of the same words"),
        attestation(b"broken"),
    )

    def asked(**changes: str) -> Facts:
        digests = {"artifact_sha256": DIGEST, "release_digest": RELEASE, **changes}
        return examiner.examine(evidence, roots=(ROOT,), **digests)

    first = asked()

    assert asked() == first == facts_of(*evidence)
    assert first.approvals[1].source == "Approval of the same words"
    # What is remembered for one release says nothing about another.
    assert asked(artifact_sha256="00" * 32).signatures == ()
    assert asked(release_digest="00" * 32).approvals == ()
    assert asked() == first


def test_evidence_offered_as_two_kinds_is_examined_as_each() -> None:
    examiner, data = Examiner(), OURS.sign_blob(ARTIFACT, BUILDER, ISSUER, NOW)
    first, second = (
        examiner.examine(
            (offered(data),), artifact_sha256=DIGEST, release_digest=RELEASE, roots=(ROOT,)
        )
        for offered in (attestation, approval)
    )

    assert len(first.signatures) == 1
    assert second.signatures == ()
    assert [each.reason for each in second.rejected] == ["NotAStatement"]


def test_memory_is_bounded_and_forgetting_changes_nothing() -> None:
    examiner = Examiner(outcomes_max=4, bytes_max=64 * 1024)
    bundles = [attestation(b"broken %d" % number) for number in range(20)]
    bundles.append(attestation(edited(a_statement(), lambda bundle: bundle.update(x="y" * 40_000))))

    def asked() -> Facts:
        return examiner.examine(
            bundles, artifact_sha256=DIGEST, release_digest=RELEASE, roots=(ROOT,)
        )

    assert asked() == asked() == facts_of(*bundles)
    remembered = [examiner._young, examiner._old]
    assert all(len(each.outcomes) <= 3 for each in remembered)


def test_a_long_source_is_cut() -> None:
    (rejected,) = facts_of(approval(b"", source="x" * 1000)).rejected

    assert rejected.source == "x" * 256
