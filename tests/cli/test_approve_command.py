"""`sluice approve`: what is signed is shown first, and what is written counts."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from sluice.cli.main import main
from sluice.resources.approval import ApprovalSpec
from sluice.resources.manifest import read_manifests, spec_of
from support.authenticator import PRESENT, VERIFIED, Authenticator
from support.pull_request import PullRequest, text
from support.sealing import sealed
from support.sshsig import Keygen
from support.team import SSO, Team

Body = dict[str, Any]
Approve = Callable[..., Result]
RELEASE = "deploy/release-shop-1.4.2.yaml"


@pytest.fixture
def team(tmp_path: Path) -> Team:
    bundles = tmp_path / "bundles"
    bundles.mkdir()
    return Team(namespace="shop", bundles=bundles, cluster="prod")


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, Path]:
    """Real keys of alice and of somebody whom nobody knows."""
    found = {}
    for who in ("alice", "stranger"):
        (tmp_path / who).mkdir()
        found[who] = Keygen(tmp_path / who).key("ed25519")
    return found


@pytest.fixture
def authenticator() -> Authenticator:
    """bob's security key."""
    return Authenticator.ed25519()


def public(key: Path) -> str:
    return " ".join(key.with_name(key.name + ".pub").read_text().split()[:2])


@pytest.fixture
def policy(team: Team, keys: dict[str, Path], authenticator: Authenticator) -> Body:
    found = team.policy_manifest(
        exceptions={"requirements": ["built-by-ci"], "role": "release-manager", "count": 1},
        breakGlass={
            "requirements": ["approved"],
            "role": "release-manager",
            "count": 2,
            "cosignRole": "release-manager",
            "cosignCount": 1,
        },
    )
    people = {each["name"]: each for each in found["spec"]["people"]}
    people["alice"]["keys"].append(public(keys["alice"]))
    people["bob"]["keys"].append(authenticator.public_key)
    return sealed(found, *(team.keys[who] for who in ("alice", "bob")), cluster="prod")


@pytest.fixture
def pull(tmp_path: Path, team: Team, policy: Body) -> PullRequest:
    """A repository whose branch adds the release 1.4.2."""
    found = PullRequest(tmp_path / "repository")
    old = team.release_manifest("1.4.1", notes="Before.")
    found.write(team.app_manifest(), policy, old, team.channel_manifest("shop-1.4.1"))
    found.commit("first")
    found.branch()
    found.write(team.release_manifest("1.4.2"), team.channel_manifest("shop-1.4.2"))
    return found


@pytest.fixture
def approve(pull: PullRequest, keys: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Approve:
    monkeypatch.chdir(pull.root)

    def run(*arguments: str, who: str | None = "alice", given: str | None = None) -> Result:
        fixed = ["approve", RELEASE, "--channel", "production", "--cluster", "prod"]
        key = ["--key", str(keys[who])] if who else []
        yes = [] if given is not None or not who else ["--yes"]
        return CliRunner().invoke(main, [*fixed, *key, *yes, *arguments], input=given)

    return run


def written(pull: PullRequest, name: str) -> tuple[Body, ApprovalSpec]:
    """Return an Approval that was written, as YAML and as the operator reads it."""
    data = (pull.root / "deploy" / "approvals" / f"{name}.yaml").read_bytes()
    [found] = read_manifests(data)
    spec = spec_of(found)
    assert isinstance(spec, ApprovalSpec)
    assert yaml.safe_load(data)["metadata"]["name"] == name
    return yaml.safe_load(data), spec


def statement(spec: ApprovalSpec) -> Body:
    assert spec.ssh is not None
    found: Body = yaml.safe_load(spec.ssh.statement)
    return found


def lines(done: Result) -> list[str]:
    return [each.strip() for each in done.output.splitlines()]


def test_everything_that_is_signed_is_shown_before(approve: Approve, team: Team) -> None:
    done = approve("--ceiling", "10%", "--until", "2d", "--comment", "go", given="n\n")

    assert done.exit_code == 1
    shown = " ".join(done.output.split())
    release = team.release_manifest("1.4.2")["spec"]
    for words in (
        "you APPROVE app com.example.shop 1.4.2 (namespace shop)",
        "on channel production of cluster prod",
        "as release-manager (alice)",
        "up to 10% of the phones, and not after",
        "comment go",
        f"bundle sha256:{release['bundle']['sha256']}",
        f"{release['bundle']['size']:,} bytes",
        f"{release['source']['repository']} at {release['source']['revision']}",
        "authors dora@example.com",
        "native app every version",
        "From shop-1.4.1, which channel production names at base:",
        "- notes: Before.",
        "~ version: 1.4.1 → 1.4.2",
        "ok signed-by-ci",
        "missing approved: 0 of 2 approvals by release-manager",
    ):
        assert words in shown


def test_nothing_is_written_without_a_yes(approve: Approve, pull: PullRequest) -> None:
    approve(given="n\n")

    assert not (pull.root / "deploy" / "approvals").exists()


def test_what_is_written_counts(approve: Approve, pull: PullRequest) -> None:
    done = approve(given="y\n")

    assert done.exit_code == 0, done.output
    assert "1 of 2 approvals by release-manager: alice." in done.output
    body, spec = written(pull, "shop-1.4.2-production-alice")
    assert body["metadata"] == {"name": "shop-1.4.2-production-alice", "namespace": "shop"}
    assert statement(spec)["predicate"]["decision"] == "approve"


def test_the_plan_sees_the_seat_filled(approve: Approve, pull: PullRequest) -> None:
    assert approve().exit_code == 0
    done = CliRunner().invoke(main, ["plan", "--cluster", "prod"])

    assert "1 of 2 approvals by release-manager: alice." in done.output
    assert "alice approves 1.4.2 as release-manager for channel production" in done.output


def test_a_second_word_replaces_the_first(approve: Approve, pull: PullRequest) -> None:
    approve()
    done = approve("--reject", "--comment", "it loses the basket")

    assert done.exit_code == 0, done.output
    assert "You have spoken before, in shop-1.4.2-production-alice" in done.output
    assert "withdrawn" in done.output
    _, spec = written(pull, "shop-1.4.2-production-alice-reject-1")
    assert statement(spec)["predicate"]["sequence"] == 1


def test_a_word_is_taken_back(approve: Approve, pull: PullRequest) -> None:
    approve()
    done = approve("--withdraw")

    assert "0 of 2 approvals" in done.output.split("with your word")[1]
    written(pull, "shop-1.4.2-production-alice-withdraw-1")


def test_the_same_file_is_never_overwritten(approve: Approve) -> None:
    approve("--out", "here.yaml")
    done = approve("--out", "here.yaml")

    assert done.exit_code == 1
    assert "an Approval never changes" in done.output


def test_a_stranger_is_told_that_it_does_not_count(approve: Approve) -> None:
    done = approve(who="stranger")

    assert done.exit_code == 0
    assert "a key that no policy at hand knows" in done.output
    assert "until one names them, it does not count" in done.output


def test_an_exception_and_a_break_glass_are_words_too(approve: Approve, pull: PullRequest) -> None:
    first = approve("--except", "built-by-ci", "--reason", "the builder is down")
    second = approve("--break-glass", "INC-7", "--reason", "all phones crash")

    assert first.exit_code == second.exit_code == 0, second.output
    _, spec = written(pull, "shop-1.4.2-production-alice-except-built-by-ci")
    predicate = statement(spec)["predicate"]
    assert (predicate["policy"], predicate["requirement"]) == (
        "ReleasePolicy/releases",
        "built-by-ci",
    )
    _, spec = written(pull, "shop-1.4.2-production-alice-break-glass")
    predicate = statement(spec)["predicate"]
    ends = datetime.fromisoformat(predicate["expiresAt"])
    assert ends - datetime.fromisoformat(predicate["issuedAt"]) == timedelta(hours=4)


def test_signed_elsewhere_with_a_security_key(
    approve: Approve, pull: PullRequest, authenticator: Authenticator
) -> None:
    printed = CliRunner().invoke(
        main,
        ["approve", RELEASE, "--channel", "production", "--cluster", "prod", "--statement"],
    )
    assert printed.exit_code == 0, printed.output
    signed = authenticator.sign(
        printed.stdout_bytes, "sluice-approval@v1", flags=PRESENT | VERIFIED
    )
    pull.put("st.json", printed.stdout_bytes)
    pull.put("st.json.sig", signed.armored())

    done = approve("--signed-statement", "st.json", "--signature", "st.json.sig", who=None)

    assert done.exit_code == 0, done.output
    assert "1 of 2 approvals by release-manager: bob." in done.output
    written(pull, "shop-1.4.2-production-bob")


def test_signed_elsewhere_with_a_sigstore_identity(
    approve: Approve, pull: PullRequest, team: Team
) -> None:
    printed = approve("--statement", "--role", "release-manager", who=None)
    bundle = team.sigstore.sign_statement(printed.stdout_bytes, "carol@example.com", SSO)
    pull.put("bundle.json", bundle)

    done = approve("--sigstore-bundle", "bundle.json", who=None)

    assert done.exit_code == 0, done.output
    _, spec = written(pull, "shop-1.4.2-production-carol")
    assert spec.sigstore_bundle is not None


@pytest.mark.parametrize("flaw", ["changed", "other key's", "torn"])
def test_what_comes_back_wrong_is_refused(
    approve: Approve, pull: PullRequest, authenticator: Authenticator, flaw: str
) -> None:
    printed = approve("--statement", who=None).stdout_bytes
    signed = authenticator.sign(printed, "sluice-approval@v1").armored()
    if flaw == "changed":
        printed = printed.replace(b'"approve"', b'"reject"')
    if flaw == "torn":
        signed = signed[:-40]
    if flaw == "other key's":
        signed = Authenticator.ed25519().sign(b"other", "sluice-approval@v1").armored()
    pull.put("st.json", printed)
    pull.put("st.json.sig", signed)

    done = approve("--signed-statement", "st.json", "--signature", "st.json.sig", who=None)

    assert done.exit_code == 1
    assert "Signature" in done.output
    assert not (pull.root / "deploy" / "approvals").exists()


def test_what_was_signed_for_another_channel_is_refused(
    approve: Approve, pull: PullRequest, authenticator: Authenticator
) -> None:
    other = ["--channel", "beta", "--role", "release-manager"]
    printed = approve("--statement", *other, who=None).stdout_bytes
    pull.put("st.json", printed)
    pull.put("st.json.sig", authenticator.sign(printed, "sluice-approval@v1").armored())

    done = approve("--signed-statement", "st.json", "--signature", "st.json.sig", who=None)

    assert "ApprovalScope: What was signed is for channel 'beta'" in done.output


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--reject", "--withdraw"), 2, "One word at a time"),
        (("--statement",), 2, "Give one of --key, --statement"),
        (("--signature", RELEASE), 2, "Give one of"),
        (("--except", "built-by-ci"), 2, "give --reason"),
        (("--sequence", "next"), 2, "--sequence is a number"),
        (("--ceiling", "110%"), 1, "this must be a percentage"),
        (("--ceiling", "0%"), 1, "approves nothing"),
        (("--reject", "--ceiling", "10%"), 1, "Only an approval has a ceiling"),
        (("--until", "2d"), 1, "give --ceiling too"),
        (("--expires", "2020-01-01T00:00:00Z"), 1, "expired already"),
        (("--comment", "a\nb"), 1, "retype it in one"),
        (("--comment", "\u202ex"), 1, "retype it in one"),
        (("--channel", "Prod"), 1, "channel: this must be a name"),
        (("--cluster", "a b"), 1, "cluster"),
        (("--app-id", "com.example.evil"), 1, "the App shop at hand says com.example.shop"),
    ],
)
def test_what_cannot_be_signed_is_said_before(
    approve: Approve, pull: PullRequest, arguments: tuple[str, ...], status: int, words: str
) -> None:
    done = approve(*arguments)

    assert done.exit_code == status, done.output
    assert words in done.output
    assert not (pull.root / "deploy" / "approvals").exists()


def test_a_release_that_cannot_be_read_is_refused_with_its_place(
    approve: Approve, pull: PullRequest, team: Team
) -> None:
    release = team.release_manifest("1.4.2")
    release["spec"]["version"] = 1.4
    pull.put(RELEASE, text(release))

    done = approve()

    assert done.exit_code == 1
    assert f"{RELEASE}:8:12" in done.output


def test_without_manifests_at_hand_what_is_needed_is_asked_for(
    approve: Approve, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()

    blind = approve("--manifests", str(empty))
    told = approve("--manifests", str(empty), "--app-id", "com.example.shop")
    all_told = approve("--manifests", str(empty), "--app-id", "com.example.shop", "--role", "qa")

    assert "or say --app-id" in blind.output
    assert "say in which with --role" in told.output
    assert all_told.exit_code == 0


def test_hostile_text_in_a_release_cannot_steer_the_terminal(
    approve: Approve, pull: PullRequest, team: Team
) -> None:
    hostile = "\x1b[2J\u202eok\n\r  bundle          sha256:good"
    release = team.release_manifest("1.4.2", notes=hostile)
    release["spec"]["source"]["repository"] = hostile
    pull.put(RELEASE, text(release))

    done = approve(given="n\n")

    assert not {"\x1b", "\u202e", "\r"} & set(done.output)
    assert sum(each.startswith("bundle ") for each in lines(done)) == 1


def test_a_key_that_cannot_sign_is_told(approve: Approve, pull: PullRequest) -> None:
    pull.put("key", "no key at all")

    done = approve("--role", "qa", "--yes", "--key", "key", who=None)

    assert done.exit_code == 1
    assert "ssh-keygen did not sign with" in done.output


def test_every_type_of_key_signs(approve: Approve, pull: PullRequest, tmp_path: Path) -> None:
    for key_type, bits in (("ecdsa", 256), ("rsa", 2048)):
        key = Keygen(tmp_path).key(key_type, bits)
        arguments = ["approve", RELEASE, "--channel", "production", "--cluster", "prod"]
        done = CliRunner().invoke(main, [*arguments, "--role", "qa", "--yes", "--key", str(key)])

        assert done.exit_code == 0, done.output


def test_words_expire_in_a_week_unless_said(approve: Approve, pull: PullRequest) -> None:
    approve()
    _, spec = written(pull, "shop-1.4.2-production-alice")
    predicate = statement(spec)["predicate"]

    ends = datetime.fromisoformat(predicate["expiresAt"])
    assert ends - datetime.fromisoformat(predicate["issuedAt"]) == timedelta(days=7)
    assert ends.tzinfo == UTC


def test_a_channel_that_is_not_there_is_asked_about(approve: Approve) -> None:
    done = approve("--channel", "prod", given="n\n")

    assert "NO CHANNEL prod is at hand: is it one of production?" in done.output


def test_policies_of_the_pull_request_do_not_judge_it(
    approve: Approve, pull: PullRequest, team: Team, policy: Body
) -> None:
    weaker = team.policy_manifest(count=1, revision=2)
    weaker["spec"]["people"] = policy["spec"]["people"]
    owners = [team.keys[who] for who in ("alice", "bob")]
    pull.write(sealed(weaker, *owners, cluster="prod"))

    done = approve()

    assert "1 of 2 approvals by release-manager: alice." in done.output
