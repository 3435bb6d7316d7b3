"""Attacks on approvals: replayed, forged, doubled, aged, or said by who may not."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from sluice.resources.canonical import canonical_json
from support.attacks import (
    EVIL,
    Attack,
    Body,
    Mount,
    as_approval,
    claim_of,
    offer,
    refuses,
    resealed,
    ssh_word,
    with_key,
)
from support.laps import Laps
from support.sealing import HASH, PURPOSE
from support.sshsig import SshSig, mpint, string, to_be_signed
from support.team import CI, CI_ISSUER, SSO, Team, a_bundle, provenance

SCOPE = "policy/words.py: whose"
SEATS = "policy/approvals.py: judge_approvals"
PERSON = "policy/signers.py: person_behind"
AUTHORS = "policy/authors.py: authors_of"
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


ATTACKS = [*REPLAYS, *WRONG_PEOPLE]


@pytest.mark.parametrize("each", ATTACKS, ids=lambda each: each.name)
async def test_attack(laps: Laps, team: Team, each: Attack) -> None:
    await refuses(laps, team, each)
