"""Bundles signed by a named key: what holds is read, what was tampered with has its own reason."""

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sluice.errors import VerificationError
from sluice.verify.facts import BlobSignature, Signer, Statement
from sluice.verify.managed_key import read_public_key, verify_managed
from sluice.verify.sigstore import verify_bundle
from sluice.verify.sigstore_log import TIMESTAMPS_MAX
from sluice.verify.trust import parse_trust_root
from support.flaws import Flaw, SigningKey
from support.minting import PrivateSigstore, Span, edited, new_key
from support.minting_keys import KeyMint, public_pem

pytestmark = pytest.mark.disable_socket

ARTIFACT = b"the bundle"
DIGEST = hashlib.sha256(ARTIFACT).hexdigest()
STATEMENT: dict[str, Any] = {
    "_type": "https://in-toto.io/Statement/v1",
    "subject": [{"name": "bundle.zip", "digest": {"sha256": DIGEST}}],
    "predicateType": "https://example.com/predicate",
    "predicate": {"score": 7.5},
}

MINT = KeyMint()
ROOT = parse_trust_root(MINT.trusted_root_json())
NOW = datetime.now(UTC).replace(microsecond=0)
SIGNER, OTHER = new_key(), new_key()
KEY = read_public_key(public_pem(SIGNER))

KEYS: dict[str, SigningKey] = {
    "P-256": SIGNER,
    "P-384": ec.generate_private_key(ec.SECP384R1()),
    "P-521": ec.generate_private_key(ec.SECP521R1()),
    "RSA": rsa.generate_private_key(65537, 2048),
    "Ed25519": ed25519.Ed25519PrivateKey.generate(),
}


def a_blob(log: Any = "v1", key: SigningKey = SIGNER, **flaws: Any) -> bytes:
    return MINT.sign_blob(key, ARTIFACT, NOW, log=log, flaw=Flaw(**flaws))


def a_statement(log: Any = "v1", key: SigningKey = SIGNER, **flaws: Any) -> bytes:
    return MINT.sign_statement(key, STATEMENT, NOW, log=log, flaw=Flaw(**flaws))


def reason_of(call: Callable[..., object], *args: Any) -> str:
    with pytest.raises(VerificationError) as refused:
        call(*args)
    return refused.value.reason


def reason(bundle: bytes, key: Any = KEY, root: Any = ROOT, digest: str = DIGEST) -> str:
    return reason_of(verify_managed, bundle, digest, key, root)


def material(bundle: dict[str, Any]) -> dict[str, Any]:
    return bundle["verificationMaterial"]


def entry(bundle: dict[str, Any]) -> dict[str, Any]:
    return material(bundle)["tlogEntries"][0]


def flip(text: str) -> str:
    data = bytearray(base64.b64decode(text))
    data[-1] ^= 1
    return base64.b64encode(data).decode()


def flipped(*path: str | int) -> Callable[[dict[str, Any]], None]:
    def edit(bundle: dict[str, Any]) -> None:
        target: Any = bundle
        for step in path[:-1]:
            target = target[step]
        target[path[-1]] = flip(target[path[-1]])

    return edit


ENTRY = ("verificationMaterial", "tlogEntries", 0)
STAMP = ("verificationMaterial", "timestampVerificationData", "rfc3161Timestamps", 0)


def with_entry_of(other: bytes) -> Callable[[dict[str, Any]], None]:
    return lambda bundle: material(bundle).update(tlogEntries=[entry(json.loads(other))])


def with_checkpoint_of(other: bytes) -> Callable[[dict[str, Any]], None]:
    checkpoint = entry(json.loads(other))["inclusionProof"]["checkpoint"]
    return lambda bundle: entry(bundle)["inclusionProof"].update(checkpoint=checkpoint)


def with_stamps_of(other: bytes) -> Callable[[dict[str, Any]], None]:
    stamps = material(json.loads(other))["timestampVerificationData"]
    return lambda bundle: material(bundle).update(timestampVerificationData=stamps)


def stamped_again(bundle: dict[str, Any]) -> None:
    """Give a bundle more timestamps, all of which hold."""
    stamps = material(bundle)["timestampVerificationData"]["rfc3161Timestamps"]
    signature = base64.b64decode(bundle["messageSignature"]["signature"])
    for _ in range(TIMESTAMPS_MAX):
        stamp = MINT.authority.stamp(signature, NOW)
        stamps.append({"signedTimestamp": base64.b64encode(stamp).decode()})


def logged(**changes: Any) -> dict[str, Any]:
    """Return the body of a log entry about the usual file, with parts of its spec changed."""
    body = json.loads(base64.b64decode(entry(json.loads(a_blob()))["canonicalizedBody"]))
    for name, value in changes.items():
        body["spec"][name].update(value)
    return body


@pytest.mark.parametrize("log", ["v1", "v2"])
@pytest.mark.parametrize("kind", [kind for kind in KEYS if kind != "Ed25519"])
def test_a_key_signs_a_file(kind: str, log: str) -> None:
    key = read_public_key(public_pem(KEYS[kind]))
    bundle = a_blob(log, KEYS[kind])

    assert verify_managed(bundle, DIGEST, key, ROOT) == BlobSignature(
        artifact_sha256=DIGEST,
        signer=Signer(kind="key", issuer="key", subject=key.fingerprint),
        signed_at=NOW,
        evidence_sha256=hashlib.sha256(bundle).hexdigest(),
        root_sha256=ROOT.root_sha256,
    )


@pytest.mark.parametrize(
    ("kind", "log"),
    [
        (kind, log)
        for kind in KEYS
        for log in ("v1", "v2", "intoto", "dsse-v2")
        # Rekor v2 logs a digest of what was signed, which Ed25519 has none of.
        if (kind, log) != ("Ed25519", "v2")
    ],
)
def test_a_key_signs_a_statement(kind: str, log: str) -> None:
    key = read_public_key(public_pem(KEYS[kind]))
    bundle = a_statement(log, KEYS[kind])

    fact = verify_managed(bundle, "", key, ROOT)

    assert isinstance(fact, Statement)
    assert fact.signer == Signer(kind="key", issuer="key", subject=key.fingerprint)
    assert (fact.predicate_type, fact.predicate()) == (
        STATEMENT["predicateType"],
        STATEMENT["predicate"],
    )
    assert (fact.subjects, fact.signed_at) == (frozenset({DIGEST}), NOW)


def test_older_clients_hash_with_sha256_under_every_curve() -> None:
    bundle = MINT.sign_statement(KEYS["P-384"], STATEMENT, NOW, log="v2", hashing=hashes.SHA256())

    fact = verify_managed(bundle, "", read_public_key(public_pem(KEYS["P-384"])), ROOT)

    assert fact.signed_at == NOW


def test_an_ed25519_key_can_sign_no_file_of_which_only_the_digest_is_known() -> None:
    key = read_public_key(public_pem(KEYS["Ed25519"]))

    assert reason(a_blob("v1", KEYS["Ed25519"]), key) == "PublicKeySignsNoFiles"


TAMPERED: dict[str, tuple[Callable[[], bytes], str]] = {
    # The signature, and what it is over.
    "a changed signature": (
        lambda: edited(a_blob(), flipped("messageSignature", "signature")),
        "SignatureInvalid",
    ),
    "a changed signature, stamped": (
        lambda: edited(a_blob("v2"), flipped("messageSignature", "signature")),
        "TimestampInvalid",
    ),
    "a signature by another key": (lambda: a_blob(signature_key=OTHER), "SignatureInvalid"),
    "another key with the same hint": (
        lambda: edited(
            a_blob(key=OTHER),
            lambda bundle: material(bundle).update(
                publicKey=material(json.loads(a_blob()))["publicKey"]
            ),
        ),
        "SignatureInvalid",
    ),
    "another digest beside the signature": (
        lambda: edited(a_blob(), flipped("messageSignature", "messageDigest", "digest")),
        "SignatureForOtherArtifact",
    ),
    "a digest of another kind": (
        lambda: edited(
            a_blob(),
            lambda bundle: bundle["messageSignature"]["messageDigest"].update(algorithm="SHA2_512"),
        ),
        "SignatureForOtherArtifact",
    ),
    "a changed statement": (
        lambda: edited(
            a_statement(),
            lambda bundle: bundle["dsseEnvelope"].update(payload=base64.b64encode(b"{}").decode()),
        ),
        "SignatureInvalid",
    ),
    "a statement by another key": (
        lambda: a_statement(signature_key=OTHER),
        "SignatureInvalid",
    ),
    "a statement without signature": (
        lambda: edited(a_statement(), lambda bundle: bundle["dsseEnvelope"].update(signatures=[])),
        "BundleUnreadable",
    ),
    "a statement signed twice": (
        lambda: edited(
            a_statement(),
            lambda bundle: bundle["dsseEnvelope"].update(
                signatures=bundle["dsseEnvelope"]["signatures"] * 2
            ),
        ),
        "BundleUnreadable",
    ),
    "a payload of another protocol": (
        lambda: a_statement(payload_type="text/plain"),
        "StatementUnreadable",
    ),
    # Whose bundle it is.
    "a certificate": (
        lambda: MINT.sigstore.sign_blob(ARTIFACT, "a@example.com", "https://issuer.test", NOW),
        "CertificateUnexpected",
    ),
    "a key and a certificate": (
        lambda: edited(
            a_blob(),
            lambda bundle: material(bundle).update(
                certificate=material(
                    json.loads(MINT.sigstore.sign_blob(ARTIFACT, "a@b.test", "https://i.test"))
                )["certificate"]
            ),
        ),
        "BundleUnreadable",
    ),
    # The log entry of Rekor v1.
    "the entry of another file": (
        lambda: edited(a_blob(), with_entry_of(MINT.sign_blob(SIGNER, b"other", NOW))),
        "LogEntryForOther",
    ),
    "the entry of another key": (
        lambda: edited(a_blob(), with_entry_of(a_blob(key=OTHER))),
        "LogEntryForOther",
    ),
    "an entry about another digest": (
        lambda: a_blob(
            logged_body=logged(data={"hash": {"algorithm": "sha256", "value": "00" * 32}})
        ),
        "LogEntryForOther",
    ),
    "an entry with something else in it": (
        lambda: a_blob(logged_body=logged(data={"more": "x"})),
        "LogEntryForOther",
    ),
    "an entry about a signature of another kind": (
        lambda: edited(a_statement(), with_entry_of(a_blob())),
        "LogEntryForOther",
    ),
    "a changed entry": (
        lambda: edited(a_blob(), lambda bundle: entry(bundle).update(canonicalizedBody="e30=")),
        "LogEntryInvalid",
    ),
    "an entry that is no JSON": (
        lambda: edited(a_blob(), flipped(*ENTRY, "canonicalizedBody")),
        "LogEntryInvalid",
    ),
    "an entry of a kind for something else": (
        lambda: a_blob(entry_kind="rekord"),
        "LogEntryInvalid",
    ),
    "no promise": (
        lambda: edited(a_blob(), lambda bundle: entry(bundle).pop("inclusionPromise")),
        "TimestampMissing",
    ),
    "no time": (
        lambda: edited(a_blob(), lambda bundle: entry(bundle).pop("integratedTime")),
        "TimestampMissing",
    ),
    "no promise, but a timestamp": (
        lambda: edited(
            edited(a_blob(), with_stamps_of(a_blob("v2"))),
            lambda bundle: entry(bundle).pop("inclusionPromise"),
        ),
        "TimestampMissing",
    ),
    "another time": (
        lambda: edited(
            a_blob(),
            lambda bundle: entry(bundle).update(integratedTime=str(int(NOW.timestamp()) - 60)),
        ),
        "LogEntryInvalid",
    ),
    "a changed promise": (
        lambda: edited(a_blob(), flipped(*ENTRY, "inclusionPromise", "signedEntryTimestamp")),
        "LogEntryInvalid",
    ),
    "a promise by another key": (lambda: a_blob(promise_key=OTHER), "LogEntryInvalid"),
    "a checkpoint by another key": (lambda: a_blob(checkpoint_key=OTHER), "LogEntryInvalid"),
    "a checkpoint of a larger tree": (lambda: a_blob(checkpoint_size=3), "LogEntryInvalid"),
    "the checkpoint of another entry": (
        lambda: edited(a_blob(), with_checkpoint_of(MINT.sign_blob(SIGNER, b"other", NOW))),
        "LogEntryInvalid",
    ),
    "a changed hash of the proof": (
        lambda: edited(a_blob(), flipped(*ENTRY, "inclusionProof", "hashes", 0)),
        "LogEntryInvalid",
    ),
    "no proof": (
        lambda: edited(a_blob(), lambda bundle: entry(bundle).pop("inclusionProof")),
        "LogEntryMissing",
    ),
    "no entry": (
        lambda: edited(a_blob(), lambda bundle: material(bundle).update(tlogEntries=[])),
        "LogEntryMissing",
    ),
    "two entries": (
        lambda: edited(
            a_blob(), lambda bundle: material(bundle).update(tlogEntries=[entry(bundle)] * 2)
        ),
        "BundleUnreadable",
    ),
    "the id of another log": (
        lambda: edited(a_blob(), flipped(*ENTRY, "logId", "keyId")),
        "LogUntrusted",
    ),
    "another sigstore": (
        lambda: KeyMint(sigstore=PrivateSigstore()).sign_blob(SIGNER, ARTIFACT, NOW),
        "LogUntrusted",
    ),
    # The log entry of Rekor v2, and its timestamps.
    "no timestamp": (
        lambda: edited(
            a_blob("v2"), lambda bundle: material(bundle).pop("timestampVerificationData")
        ),
        "TimestampMissing",
    ),
    "the timestamp of another signature": (
        lambda: edited(a_blob("v2"), with_stamps_of(a_blob("v2"))),
        "TimestampInvalid",
    ),
    "a changed timestamp": (
        lambda: edited(a_blob("v2"), flipped(*STAMP, "signedTimestamp")),
        "TimestampInvalid",
    ),
    "a timestamp that does not hold beside the log's time": (
        lambda: edited(a_blob(), with_stamps_of(a_blob("v2"))),
        "TimestampInvalid",
    ),
    "the same timestamp twice": (
        lambda: edited(
            a_blob("v2"),
            lambda bundle: material(bundle).update(
                timestampVerificationData={
                    "rfc3161Timestamps": material(bundle)["timestampVerificationData"][
                        "rfc3161Timestamps"
                    ]
                    * 2
                }
            ),
        ),
        "TimestampInvalid",
    ),
    "more timestamps than anybody asks for": (
        lambda: edited(a_blob("v2"), stamped_again),
        "TimestampInvalid",
    ),
    "a time of the log where it gives none": (
        lambda: edited(a_blob("v2"), lambda bundle: entry(bundle).update(integratedTime="5")),
        "LogEntryInvalid",
    ),
    "another index than the proof's": (
        lambda: edited(a_blob("v2"), lambda bundle: entry(bundle).update(logIndex="7")),
        "LogEntryInvalid",
    ),
    "a log id of which nothing but its start is right": (
        lambda: edited(a_blob("v2"), flipped(*ENTRY, "logId", "keyId")),
        "LogUntrusted",
    ),
    "the entry of another file, stamped": (
        lambda: edited(a_blob("v2"), with_entry_of(MINT.sign_blob(SIGNER, b"o", NOW, log="v2"))),
        "LogEntryForOther",
    ),
    "a statement's entry with another envelope": (
        lambda: edited(a_statement("dsse-v2"), with_entry_of(a_statement("dsse-v2"))),
        "LogEntryForOther",
    ),
    "a statement's entry of old with another signature": (
        lambda: edited(a_statement("intoto"), with_entry_of(a_statement("intoto"))),
        "LogEntryForOther",
    ),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_each_way_to_tamper_is_refused_for_its_own_reason(case: str) -> None:
    make, expected = TAMPERED[case]

    assert reason(make()) == expected


FLAWS = {
    "none": Flaw(),
    "another's promise": Flaw(promise_key=OTHER),
    "another's checkpoint": Flaw(checkpoint_key=OTHER),
    "a larger tree": Flaw(checkpoint_size=3),
    "another's signature": Flaw(signature_key=OTHER),
    "an entry called dsse": Flaw(entry_kind="dsse"),
    "an entry called rekord": Flaw(entry_kind="rekord"),
    "a payload of text": Flaw(payload_type="text/plain"),
    "an empty entry": Flaw(logged_body={"kind": "hashedrekord"}),
}


@pytest.mark.parametrize("flaw", FLAWS.values(), ids=FLAWS)
def test_a_key_is_judged_as_a_certificate_is(flaw: Flaw) -> None:
    """Where sigstore's own verifier refuses a certificate's bundle, ours does a key's."""

    def holds(call: Callable[..., object], *args: Any) -> bool:
        try:
            call(*args)
        except VerificationError:
            return False
        return True

    who = ("a@example.com", "https://issuer.test", NOW)
    blob = MINT.sigstore.sign_blob(ARTIFACT, *who, flaw=flaw)
    statement = MINT.sigstore.sign_statement(STATEMENT, *who, flaw=flaw)

    assert holds(
        verify_managed, MINT.sign_blob(SIGNER, ARTIFACT, NOW, flaw=flaw), DIGEST, KEY, ROOT
    ) == holds(verify_bundle, blob, DIGEST, ROOT)
    assert holds(
        verify_managed, MINT.sign_statement(SIGNER, STATEMENT, NOW, flaw=flaw), DIGEST, KEY, ROOT
    ) == holds(verify_bundle, statement, DIGEST, ROOT)


def test_another_key_or_file_is_refused() -> None:
    other = read_public_key(public_pem(OTHER))

    assert reason(a_blob(), key=other) == "SignatureInvalid"
    assert reason(a_statement(), key=other) == "SignatureInvalid"
    assert reason(a_blob(), digest="00" * 32) == "SignatureForOtherArtifact"
    assert reason(a_blob(), digest=DIGEST.upper()) == "SignatureForOtherArtifact"


def test_the_hint_is_not_read() -> None:
    bundle = edited(a_blob(), lambda bundle: material(bundle).update(publicKey={"hint": "evil"}))

    assert verify_managed(bundle, DIGEST, KEY, ROOT).signer.subject == KEY.fingerprint


def test_a_key_is_refused_where_an_identity_is_asked_for() -> None:
    assert reason_of(verify_bundle, a_blob(), DIGEST, ROOT) == "KeyNotNamed"


@pytest.mark.parametrize("log", ["v1", "v2"])
def test_a_log_counts_only_while_it_is_in_force(log: str) -> None:
    bundle, second = a_blob(log), timedelta(seconds=1)

    def root(start: datetime, end: datetime | None) -> Any:
        return parse_trust_root(MINT.trusted_root_json(log=Span(start=start, end=end)))

    since = MINT.sigstore.since
    assert reason(bundle, root=root(since, NOW - second)) == "TrustKeyRetired"
    assert reason(bundle, root=root(NOW + second, None)) == "TrustKeyRetired"
    assert verify_managed(bundle, DIGEST, KEY, root(since, NOW)).signed_at == NOW
    assert verify_managed(bundle, DIGEST, KEY, root(NOW, None)).signed_at == NOW


def test_a_timestamp_authority_counts_only_while_it_is_in_force() -> None:
    bundle, second, since = a_blob("v2"), timedelta(seconds=1), MINT.sigstore.since

    def root(start: datetime, end: datetime | None) -> Any:
        return parse_trust_root(MINT.trusted_root_json(authority=Span(start=start, end=end)))

    assert reason(bundle, root=root(since, NOW - second)) == "TimestampInvalid"
    assert reason(bundle, root=root(NOW + second, None)) == "TimestampInvalid"
    assert verify_managed(bundle, DIGEST, KEY, root(since, NOW)).signed_at == NOW


BUNDLES = [a_blob(), a_blob("v2"), a_statement(), a_statement("v2")]


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=300)
@given(
    bundle=st.sampled_from(BUNDLES),
    edits=st.lists(
        st.tuples(st.integers(0, 10_000), st.integers(0, 6), st.binary(max_size=6)),
        min_size=1,
        max_size=4,
    ),
)
def test_no_mutation_breaks_the_reader_or_proves_more(
    bundle: bytes, edits: list[tuple[int, int, bytes]]
) -> None:
    mutant = bundle
    for place, length, text in edits:
        start = place % (len(mutant) + 1)
        mutant = mutant[:start] + text + mutant[start + length :]
    try:
        fact = verify_managed(mutant, DIGEST, KEY, ROOT)
    except VerificationError:
        return

    honest = verify_managed(bundle, DIGEST, KEY, ROOT)
    assert (fact.signer, fact.signed_at) == (honest.signer, honest.signed_at)
