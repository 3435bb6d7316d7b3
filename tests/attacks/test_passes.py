"""Attacks on exceptions and broken glass: the two ways in which a requirement is passed by."""

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from sluice.reconcile.step import Hold
from sluice.store import audit
from sluice.verify.claims import ExceptionClaim, GlassClaim
from support.attacks import (
    CHANNEL,
    EVIL,
    Attack,
    Body,
    Mount,
    approved,
    attack,
    codes,
    grow,
    offer,
    offered_version,
    refuses,
    resealed,
    ssh_word,
    timed,
    touched,
)
from support.authenticator import PRESENT, Authenticator
from support.laps import Laps
from support.sealing import SshPerson, sealed
from support.team import Team

PASSES = "policy/passes.py: passes_of"
DEBTS = "policy/debts.py: debts_of"
SCOPE = "policy/words.py: whose"
HONOUR = "policy/passes.py: honour"
LABEL = "ReleasePolicy/releases"
RELEASE_MANAGERS = {"role": "release-manager", "count": 2}


def excepting(**changes: Any) -> Callable[[Body], None]:
    """Let two release managers except a release from having been built by the CI."""

    def edit(spec: Body) -> None:
        spec["exceptions"] = {"requirements": ["built-by-ci"], **RELEASE_MANAGERS, **changes}

    return edit


def breakable(**changes: Any) -> Callable[[Body], None]:
    """Let two release managers break the glass, and have one of the others co-sign."""

    def edit(spec: Body) -> None:
        spec["breakGlass"] = {
            "requirements": ["approved"],
            **RELEASE_MANAGERS,
            "cosignRole": "release-manager",
            "cosignCount": 1,
            "cosignWithin": "1h",
            **changes,
        }

    return edit


def exception(
    team: Team, who: str, release: Body, laps: Laps, key: SshPerson | None = None, **claim: Any
) -> Body:
    fields = {"requirement": "built-by-ci", "policy": LABEL, "reason": "The CI is down.", **claim}
    return ssh_word(team, who, release, laps, key, form=ExceptionClaim, **timed(fields, laps.now))


def glass(
    team: Team, who: str, release: Body, laps: Laps, key: SshPerson | None = None, **claim: Any
) -> Body:
    fields = {"incident": "INC-1", "policy": LABEL, "reason": "Nobody can pay.", **claim}
    return ssh_word(team, who, release, laps, key, form=GlassClaim, **timed(fields, laps.now))


def unbuilt(team: Team) -> Body:
    """Return a release that the CI signed, and of which nobody tells how it was built."""
    release = team.release_manifest(EVIL)
    release["spec"]["attestations"].pop()
    return release


def excepted(*words: tuple[str, Body], policy: Callable[[Body], None] | None = None) -> Mount:
    """alice and bob approve what the CI did not build, and these exceptions are there."""

    def mount(laps: Laps, team: Team) -> None:
        laps.apply(resealed(team, policy or excepting()))
        release = unbuilt(team)
        approved(
            laps,
            team,
            release,
            *(exception(team, who, release, laps, **claim) for who, claim in words),
        )

    return mount


ALICE: tuple[str, Body] = ("alice", {})
BOB: tuple[str, Body] = ("bob", {})


def by_strangers(laps: Laps, team: Team) -> None:
    laps.apply(resealed(team, excepting()))
    release = unbuilt(team)
    words = [exception(team, who, release, laps, SshPerson()) for who in ("alice", "bob")]
    approved(laps, team, release, *words)


def unsigned(laps: Laps, team: Team) -> None:
    """The signature of bob's exception is that of alice's."""
    laps.apply(resealed(team, excepting()))
    release = unbuilt(team)
    alice, bob = (exception(team, who, release, laps) for who in ("alice", "bob"))
    bob["spec"]["ssh"]["signature"] = alice["spec"]["ssh"]["signature"]
    approved(laps, team, release, alice, bob)


def of_unknown_author(laps: Laps, team: Team) -> None:
    laps.apply(resealed(team, excepting()))
    release = unbuilt(team)
    release["spec"]["source"]["authors"] = []
    words = [exception(team, who, release, laps) for who in ("alice", "bob")]
    offer(laps, team, release, *words)


def from_rejections(laps: Laps, team: Team) -> None:
    """A requirement is called as rejections are, and carol's no is excepted from."""

    def edit(spec: Body) -> None:
        excepting(requirements=["rejections", "approved"])(spec)
        more = {"role": "release-manager", "count": 2}
        spec["requirements"].append({"name": "rejections", "approvals": more})

    laps.apply(resealed(team, edit))
    release = team.release_manifest(EVIL)
    named = ("rejections", "approved")
    words = [
        exception(team, who, release, laps, requirement=each)
        for who in ("alice", "bob")
        for each in named
    ]
    no = ssh_word(team, "carol", release, laps, decision="reject")
    approved(laps, team, release, no, *words)


def under_two_policies(laps: Laps, team: Team) -> None:
    """Two policies ask for the same; the exception names one of them."""
    second = team.policy_manifest(name="second", sealed_by=())
    excepting()(second["spec"])
    laps.apply(resealed(team, excepting()), _sealed(team, second))
    release = unbuilt(team)
    words = [exception(team, who, release, laps) for who in ("alice", "bob")]
    approved(laps, team, release, *words)


def _sealed(team: Team, policy: Body) -> Body:
    return sealed(policy, team.keys["alice"], team.keys["bob"])


def with_touch_only(laps: Laps, team: Team) -> None:
    """The policy asks for a second factor; bob's security key was only touched."""
    token = Authenticator.ed25519()

    def edit(spec: Body) -> None:
        excepting(mfa=True, count=1)(spec)
        spec["people"][1]["keys"].append(token.public_key)

    laps.apply(resealed(team, edit))
    release = unbuilt(team)
    fields = {"requirement": "built-by-ci", "policy": LABEL, "reason": "The CI is down."}
    bob = touched(token, team, release, laps, flags=PRESENT, form=ExceptionClaim, **fields)
    approved(laps, team, release, bob)


EXCEPTIONS = [
    *(
        Attack(row=21, name=name, reason=reason, defence=defence, mount=mount)
        for name, reason, defence, mount in (
            (
                "One person makes an exception that takes two",
                "PassIncomplete",
                PASSES,
                excepted(ALICE),
            ),
            (
                "One person makes an exception twice",
                "PassIncomplete",
                PASSES,
                excepted(ALICE, ALICE),
            ),
            (
                "The author makes an exception",
                "AuthorExcepts",
                PASSES,
                excepted(ALICE, ("dora", {})),
            ),
            (
                "Nobody knows whether who makes an exception is the author",
                "AuthorUnknown",
                PASSES,
                of_unknown_author,
            ),
            ("Strangers make an exception", "ApproverUnknown", SCOPE, by_strangers),
            (
                "An exception is not signed by whom it says",
                "SignatureInvalid",
                "verify/ssh.py: verify_ssh",
                unsigned,
            ),
            (
                "An exception has expired",
                "ApprovalExpired",
                PASSES,
                excepted(
                    ALICE, ("bob", {"issued_at": timedelta(hours=-2), "expires_at": timedelta(0)})
                ),
            ),
            (
                "An exception is dated ahead",
                "SignedInFuture",
                PASSES,
                excepted(ALICE, ("bob", {"issued_at": timedelta(hours=1)})),
            ),
            (
                "An exception holds for longer than the policy lets it",
                "LifetimeTooLong",
                PASSES,
                excepted(ALICE, ("bob", {"expires_at": timedelta(days=8)})),
            ),
            (
                "An exception holds until the end of the calendar",
                "LifetimeTooLong",
                PASSES,
                excepted(ALICE, ("bob", {"expires_at": timedelta(days=2_900_000)})),
            ),
            (
                "An exception is from a requirement from which there is none",
                "ExceptionNotMade",
                PASSES,
                excepted(ALICE, ("bob", {"requirement": "approved"})),
            ),
            (
                "An exception is from no requirement of the policy",
                "ExceptionNotMade",
                PASSES,
                excepted(ALICE, ("bob", {"requirement": "nothing"})),
            ),
            (
                "An exception is made where the policy makes none",
                "ExceptionNotMade",
                PASSES,
                excepted(ALICE, BOB, policy=lambda spec: spec.pop("exceptions", None)),
            ),
            (
                "An exception for another channel is replayed",
                "ApprovalScope",
                SCOPE,
                excepted(ALICE, ("bob", {"channel": "beta"})),
            ),
            (
                "An exception in another cluster is replayed",
                "ApprovalScope",
                SCOPE,
                excepted(ALICE, ("bob", {"cluster": "staging"})),
            ),
            (
                "An exception is made in another role",
                "ApproverNotInRole",
                SCOPE,
                excepted(ALICE, ("bob", {"role": "security"})),
            ),
            (
                "An exception is under another policy",
                "ProvenanceMissing",
                PASSES,
                excepted(ALICE, ("bob", {"policy": "ReleasePolicy/other"})),
            ),
            (
                "An exception is under the cluster's policy of the same name",
                "ProvenanceMissing",
                PASSES,
                excepted(ALICE, ("bob", {"policy": "ClusterReleasePolicy/releases"})),
            ),
            ("A rejection is excepted from", "Rejected", HONOUR, from_rejections),
            (
                "An exception from one policy's requirement is used for another's",
                "ProvenanceMissing",
                PASSES,
                under_two_policies,
            ),
            (
                "A security key that was only touched makes an exception that asks for more",
                "MfaNotShown",
                PASSES,
                with_touch_only,
            ),
            (
                "The text of an exception holds control characters",
                "ApprovalUnreadable",
                "verify/words.py: word_from",
                excepted(ALICE, ("bob", {"reason": "fine\u202e\x1b[1A"})),
            ),
        )
    ),
]


def broken(
    *words: tuple[str, Body],
    policy: Callable[[Body], None] | None = None,
    later: timedelta = timedelta(0),
    then: tuple[tuple[str, Body], ...] = (),
) -> Mount:
    """Nobody has approved, and these words break the glass; approvals come `later`, `then`."""

    def mount(laps: Laps, team: Team) -> None:
        laps.apply(resealed(team, policy or breakable()))
        release = team.release_manifest(EVIL)
        offer(
            laps, team, release, *(glass(team, who, release, laps, **claim) for who, claim in words)
        )
        laps.now += later
        laps.apply(
            *(ssh_word(team, who, release, laps, **timed(claim, laps.now)) for who, claim in then)
        )

    return mount


def by_strange_hands(laps: Laps, team: Team) -> None:
    laps.apply(resealed(team, breakable()))
    release = team.release_manifest(EVIL)
    words = [glass(team, who, release, laps, SshPerson()) for who in ("alice", "bob")]
    offer(laps, team, release, *words)


def although_rejected(laps: Laps, team: Team) -> None:
    laps.apply(resealed(team, breakable()))
    release = team.release_manifest(EVIL)
    words = [glass(team, who, release, laps) for who in ("alice", "bob")]
    offer(laps, team, release, *words, ssh_word(team, "carol", release, laps, decision="reject"))


def for_what_is_unsigned(laps: Laps, team: Team) -> None:
    """The glass covers approvals; the bundle was never signed."""
    laps.apply(resealed(team, breakable()))
    release = team.release_manifest(EVIL, attestations=[])
    offer(laps, team, release, *(glass(team, who, release, laps) for who in ("alice", "bob")))


AN_HOUR = timedelta(hours=1)

GLASS = [
    *(
        Attack(row=21, name=name, reason=reason, defence=defence, mount=mount)
        for name, reason, defence, mount in (
            ("One person breaks the glass", "PassIncomplete", PASSES, broken(ALICE)),
            ("One person breaks the glass twice", "PassIncomplete", PASSES, broken(ALICE, ALICE)),
            (
                "Two break the glass, each for another incident",
                "PassIncomplete",
                PASSES,
                broken(ALICE, ("bob", {"incident": "INC-2"})),
            ),
            ("Strangers break the glass", "ApproverUnknown", SCOPE, by_strange_hands),
            (
                "The glass is broken in another role",
                "ApproverNotInRole",
                SCOPE,
                broken(ALICE, ("bob", {"role": "security"})),
            ),
            (
                "The glass stays broken for longer than the policy lets it",
                "LifetimeTooLong",
                PASSES,
                broken(ALICE, ("bob", {"expires_at": timedelta(hours=5)})),
            ),
            (
                "The glass was broken in a time that is over",
                "ApprovalExpired",
                PASSES,
                broken(
                    ALICE, ("bob", {"issued_at": timedelta(hours=-3), "expires_at": timedelta(0)})
                ),
            ),
            (
                "The glass will be broken",
                "SignedInFuture",
                PASSES,
                broken(ALICE, ("bob", {"issued_at": timedelta(minutes=5)})),
            ),
            (
                "The glass is broken where there is none",
                "GlassNotOffered",
                PASSES,
                broken(ALICE, BOB, policy=lambda spec: spec.pop("breakGlass", None)),
            ),
            (
                "The glass is broken for another channel",
                "ApprovalScope",
                SCOPE,
                broken(ALICE, ("bob", {"channel": "beta"})),
            ),
            (
                "The glass is broken although somebody rejected",
                "Rejected",
                "policy/evaluate.py: evaluate",
                although_rejected,
            ),
            (
                "The glass that covers approvals is broken for a bundle that nobody signed",
                "SignatureMissing",
                PASSES,
                for_what_is_unsigned,
            ),
            (
                "Broken glass is dated back, so that its debt is due before anybody saw it",
                "CosignMissing",
                DEBTS,
                broken(
                    ("alice", {"issued_at": timedelta(hours=-2), "expires_at": AN_HOUR}),
                    ("bob", {"issued_at": timedelta(hours=-1)}),
                ),
            ),
            ("Nobody co-signs in time", "CosignMissing", DEBTS, broken(ALICE, BOB, later=AN_HOUR)),
            (
                "Who broke the glass co-signs",
                "CosignMissing",
                DEBTS,
                broken(
                    ALICE,
                    BOB,
                    later=AN_HOUR,
                    then=(("alice", {"issued_at": timedelta(minutes=-30)}),),
                ),
            ),
            (
                "The author co-signs",
                "CosignMissing",
                DEBTS,
                broken(
                    ALICE,
                    BOB,
                    later=AN_HOUR,
                    then=(("dora", {"issued_at": timedelta(minutes=-30)}),),
                ),
            ),
            (
                "Somebody co-signs too late",
                "CosignMissing",
                DEBTS,
                broken(ALICE, BOB, later=AN_HOUR, then=(("carol", {}),)),
            ),
            (
                "Somebody co-signed before the glass was broken",
                "CosignMissing",
                DEBTS,
                broken(
                    ALICE, BOB, later=AN_HOUR, then=(("carol", {"issued_at": timedelta(hours=-2)}),)
                ),
            ),
            (
                "The reason of broken glass holds a line break",
                "ApprovalUnreadable",
                "verify/words.py: word_from",
                broken(ALICE, ("bob", {"reason": "a\nb"})),
            ),
        )
    ),
]

ATTACKS = [*EXCEPTIONS, *GLASS]


@pytest.mark.parametrize("each", ATTACKS, ids=lambda each: each.name)
async def test_attack(laps: Laps, team: Team, each: Attack) -> None:
    await refuses(laps, team, each)


async def in_debt(laps: Laps, team: Team) -> tuple[Body, list[Body]]:
    """Have a release offered because alice and bob broke the glass; return it and their words."""
    laps.apply(team.app_manifest(), team.policy_manifest())
    await laps.settle("shop")
    laps.apply(resealed(team, breakable()))
    release = team.release_manifest("1.0.0")
    words = [glass(team, who, release, laps) for who in ("alice", "bob")]
    offer(laps, team, release, *words)
    await laps.settle("shop")
    assert await offered_version(laps) == "1.0.0"
    return release, words


async def is_withdrawn(laps: Laps, reason: str = "CosignMissing") -> None:
    step = await laps.settle("shop")

    assert reason in await codes(laps, step)
    assert isinstance(step, Hold)
    assert await offered_version(laps) is None
    assert isinstance(await audit.verify_chain(laps.database), audit.Intact)


@attack(
    21,
    "The words that broke the glass are deleted, and the debt with them",
    "CosignMissing",
    "policy/lasting.py: lasting_words",
)
async def test_deleting_the_words_does_not_pay_the_debt(laps: Laps, team: Team) -> None:
    _, words = await in_debt(laps, team)
    for each in words:
        laps.delete(each)
    laps.restart()
    laps.now += AN_HOUR

    await is_withdrawn(laps)


@attack(
    21,
    "The words that broke the glass are deleted before anybody but the channel has seen them",
    "CosignMissing",
    "reconcile/keeping.py: keeping",
)
async def test_the_glass_is_kept_before_anything_is_offered(laps: Laps, team: Team) -> None:
    laps.apply(team.app_manifest(), team.policy_manifest())
    await laps.settle("shop")
    laps.apply(resealed(team, breakable()))
    await laps.settle("shop")
    release = team.release_manifest("1.0.0")
    words = [glass(team, who, release, laps) for who in ("alice", "bob")]
    offer(laps, team, release, *words)
    while await offered_version(laps) is None:
        await laps.lap_of_channel(CHANNEL)
    for each in words:
        laps.delete(each)
    laps.now += AN_HOUR

    await is_withdrawn(laps)


@attack(21, "The glass is broken again, so that the debt begins anew", "CosignMissing", DEBTS)
async def test_breaking_the_glass_again_does_not_put_the_debt_off(laps: Laps, team: Team) -> None:
    release, _ = await in_debt(laps, team)
    laps.now += timedelta(minutes=50)
    laps.apply(*(glass(team, who, release, laps) for who in ("alice", "bob")))
    await laps.settle("shop")
    laps.now += timedelta(minutes=10)

    await is_withdrawn(laps)


@attack(
    21,
    "The release is made again under another name, to leave the debt behind",
    "CosignMissing",
    DEBTS,
)
async def test_another_name_leaves_no_debt_behind(laps: Laps, team: Team) -> None:
    release, words = await in_debt(laps, team)
    again = {**release, "metadata": {**release["metadata"], "name": "shop-again"}}
    for each in words:
        each["metadata"] = {**each["metadata"], "name": f"again-{secrets.token_hex(2)}"}
        each["spec"] = {**each["spec"], "release": "shop-again"}
    offer(laps, team, again, *words)
    laps.delete(release)
    laps.now += AN_HOUR

    await is_withdrawn(laps)


@attack(21, "An exception has ended while the rollout grows", "ApprovalExpired", PASSES)
async def test_growth_pauses_when_an_exception_ends(laps: Laps, team: Team) -> None:
    laps.apply(team.app_manifest(), team.policy_manifest())
    await laps.settle("shop")
    laps.apply(resealed(team, excepting()))
    release = team.release_manifest("1.0.0")
    release["spec"]["attestations"].pop()
    ends = {"expires_at": timedelta(seconds=30)}
    words = [exception(team, who, release, laps, **ends) for who in ("alice", "bob")]
    approved(laps, team, release, *words)
    await laps.settle("shop")
    assert await offered_version(laps) == "1.0.0"
    laps.wait(seconds=30)

    step = await grow(laps)

    assert "ApprovalExpired" in await codes(laps, step)
    table = await laps.served("shop")
    assert table is not None
    assert (table.share_bp, table.stable) == (1000, None)
