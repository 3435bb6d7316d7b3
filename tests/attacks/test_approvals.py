"""Attacks on approvals: replayed, forged, doubled, aged, or said by who may not."""

import base64
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from sluice.reconcile.step import Hold
from sluice.resources.canonical import canonical_json
from sluice.store import audit
from support.attacks import (
    EVIL,
    Attack,
    Body,
    Mount,
    as_approval,
    attack,
    claim_of,
    codes,
    grow,
    offer,
    offered_version,
    refuses,
    resealed,
    ssh_word,
    touched,
)
from support.authenticator import PRESENT, Authenticator
from support.flaws import Flaw
from support.laps import Laps
from support.sealing import HASH, PURPOSE
from support.sshsig import SshSig, mpint, string, to_be_signed
from support.team import CI, CI_ISSUER, SSO, Team, a_bundle, provenance

SCOPE = "policy/words.py: whose"
BALLOTS = "policy/ballots.py: count_ballots"
SEATS = "policy/approvals.py: judge_approvals"
PERSON = "policy/signers.py: person_behind"
AUTHORS = "policy/authors.py: authors_of"
READER = "verify/words.py: word_from"
SSH = "verify/ssh.py: verify_ssh"
SSH_STATEMENT = "verify/ssh_statement.py: verify_ssh_statement"
DIGEST = "resources/canonical.py: release_digest"

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


# --- A word that was meant for something else ----------------------------------------------------


def replayed(**claim: Any) -> Mount:
    """alice approves; of bob there is a real approval of something else."""

    def mount(laps: Laps, team: Team) -> None:
        release = team.release_manifest(EVIL)
        words = (
            team.approval_manifest("alice", release),
            team.approval_manifest("bob", release, **claim),
        )
        offer(laps, team, release, *words)

    return mount


def edited(edit: Callable[[Team, Body], object]) -> Mount:
    """Both approve; then somebody changes the Release, and leaves everything else as it is."""

    def mount(laps: Laps, team: Team) -> None:
        release = team.release_manifest(EVIL)
        words = [team.approval_manifest(who, release) for who in ("alice", "bob")]
        edit(team, release["spec"])
        offer(laps, team, release, *words)

    return mount


def other_bundle(team: Team, spec: Body) -> None:
    spec |= team.release_manifest(EVIL, a_bundle(EVIL, more={"evil.js": b"//"}))["spec"]


def of_other_release(laps: Laps, team: Team) -> None:
    release, other = team.release_manifest(EVIL), team.release_manifest("6.6.5")
    words = [team.approval_manifest(who, other) for who in ("alice", "bob")]
    for each in words:
        each["spec"]["release"] = release["metadata"]["name"]
    offer(laps, team, release, *words)


def on_second_channel(laps: Laps, team: Team) -> None:
    """Approved for beta, where it is never offered; production is pointed at it as well."""
    release = team.release_manifest(EVIL)
    words = [team.approval_manifest(who, release, channel="beta") for who in ("alice", "bob")]
    offer(laps, team, release, *words)


REPLAYS = [
    *(
        Attack(row=1, name=name, reason="ApprovalScope", defence=SCOPE, mount=replayed(**claim))
        for name, claim in (
            ("An approval for another app is replayed", {"app": "com.example.other"}),
            ("An approval for the app in other case is replayed", {"app": "com.example.Shop"}),
            ("An approval in another namespace is replayed", {"namespace": "staging"}),
            ("An approval of another version is replayed", {"version": "6.6.5"}),
            ("An approval of a build of the version is replayed", {"version": "6.6.6+1"}),
            ("An approval for another channel is replayed", {"channel": "beta"}),
            (
                "An approval for a channel of a longer name is replayed",
                {"channel": "production.eu"},
            ),
            ("An approval in another cluster is replayed", {"cluster": "staging"}),
            ("An approval for the cluster in other case is replayed", {"cluster": "Demo"}),
        )
    ),
    Attack(
        row=1,
        name="An approval in a role that the person is not in is replayed",
        reason="ApproverNotInRole",
        defence=SCOPE,
        mount=replayed(role="security"),
    ),
    Attack(
        row=1,
        name="Approvals for beta are used for production",
        reason="ApprovalScope",
        defence=SCOPE,
        mount=on_second_channel,
    ),
    Attack(
        row=1,
        name="Approvals of another release are renamed to this one",
        reason="ApprovalForOtherRelease",
        defence="verify/collect.py: examine",
        mount=of_other_release,
    ),
    *(
        Attack(
            row=2,
            name=f"The Release is changed after it was approved: {name}",
            reason="ApprovalForOtherRelease",
            defence=DIGEST,
            mount=edited(edit),
        )
        for name, edit in (
            ("its bundle, newly signed by the CI", other_bundle),
            ("its notes", lambda _, spec: spec.update(notes="Mends a typo.")),
            ("the range of native apps", lambda _, spec: spec.update(native={"min": "1.0.0"})),
            ("who wrote it", lambda _, spec: spec["source"].update(authors=["eve@example.com"])),
            (
                "an attestation more",
                lambda _, spec: spec["attestations"].append({"name": "more", "inline": "{}"}),
            ),
            ("an attestation less", lambda _, spec: spec["attestations"].pop()),
            (
                "the place of its bundle",
                lambda team, spec: spec["bundle"].update(
                    url=(team.bundles / "elsewhere.zip").as_uri()
                ),
            ),
        )
    ),
]


# --- Whoever may not approve ---------------------------------------------------------------------


def by_author(sign: Callable[..., Body], authors: tuple[str, ...], **policy: Any) -> Mount:
    """alice approves, and dora, who wrote the change, too."""

    def mount(laps: Laps, team: Team) -> None:
        release = team.release_manifest(EVIL)
        release["spec"]["source"]["authors"] = list(authors)
        if policy:
            laps.apply(resealed(team, lambda spec: spec["people"][3].update(policy)))
        dora = sign(team, release, laps)
        offer(laps, team, release, team.approval_manifest("alice", release), dora)

    return mount


def by_sso(team: Team, release: Body, laps: Laps) -> Body:
    return team.approval_manifest("dora", release)


def by_key(team: Team, release: Body, laps: Laps) -> Body:
    return ssh_word(team, "dora", release, laps)


def by_actor(laps: Laps, team: Team) -> None:
    """The Release names a ghost as its author; the provenance names bob."""
    release = team.release_manifest(EVIL)
    spec = release["spec"]
    spec["source"]["authors"] = ["ghost@example.com"]
    statement = provenance(spec["bundle"]["sha256"], spec["source"]["revision"])
    inside = statement["predicate"]["buildDefinition"]
    inside["internalParameters"] = {"authors": ["bob@example.com"]}
    signed = team.sigstore.sign_statement(statement, CI, CI_ISSUER).decode()
    spec["attestations"][1]["inline"] = signed
    offer(laps, team, release, *(team.approval_manifest(who, release) for who in ("alice", "bob")))


def by_builder(laps: Laps, team: Team) -> None:
    """bob signed the bundle himself, beside the CI."""
    release = team.release_manifest(EVIL)
    digest = release["spec"]["bundle"]["sha256"]
    signed = team.sigstore.sign_blob(digest, "bob@example.com", SSO).decode()
    release["spec"]["attestations"].append({"name": "mine", "inline": signed})
    offer(laps, team, release, *(team.approval_manifest(who, release) for who in ("alice", "bob")))


def of_nobody(laps: Laps, team: Team) -> None:
    release = team.release_manifest(EVIL)
    release["spec"]["source"]["authors"] = []
    offer(laps, team, release, *(team.approval_manifest(who, release) for who in ("alice", "bob")))


def signed_as(subject: str, issuer: str = SSO, *, thief: bool = False) -> Mount:
    """bob's approval is certified for somebody else, or by somebody else's sigstore."""

    def mount(laps: Laps, team: Team) -> None:
        release = team.release_manifest(EVIL)
        sigstore = Team(namespace="shop", bundles=team.bundles).sigstore if thief else team.sigstore
        signed = sigstore.sign_statement(claim_of(team, release, laps), subject, issuer).decode()
        bob = as_approval(team, release, "bob", sigstoreBundle=signed)
        offer(laps, team, release, team.approval_manifest("alice", release), bob)

    return mount


def two_keys(laps: Laps, team: Team) -> None:
    release = team.release_manifest(EVIL)
    alice = team.approval_manifest("alice", release), ssh_word(team, "alice", release, laps)
    offer(laps, team, release, *alice)


def many_times(laps: Laps, team: Team) -> None:
    release = team.release_manifest(EVIL)
    words = [ssh_word(team, "alice", release, laps, sequence=each) for each in range(5)]
    words += [team.approval_manifest("alice", release)]
    copied = {**words[-1], "metadata": {**words[-1]["metadata"], "name": "bob-approves"}}
    offer(laps, team, release, *words, copied)


class EcdsaPerson:
    """Somebody with an ECDSA key, whose signatures anybody can write in a second way."""

    def __init__(self) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())
        numbers = self._private.public_key().public_numbers()
        point = b"\4" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
        self.blob = b"".join(map(string, (b"ecdsa-sha2-nistp256", b"nistp256", point)))
        self.public_key = f"ecdsa-sha2-nistp256 {base64.b64encode(self.blob).decode()}"

    def signatures(self, text: bytes) -> tuple[str, str]:
        """Return a signature of a text, and the same turned around."""
        digest = hashes.Hash(hashes.SHA512())
        digest.update(text)
        asked = to_be_signed(PURPOSE, HASH, digest.finalize())
        r, s = decode_dss_signature(self._private.sign(asked, ec.ECDSA(hashes.SHA256())))
        return self._armored(r, s), self._armored(r, P256_ORDER - s)

    def _armored(self, r: int, s: int) -> str:
        value = string(b"ecdsa-sha2-nistp256") + string(mpint(r) + mpint(s))
        made = SshSig(key=self.blob, namespace=PURPOSE, hash_name=HASH, signature=value)
        return made.armored().decode()


def with_key(number: int, blob_text: str, **policy: Any) -> Callable[[Body], None]:
    """Enrol a key of one person, and let the requirement of approvals say more."""

    def edit(spec: Body) -> None:
        spec["people"][number]["keys"].append(blob_text)
        spec["requirements"][2]["approvals"] |= policy

    return edit


def malleable(laps: Laps, team: Team) -> None:
    person = EcdsaPerson()
    laps.apply(resealed(team, with_key(0, person.public_key)))
    release = team.release_manifest(EVIL)
    text = canonical_json(claim_of(team, release, laps))
    forms = [{"statement": text.decode(), "signature": each} for each in person.signatures(text)]
    words = [as_approval(team, release, f"alice-{n}", ssh=each) for n, each in enumerate(forms)]
    offer(laps, team, release, *words)


def one_for_two_seats(laps: Laps, team: Team) -> None:
    def edit(spec: Body) -> None:
        spec["roles"].append({"name": "security", "members": ["alice", "bob"]})
        more = {"role": "security", "count": 1, "notAuthor": True}
        spec["requirements"].append({"name": "secure", "approvals": more})

    laps.apply(resealed(team, edit))
    release = team.release_manifest(EVIL)
    roles = (("alice", "release-manager"), ("bob", "release-manager"), ("alice", "security"))
    words = [ssh_word(team, who, release, laps, role=role) for who, role in roles]
    offer(laps, team, release, *words)


WRONG_PEOPLE = [
    *(
        Attack(row=3, name=name, reason="ApproverIsAuthor", defence=AUTHORS, mount=mount)
        for name, mount in (
            ("The author approves", by_author(by_sso, ("dora@example.com",))),
            ("The author approves with a second key", by_author(by_key, ("dora@example.com",))),
            (
                "The author is named by an alias",
                by_author(by_sso, ("dora-gh",), aliases=["dora-gh"]),
            ),
            ("The author is named in other case", by_author(by_sso, ("Dora@EXAMPLE.com",))),
            (
                "The author is named in letters of another width",
                by_author(by_sso, ("ｄｏｒａ@example.com",)),  # noqa: RUF001 - that is the attack
            ),
            ("A ghost is named as author, and the builder tells who it was", by_actor),
            ("Who signed the bundle approves it", by_builder),
        )
    ),
    Attack(
        row=3,
        name="No author is named, so that everybody may approve",
        reason="AuthorUnknown",
        defence=SEATS,
        mount=of_nobody,
    ),
    Attack(
        row=4,
        name="One person approves with two keys",
        reason="ApprovalsMissing",
        defence=SEATS,
        mount=two_keys,
    ),
    Attack(
        row=4,
        name="An identity that nobody in the registry has approves",
        reason="ApproverUnknown",
        defence=PERSON,
        mount=signed_as("mallory@example.com"),
    ),
    Attack(
        row=4,
        name="bob's address is certified in other case",
        reason="ApproverUnknown",
        defence=PERSON,
        mount=signed_as("Bob@example.com"),
    ),
    Attack(
        row=4,
        name="bob's address begins a longer one",
        reason="ApproverUnknown",
        defence=PERSON,
        mount=signed_as("bob@example.com.evil.org"),
    ),
    Attack(
        row=4,
        name="bob's address is vouched for by another issuer of the same sigstore",
        reason="ApproverUnknown",
        defence="policy/signers.py: is_by",
        mount=signed_as("bob@example.com", CI_ISSUER),
    ),
    Attack(
        row=20,
        name="bob's address is vouched for by a sigstore of the attacker's",
        reason="CertificateUntrusted",
        defence="verify/sigstore.py: verify_bundle",
        mount=signed_as("bob@example.com", thief=True),
    ),
    Attack(
        row=5,
        name="One person fills two seats in two roles",
        reason="ApprovalsMissing",
        defence="policy/seats.py: fill_seats",
        mount=one_for_two_seats,
    ),
    Attack(
        row=6,
        name="One person approves six times",
        reason="ApprovalsMissing",
        defence=SEATS,
        mount=many_times,
    ),
    Attack(
        row=6,
        name="An ECDSA approval is turned into a second one without its key",
        reason="ApprovalsMissing",
        defence=SEATS,
        mount=malleable,
    ),
]


# --- How and when it was signed ------------------------------------------------------------------


def bob_signs(**claim: Any) -> Mount:
    """alice approves; bob's word has been signed with his SSH key, at and for these times."""

    def mount(laps: Laps, team: Team) -> None:
        release = team.release_manifest(EVIL)
        bob = ssh_word(team, "bob", release, laps, **timed(claim, laps.now))
        offer(laps, team, release, team.approval_manifest("alice", release), bob)

    return mount


def timed(value: Any, now: datetime) -> Any:
    """Return a claim with moments in place of what is told as time from now."""
    match value:
        case timedelta():
            return now + value
        case dict():
            return {name: timed(each, now) for name, each in value.items()}
        case _:
            return value


def bob_writes(edit: Callable[[Body], object], *, canonical: bool = True) -> Mount:
    """alice approves; bob's client writes another statement than it should."""

    def mount(laps: Laps, team: Team) -> None:
        release = team.release_manifest(EVIL)
        statement = claim_of(team, release, laps)
        edit(statement)
        text = canonical_json(statement).decode() if canonical else json.dumps(statement)
        signed = {"statement": text, "signature": team.keys["bob"].sign(text.encode())}
        bob = as_approval(team, release, "bob", ssh=signed)
        offer(laps, team, release, team.approval_manifest("alice", release), bob)

    return mount


def with_token(
    sign: Callable[..., Body], *, origins: tuple[str, ...] = (), browser: bool = False, **need: Any
) -> Mount:
    """alice approves; bob has a security key, which is enrolled."""

    def mount(laps: Laps, team: Team) -> None:
        token = Authenticator.ecdsa("example.com") if browser else Authenticator.ed25519()
        edit = with_key(1, token.public_key, **need)
        laps.apply(resealed(team, edit, **({"origins": list(origins)} if origins else {})))
        release = team.release_manifest(EVIL)
        alice = team.approval_manifest("alice", release)
        offer(laps, team, release, alice, sign(token, team, release, laps))

    return mount


def in_browser(origin: str, **browser: Any) -> Callable[..., Body]:
    def sign(token: Authenticator, team: Team, release: Body, laps: Laps) -> Body:
        text = canonical_json(claim_of(team, release, laps))
        made = token.sign_in_browser(text, PURPOSE.decode(), origin=origin, **browser)
        form = {"statement": text.decode(), "signature": made.armored().decode()}
        return as_approval(team, release, "browser", ssh=form)

    return sign


def without_touch(token: Authenticator, team: Team, release: Body, laps: Laps) -> Body:
    return touched(token, team, release, laps, flags=0)


def verified_without_touch(token: Authenticator, team: Team, release: Body, laps: Laps) -> Body:
    return touched(token, team, release, laps, flags=0x04)


def only_touched(token: Authenticator, team: Team, release: Body, laps: Laps) -> Body:
    return touched(token, team, release, laps, flags=PRESENT)


def for_git(token: Authenticator, team: Team, release: Body, laps: Laps) -> Body:
    return touched(token, team, release, laps, purpose="git")


def with_software(token: Authenticator, team: Team, release: Body, laps: Laps) -> Body:
    return ssh_word(team, "bob", release, laps)


def enrolled_by_nobody(token: Authenticator, team: Team, release: Body, laps: Laps) -> Body:
    return touched(Authenticator.ed25519(), team, release, laps)


def as_attestation(laps: Laps, team: Team) -> None:
    """bob's approval stands in the Release, where machines speak."""
    release = team.release_manifest(EVIL)
    bob = team.approval_manifest("bob", release)["spec"]["sigstoreBundle"]
    release["spec"]["attestations"].append({"name": "approval", "inline": bob})
    offer(laps, team, release, team.approval_manifest("alice", release))


def attested(laps: Laps, team: Team) -> None:
    """A provenance that bob signed as himself stands in an Approval."""
    release = team.release_manifest(EVIL)
    spec = release["spec"]
    statement = provenance(spec["bundle"]["sha256"], spec["source"]["revision"])
    signed = team.sigstore.sign_statement(statement, "bob@example.com", SSO).decode()
    bob = as_approval(team, release, "bob", sigstoreBundle=signed)
    offer(laps, team, release, team.approval_manifest("alice", release), bob)


def flawed(**flaw: Any) -> Mount:
    def mount(laps: Laps, team: Team) -> None:
        release = team.release_manifest(EVIL)
        claim = claim_of(team, release, laps)
        signed = team.sigstore.sign_statement(claim, "bob@example.com", SSO, flaw=Flaw(**flaw))
        bob = as_approval(team, release, "bob", sigstoreBundle=signed.decode())
        offer(laps, team, release, team.approval_manifest("alice", release), bob)

    return mount


def aged(laps: Laps, team: Team) -> None:
    laps.apply(
        resealed(team, lambda spec: spec["requirements"][2]["approvals"].update(maxAge="1h"))
    )
    release = team.release_manifest(EVIL)
    bob = ssh_word(team, "bob", release, laps, issued_at=laps.now - timedelta(hours=1))
    offer(laps, team, release, team.approval_manifest("alice", release), bob)


def all_expire(laps: Laps, team: Team) -> None:
    release = team.release_manifest(EVIL)
    words = [ssh_word(team, who, release, laps) for who in ("alice", "bob")]
    laps.wait(hours=3)
    offer(laps, team, release, *words)


def predicate(**fields: Any) -> Callable[[Body], object]:
    return lambda statement: statement["predicate"].update(fields)


SIGNED_OTHERWISE = [
    Attack(
        row=9,
        name="Approvals count after they have expired",
        reason="ApprovalExpired",
        defence="policy/words.py: expired",
        mount=all_expire,
    ),
    Attack(
        row=9,
        name="An approval is older than the policy lets it be",
        reason="ApprovalTooOld",
        defence=SEATS,
        mount=aged,
    ),
    Attack(
        row=9,
        name="An approval is dated two minutes ahead",
        reason="SignedInFuture",
        defence="policy/words.py: premature",
        mount=bob_signs(issued_at=timedelta(minutes=2)),
    ),
    Attack(
        row=9,
        name="An approval is dated at the end of the calendar",
        reason="SignedInFuture",
        defence="policy/words.py: premature",
        mount=bob_writes(
            predicate(issuedAt="9999-12-31T23:59:59Z", expiresAt="9999-12-31T23:59:59Z")
        ),
    ),
    Attack(
        row=9,
        name="An approval by SSH does not say when it was signed",
        reason="ApprovalUnreadable",
        defence=READER,
        mount=bob_writes(lambda statement: statement["predicate"].pop("issuedAt")),
    ),
    *(
        Attack(row=row, name=name, reason="ApprovalUnreadable", defence=READER, mount=mount)
        for row, name, mount in (
            (
                9,
                "An approval never ends",
                bob_writes(lambda each: each["predicate"].pop("expiresAt")),
            ),
            (
                9,
                "An approval ends in another time zone",
                bob_writes(predicate(expiresAt="2099-01-01T00:00:00+14:00")),
            ),
            (
                9,
                "An approval ends at a number, which is a time to some readers",
                bob_writes(predicate(expiresAt=4_000_000_000)),
            ),
            (
                12,
                "A comment hides what follows from who reads it",
                bob_writes(predicate(comment="fine\u202e\x1b[2K")),
            ),
            (1, "An approval has a field that nobody knows", bob_writes(predicate(also="all"))),
            (
                1,
                "An approval leaves its channel out",
                bob_writes(lambda each: each["predicate"].pop("channel")),
            ),
            (1, "An approval is for every channel", bob_writes(predicate(channel="*"))),
            (
                1,
                "An approval is for the channel in capitals",
                bob_writes(predicate(channel="Production")),
            ),
            (
                13,
                "An approval is of no phones at all",
                bob_writes(predicate(ceiling={"share": "0%"})),
            ),
            (
                13,
                "An approval has a number below nought",
                bob_writes(predicate(sequence=-1)),
            ),
            (
                1,
                "An approval is of two releases at once",
                bob_writes(
                    lambda each: each["subject"].append(
                        {"name": "more", "digest": {"sha256": "0" * 64}}
                    )
                ),
            ),
        )
    ),
    Attack(
        row=49,
        name="A signed text is JSON in another form, which two readers can read as two things",
        reason="StatementUnreadable",
        defence=SSH_STATEMENT,
        mount=bob_writes(lambda _: None, canonical=False),
    ),
    Attack(
        row=10,
        name="A security key signs without having been touched",
        reason="SshNotTouched",
        defence=SSH_STATEMENT,
        mount=with_token(without_touch),
    ),
    Attack(
        row=10,
        name="A security key has checked its user and was not touched",
        reason="SshNotTouched",
        defence=SSH_STATEMENT,
        mount=with_token(verified_without_touch, mfa=True),
    ),
    *(
        Attack(
            row=10,
            name=name,
            reason="MfaNotShown",
            defence="policy/words.py: mfa_fault",
            mount=mount,
        )
        for name, mount in (
            (
                "A security key is only touched, where its user must be checked",
                with_token(only_touched, mfa=True),
            ),
            (
                "A key of software is used where a second factor is asked for",
                with_token(with_software, mfa=True),
            ),
        )
    ),
    Attack(
        row=10,
        name="A security key that nobody enrolled checks its user",
        reason="ApproverUnknown",
        defence=PERSON,
        mount=with_token(enrolled_by_nobody, mfa=True),
    ),
    Attack(
        row=11,
        name="The text of an approval is signed as a git commit",
        reason="SshNamespaceOther",
        defence=SSH,
        mount=with_token(for_git),
    ),
    Attack(
        row=11,
        name="A browser signs on a website that the policy does not name",
        reason="ApproverUnknown",
        defence=PERSON,
        mount=with_token(
            in_browser("https://approve.example.org"),
            browser=True,
            origins=("https://approve.example.com",),
        ),
    ),
    Attack(
        row=11,
        name="A browser signs on a website, and the policy names none",
        reason="ApproverUnknown",
        defence=PERSON,
        mount=with_token(in_browser("https://approve.example.com"), browser=True),
    ),
    Attack(
        row=11,
        name="A browser signs inside a page of another website",
        reason="SshClientDataOther",
        defence="verify/ssh_webauthn.py: check_client_data",
        mount=with_token(
            in_browser("https://approve.example.com", others={"crossOrigin": True}),
            browser=True,
            origins=("https://approve.example.com",),
        ),
    ),
    Attack(
        row=11,
        name="A browser's signature names another website than its client data",
        reason="SshClientDataOther",
        defence="verify/ssh_webauthn.py: check_client_data",
        mount=with_token(
            in_browser("https://evil.example.org", named_origin="https://approve.example.com"),
            browser=True,
            origins=("https://approve.example.com",),
        ),
    ),
    Attack(
        row=11,
        name="An approval is put among the attestations of the release",
        reason="StatementMisplaced",
        defence="verify/collect.py: examine",
        mount=as_attestation,
    ),
    Attack(
        row=11,
        name="A provenance that a person signed is put into an Approval",
        reason="NotAnApproval",
        defence=READER,
        mount=attested,
    ),
    Attack(
        row=11,
        name="An approval is signed as another type of payload",
        reason="StatementUnreadable",
        defence="verify/intoto.py: read_payload",
        mount=flawed(payload_type="text/plain"),
    ),
]


# --- People who are no longer there, or changed their mind ----------------------------------------


def without_bob(team: Team) -> Body:
    """Return revision 2, in which bob is nobody; he and alice sealed it as owners of revision 1."""

    def edit(spec: Body) -> None:
        spec["people"] = [each for each in spec["people"] if each["name"] != "bob"]
        spec["roles"][0]["members"].remove("bob")
        spec["owners"] = {"people": ["alice", "carol"], "threshold": 2}

    return resealed(team, edit)


def backdated(laps: Laps, team: Team) -> None:
    laps.apply(without_bob(team))
    release = team.release_manifest(EVIL)
    bob = ssh_word(team, "bob", release, laps, issued_at=laps.now - timedelta(days=30))
    offer(laps, team, release, team.approval_manifest("alice", release), bob)


def out_of_role(laps: Laps, team: Team) -> None:
    laps.apply(resealed(team, lambda spec: spec["roles"][0]["members"].remove("bob")))
    release = team.release_manifest(EVIL)
    offer(laps, team, release, *(ssh_word(team, who, release, laps) for who in ("alice", "bob")))


def said(*words: tuple[str, Body]) -> Mount:
    """alice and bob approve, and these words are there as well."""

    def mount(laps: Laps, team: Team) -> None:
        release = team.release_manifest(EVIL)
        honest = [ssh_word(team, who, release, laps) for who in ("alice", "bob")]
        more = [
            ssh_word(team, who, release, laps, **timed(claim, laps.now)) for who, claim in words
        ]
        offer(laps, team, release, *honest, *more)

    return mount


async def deleted_rejection(laps: Laps, team: Team) -> None:
    release = team.release_manifest(EVIL)
    no = ssh_word(team, "carol", release, laps, decision="reject")
    laps.apply(release, no)
    await laps.settle("shop")
    laps.delete(no)
    offer(laps, team, release, *(ssh_word(team, who, release, laps) for who in ("alice", "bob")))


async def renamed_rejection(laps: Laps, team: Team) -> None:
    """carol's no is overwritten, under its name, by a yes of dora's."""
    release = team.release_manifest(EVIL)
    no = ssh_word(team, "carol", release, laps, decision="reject")
    laps.apply(release, no)
    await laps.settle("shop")
    yes = {**ssh_word(team, "dora", release, laps), "metadata": no["metadata"]}
    offer(
        laps, team, release, yes, *(ssh_word(team, who, release, laps) for who in ("alice", "bob"))
    )


REJECTED: Body = {"decision": "reject"}
LAST = 2**53 - 1

MINDS = [
    Attack(
        row=8,
        name="A person who was removed approves, dated before that",
        reason="ApproverUnknown",
        defence=PERSON,
        mount=backdated,
    ),
    Attack(
        row=7,
        name="A person who has left the role approves",
        reason="ApproverNotInRole",
        defence=SCOPE,
        mount=out_of_role,
    ),
    *(
        Attack(row=13, name=name, reason="Rejected", defence=BALLOTS, mount=said(*words))
        for name, words in (
            ("A rejection is outvoted", [("carol", REJECTED)]),
            ("A rejection is outvoted by its own person's earlier yes", [("bob", REJECTED)]),
            (
                "A rejection has expired",
                [("carol", {**REJECTED, "expires_at": timedelta(0)})],
            ),
            (
                "A yes counts as high as numbers go, and so does the no",
                [("bob", {"sequence": LAST}), ("bob", {**REJECTED, "sequence": LAST})],
            ),
        )
    ),
    Attack(
        row=13,
        name="A withdrawn approval is applied again",
        reason="WordReplaced",
        defence=BALLOTS,
        mount=said(("bob", {"decision": "withdraw", "sequence": 1}), ("bob", {})),
    ),
    Attack(
        row=13,
        name="A rejection is deleted from git before the channel names the release",
        reason="Rejected",
        defence="policy/lasting.py: lasting_words",
        mount=deleted_rejection,
    ),
    Attack(
        row=13,
        name="A rejection is overwritten by another person's yes",
        reason="Rejected",
        defence="policy/lasting.py: lasting_words",
        mount=renamed_rejection,
    ),
    Attack(
        row=0,
        name="Approvals of ten phones in a hundred are all there is, and their time is over",
        reason="ApprovalsMissing",
        defence=SEATS,
        mount=said(
            *(
                (who, {"sequence": 1, "ceiling": {"share": "10%", "until": timedelta(0)}})
                for who in ("alice", "bob")
            )
        ),
    ),
]


async def begun(laps: Laps, team: Team, **claim: Any) -> Body:
    """Have a release that alice and bob approved at its first ten phones in a hundred."""
    laps.apply(team.app_manifest(), team.policy_manifest())
    release = team.release_manifest("1.0.0")
    words = [ssh_word(team, who, release, laps, **claim) for who in ("alice", "bob")]
    offer(laps, team, release, *words)
    await laps.settle("shop")
    assert await offered_version(laps) == "1.0.0"
    return release


async def stays_as_it_is(laps: Laps, reason: str) -> None:
    """Show that what is offered stays at ten phones in a hundred, and why."""
    step = await grow(laps)
    table = await laps.served("shop")

    assert reason in await codes(laps, step)
    assert isinstance(step, Hold)
    assert table is not None
    assert (table.share_bp, table.stable) == (1000, None)
    assert isinstance(await audit.verify_chain(laps.database), audit.Intact)


@attack(7, "An approver is removed while the rollout grows", "ApproverUnknown", PERSON)
async def test_growth_pauses_when_an_approver_is_removed(laps: Laps, team: Team) -> None:
    await begun(laps, team)
    laps.apply(without_bob(team))

    await stays_as_it_is(laps, "ApproverUnknown")


@attack(1, "The rollout grows past the ceiling of its approvals", "CeilingReached", SEATS)
async def test_nothing_grows_past_a_ceiling(laps: Laps, team: Team) -> None:
    await begun(laps, team, ceiling={"share": "10%"})

    await stays_as_it_is(laps, "CeilingReached")


@attack(1, "A ceiling is split: each of two people allows another half", "CeilingReached", SEATS)
async def test_ceilings_do_not_add_up(laps: Laps, team: Team) -> None:
    release = await begun(laps, team, ceiling={"share": "10%"})
    more = ssh_word(team, "bob", release, laps, sequence=1, ceiling={"share": "90%"})
    laps.apply(more)

    await stays_as_it_is(laps, "CeilingReached")


@attack(1, "The ceiling's time ends while the rollout waits", "ApprovalsMissing", SEATS)
async def test_nothing_grows_when_the_time_of_a_ceiling_is_over(laps: Laps, team: Team) -> None:
    until = laps.now + timedelta(seconds=30)
    await begun(laps, team, ceiling={"share": "100%", "until": until})
    laps.wait(seconds=31)

    await stays_as_it_is(laps, "ApprovalsMissing")


@attack(13, "The file of an approval is deleted while the rollout grows", "ApprovalsMissing", SEATS)
async def test_growth_pauses_when_an_approval_is_deleted(laps: Laps, team: Team) -> None:
    await begun(laps, team)
    [bob] = [each.key for each in laps.cache.of_kind("Approval") if "bob" in each.key.name]
    laps.delete({"kind": "Approval", "metadata": {"name": bob.name, "namespace": "shop"}})

    await stays_as_it_is(laps, "ApprovalsMissing")


@attack(13, "Strangers reject, so that nothing is ever released", "ApproverUnknown", SCOPE)
async def test_a_strangers_no_stops_nothing(laps: Laps, team: Team) -> None:
    laps.apply(team.app_manifest(), team.policy_manifest())
    release = team.release_manifest("1.0.0")
    thief = Team(namespace="shop", bundles=team.bundles)
    noes = [ssh_word(thief, who, release, laps, decision="reject") for who in ("carol", "dora")]
    yes = [ssh_word(team, who, release, laps) for who in ("alice", "bob")]
    offer(laps, team, release, *noes, *yes)

    await laps.settle("shop")

    assert await offered_version(laps) == "1.0.0"


ATTACKS = [*REPLAYS, *WRONG_PEOPLE, *SIGNED_OTHERWISE, *MINDS]


@pytest.mark.parametrize("each", ATTACKS, ids=lambda each: each.name)
async def test_attack(laps: Laps, team: Team, each: Attack) -> None:
    await refuses(laps, team, each)
