"""Attacks by whoever can write to the store: its database, its bucket, its audit log."""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sluice.errors import Fenced, SluiceError
from sluice.operator.sealed import POLICY_PURPOSE
from sluice.resources.canonical import release_digest
from sluice.serving.seal import (
    generate_private_key,
    private_key,
    seal,
    seal_text,
)
from sluice.store import audit
from sluice.store.decision_check import check_decisions
from sluice.store.leadership import take_over
from sluice.store.words import keep_word
from sluice.verify.facts import Evidence
from support.attacks import (
    EVIL,
    Attack,
    Body,
    approved,
    attack,
    codes,
    offer,
    offered_version,
    resealed,
    spec_of,
    ssh_word,
)
from support.devices import Store, device_server
from support.laps import QUICK, Laps, go_live
from support.serving import a_channel
from support.team import Team, a_bundle

TABLES = "operator/tables.py: of"
SEALED = "operator/sealed.py: SealedPolicies"
OBSERVE = "operator/observe.py: Observer"
CHAIN = "store/audit.py: verify_chain"
CHECK = "store/decision_check.py: check_decisions"


def raw(team: Team) -> sqlite3.Connection:
    """Open the database as somebody who owns its file: no trigger holds them."""
    connection = sqlite3.connect(team.bundles.parent / "sluice.db")
    triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    for (name,) in triggers.fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    return connection


def sql(*statements: str) -> Callable[[Laps, Team], None]:
    def mount(laps: Laps, team: Team) -> None:
        with raw(team) as connection:
            for each in statements:
                connection.execute(each)

    return mount


async def forged_table(laps: Laps, team: Team) -> None:
    """A table of the attacker's, under a key of the attacker's."""
    table = await laps.served("shop")
    assert table is not None
    assert table.stable is not None
    evil = replace(table, stable=replace(table.stable, version=EVIL, digest="6" * 64))
    with raw(team) as connection:
        forged = seal(evil, private_key(generate_private_key()))
        connection.execute("UPDATE channels SET sealed = ?", (forged,))


async def edited_table(laps: Laps, team: Team) -> None:
    """The sealed text is edited, and the seal left as it is."""
    with raw(team) as connection:
        connection.execute("UPDATE channels SET sealed = replace(sealed, '1.0.0', '6.6.6')")


async def older_table(laps: Laps, team: Team) -> None:
    with raw(team) as connection:
        (old,) = connection.execute("SELECT sealed FROM channels").fetchone()
    release = team.release_manifest("1.1.0")
    approved(laps, team, release)
    await laps.settle("shop")
    laps.apply(team.channel_manifest("shop-1.0.0", rollout=QUICK))
    await laps.settle("shop")
    with raw(team) as connection:
        connection.execute("UPDATE channels SET sealed = ?", (old,))


async def other_channels_table(laps: Laps, team: Team) -> None:
    laps.apply(team.channel_manifest(None, name="beta", rollout=QUICK))
    await laps.settle("shop", "beta")
    with raw(team) as connection:
        connection.execute(
            "UPDATE channels SET sealed = (SELECT sealed FROM channels WHERE channel = 'beta'),"
            " generation = 1 WHERE channel = 'production'"
        )


def unapproved(*statements: str) -> Callable[[Laps, Team], None]:
    """A release that nobody approved, and rows that say that it may go."""

    def mount(laps: Laps, team: Team) -> None:
        release = team.release_manifest(EVIL)
        offer(laps, team, release)
        digest = digest_of(release)
        bundle = release["spec"]["bundle"]
        with raw(team) as connection:
            for each in statements:
                connection.execute(
                    each, {"release": digest, "bundle": bundle["sha256"], "size": bundle["size"]}
                )

    return mount


def digest_of(release: Body) -> str:
    return release_digest(spec_of(release))


def forged_policy(laps: Laps, team: Team) -> None:
    """Revision 2 is put into force, sealed by a key of the attacker's."""
    payload = json.dumps({"kind": "ReleasePolicy", "name": "releases", "namespace": "shop"})
    forged = seal_text(payload, private_key(generate_private_key()), POLICY_PURPOSE)
    offer(laps, team, team.release_manifest(EVIL))
    with raw(team) as connection:
        connection.execute(
            "INSERT INTO policies SELECT kind, namespace, name, 2, digest, ?, at FROM policies",
            (forged,),
        )


async def moved_policy(laps: Laps, team: Team) -> None:
    weak = [{"name": "signed", "signature": {"authority": "ci"}}]
    laps.apply(team.policy_manifest(name="weak", requirements=weak))
    await laps.settle("shop")
    laps.delete(team.policy_manifest())
    offer(laps, team, team.release_manifest(EVIL))
    with raw(team) as connection:
        connection.execute("DELETE FROM policies WHERE name = 'releases'")
        connection.execute("UPDATE policies SET name = 'releases'")
    laps.restart()


def without_policies(laps: Laps, team: Team) -> None:
    laps.delete(team.policy_manifest())
    laps.apply(
        team.policy_manifest(
            name="weak", requirements=[{"name": "signed", "signature": {"authority": "ci"}}]
        )
    )
    offer(laps, team, team.release_manifest(EVIL))
    with raw(team) as connection:
        connection.execute("DELETE FROM policies")


async def looked_into(laps: Laps, team: Team) -> None:
    """A release whose bundle holds a secret, which the policy forbids, was looked into."""
    more = {"name": "contents", "bundle": {"secrets": "Refuse"}}
    laps.apply(resealed(team, lambda spec: spec["requirements"].append(more)))
    await laps.settle("shop")
    secret = {"config.js": b"const key = 'AKIAIOSFODNN7QRSTUVW';\n"}
    clean = team.release_manifest("1.1.0")
    approved(laps, team, clean)
    await laps.settle("shop")
    laps.apply(team.channel_manifest("shop-1.0.0", rollout=QUICK))
    await laps.settle("shop")
    approved(laps, team, team.release_manifest(EVIL, a_bundle(EVIL, more=secret)))
    await laps.settle("shop")


async def forged_report(laps: Laps, team: Team) -> None:
    """What was seen inside of the bundle is edited: its secret is not there any more."""
    await looked_into(laps, team)
    with raw(team) as connection:
        connection.execute("UPDATE inspections SET sealed = replace(sealed, 'AWS', 'none')")


async def other_report(laps: Laps, team: Team) -> None:
    """The report on a bundle without secrets stands under that of the bundle with one."""
    await looked_into(laps, team)
    with raw(team) as connection:
        connection.execute(
            "UPDATE inspections SET sealed = (SELECT sealed FROM inspections"
            " WHERE sealed NOT LIKE '%AWS%' LIMIT 1)"
        )


async def forged_word(laps: Laps, team: Team) -> None:
    """A kept word says that bob approves; his key signed another text."""
    release = team.release_manifest(EVIL)
    bob = ssh_word(team, "bob", release, laps, channel="beta")["spec"]["ssh"]
    offer(laps, team, release, ssh_word(team, "alice", release, laps))
    forged = Evidence(
        source="Approval bob",
        kind="approval",
        data=bob["signature"].encode(),
        statement=bob["statement"].replace('"beta"', '"production"').encode(),
    )
    await keep_word(laps.database, "shop", digest_of(release), forged, epoch=1, at=laps.now)


def other_bytes(laps: Laps, team: Team) -> None:
    """The bucket's bundle of a release that is on its way is exchanged before it is published."""
    release = team.release_manifest(EVIL)
    digest = release["spec"]["bundle"]["sha256"]
    path = laps.blobs.path(digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(a_bundle("0.0.1"))
    offer(laps, team, release)


async def cut_and_rewound(laps: Laps, team: Team) -> None:
    with raw(team) as connection:
        connection.execute("DELETE FROM audit WHERE seq > 4")
        connection.execute(
            "UPDATE audit_head SET seq = 4, hash = (SELECT hash FROM audit WHERE seq = 4)"
        )


ATTACKS = [
    *(
        Attack(row=row, name=name, reason=reason, defence=defence, mount=mount)
        for row, name, reason, defence, mount in (
            (
                37,
                "The sealed table is exchanged for one of the attacker's",
                "SealKeyUnknown",
                TABLES,
                forged_table,
            ),
            (37, "The sealed table is edited", "SealBroken", TABLES, edited_table),
            (37, "An older sealed table is put back", "SealMisplaced", TABLES, older_table),
            (
                37,
                "The sealed table of another channel is put in its place",
                "SealMisplaced",
                TABLES,
                other_channels_table,
            ),
            (
                37,
                "The recorded verdict is turned into a yes",
                "ApprovalsMissing",
                OBSERVE,
                unapproved("UPDATE verdicts SET answer = 'allowed', release_digest = :release"),
            ),
            (
                37,
                "A publication is written for a release that nobody approved",
                "ApprovalsMissing",
                OBSERVE,
                unapproved(
                    "INSERT INTO publications SELECT app_id, :release, '6.6.6', :bundle, :size,"
                    " published_at FROM publications"
                ),
            ),
            (
                37,
                "A rollout is written for a release that nobody approved",
                "ApprovalsMissing",
                OBSERVE,
                unapproved(
                    "UPDATE rollouts SET release_digest = :release, bundle_digest = :bundle,"
                    " version = '6.6.6', phase = 'Rolling', step = 0"
                ),
            ),
            (
                37,
                "A policy is put into force under a key of the attacker's",
                "PolicyUnreadable",
                SEALED,
                forged_policy,
            ),
            (
                37,
                "The row of a weaker policy is moved to the name of the one in force",
                "PolicyUnreadable",
                SEALED,
                moved_policy,
            ),
            (
                37,
                "Policies are deleted from the database and from git",
                "PolicyUnreadable",
                SEALED,
                without_policies,
            ),
            (
                37,
                "What was seen inside of another bundle is told of this one",
                "SecretsFound",
                "operator/inspections.py: of",
                other_report,
            ),
            (
                37,
                "What was seen inside of a bundle is edited",
                "SecretsFound",
                "operator/inspections.py: of",
                forged_report,
            ),
            (
                37,
                "A kept word is written that nobody signed",
                "SignatureInvalid",
                "verify/ssh.py: verify_ssh",
                forged_word,
            ),
            (37, "Bytes in the bucket are exchanged", "ApprovalsMissing", OBSERVE, other_bytes),
            (
                57,
                "An entry of the audit log is changed",
                "AuditBroken",
                CHAIN,
                sql("UPDATE audit SET body = body || ' ' WHERE seq = 3"),
            ),
            (
                57,
                "An entry in the middle of the audit log is removed",
                "AuditBroken",
                CHAIN,
                sql("DELETE FROM audit WHERE seq = 3"),
            ),
            (
                57,
                "The tail of the audit log is removed",
                "AuditBroken",
                CHAIN,
                sql("DELETE FROM audit WHERE seq > 4"),
            ),
            (
                57,
                "The tail of the audit log is removed, and its head is turned back",
                "AuditNotAsNoted",
                CHAIN,
                cut_and_rewound,
            ),
            (
                57,
                "Two entries of the audit log change places",
                "AuditBroken",
                CHAIN,
                sql(
                    "UPDATE audit SET seq = -1 WHERE seq = 3",
                    "UPDATE audit SET seq = 3 WHERE seq = 4",
                    "UPDATE audit SET seq = 4 WHERE seq = -1",
                ),
            ),
            (
                57,
                "The record of a decision is changed",
                "DecisionsBroken",
                CHECK,
                sql("UPDATE decisions SET record = replace(record, '1.0.0', '1.0.1')"),
            ),
            (57, "A decision is removed", "DecisionsBroken", CHECK, sql("DELETE FROM decisions")),
            (
                57,
                "Evidence that a decision rests on is changed",
                "DecisionsBroken",
                CHECK,
                sql("UPDATE pieces SET data = x'7b7d'"),
            ),
            (
                57,
                "The summary of a decision is signed by somebody else",
                "DecisionsBroken",
                CHECK,
                sql(
                    'UPDATE decisions SET summary = replace(summary, \'"sig":"\', \'"sig":"AAAA\')'
                ),
            ),
        )
    ),
]


@pytest.mark.parametrize("each", ATTACKS, ids=lambda each: each.name)
async def test_attack(laps: Laps, team: Team, each: Attack) -> None:
    await go_live(laps, team, "1.0.0")
    noted = await audit.head(laps.database)
    assert each.mount is not None
    mounted = each.mount(laps, team)
    if mounted is not None:
        await mounted

    found = await found_out(laps, noted)

    assert each.reason in found
    assert await offers_nothing(laps)


async def found_out(laps: Laps, noted: audit.Head) -> set[str]:
    """Return the reason codes with which what was done shows."""
    found: set[str] = set()
    try:
        found |= await codes(laps, await laps.settle("shop"))
    except SluiceError as error:
        found.add(error.reason)
    if isinstance(await audit.verify_chain(laps.database), audit.Broken):
        return found | {"AuditBroken"}
    if isinstance(await audit.verify_chain(laps.database, anchor=noted), audit.Broken):
        return found | {"AuditNotAsNoted"}
    keys = [laps.seal_key.public_key()]
    if (await check_decisions(laps.database, keys)).problems:
        found.add("DecisionsBroken")
    return found


async def offers_nothing(laps: Laps) -> bool:
    try:
        return await offered_version(laps) is None
    except SluiceError:
        return True


@attack(
    37,
    "A bundle in the bucket is exchanged after it was published",
    "bundle_unavailable",
    "server/device/bundles.py: Bundles",
)
async def test_a_damaged_bundle_does_not_reach_a_phone(tmp_path: Path, empty_store: Path) -> None:
    store = await Store.make(tmp_path / "devices", empty_store)
    good = a_bundle("1.0.0")
    digest = store.keep(good)
    await store.serve(a_channel(generation=5))
    async with device_server(store) as server:
        url = f"{server.url}/files/{digest}.zip"
        store.path_of(digest).write_bytes(a_bundle(EVIL).ljust(len(good))[: len(good)])
        async with server.session.get(url) as response:
            status, body = response.status, await response.read()
    await store.database.close()

    assert (status, json.loads(body)["error"]) == (503, "bundle_unavailable")


@attack(43, "A leader that was replaced goes on writing", "Fenced", "store/leadership.py: leading")
async def test_a_leader_that_was_replaced_changes_nothing(laps: Laps, team: Team) -> None:
    laps.apply(team.app_manifest(), team.policy_manifest())
    await laps.settle("shop")
    await take_over(laps.database, epoch=2, holder="successor", at=laps.now)
    approved(laps, team, team.release_manifest("1.0.0"))

    with pytest.raises(Fenced):
        await laps.settle("shop")
    assert await laps.served("shop") is None


@attack(
    37,
    "The claim of an app is moved to a namespace of the attacker's",
    "Conflict",
    "store/claims.py: claim_of",
)
@pytest.mark.xfail(
    strict=True,
    reason="Claims are not sealed as policies are: whoever can write to the database, and has a"
    " namespace of their own in the cluster, moves an app's phones there. Root owners"
    " (--genesis) keep it from mattering: they seal the first policy of that namespace, too.",
)
async def test_a_claim_that_is_moved_gives_no_phones_away(laps: Laps, team: Team) -> None:
    await go_live(laps, team, "1.0.0")
    thief = Team(namespace="evil", bundles=team.bundles)
    with raw(team) as connection:
        connection.execute("UPDATE claims SET namespace = 'evil'")
    laps.apply(thief.app_manifest(), thief.policy_manifest())
    approved(laps, thief, thief.release_manifest(EVIL))

    await laps.settle("evil")

    table = await laps.served("evil")
    assert table is None or table.candidate is None


@attack(
    30,
    "The ledger of versions loses what a version is",
    "VersionTaken",
    "store/publications.py: version_holder",
)
@pytest.mark.xfail(
    strict=True,
    reason="The ledger is not sealed: whoever can write to the database makes it forget. The bundle"
    " is still one that people approved, and the audit log still tells of both.",
)
async def test_a_version_stays_what_it_is_though_its_row_is_deleted(laps: Laps, team: Team) -> None:
    await go_live(laps, team, "1.0.0")
    with raw(team) as connection:
        connection.execute("DELETE FROM ledger")
    again = team.release_manifest("1.0.0", a_bundle("1.0.0", more={"evil.js": b"//"}))
    again["metadata"]["name"] = "shop-again"
    approved(laps, team, again)

    await laps.settle("shop")

    assert await offered_version(laps) is None
