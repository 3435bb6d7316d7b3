"""Attacks on how and when words are signed, and on people who change their mind."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

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
    timed,
    touched,
    with_key,
)
from support.authenticator import PRESENT, Authenticator
from support.flaws import Flaw
from support.laps import Laps
from support.sealing import PURPOSE
from support.team import SSO, Team, provenance

SCOPE = "policy/words.py: whose"
BALLOTS = "policy/ballots.py: count_ballots"
SEATS = "policy/approvals.py: judge_approvals"
PERSON = "policy/signers.py: person_behind"
READER = "verify/words.py: word_from"
SSH = "verify/ssh.py: verify_ssh"
SSH_STATEMENT = "verify/ssh_statement.py: verify_ssh_statement"


# --- How and when it was signed ------------------------------------------------------------------


def bob_signs(**claim: Any) -> Mount:
    """alice approves; bob's word has been signed with his SSH key, at and for these times."""

    def mount(laps: Laps, team: Team) -> None:
        release = team.release_manifest(EVIL)
        bob = ssh_word(team, "bob", release, laps, **timed(claim, laps.now))
        offer(laps, team, release, team.approval_manifest("alice", release), bob)

    return mount


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
                "A rejection is dated ahead, so that it is to count later",
                [("carol", {**REJECTED, "issued_at": timedelta(hours=1)})],
            ),
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


@attack(
    13,
    "What somebody rejects while it is offered stays on phones",
    "Rejected",
    "policy/evaluate.py: evaluate",
)
async def test_what_is_rejected_is_taken_back(laps: Laps, team: Team) -> None:
    release = await begun(laps, team)
    laps.apply(ssh_word(team, "carol", release, laps, decision="reject"))

    step = await laps.settle("shop")

    assert "Rejected" in await codes(laps, step)
    assert await offered_version(laps) is None


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


@attack(9, "The operator's clock is set back", "ApprovalExpired", "policy/words.py: expired")
@pytest.mark.xfail(
    strict=True,
    reason="The operator believes its clock: it keeps no latest time, below which it can't go.",
)
async def test_time_does_not_go_back(laps: Laps, team: Team) -> None:
    laps.apply(team.app_manifest(), team.policy_manifest())
    await laps.settle("shop")
    all_expire(laps, team)
    step = await laps.settle("shop")
    assert "ApprovalExpired" in await codes(laps, step)

    laps.wait(hours=-2)
    await laps.settle("shop")

    assert await offered_version(laps) is None


ATTACKS = [*SIGNED_OTHERWISE, *MINDS]


@pytest.mark.parametrize("each", ATTACKS, ids=lambda each: each.name)
async def test_attack(laps: Laps, team: Team, each: Attack) -> None:
    await refuses(laps, team, each)
