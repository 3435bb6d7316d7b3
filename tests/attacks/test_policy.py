"""Attacks on policies, on whom they trust, and on what they ask for."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from sluice.operator.policies import PolicySettings
from sluice.reconcile.step import Hold
from sluice.resources.genesis import Genesis
from sluice.store import audit
from support.attacks import (
    EVIL,
    Attack,
    Body,
    Mount,
    approved,
    attack,
    codes,
    offer,
    offered_version,
    refuses,
    resealed,
    ssh_word,
)
from support.flaws import Flaw
from support.laps import QUICK, Laps
from support.minting import PrivateSigstore, Span
from support.minting_keys import KeyMint, public_pem
from support.sealing import SshPerson, seal_of, sealed
from support.team import (
    CI,
    CI_ISSUER,
    REPOSITORY,
    SSO,
    Team,
    a_bundle,
    manifest,
    provenance,
)

REVISIONS = "policy/sealing.py: judge_revision"
ROOM = "operator/policies.py: policies"
EVALUATE = "policy/evaluate.py: evaluate"
IS_BY = "policy/signers.py: is_by"
MODELS = "resources/fields.py: Model"

WEAK = [{"name": "signed", "signature": {"authority": "ci"}}]
"""What whoever writes to git would rather be judged by."""


def with_policy(policy: Callable[[Laps, Team], Any]) -> Mount:
    """A release that nobody approved, and a policy by which nobody has to."""

    def mount(laps: Laps, team: Team) -> None:
        found = policy(laps, team)
        laps.apply(*(found if isinstance(found, list) else [found]))
        offer(laps, team, team.release_manifest(EVIL))

    return mount


def weaker(*, by: tuple[str, ...] = (), **named: Any) -> Mount:
    return with_policy(
        lambda _, team: team.policy_manifest(
            **{"requirements": WEAK, "revision": 2, "sealed_by": by, **named}
        )
    )


def sealed_with(*people: SshPerson) -> Callable[[Laps, Team], Body]:
    def policy(laps: Laps, team: Team) -> Body:
        found = team.policy_manifest(requirements=WEAK, revision=2, sealed_by=())
        return sealed(found, *people)

    return policy


def self_made(laps: Laps, team: Team) -> Body:
    """Revision 2 gives alice and bob keys of the attacker's, and they seal it."""
    alice, bob = SshPerson(), SshPerson()
    found = team.policy_manifest(requirements=WEAK, revision=2, sealed_by=())
    found["spec"]["people"][0]["keys"] = [alice.public_key]
    found["spec"]["people"][1]["keys"] = [bob.public_key]
    return sealed(found, alice, bob)


def by_one_owner_twice(laps: Laps, team: Team) -> Body:
    found = team.policy_manifest(requirements=WEAK, revision=2, sealed_by=())
    return sealed(found, team.keys["alice"], team.keys["alice"])


def seals_of_another(laps: Laps, team: Team) -> Body:
    """Seals that alice and bob really gave, for a stricter revision 2."""
    honest = team.policy_manifest(count=3, revision=2)
    found = team.policy_manifest(requirements=WEAK, revision=2, sealed_by=())
    found["spec"]["seals"] = honest["spec"]["seals"]
    return found


def sealed_for(**claim: Any) -> Callable[[Laps, Team], Body]:
    """alice seals this revision, and bob something else."""

    def policy(laps: Laps, team: Team) -> Body:
        found = team.policy_manifest(requirements=WEAK, revision=2, sealed_by=())
        end = {name: laps.now + value for name, value in claim.items() if name == "expires_at"}
        seals = [seal_of(team.keys["alice"], found)]
        seals.append(seal_of(team.keys["bob"], found, **{**claim, **end}))
        found["spec"]["seals"] = seals
        return found

    return policy


async def rolled_back(laps: Laps, team: Team) -> None:
    """The weak revision was in force once, with all its seals."""
    weak = team.policy_manifest(requirements=WEAK, revision=2)
    laps.apply(weak)
    await laps.settle("shop")
    laps.apply(team.policy_manifest(revision=3))
    await laps.settle("shop")
    laps.apply(weak)
    offer(laps, team, team.release_manifest(EVIL))


def deleted(laps: Laps, team: Team) -> None:
    laps.delete(team.policy_manifest())
    offer(laps, team, team.release_manifest(EVIL))


def deleted_and_another(laps: Laps, team: Team) -> None:
    laps.delete(team.policy_manifest())
    laps.apply(team.policy_manifest(requirements=WEAK, name="another"))
    offer(laps, team, team.release_manifest(EVIL))


async def made_anew(laps: Laps, team: Team) -> None:
    """Deleted, and after a restart made again as a first revision of the attacker's."""
    laps.delete(team.policy_manifest())
    await laps.settle("shop")
    laps.restart()
    thief = Team(namespace="shop", bundles=team.bundles, sigstore=team.sigstore)
    laps.apply(thief.policy_manifest(requirements=WEAK))
    offer(laps, team, team.release_manifest(EVIL))


def for_the_cluster(laps: Laps, team: Team) -> Body:
    found = team.policy_manifest(requirements=WEAK, sealed_by=())
    body = manifest("ClusterReleasePolicy", "releases", "", found["spec"])
    return sealed(body, team.keys["alice"], team.keys["bob"])


def renamed_channel(laps: Laps, team: Team) -> None:
    """The policy binds production; the phones are moved to a channel that it does not bind."""
    laps.apply(team.policy_manifest(revision=2, selector={"channels": ["production"]}))
    release = team.release_manifest(EVIL)
    words = [ssh_word(team, who, release, laps, channel="prod") for who in ("alice", "bob")]
    joined = {"audience": {"selfAssign": True}, "rollout": QUICK}
    laps.apply(release, *words, team.channel_manifest(f"shop-{EVIL}", name="prod", **joined))


TYPOS = {
    "in a requirement": ("requirements", 2, "approvals"),
    "in an authority": ("authorities", 0),
    "in a person": ("people", 0),
    "in owners": ("owners",),
    "at the top": (),
}


def misspelt(path: tuple[Any, ...]) -> Mount:
    """A second policy that people think is there, with a field that nobody knows."""

    def mount(laps: Laps, team: Team) -> None:
        found = team.policy_manifest(name="strict", count=4)
        at = found["spec"]
        for each in path:
            at = at[each]
        at["countt"] = 2
        laps.apply(found)
        approved(laps, team, team.release_manifest(EVIL))

    return mount


def odd_release(edit: Callable[[Body], object]) -> Mount:
    def mount(laps: Laps, team: Team) -> None:
        release = team.release_manifest(EVIL)
        words = [ssh_word(team, who, release, laps) for who in ("alice", "bob")]
        edit(release["spec"])
        offer(laps, team, release, *words)

    return mount


POLICIES = [
    *(
        Attack(row=14, name=name, reason="PolicySealMissing", defence=REVISIONS, mount=mount)
        for name, mount in (
            ("The policy is weakened in the release's commit, without seals", weaker()),
            ("The policy is weakened with one of two seals", weaker(by=("alice",))),
            ("The policy is weakened by people who do not own it", weaker(by=("carol", "dora"))),
            (
                "The policy is weakened by owners that it names itself",
                weaker(by=("carol", "dora"), owners={"people": ["carol", "dora"], "threshold": 1}),
            ),
            ("Owners are given other keys by the revision that these seal", with_policy(self_made)),
            ("Strangers seal the policy", with_policy(sealed_with(SshPerson(), SshPerson()))),
            ("One owner seals twice", with_policy(by_one_owner_twice)),
            (
                "Seals of a stricter revision stand under a weaker one",
                with_policy(seals_of_another),
            ),
            ("A seal is for another cluster", with_policy(sealed_for(clusters=("staging",)))),
            ("A seal has expired", with_policy(sealed_for(expires_at=timedelta(0)))),
            ("A seal is for another revision", with_policy(sealed_for(revision=3))),
            ("A seal is for another policy", with_policy(sealed_for(name="other"))),
            ("A seal is for another namespace", with_policy(sealed_for(namespace="other"))),
            (
                "The selector is changed, so that it misses the app",
                weaker(
                    requirements=[
                        {"name": "approved", "approvals": {"role": "release-manager", "count": 2}}
                    ],
                    selector={"apps": ["com.example.other"]},
                ),
            ),
            ("The policy is retired without seals", weaker(retired=True)),
        )
    ),
    Attack(
        row=14,
        name="The policy is changed and keeps its number and seals",
        reason="PolicyRevisionChanged",
        defence=REVISIONS,
        mount=weaker(revision=1, by=("alice", "bob")),
    ),
    Attack(
        row=14,
        name="The owners are left out of the policy",
        reason="PolicyUnsealed",
        defence=REVISIONS,
        mount=with_policy(lambda _, team: team.unsealed_policy_manifest(requirements=WEAK)),
    ),
    Attack(
        row=15,
        name="An older revision is applied again, with all its seals",
        reason="PolicyRollback",
        defence=REVISIONS,
        mount=rolled_back,
    ),
    *(
        Attack(
            row=16,
            name=f"The policy jumps to revision {number}",
            reason=reason,
            defence=defence,
            mount=weaker(revision=number, by=by),
        )
        for number, by, reason, defence in (
            (3, ("alice", "bob"), "PolicyRevisionJump", REVISIONS),
            (1_000_000, ("alice", "bob"), "PolicyRevisionJump", REVISIONS),
        )
    ),
    Attack(
        row=17,
        name="The policy is deleted",
        reason="InForceWithoutFile",
        defence=ROOM,
        mount=deleted,
    ),
    Attack(
        row=17,
        name="The policy is deleted and another one made in its place",
        reason="ApprovalsMissing",
        defence=ROOM,
        mount=deleted_and_another,
    ),
    Attack(
        row=17,
        name="The policy is deleted and made anew, by other owners, after a restart",
        reason="PolicyRevisionChanged",
        defence=ROOM,
        mount=made_anew,
    ),
    Attack(
        row=18,
        name="A second policy asks for less",
        reason="ApprovalsMissing",
        defence=EVALUATE,
        mount=weaker(name="second", revision=1, by=("alice", "bob")),
    ),
    Attack(
        row=18,
        name="A policy of the cluster, of the same name, asks for less",
        reason="ApprovalsMissing",
        defence=EVALUATE,
        mount=with_policy(for_the_cluster),
    ),
    *(
        Attack(
            row=19,
            name=f"A policy has a misspelt field {where}",
            reason="PolicyUnreadable",
            defence=MODELS,
            mount=misspelt(path),
        )
        for where, path in TYPOS.items()
    ),
    *(
        Attack(row=row, name=name, reason="ReleaseMissing", defence=MODELS, mount=odd_release(edit))
        for row, name, edit in (
            (
                19,
                "A Release has a misspelt field",
                lambda spec: spec.update(nativ={"min": "1.0.0"}),
            ),
            (
                33,
                "A version is a number, as YAML reads 1.10",
                lambda spec: spec.update(version=1.1),
            ),
            (33, "A version begins with a nought", lambda spec: spec.update(version="01.10.0")),
            (33, "A version ends in a line break", lambda spec: spec.update(version="6.6.6\n")),
            (
                33,
                "A version is written in digits of another script",
                lambda spec: spec.update(version="６.6.6"),  # noqa: RUF001 - that is the attack
            ),
            (19, "A size is a text", lambda spec: spec["bundle"].update(size="100")),
            (
                19,
                "A size is larger than a number can be",
                lambda spec: spec["bundle"].update(size=2**63),
            ),
        )
    ),
]


@attack(17, "Phones are moved to a channel that no policy binds", "NoPolicy", EVALUATE)
async def test_a_channel_that_no_policy_binds_lets_nothing_through(laps: Laps, team: Team) -> None:
    laps.apply(team.app_manifest(), team.policy_manifest())
    await laps.settle("shop")
    renamed_channel(laps, team)

    step = await laps.settle("shop", "prod")

    assert (type(step), step.reason) == (Hold, "NoPolicy")
    assert await offered_version(laps, "prod") is None
    assert isinstance(await audit.verify_chain(laps.database), audit.Intact)


@attack(14, "The first revision ever is the attacker's", "PolicySealMissing", REVISIONS)
async def test_root_owners_keep_the_first_revision(team: Team, tmp_path: Path) -> None:
    root = SshPerson()
    people = [{"name": "root", "keys": [root.public_key]}]
    genesis = Genesis.model_validate_json(json.dumps({"owners": people, "threshold": 1}))
    settings = PolicySettings(cluster="demo", genesis=genesis)
    laps = await Laps.open(tmp_path, files=team.bundles, policies=settings)
    laps.apply(team.app_manifest(), team.policy_manifest(requirements=WEAK))
    offer(laps, team, team.release_manifest(EVIL))

    step = await laps.settle("shop")

    assert "PolicySealMissing" in await codes(laps, step)
    assert await offered_version(laps) is None
    await laps.database.close()


# --- Whom policies trust -------------------------------------------------------------------------


def swapped_root(laps: Laps, team: Team) -> list[Body]:
    """Revision 2 trusts a sigstore of the attacker's, which signs the bundle."""
    thief = Team(namespace="shop", bundles=team.bundles, keys=team.keys)
    return [thief.policy_manifest(revision=2, sealed_by=())]


def by_thief(laps: Laps, team: Team) -> None:
    """Bundle and provenance are signed by a sigstore of the attacker's, in the CI's name."""
    thief = Team(namespace="shop", bundles=team.bundles)
    laps.apply(*swapped_root(laps, team))
    approved(laps, team, thief.release_manifest(EVIL))


def by_partner(laps: Laps, team: Team) -> None:
    """The policy trusts a partner's sigstore for the partner, who certifies the CI's name."""
    partner = PrivateSigstore()

    def edit(spec: Body) -> None:
        root = partner.trusted_root_json().decode()
        fields = {"issuer": CI_ISSUER, "subjects": [CI + "-partner"], "trustedRoot": root}
        spec["authorities"].append({"name": "partner", **fields})

    laps.apply(resealed(team, edit))
    release = team.release_manifest(EVIL)
    digest = release["spec"]["bundle"]["sha256"]
    made = partner.sign_blob(digest, CI, CI_ISSUER).decode()
    release["spec"]["attestations"][0]["inline"] = made
    approved(laps, team, release)


def signed(subject: str = CI, issuer: str = CI_ISSUER, *, flaw: Flaw | None = None) -> Mount:
    """The bundle is signed by somebody else than the CI; everything else is in order."""

    def mount(laps: Laps, team: Team) -> None:
        release = team.release_manifest(EVIL)
        digest = release["spec"]["bundle"]["sha256"]
        made = team.sigstore.sign_blob(digest, subject, issuer, flaw=flaw or Flaw())
        release["spec"]["attestations"][0]["inline"] = made.decode()
        approved(laps, team, release)

    return mount


def matching(subjects: list[str], subject: str) -> Mount:
    """The policy trusts identities by pattern; somebody else's nearly fits."""

    def mount(laps: Laps, team: Team) -> None:
        laps.apply(resealed(team, lambda spec: spec["authorities"][0].update(subjects=subjects)))
        signed(subject)(laps, team)

    return mount


def retired(part: str) -> Mount:
    """A part of the trust root was retired before the CI signed."""

    def mount(laps: Laps, team: Team) -> None:
        release = team.release_manifest(EVIL)
        ended = Span(start=team.sigstore.since, end=laps.now - timedelta(hours=1))
        root = team.sigstore.trusted_root_json(**{part: ended}).decode()

        def edit(spec: Body) -> None:
            for each in spec["authorities"]:
                each["trustedRoot"] = root

        laps.apply(resealed(team, edit))
        approved(laps, team, release)

    return mount


def of_key(make: Callable[[KeyMint, ec.EllipticCurvePrivateKey, bytes], bytes]) -> Mount:
    """The policy trusts a managed key for signatures of bundles."""

    def mount(laps: Laps, team: Team) -> None:
        key, mint = ec.generate_private_key(ec.SECP256R1()), KeyMint(sigstore=team.sigstore)

        def edit(spec: Body) -> None:
            root = mint.trusted_root_json().decode()
            kms = {"name": "kms", "publicKey": public_pem(key), "trustedRoot": root}
            spec["authorities"].append(kms)
            spec["requirements"][0]["signature"]["authority"] = "kms"

        laps.apply(resealed(team, edit))
        bundle = a_bundle(EVIL)
        release = team.release_manifest(EVIL, bundle)
        made = make(mint, key, bundle)
        release["spec"]["attestations"][0]["inline"] = made.decode()
        approved(laps, team, release)

    return mount


def same_hint(mint: KeyMint, key: ec.EllipticCurvePrivateKey, bundle: bytes) -> bytes:
    """Signed with another key, whose bundle names the hint of the right one."""
    other = ec.generate_private_key(ec.SECP256R1())
    right, wrong = (
        json.loads(mint.sign_blob(key, bundle)),
        json.loads(mint.sign_blob(other, bundle)),
    )
    wrong["verificationMaterial"]["publicKey"] = right["verificationMaterial"]["publicKey"]
    return json.dumps(wrong).encode()


def other_key(mint: KeyMint, key: ec.EllipticCurvePrivateKey, bundle: bytes) -> bytes:
    return mint.sign_blob(ec.generate_private_key(ec.SECP256R1()), bundle)


def other_log(mint: KeyMint, key: ec.EllipticCurvePrivateKey, bundle: bytes) -> bytes:
    return KeyMint(sigstore=PrivateSigstore()).sign_blob(key, bundle)


def unnamed_key(laps: Laps, team: Team) -> None:
    """Signed with a key, and the policy names none."""
    bundle, mint = a_bundle(EVIL), KeyMint(sigstore=team.sigstore)
    release = team.release_manifest(EVIL, bundle)
    made = mint.sign_blob(ec.generate_private_key(ec.SECP256R1()), bundle)
    release["spec"]["attestations"][0]["inline"] = made.decode()
    approved(laps, team, release)


def built(**changes: Any) -> Mount:
    """The provenance says something else than the policy or the Release."""

    def mount(laps: Laps, team: Team) -> None:
        release = team.release_manifest(EVIL)
        spec = release["spec"]
        statement = provenance(spec["bundle"]["sha256"], spec["source"]["revision"])
        inside = statement["predicate"]
        workflow = inside["buildDefinition"]["externalParameters"]["workflow"]
        inside["runDetails"]["builder"]["id"] = changes.get(
            "builder", inside["runDetails"]["builder"]["id"]
        )
        if repository := changes.get("repository"):
            workflow["repository"] = repository
            inside["buildDefinition"]["resolvedDependencies"][0]["uri"] = f"git+{repository}"
        if revision := changes.get("revision"):
            spec["source"]["revision"] = revision
        made = team.sigstore.sign_statement(statement, changes.get("by", CI), CI_ISSUER)
        spec["attestations"][1]["inline"] = made.decode()
        approved(laps, team, release)

    return mount


WORKFLOW = "/.github/workflows/release.yml@refs/heads/main"

TRUSTED = [
    Attack(
        row=20,
        name="The trust root is swapped, and the bundle signed under the new one",
        reason="CertificateUntrusted",
        defence=REVISIONS,
        mount=by_thief,
    ),
    Attack(
        row=20,
        name="A sigstore that is trusted for a partner certifies the CI's name",
        reason="SignedByOther",
        defence=IS_BY,
        mount=by_partner,
    ),
    *(
        Attack(
            row=20,
            name=f"The {what} was retired before the signature",
            reason="TrustKeyRetired",
            defence="verify/sigstore.py: verify_bundle",
            mount=retired(part),
        )
        for what, part in (
            ("transparency log", "log"),
            ("certificate log", "certificate_log"),
            ("certificate authority", "ca"),
        )
    ),
    *(
        Attack(row=22, name=name, reason="SignedByOther", defence=IS_BY, mount=mount)
        for name, mount in (
            ("Another workflow of the CI signs", signed(CI.replace("release", "test"))),
            ("A workflow whose name begins with the CI's signs", signed(CI + "-evil")),
            ("Another branch signs", signed(CI.replace("main", "evil"))),
            ("The CI's identity is vouched for by another issuer", signed(issuer=SSO)),
            ("The issuer is the CI's, with a slash more", signed(issuer=CI_ISSUER + "/")),
            (
                "A * of the policy would have to stand for a /",
                matching(
                    [f"https://github.com/acme/*{WORKFLOW}"],
                    f"https://github.com/acme/evil/shop{WORKFLOW}",
                ),
            ),
            (
                "A * of the policy would have to stand for an @",
                matching(
                    ["https://github.com/acme/shop/.github/workflows/*@refs/heads/main"],
                    "https://github.com/acme/shop/.github/workflows/a@refs/heads/evil@refs/heads/main",
                ),
            ),
            (
                "A dot of the policy would have to stand for another character",
                matching([CI], CI.replace("github.com", "githubxcom")),
            ),
            (
                "A name goes on after the end of a pattern",
                matching([f"{REPOSITORY}/.github/workflows/*@refs/heads/main"], CI + "2"),
            ),
            ("A pattern is read as a regular expression", matching([".*"], CI)),
        )
    ),
    Attack(
        row=23,
        name="A certificate says nothing about its issuer",
        reason="IdentityMissing",
        defence="verify/identity.py: signer_of",
        mount=signed(flaw=Flaw(issuer_der=b"", issuer_raw=b"")),
    ),
    Attack(
        row=23,
        name="The issuer of a certificate is empty",
        reason="IdentityMissing",
        defence="verify/identity.py: signer_of",
        mount=signed(flaw=Flaw(issuer_der=b"\x0c\x00", issuer_raw=b"")),
    ),
    *(
        Attack(
            row=20,
            name=name,
            reason=reason,
            defence="verify/managed_key.py: verify_managed",
            mount=of_key(make),
        )
        for name, make, reason in (
            ("Another key signs, under the hint of the policy's", same_hint, "SignatureInvalid"),
            ("A key that no policy names signs", other_key, "SignatureInvalid"),
            ("The policy's key signs into a log that nobody trusts", other_log, "LogUntrusted"),
        )
    ),
    Attack(
        row=20,
        name="A key signs, and the policy names none",
        reason="KeyNotNamed",
        defence="verify/sigstore.py: verify_bundle",
        mount=unnamed_key,
    ),
    *(
        Attack(
            row=3,
            name=name,
            reason="ProvenanceDiffers",
            defence="policy/evidence.py: judge_provenance",
            mount=mount,
        )
        for name, mount in (
            ("The bundle was built by another builder", built(builder="https://evil.example.org")),
            (
                "The bundle was built from another repository",
                built(repository="https://github.com/evil/shop"),
            ),
            (
                "The bundle was built from another commit than the Release says",
                built(revision="0" * 40),
            ),
        )
    ),
    Attack(
        row=3,
        name="The provenance is by somebody else than the CI",
        reason="SignedByOther",
        defence=IS_BY,
        mount=built(by=CI + "-evil"),
    ),
]


ATTACKS = [*POLICIES, *TRUSTED]


@pytest.mark.parametrize("each", ATTACKS, ids=lambda each: each.name)
async def test_attack(laps: Laps, team: Team, each: Attack) -> None:
    await refuses(laps, team, each)
