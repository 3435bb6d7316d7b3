"""Policies and their seals, as they lie in git: what can be read, and what comes into force."""

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from sluice.gate.readable import policy_problem
from sluice.gate.revisions import RevisionJudge
from sluice.gate.trust import TrustRoom
from sluice.policy.sealing import Adopt, Ignored, Judgement
from sluice.policy.subject import PolicyInForce, UnreadablePolicy
from sluice.resources.canonical import canonical_json
from sluice.resources.kinds import Key
from sluice.resources.policy import PolicySpec
from sluice.verify.collect import Examiner
from support.sealing import SshPerson, seal_of, sealed

ALICE, BOB, MALLORY = SshPerson(), SshPerson(), SshPerson()
CLUSTER = "demo"


def a_policy(**changes: Any) -> dict[str, Any]:
    spec = {
        "people": [
            {"name": "alice", "keys": [ALICE.public_key]},
            {"name": "bob", "keys": [BOB.public_key]},
        ],
        "roles": [{"name": "release-manager", "members": ["alice", "bob"]}],
        "requirements": [
            {"name": "approved", "approvals": {"role": "release-manager", "count": 2}}
        ],
        "owners": {"people": ["alice", "bob"], "threshold": 2},
        "revision": 1,
        **changes,
    }
    metadata = {"name": "releases", "namespace": "shop"}
    return {"kind": "ReleasePolicy", "metadata": metadata, "spec": spec}


def read(manifest: dict[str, Any]) -> PolicyInForce | UnreadablePolicy:
    spec = PolicySpec.model_validate_json(canonical_json(manifest["spec"]))
    return TrustRoom().policy(Key("ReleasePolicy", "shop", "releases"), spec)


def judged(manifest: dict[str, Any], in_force: dict[str, Any] | None = None) -> Judgement:
    judge = RevisionJudge(examiner=Examiner(), trust=TrustRoom(), genesis=None, cluster=CLUSTER)
    proposed, before = read(manifest), read(in_force) if in_force else None
    assert isinstance(proposed, PolicyInForce)
    assert not isinstance(before, UnreadablePolicy)
    return judge.judge(before, proposed, datetime.now(UTC))


def test_a_revision_comes_into_force_by_signatures_that_hold() -> None:
    first = sealed(a_policy(), ALICE, BOB)

    assert judged(first) == Adopt(basis="FirstUse", sealed_by=("alice", "bob"))
    second = sealed(a_policy(revision=2), ALICE, BOB)
    assert judged(second, first) == Adopt(basis="Owners", sealed_by=("alice", "bob"))


def test_invariant_9_who_writes_to_git_can_not_bring_a_revision_into_force() -> None:
    first = sealed(a_policy(), ALICE, BOB)
    weaker = a_policy(
        revision=2,
        requirements=[{"name": "approved", "approvals": {"role": "release-manager", "count": 1}}],
    )
    reused = {**weaker, "spec": {**weaker["spec"], "seals": first["spec"]["seals"]}}
    lent = sealed(weaker, ALICE, BOB)
    lent["spec"]["requirements"][0]["approvals"]["mfa"] = True

    for attempt in (weaker, sealed(weaker, MALLORY, MALLORY), reused, lent):
        found = judged(attempt, first)
        assert isinstance(found, Ignored)
        assert (found.reason, found.sealed_by) == ("PolicySealMissing", ())


def test_a_seal_that_proves_nothing_is_told_with_its_reason() -> None:
    policy = a_policy()
    good, cut = seal_of(ALICE, policy), copy.deepcopy(seal_of(BOB, policy))
    cut["ssh"]["signature"] = cut["ssh"]["signature"][:80]

    found = judged({**policy, "spec": {**policy["spec"], "seals": [good, cut]}})

    assert isinstance(found, Ignored)
    assert found.sealed_by == ("alice",)
    assert "Seals that prove nothing: seal 2: " in found.message


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"people": [{"name": "alice", "keys": ["ssh-ed25519 " + "A" * 67 + "="]}]}, "key 1 of"),
        ({"people": [{"name": "alice", "keys": [ALICE.public_key[:-3]]}]}, "key 1 of alice"),
        (
            {
                "people": [
                    {
                        "name": "alice",
                        "keys": [
                            ALICE.public_key.replace("ssh-ed", "sk-ssh-ed").replace(
                                "25519 ", "25519@openssh.com "
                            )
                        ],
                    }
                ]
            },
            "spelled in another way",
        ),
        (
            {
                "authorities": [
                    {"name": "kms", "publicKey": "no key", "trustedRoot": "{}"},
                ],
            },
            "authority kms",
        ),
    ],
)
def test_a_policy_with_what_can_not_be_read_is_told_where(
    changes: dict[str, Any], words: str
) -> None:
    fields = {"owners": None, "revision": None, "roles": None, **changes}
    fields["requirements"] = [{"name": "version", "version": {}}]
    spec = {name: value for name, value in a_policy(**fields)["spec"].items() if value is not None}

    assert words in policy_problem(PolicySpec.model_validate_json(canonical_json(spec)))


@pytest.mark.parametrize(
    ("requirement", "words"),
    [
        ({"cel": {"expression": "release.version ==", "message": "no"}}, "line"),
        ({"cel": {"expression": "predicate.x == 1", "message": "no"}}, "predicate"),
        (
            {
                "attestation": {
                    "authority": "ci",
                    "predicateType": "https://example.com/scan",
                    "expression": "live.version == '1'",
                }
            },
            "live",
        ),
        ({"window": {"timeZone": "Europe/Atlantis"}}, "Europe/Atlantis"),
        (
            {
                "window": {
                    "recurring": [
                        {
                            "rrule": "FREQ=HOURLY",
                            "start": "2026-01-31T18:00",
                            "duration": "1h",
                            "reason": "no",
                        }
                    ]
                }
            },
            "HOURLY",
        ),
        (
            {
                "window": {
                    "recurring": [
                        {
                            "rrule": "FREQ=DAILY",
                            "start": "2026-02-31T18:00",
                            "duration": "1h",
                            "reason": "no",
                        }
                    ]
                }
            },
            "2026-02-31",
        ),
    ],
)
def test_a_requirement_in_a_language_of_its_own_is_read_before_it_is_judged_by(
    requirement: dict[str, Any], words: str
) -> None:
    authority = {
        "name": "ci",
        "issuer": "https://ci.example.com",
        "subjects": ["*@example.com"],
        "trustedRoot": "{}",
    }
    changed = a_policy(requirements=[{"name": "odd", **requirement}], authorities=[authority])
    spec = PolicySpec.model_validate_json(canonical_json(changed["spec"]))

    found = policy_problem(spec)

    assert found.startswith("requirement odd: ")
    assert words in found


def test_a_policy_that_can_not_be_read_is_not_judged_by() -> None:
    cut = [
        {"name": who, "keys": [key.public_key[:-3]]}
        for who, key in (("alice", ALICE), ("bob", BOB))
    ]

    found = read(a_policy(people=cut))

    assert isinstance(found, UnreadablePolicy)
    assert "key 1 of alice" in found.problem
