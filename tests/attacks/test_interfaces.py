"""Attacks on what people see and read: manifests, statements, `kubectl apply`, plans, prompts."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from sluice.cli.main import main
from sluice.errors import Refused, VerificationError
from sluice.operator.admission import Admission
from sluice.plan.change import Plan
from sluice.plan.markdown import as_markdown
from sluice.resources.manifest import read_manifests, spec_of
from sluice.verify.json_strict import parse
from support.attacks import (
    EVIL,
    Attack,
    Body,
    Mount,
    as_approval,
    attack,
    claim_of,
    offer,
    refuses,
    ssh_word,
)
from support.laps import QUICK, Laps
from support.pull_request import PullRequest, file_name, plan_of, read
from support.sshsig import Keygen
from support.team import Team

STRICT = "verify/json_strict.py: parse"
YAML = "resources/manifest.py: read_manifests"
PLACE = re.compile(r"line \d+, column \d+: ")


# --- JSON that is signed -------------------------------------------------------------------------


def signing(edit: Callable[[str], str]) -> Mount:
    """alice approves; the text that bob's key signs is JSON that two readers read as two things."""

    def mount(laps: Laps, team: Team) -> None:
        release = team.release_manifest(EVIL)
        statement = json.dumps(claim_of(team, release, laps), sort_keys=True, separators=(",", ":"))
        said = edit(statement)
        assert said != statement
        signed = {"statement": said, "signature": team.keys["bob"].sign(said.encode())}
        bob = as_approval(team, release, "bob", ssh=signed)
        offer(laps, team, release, ssh_word(team, "alice", release, laps), bob)

    return mount


def before(old: str, new: str) -> Callable[[str], str]:
    return lambda statement: statement.replace(old, new + old, 1)


ATTACKS = [
    Attack(row=49, name=name, reason="StatementUnreadable", defence=STRICT, mount=signing(edit))
    for name, edit in (
        ("A signed text gives a key twice", before('"channel":', '"channel":"beta",')),
        (
            "A signed text gives a key twice, once with an escape",
            before('"channel":', '"ch\\u0061nnel":"beta",'),
        ),
        ("A signed text holds NaN", before('"channel":', '"a":NaN,')),
        (
            "A signed text holds a number that is infinite to some",
            before('"channel":', '"a":1e999,'),
        ),
        (
            "A signed text holds a number beyond 53 bits",
            before('"channel":', '"a":9007199254740993,'),
        ),
        ("A signed text holds half of a surrogate pair", before('"channel":', '"a":"\\ud800",')),
        (
            "A signed text is nested a thousand times",
            before('"channel":', f'"a":{"[" * 1000}{"]" * 1000},'),
        ),
        ("A signed text goes on after its end", lambda statement: statement + '{"x":1}'),
        ("A signed text begins with a byte order mark", lambda statement: "\ufeff" + statement),
        ("A signed text holds white space", before('"channel":', " ")),
        ("A signed text holds a comment", before('"channel":', "/* */")),
        (
            "A signed text has its keys in another order",
            lambda statement: json.dumps(
                dict(reversed(json.loads(statement).items())), separators=(",", ":")
            ),
        ),
    )
]


@pytest.mark.parametrize("each", ATTACKS, ids=lambda each: each.name)
async def test_attack(laps: Laps, team: Team, each: Attack) -> None:
    await refuses(laps, team, each)


@attack(
    49, "A signed text gives a key twice, and nobody is told where", "StatementUnreadable", STRICT
)
@pytest.mark.parametrize("data", [b'{"a": 1,\n "a": 2}', b'{"a":\n NaN}', b'{"a":\n 1e999}'])
def test_what_json_says_twice_is_refused_at_its_place(data: bytes) -> None:
    with pytest.raises(VerificationError, match="line 2, column 2"):
        parse(data, what="statement", reason="StatementUnreadable")


# --- YAML in git ---------------------------------------------------------------------------------

RELEASE = """apiVersion: sluice.dev/v1alpha1
kind: Release
metadata: {name: shop-6.6.6, namespace: shop}
spec:
  app: shop
  version: "6.6.6"
  bundle: {url: "https://cdn.example.com/shop.zip", sha256: "%s", size: 1000}
""" % ("ab" * 32)

HOSTILE_YAML = {
    "a key twice": RELEASE + '  version: "6.6.7"\n',
    "a key twice, once in quotes with an escape": RELEASE + '  "versi\\x6fn": "6.6.7"\n',
    "an alias": RELEASE.replace("app: shop", "app: &a shop") + "  notes: *a\n",
    "a laugh in billions": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(
        f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n"
        for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    ),
    "a merge key": RELEASE + "  <<: {version: '1'}\n",
    "a tag that runs a program": RELEASE + "  notes: !!python/object/apply:os.system [id]\n",
    "ten thousand levels": RELEASE + "  notes: " + "[" * 10_000 + "\n",
    "a number where a text must be": RELEASE.replace('"6.6.6"', "1.10"),
    "base 60": RELEASE.replace('"6.6.6"', "12:30"),
    "base 8": RELEASE.replace('"6.6.6"', "017"),
    "a truth where a text must be": RELEASE.replace('"6.6.6"', "no"),
    "a character that ends the line for some": RELEASE.replace("app: shop", "app: shop\u2028"),
    "a control character": RELEASE.replace("app: shop", "app: sh\x07op"),
    "bytes that are not UTF-8": RELEASE.replace("app: shop", "app: sh\udcffop"),
    "a field that nobody knows": RELEASE + "  nativ: {}\n",
}


@attack(48, "A manifest is YAML that two readers read as two things", "ManifestUnreadable", YAML)
@attack(
    33, "A version in git is 1.10 without quotes", "SpecInvalid", "resources/manifest.py: spec_of"
)
@pytest.mark.parametrize("name", HOSTILE_YAML)
def test_hostile_yaml_is_refused_at_its_place(name: str) -> None:
    data = HOSTILE_YAML[name].encode(errors="surrogateescape")

    with pytest.raises(Refused) as refused:
        _ = [spec_of(each) for each in read_manifests(data)]

    assert refused.value.reason in {"ManifestUnreadable", "SpecInvalid"}
    assert PLACE.search(refused.value.message), refused.value.message
    assert refused.value.message.isprintable()


# --- What is said at kubectl apply ---------------------------------------------------------------


@attack(
    41,
    "kubectl apply is told that a release would be held, in hostile text",
    "ApprovalsMissing",
    "operator/admission.py: Admission",
)
async def test_warnings_at_apply_are_tame(laps: Laps, team: Team) -> None:
    laps.apply(team.app_manifest(), team.policy_manifest())
    await laps.settle("shop")
    release = team.release_manifest(EVIL, notes="a\n\x1b[2J\u202e")
    release["spec"]["source"]["authors"] = ["x\nAllowed: yes\x1b[31m"]
    laps.apply(release, ssh_word(team, "alice", release, laps, comment=""))
    admission = Admission(laps.cache, laps.observer_of, lambda: laps.now)
    body = team.channel_manifest(f"shop-{EVIL}", rollout=QUICK)

    answer = await admission.answer(
        {
            "uid": "u-1",
            "kind": {"group": "sluice.dev", "version": "v1alpha1", "kind": "Channel"},
            "operation": "CREATE",
            "object": body,
            "oldObject": None,
            "userInfo": {"username": "system:admin", "groups": ["system:masters"]},
        }
    )

    [warning] = answer.warnings
    assert "held: ApprovalsMissing" in warning
    assert warning.isprintable()
    assert await laps.served("shop") is None


@attack(
    45,
    "The user who applies is an administrator, or an approver",
    "ApprovalsMissing",
    "operator/admission.py: Admission",
)
@pytest.mark.parametrize("user", ["system:admin", "alice", "alice@example.com"])
async def test_who_applies_is_no_evidence(laps: Laps, team: Team, user: str) -> None:
    laps.apply(team.app_manifest(), team.policy_manifest())
    await laps.settle("shop")
    release = team.release_manifest(EVIL)
    laps.apply(release)
    admission = Admission(laps.cache, laps.observer_of, lambda: laps.now)

    answer = await admission.answer(
        {
            "uid": "u-1",
            "kind": {"group": "sluice.dev", "version": "v1alpha1", "kind": "Channel"},
            "operation": "CREATE",
            "object": team.channel_manifest(f"shop-{EVIL}", rollout=QUICK),
            "oldObject": None,
            "userInfo": {"username": user, "groups": ["system:masters"]},
        }
    )

    assert "0 of 2 approvals" in answer.warnings[0]


# --- What a pull request shows -------------------------------------------------------------------


@pytest.fixture
def base(team: Team) -> list[Body]:
    """What stands on the main branch: 1.0.0 on production, approved by alice and bob."""
    release = team.release_manifest("1.0.0")
    words = [team.approval_manifest(who, release) for who in ("alice", "bob")]
    channel = team.channel_manifest("shop-1.0.0")
    return [team.app_manifest(), team.policy_manifest(), release, *words, channel]


def changed(base: list[Body], *bodies: Body) -> list[Body]:
    """Return the manifests of a branch: these in place of those of the same kind and name."""
    new = {(each["kind"], each["metadata"]["name"]): each for each in bodies}
    kept = [each for each in base if (each["kind"], each["metadata"]["name"]) not in new]
    return [*kept, *bodies]


def outcome(plan: Plan) -> tuple[str, set[str]]:
    [channel] = plan.channels
    verdicts = [each for each in (channel.verdict, channel.verdict_after) if each]
    unmet = {
        finding.reason
        for verdict in verdicts
        for finding in verdict.findings
        if finding.enforced and finding.state != "satisfied"
    }
    return channel.outcome, unmet


@attack(
    14,
    "A pull request weakens the policy, with all seals, and releases by it",
    "ApprovalsMissing",
    "plan/policies.py: Policies",
)
@pytest.mark.parametrize("by", [(), ("alice",), ("alice", "bob")])
def test_a_plan_judges_by_the_policy_before_the_change(
    team: Team, base: list[Body], by: tuple[str, ...]
) -> None:
    weak = [{"name": "signed", "signature": {"authority": "ci"}}]
    policy = team.policy_manifest(requirements=weak, revision=2, sealed_by=by)
    branch = changed(
        base, policy, team.release_manifest(EVIL), team.channel_manifest(f"shop-{EVIL}")
    )

    plan = plan_of(base, branch, cluster="demo")

    assert outcome(plan) == ("held", {"ApprovalsMissing"})
    assert plan.exit_code == 3


@attack(
    17,
    "A pull request deletes the policy and releases",
    "ApprovalsMissing",
    "plan/policies.py: Policies",
)
def test_a_plan_judges_by_a_policy_that_the_change_deletes(team: Team, base: list[Body]) -> None:
    branch = [each for each in base if each["kind"] != "ReleasePolicy"]
    branch = changed(branch, team.release_manifest(EVIL), team.channel_manifest(f"shop-{EVIL}"))

    plan = plan_of(base, branch, cluster="demo")

    assert outcome(plan)[0] == "held"
    assert plan.exit_code != 0


@attack(13, "A pull request deletes a rejection", "Rejected", "plan/change.py: make_plan")
def test_a_plan_does_not_forget_a_rejection_that_the_change_deletes(
    team: Team, base: list[Body]
) -> None:
    release = team.release_manifest(EVIL)
    no = team.approval_manifest("carol", release, decision="reject")
    words = [team.approval_manifest(who, release) for who in ("alice", "bob")]
    pointed = changed(base, release, team.channel_manifest(f"shop-{EVIL}"))

    plan = plan_of([*pointed, no], [*pointed, *words], cluster="demo")

    assert plan.exit_code != 0


@attack(
    47,
    "A manifest writes links, mentions and a verdict into the comment of a plan",
    "ProvenanceDiffers",
    "plan/markdown.py: escaped",
)
@pytest.mark.parametrize(
    "hostile",
    [
        "@everyone [approve](https://evil.example.org) ![x](https://evil.example.org/a.png)",
        "</td></tr></table>\n\n# ALLOWED\n\n<img src=x onerror=alert(1)>",
        "| allowed | satisfied |\n|---|---|\n```\n",
    ],
)
def test_a_comment_holds_no_markup_of_a_manifest(
    team: Team, base: list[Body], hostile: str
) -> None:
    release = team.release_manifest(EVIL, notes=hostile)
    release["spec"]["source"] |= {"repository": hostile, "authors": [hostile]}
    branch = changed(base, release, team.channel_manifest(f"shop-{EVIL}"))

    comment = as_markdown(plan_of(base, branch, cluster="demo"))

    outside = re.sub(r"(`+) ?.*?[^`]\1(?!`)", "", comment)
    assert not re.search(r"@\w|\]\(|\w://|<(?!/?(details|summary))", outside)
    assert not re.search(r"^# ALLOWED", comment, re.MULTILINE)
    assert "**REFUSED" in comment


@attack(
    48,
    "An object stands in two files of a repository, and readers take either",
    "ObjectTwice",
    "plan/manifests.py: ManifestReader",
)
def test_an_object_that_stands_twice_is_a_problem(team: Team) -> None:
    weak = team.policy_manifest(count=1)
    policy = team.policy_manifest()
    renamed = {**weak, "metadata": {**weak["metadata"]}}

    found = read([policy, {**renamed, "kind": "ReleasePolicy"}])

    assert len(found.problems) == 1
    assert found.problems[0].reason == "ObjectTwice"
    assert list(found.of_kind("ReleasePolicy")) == []


# --- What somebody signs -------------------------------------------------------------------------


@attack(
    12,
    "A Release draws a prompt of its own when somebody is asked to sign",
    "NothingSigned",
    "resources/text.py: plain",
)
@pytest.mark.parametrize("field", ["notes", "repository", "author", "url"])
def test_a_release_does_not_draw_the_prompt(
    team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    """What is shown before signing has one line for each thing, and each is what it says."""
    hostile = "\x1b[2J\u202eok\n\r\n  bundle          sha256:good\nSign this? [y/N]: y"
    release = team.release_manifest(EVIL)
    match field:
        case "notes":
            release["spec"]["notes"] = hostile
        case "repository":
            release["spec"]["source"]["repository"] = hostile
        case "author":
            release["spec"]["source"]["authors"] = [hostile]
        case _:
            release["spec"]["bundle"]["url"] = f"https://cdn.example.com/{'%0A' * 40}shop.zip"
    pull = repository(team, tmp_path, release)
    key = Keygen(tmp_path).key("ed25519")
    monkeypatch.chdir(pull.root)

    done = CliRunner().invoke(
        main,
        [
            "approve",
            file_name(release),
            "--channel=production",
            "--cluster=demo",
            f"--key={key}",
            "--role=release-manager",
        ],
        input="n\n",
    )

    shown = [each.strip() for each in done.output.splitlines()]
    assert done.exit_code == 1
    assert not {"\x1b", "\u202e", "\r"} & set(done.output)
    assert sum(each.startswith("bundle ") for each in shown) == 1
    assert not list(pull.root.rglob("approvals/*"))


def repository(team: Team, tmp_path: Path, release: Body) -> PullRequest:
    pull = PullRequest(tmp_path / "repository")
    pull.write(team.app_manifest(), team.policy_manifest(), team.channel_manifest(None))
    pull.commit("first")
    pull.branch()
    pull.write(release)
    return pull
