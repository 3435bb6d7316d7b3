"""Hostile sigstore bundles, each refused for its own reason; honest ones read as what they are."""

import base64
import hashlib
import inspect
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sigstore.models
import sigstore.verify.verifier
from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sluice.errors import VerificationError
from sluice.verify import sigstore_words
from sluice.verify.facts import Signer
from sluice.verify.sigstore import BUNDLE_BYTES_MAX, verify_blob, verify_bundle, verify_statement
from sluice.verify.trust import parse_trust_root
from support.minting import Flaw, PrivateSigstore, Span, edited, new_key

pytestmark = pytest.mark.disable_socket

WORKFLOW = "https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main"
ISSUER = "https://token.actions.githubusercontent.com"
ARTIFACT = b"the bundle"
DIGEST = hashlib.sha256(ARTIFACT).hexdigest()
STATEMENT: dict[str, Any] = {
    "_type": "https://in-toto.io/Statement/v1",
    "subject": [{"name": "bundle.zip", "digest": {"sha256": DIGEST}}],
    "predicateType": "https://example.com/predicate",
    "predicate": {"score": 7.5, "b": [1, "ü"]},
}

SIGSTORE = PrivateSigstore()
ROOT = parse_trust_root(SIGSTORE.trusted_root_json())
NOW = datetime.now(UTC).replace(microsecond=0)


def a_blob(flaw: Flaw | None = None, **changes: Any) -> bytes:
    values = {"artifact": ARTIFACT, "subject": WORKFLOW, "issuer": ISSUER, "at": NOW, **changes}
    return SIGSTORE.sign_blob(**values, flaw=flaw or Flaw())


def a_statement(flaw: Flaw | None = None, **changes: Any) -> bytes:
    values = {"statement": STATEMENT, "subject": WORKFLOW, "issuer": ISSUER, "at": NOW, **changes}
    return SIGSTORE.sign_statement(**values, flaw=flaw or Flaw())


def changed(change: dict[str, Any]) -> bytes:
    return a_statement(statement={**STATEMENT, **change})


def entry_of(bundle: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = bundle["verificationMaterial"]["tlogEntries"][0]
    return entry


def flipped(text: str) -> str:
    """Return base64 text with one bit of what it encodes changed."""
    data = bytearray(base64.b64decode(text))
    data[len(data) // 2] ^= 1
    return base64.b64encode(data).decode()


def flip(*path: str) -> Callable[[dict[str, Any]], None]:
    def edit(bundle: dict[str, Any]) -> None:
        target = entry_of(bundle)
        for step in path[:-1]:
            target = target[step]
        target[path[-1]] = flipped(target[path[-1]])

    return edit


def swapped_entry(bundle: dict[str, Any]) -> None:
    bundle["verificationMaterial"]["tlogEntries"] = [entry_of(json.loads(a_blob()))]


def with_chain(*certificates: x509.Certificate) -> Callable[[dict[str, Any]], None]:
    """Return an edit that makes the bundle one of version 0.2, with more certificates in it."""

    def edit(bundle: dict[str, Any]) -> None:
        material = bundle["verificationMaterial"]
        material["x509CertificateChain"] = {
            "certificates": [material.pop("certificate")]
            + [
                {"rawBytes": base64.b64encode(each.public_bytes(Encoding.DER)).decode()}
                for each in certificates
            ]
        }
        bundle["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.2"

    return edit


def san(*names: x509.GeneralName) -> Flaw:
    return Flaw(names=names)


MAIL = x509.RFC822Name("alice@example.com")
OTHER_NAME = x509.OtherName(
    x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.7"), asn1.encode_der("build-bot")
)

HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    # Reading.
    "nothing at all": (lambda: b"", "BundleUnreadable"),
    "no JSON": (lambda: b"not json", "BundleUnreadable"),
    "a list": (lambda: b"[]", "BundleUnreadable"),
    "a null": (lambda: b"null", "BundleUnreadable"),
    "an empty object": (lambda: b"{}", "BundleUnreadable"),
    "invalid UTF-8": (lambda: a_blob()[:-1] + b"\xff}", "BundleUnreadable"),
    "megabytes too much": (lambda: a_blob() + b" " * BUNDLE_BYTES_MAX, "BundleUnreadable"),
    "depth that exhausts a stack": (lambda: b"[" * 100_000, "BundleUnreadable"),
    "a key given twice": (
        lambda: a_blob().replace(b'"mediaType":', b'"mediaType": "", "mediaType":', 1),
        "BundleUnreadable",
    ),
    "a field that no bundle has": (
        lambda: edited(a_blob(), lambda bundle: bundle.update(extra=1)),
        "BundleUnreadable",
    ),
    "a version of the future": (
        lambda: edited(
            a_blob(),
            lambda bundle: bundle.update(mediaType="application/vnd.dev.sigstore.bundle.v0.4+json"),
        ),
        "BundleVersionUnknown",
    ),
    "a certificate and a key": (
        lambda: edited(
            a_blob(), lambda bundle: bundle["verificationMaterial"].update(publicKey={"hint": "x"})
        ),
        "BundleUnreadable",
    ),
    "a key in place of the certificate": (
        lambda: edited(
            a_blob(),
            lambda bundle: bundle.update(
                verificationMaterial={
                    "publicKey": {"hint": "x"},
                    "tlogEntries": [entry_of(bundle)],
                }
            ),
        ),
        "KeyNotNamed",
    ),
    "a certificate that is no certificate": (
        lambda: edited(
            a_blob(),
            lambda bundle: bundle["verificationMaterial"].update(certificate={"rawBytes": "AAAA"}),
        ),
        "BundleUnreadable",
    ),
    "a root certificate of its own": (
        lambda: edited(a_blob(), with_chain(SIGSTORE.ca)),
        "BundleUnsafe",
    ),
    # The log entry.
    "no log entry": (
        lambda: edited(
            a_blob(), lambda bundle: bundle["verificationMaterial"].update(tlogEntries=[])
        ),
        "LogEntryMissing",
    ),
    "a log entry without proof": (
        lambda: edited(a_blob(), lambda bundle: entry_of(bundle).pop("inclusionProof")),
        "LogEntryMissing",
    ),
    "a proof without checkpoint": (
        lambda: edited(
            a_blob(), lambda bundle: entry_of(bundle)["inclusionProof"].pop("checkpoint")
        ),
        "LogEntryMissing",
    ),
    "two log entries": (
        lambda: edited(
            a_blob(),
            lambda bundle: bundle["verificationMaterial"]["tlogEntries"].append(entry_of(bundle)),
        ),
        "BundleUnreadable",
    ),
    "a changed inclusion promise": (
        lambda: edited(a_blob(), flip("inclusionPromise", "signedEntryTimestamp")),
        "LogEntryInvalid",
    ),
    "a promise by another key": (
        lambda: a_blob(Flaw(promise_key=new_key())),
        "LogEntryInvalid",
    ),
    "a changed time": (
        lambda: edited(
            a_blob(),
            lambda bundle: entry_of(bundle).update(
                integratedTime=str(int(entry_of(bundle)["integratedTime"]) + 1)
            ),
        ),
        "LogEntryInvalid",
    ),
    "a checkpoint by another key": (
        lambda: a_blob(Flaw(checkpoint_key=new_key())),
        "LogEntryInvalid",
    ),
    "a checkpoint of a larger tree": (
        lambda: a_blob(Flaw(checkpoint_size=3)),
        "LogEntryInvalid",
    ),
    "a changed root hash": (
        lambda: edited(a_blob(), flip("inclusionProof", "rootHash")),
        "LogEntryInvalid",
    ),
    "a changed hash in the proof": (
        lambda: edited(
            a_blob(),
            lambda bundle: entry_of(bundle)["inclusionProof"].update(
                hashes=[flipped(entry_of(bundle)["inclusionProof"]["hashes"][0])]
            ),
        ),
        "LogEntryInvalid",
    ),
    "a changed body": (lambda: edited(a_blob(), flip("canonicalizedBody")), "LogEntryInvalid"),
    "a body about something else": (
        lambda: a_blob(Flaw(logged_body={"kind": "hashedrekord", "spec": {}})),
        "LogEntryInvalid",
    ),
    "the log entry of another signature": (
        lambda: edited(a_blob(), swapped_entry),
        "LogEntryForOther",
    ),
    "the log entry of another statement": (
        lambda: edited(
            a_statement(),
            lambda bundle: bundle["verificationMaterial"].update(
                tlogEntries=[entry_of(json.loads(changed({"predicate": {}})))]
            ),
        ),
        "LogEntryForOther",
    ),
    "a signature logged as a statement": (
        lambda: a_blob(Flaw(entry_kind="dsse")),
        "LogEntryForOther",
    ),
    "a statement logged as a signature": (
        lambda: a_statement(Flaw(entry_kind="hashedrekord")),
        "LogEntryInvalid",
    ),
    "a kind of entry without time": (
        lambda: a_statement(Flaw(entry_kind="intoto")),
        "LogEntryInvalid",
    ),
    "no time at all": (
        lambda: edited(a_blob(), lambda bundle: entry_of(bundle).pop("inclusionPromise")),
        "TimestampMissing",
    ),
    "a promise of no time": (
        lambda: edited(a_blob(), lambda bundle: entry_of(bundle).pop("integratedTime")),
        "TimestampMissing",
    ),
    "a time before time": (
        lambda: edited(
            a_blob(), lambda bundle: entry_of(bundle).update(integratedTime=str(2**64 - 1))
        ),
        "BundleUnreadable",
    ),
    "a timestamp that is none": (
        lambda: edited(
            a_blob(),
            lambda bundle: bundle["verificationMaterial"].update(
                timestampVerificationData={"rfc3161Timestamps": [{"signedTimestamp": "AAAA"}]}
            ),
        ),
        "TimestampInvalid",
    ),
    # The certificate.
    "another sigstore": (
        lambda: PrivateSigstore().sign_blob(ARTIFACT, WORKFLOW, ISSUER, NOW),
        "CertificateUntrusted",
    ),
    "a certificate by somebody else": (
        lambda: a_blob(Flaw(ca_key=new_key())),
        "CertificateUntrusted",
    ),
    "a certificate that had ended": (
        lambda: a_blob(Flaw(leaf_start=NOW - timedelta(hours=1))),
        "CertificateExpired",
    ),
    "a certificate that had not begun": (
        lambda: a_blob(Flaw(leaf_start=NOW + timedelta(minutes=1))),
        "CertificateExpired",
    ),
    "a certificate in no log": (
        lambda: a_blob(Flaw(certificate_logged=False)),
        "CertificateNotLogged",
    ),
    "a certificate in another log": (
        lambda: a_blob(Flaw(certificate_log_key=new_key())),
        "CertificateNotLogged",
    ),
    "a certificate not for signatures": (
        lambda: a_blob(Flaw(digital_signature=False)),
        "CertificateUnusable",
    ),
    "a certificate not for code": (
        lambda: a_blob(Flaw(code_signing=False)),
        "CertificateUnusable",
    ),
    "a key of another kind": (
        lambda: a_blob(Flaw(leaf_key=ed25519.Ed25519PrivateKey.generate())),
        "CertificateUnusable",
    ),
    # Whom it names.
    "nobody": (lambda: a_blob(san()), "CertificateUntrusted"),
    "two subjects": (
        lambda: a_blob(san(MAIL, x509.RFC822Name("eve@example.com"))),
        "IdentityAmbiguous",
    ),
    "the same subject twice": (lambda: a_blob(san(MAIL, MAIL)), "IdentityAmbiguous"),
    "an empty address": (
        lambda: a_blob(san(x509.UniformResourceIdentifier(""))),
        "IdentityMissing",
    ),
    "a host for a subject": (
        lambda: a_blob(san(x509.DNSName("example.com"))),
        "IdentityAmbiguous",
    ),
    "an unknown kind of name": (
        lambda: a_blob(
            san(x509.OtherName(x509.ObjectIdentifier("1.2.3"), asn1.encode_der("alice")))
        ),
        "IdentityAmbiguous",
    ),
    "a name that is not text": (
        lambda: a_blob(san(x509.OtherName(OTHER_NAME.type_id, b"\x02\x01\x05"))),
        "IdentityAmbiguous",
    ),
    "a name with a line break": (
        lambda: a_blob(
            san(x509.OtherName(OTHER_NAME.type_id, asn1.encode_der("alice\n@example.com")))
        ),
        "IdentityAmbiguous",
    ),
    "a name that reads backwards": (
        lambda: a_blob(san(x509.OtherName(OTHER_NAME.type_id, asn1.encode_der("\u202ecod")))),
        "IdentityAmbiguous",
    ),
    "a name without end": (
        lambda: a_blob(san(x509.OtherName(OTHER_NAME.type_id, asn1.encode_der("a" * 1025)))),
        "IdentityAmbiguous",
    ),
    "no issuer": (lambda: a_blob(Flaw(issuer_der=b"", issuer_raw=b"")), "IdentityMissing"),
    "an empty issuer": (lambda: a_blob(issuer=""), "IdentityMissing"),
    "two issuers": (
        lambda: a_blob(Flaw(issuer_raw=b"https://evil.example")),
        "IdentityAmbiguous",
    ),
    "an issuer that is not text": (
        lambda: a_blob(Flaw(issuer_der=b"\x0c\x01\xff")),
        "IdentityAmbiguous",
    ),
    "an issuer of old that is not text": (
        lambda: a_blob(Flaw(issuer_raw=b"\xff", issuer_der=b"")),
        "IdentityAmbiguous",
    ),
    # What was signed.
    "a signature by another key": (
        lambda: a_blob(Flaw(signature_key=new_key())),
        "SignatureInvalid",
    ),
    "a statement by another key": (
        lambda: a_statement(Flaw(signature_key=new_key())),
        "SignatureInvalid",
    ),
    "a signature over another file": (
        lambda: a_blob(artifact=b"another file"),
        "SignatureForOtherArtifact",
    ),
    "a signature over another file that names none": (
        lambda: edited(
            a_blob(artifact=b"another file"),
            lambda bundle: bundle["messageSignature"].pop("messageDigest"),
        ),
        "SignatureInvalid",
    ),
    "a payload of another protocol": (
        lambda: a_statement(Flaw(payload_type="text/plain")),
        "StatementUnreadable",
    ),
    "a payload that is no JSON": (
        lambda: a_statement(statement=b"approve everything"),
        "StatementUnreadable",
    ),
    "a payload with a key twice": (
        lambda: a_statement(statement=b'{"_type":"a","_type":"b"}'),
        "StatementUnreadable",
    ),
    "a statement of another type": (
        lambda: changed({"_type": "https://in-toto.io/Statement/v2"}),
        "StatementUnreadable",
    ),
    "a predicate that is a list": (lambda: changed({"predicate": []}), "StatementUnreadable"),
    "a predicate of no type": (lambda: changed({"predicateType": ""}), "StatementUnreadable"),
    "a statement about nothing": (lambda: changed({"subject": []}), "SubjectMissing"),
    "a subject that is no object": (lambda: changed({"subject": [DIGEST]}), "SubjectMissing"),
    "a subject without sha256": (
        lambda: changed({"subject": [{"name": "a", "digest": {"sha512": "ab" * 64}}]}),
        "SubjectMissing",
    ),
    "one subject of two without sha256": (
        lambda: changed({"subject": [*STATEMENT["subject"], {"digest": {"sha1": "ab" * 20}}]}),
        "SubjectMissing",
    ),
    "a digest in capitals": (
        lambda: changed({"subject": [{"digest": {"sha256": DIGEST.upper()}}]}),
        "SubjectMissing",
    ),
    "a digest with a line break": (
        lambda: changed({"subject": [{"digest": {"sha256": DIGEST + "\n"}}]}),
        "SubjectMissing",
    ),
    "a crowd of subjects": (
        lambda: changed({"subject": STATEMENT["subject"] * 1025}),
        "SubjectMissing",
    ),
}


def reason_of(call: Callable[..., object], *args: Any) -> str:
    with pytest.raises(VerificationError) as refused:
        call(*args)
    return refused.value.reason


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_bundle_is_refused_for_its_own_reason(case: str) -> None:
    make, reason = HOSTILE[case]

    assert reason_of(verify_bundle, make(), DIGEST, ROOT) == reason


def test_a_signature_says_who_signed_what_and_when() -> None:
    bundle = a_blob()
    fact = verify_blob(bundle, DIGEST, ROOT)

    assert fact.artifact_sha256 == DIGEST
    assert fact.signer == Signer(kind="sigstore", issuer=ISSUER, subject=WORKFLOW)
    assert fact.signed_at == NOW
    assert fact.evidence_sha256 == hashlib.sha256(bundle).hexdigest()
    assert fact.root_sha256 == hashlib.sha256(SIGSTORE.trusted_root_json()).hexdigest()


def test_a_statement_says_what_it_says() -> None:
    fact = verify_statement(a_statement(), ROOT)

    assert fact.predicate_type == STATEMENT["predicateType"]
    assert fact.predicate() == STATEMENT["predicate"]
    assert fact.subjects == frozenset({DIGEST})
    assert fact.signer == Signer(kind="sigstore", issuer=ISSUER, subject=WORKFLOW)


@pytest.mark.parametrize("name", [MAIL, OTHER_NAME], ids=["e-mail", "user name"])
def test_every_kind_of_name_is_read(name: x509.GeneralName) -> None:
    fact = verify_blob(a_blob(san(name)), DIGEST, ROOT)

    assert fact.signer.subject == ("build-bot" if name is OTHER_NAME else "alice@example.com")


@pytest.mark.parametrize(
    "flaw", [Flaw(issuer_raw=b""), Flaw(issuer_der=b"")], ids=["new form alone", "old form alone"]
)
def test_either_form_of_the_issuer_will_do(flaw: Flaw) -> None:
    assert verify_blob(a_blob(flaw), DIGEST, ROOT).signer.issuer == ISSUER


def test_a_statement_without_predicate_says_nothing() -> None:
    bare = {key: value for key, value in STATEMENT.items() if key != "predicate"}

    assert verify_statement(a_statement(statement=bare), ROOT).predicate() == {}


def test_a_bundle_of_an_older_version_verifies() -> None:
    assert verify_blob(edited(a_blob(), with_chain()), DIGEST, ROOT).signed_at == NOW


def test_a_bundle_is_taken_for_what_it_holds() -> None:
    assert reason_of(verify_blob, a_statement(), DIGEST, ROOT) == "NotASignature"
    assert reason_of(verify_statement, a_blob(), ROOT) == "NotAStatement"


def test_a_signature_over_no_digest_is_none() -> None:
    assert reason_of(verify_blob, a_blob(), "x", ROOT) == "SignatureForOtherArtifact"


@pytest.mark.parametrize("member", ["ca", "certificate_log", "log"])
def test_a_retired_member_of_the_root_counts_for_nothing(member: str) -> None:
    """Attack 20: sigstore never asks when a key's span ended."""
    since = SIGSTORE.since

    def root_until(end: datetime | None, start: datetime = since) -> Any:
        span = Span(start=start, end=end)
        return parse_trust_root(SIGSTORE.trusted_root_json(**{member: span}))

    bundle, second = a_blob(), timedelta(seconds=1)

    assert reason_of(verify_blob, bundle, DIGEST, root_until(NOW - second)) == "TrustKeyRetired"
    assert (
        reason_of(verify_blob, bundle, DIGEST, root_until(None, NOW + second)) == "TrustKeyRetired"
    )
    assert verify_blob(bundle, DIGEST, root_until(NOW)).signed_at == NOW
    assert verify_blob(bundle, DIGEST, root_until(None, NOW)).signed_at == NOW


def test_a_retired_key_does_not_hide_another_fault() -> None:
    root = parse_trust_root(
        SIGSTORE.trusted_root_json(ca=Span(start=SIGSTORE.since, end=SIGSTORE.since))
    )
    other = PrivateSigstore().sign_blob(ARTIFACT, WORKFLOW, ISSUER, NOW)

    assert reason_of(verify_blob, other, DIGEST, root) == "CertificateUntrusted"


@pytest.mark.parametrize("year", [2021, 2100])
def test_no_clock_is_asked(year: int) -> None:
    """What was proven stays so, and a replay a year later gives the same answer."""
    then = datetime(year, 6, 1, tzinfo=UTC)
    sigstore_then = PrivateSigstore(since=then - timedelta(days=1))
    bundle = sigstore_then.sign_blob(ARTIFACT, WORKFLOW, ISSUER, then)

    fact = verify_blob(bundle, DIGEST, parse_trust_root(sigstore_then.trusted_root_json()))

    assert fact.signed_at == then


@pytest.mark.parametrize("line", sigstore_words._MEANINGS, ids=lambda line: line[0])
def test_every_message_told_apart_is_one_that_sigstore_has(line: tuple[str, str, str]) -> None:
    source = inspect.getsource(sigstore.models) + inspect.getsource(sigstore.verify.verifier)
    source += inspect.getsource(sigstore.dsse)

    assert f'"{line[0]}' in source


BLOB, SIGNED = a_blob(), a_statement()


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=300)
@given(
    bundle=st.sampled_from([BLOB, SIGNED]),
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
        fact = verify_bundle(mutant, DIGEST, ROOT)
    except VerificationError:
        return

    # Spellings that mean the same (base64 with other padding bits, white space) may pass.
    honest = verify_bundle(bundle, DIGEST, ROOT)
    assert (fact.signer, fact.signed_at) == (honest.signer, honest.signed_at)
    with pytest.raises(VerificationError):
        verify_blob(mutant, "00" * 32, ROOT)


LEAVES = st.none() | st.booleans() | st.integers(-5, 2**53) | st.text(max_size=8)
NAMES = ["mediaType", "tlogEntries", "inclusionProof", "certificate", "rawBytes", "hashes", "sig"]
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=300)
@given(data=st.data(), bundle=st.sampled_from([BLOB, SIGNED]), value=VALUES)
def test_no_changed_field_breaks_the_reader_or_proves_more(
    data: st.DataObject, bundle: bytes, value: Any
) -> None:
    parsed = json.loads(bundle)
    target: Any = parsed
    while True:
        places = list(target) if isinstance(target, dict) else list(range(len(target)))
        place = data.draw(st.sampled_from(places))
        if not isinstance(target[place], dict | list) or data.draw(st.integers(0, 3)) == 0:
            break
        if not target[place]:
            break
        target = target[place]
    target[place] = value
    try:
        fact = verify_bundle(json.dumps(parsed).encode(), DIGEST, ROOT)
    except VerificationError:
        return

    honest = verify_bundle(bundle, DIGEST, ROOT)
    assert (fact.signer, fact.signed_at) == (honest.signer, honest.signed_at)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    assert reason_of(verify_bundle, data, DIGEST, ROOT) == "BundleUnreadable"
