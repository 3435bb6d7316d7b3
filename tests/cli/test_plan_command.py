"""`sluice plan` over real git repositories, honest and hostile."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sluice.cli.main import main
from sluice.cli.repository import WORKING_TREE, Repository
from sluice.resources.manifest import MANIFEST_BYTES_MAX
from support.pull_request import PullRequest, text
from support.team import Team, a_bundle, manifest

Body = dict[str, Any]
Plan = Callable[..., Result]


@pytest.fixture
def team(tmp_path: Path) -> Team:
    bundles = tmp_path / "bundles"
    bundles.mkdir()
    return Team(namespace="shop", bundles=bundles, cluster="prod")


@pytest.fixture
def request_(tmp_path: Path, team: Team) -> PullRequest:
    """A pull request's repository, on its branch, in which nothing differs from main yet."""
    found = PullRequest(tmp_path / "repository")
    release = team.release_manifest("1.4.1")
    found.write(
        team.app_manifest(),
        team.policy_manifest(),
        release,
        *(team.approval_manifest(who, release) for who in ("alice", "bob")),
        team.channel_manifest("shop-1.4.1"),
    )
    found.commit("first")
    found.branch()
    return found


@pytest.fixture
def plan(request_: PullRequest, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.chdir(request_.root)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["plan", "--cluster", "prod", *arguments])

    return run


def add_release(request: PullRequest, team: Team, *words: str) -> Body:
    release = team.release_manifest("1.4.2")
    said = [team.approval_manifest(who, release) for who in words]
    request.write(release, team.channel_manifest("shop-1.4.2"), *said)
    return release


@pytest.mark.parametrize(
    ("words", "status", "headline"),
    [
        (("alice",), 3, "Channels: 1 held. (exit status 3)"),
        (("alice", "bob"), 0, "Channels: 1 allowed. (exit status 0)"),
    ],
)
def test_files_on_disk_are_compared_with_where_the_branch_began(
    request_: PullRequest,
    team: Team,
    plan: Plan,
    words: tuple[str, ...],
    status: int,
    headline: str,
) -> None:
    add_release(request_, team, *words)

    done = plan()

    assert done.exit_code == status
    assert done.output.splitlines()[-1] == headline


def test_main_that_moved_on_changes_nothing_of_the_plan(
    request_: PullRequest, team: Team, plan: Plan
) -> None:
    add_release(request_, team, "alice", "bob")
    request_.commit("release")
    request_.git("checkout", "--quiet", "main")
    request_.write(team.policy_manifest(count=3, revision=2))
    request_.commit("stricter")
    request_.git("checkout", "--quiet", "pull-request")

    assert plan().exit_code == 0
    assert plan("--head", "pull-request", "--base", "main~1").exit_code == 0


def test_a_rejection_is_4_and_a_problem_is_1(request_: PullRequest, team: Team, plan: Plan) -> None:
    release = add_release(request_, team, "alice", "bob")
    no = team.approval_manifest("carol", release, decision="reject")
    request_.write(no)

    assert plan().exit_code == 4
    request_.put("deploy/bad.yaml", text(no) + "kind: Approval\n")
    done = plan()
    assert done.exit_code == 1
    assert "deploy/bad.yaml:" in done.output
    assert "1 problem to mend first. (exit status 1)" in done.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--base", "nowhere"), "There is no revision 'nowhere' here"),
        (("--base", "--upload-pack=x"), "There is no revision"),
        (("--head", "a..b"), "There is no revision"),
        (("../outside",), "is outside of the repository"),
        (("--now", "yesterday"), "is neither a time in UTC"),
        (("--format", "html"), "Invalid value"),
    ],
)
def test_a_wrong_command_is_2(plan: Plan, arguments: tuple[str, ...], words: str) -> None:
    done = plan(*arguments)

    assert done.exit_code == 2
    assert words in done.output


def test_outside_of_a_repository_it_is_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    done = CliRunner().invoke(main, ["plan", "--cluster", "prod"])

    assert done.exit_code == 2
    assert "is in no git repository" in done.output


def test_a_shallow_clone_says_what_is_missing(
    request_: PullRequest, team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_release(request_, team)
    request_.commit("release")
    request_.git("checkout", "--quiet", "main")
    clone = tmp_path / "clone"
    source = f"file://{request_.root}"
    command = ["git", "clone", "--quiet", "--depth=1", "--branch=pull-request", source, str(clone)]
    subprocess.run(command, check=True)
    monkeypatch.chdir(clone)

    done = CliRunner().invoke(main, ["plan", "--cluster", "prod"])

    assert done.exit_code == 2
    assert "name the base with --base" in done.output


def test_paths_limit_what_is_read(request_: PullRequest, team: Team, plan: Plan) -> None:
    add_release(request_, team)
    request_.put("charts/x.yaml", "apiVersion: sluice.dev/v1alpha1\nspec: {{ .Values }}\n")

    assert plan().exit_code == 1
    assert plan("deploy").exit_code == 3


def test_manifests_that_hold_besides_are_taken_as_standing(
    request_: PullRequest, team: Team, plan: Plan, tmp_path: Path
) -> None:
    wide = team.policy_manifest(name="wide")
    wide = manifest("ClusterReleasePolicy", "wide", "", wide["spec"])
    place = tmp_path / "cluster.yaml"
    place.write_text(text({"apiVersion": "v1", "kind": "List", "items": [wide]}))
    add_release(request_, team, "alice", "bob")

    done = plan("--also", str(place))

    assert done.exit_code == 3
    assert "ClusterReleasePolicy/wide" in done.output


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_machines_are_told_in_their_own_form(
    request_: PullRequest, team: Team, plan: Plan, form: str
) -> None:
    add_release(request_, team, "alice")

    done = plan("--format", form)

    assert done.exit_code == 3
    assert json.loads(done.output)


def test_markdown_is_for_a_comment(request_: PullRequest, team: Team, plan: Plan) -> None:
    add_release(request_, team, "alice")

    assert plan("--format", "markdown").output.startswith("### Sluice plan for cluster `prod`")


def test_a_file_deleted_on_disk_is_gone(request_: PullRequest, plan: Plan) -> None:
    (request_.root / "deploy/approval-shop-1.4.1-bob.yaml").unlink()

    done = plan()

    assert done.exit_code == 3
    assert "- Approval/shop/shop-1.4.1-bob (removed): bob approves 1.4.1" in done.output


def secret_outside(tmp_path: Path, team: Team) -> Path:
    """Return a valid manifest outside of the repository."""
    place = tmp_path / "outside"
    place.mkdir()
    release = team.release_manifest("6.6.6")
    (place / "evil.yaml").write_text(text(release))
    return place


@pytest.mark.parametrize("committed", [True, False])
def test_links_are_not_followed(
    request_: PullRequest, team: Team, plan: Plan, tmp_path: Path, committed: bool
) -> None:
    outside = secret_outside(tmp_path, team)
    (request_.root / "deploy/evil.yaml").symlink_to(outside / "evil.yaml")
    if committed:
        request_.commit("link")

    done = plan(*(("--head", "HEAD") if committed else ()))

    assert done.exit_code == 1
    assert "deploy/evil.yaml:1:1: FileIsLink" in done.output
    assert "6.6.6" not in done.output


def test_a_folder_that_became_a_link_is_not_followed(
    request_: PullRequest, team: Team, plan: Plan, tmp_path: Path
) -> None:
    outside = secret_outside(tmp_path, team)
    request_.put("more/evil.yaml", "kind: ConfigMap\n")
    request_.commit("more")
    (request_.root / "more/evil.yaml").unlink()
    (request_.root / "more").rmdir()
    (request_.root / "more").symlink_to(outside)

    done = plan()

    assert "6.6.6" not in done.output
    assert done.exit_code == 1


def test_a_pipe_is_not_waited_for(request_: PullRequest, plan: Plan) -> None:
    path = request_.root / "deploy/app-shop.yaml"
    path.unlink()
    os.mkfifo(path)

    done = plan()

    assert "deploy/app-shop.yaml:1:1: FileIsLink" in done.output


def test_a_huge_file_is_a_problem_only_when_it_may_be_ours(
    request_: PullRequest, plan: Plan
) -> None:
    request_.put("data.yaml", b"- x\n" * (MANIFEST_BYTES_MAX // 2))
    assert plan().exit_code == 0
    request_.put("data.yaml", b"# sluice.dev\n" + b"- x\n" * (MANIFEST_BYTES_MAX // 2))
    assert plan().exit_code == 1


def test_a_submodule_is_told_and_not_entered(
    request_: PullRequest, team: Team, plan: Plan, tmp_path: Path
) -> None:
    inner = PullRequest(tmp_path / "inner")
    inner.write(team.release_manifest("6.6.6"))
    inner.commit("evil")
    request_.git("submodule", "--quiet", "add", str(inner.root), "inner")
    request_.commit("submodule")

    done = plan()

    assert done.exit_code == 0
    assert "Submodule inner is not looked into." in done.output


def test_nothing_of_the_repository_is_run(
    request_: PullRequest, team: Team, plan: Plan, tmp_path: Path
) -> None:
    """Filters, text conversions, monitors and hooks are programs that a repository names."""
    trap = tmp_path / "ran"
    script = request_.put("trap.sh", f"#!/bin/sh\ntouch {trap}\ncat\n")
    script.chmod(0o755)
    for name in ("filter.evil.smudge", "filter.evil.clean", "core.fsmonitor", "diff.evil.textconv"):
        request_.git("config", name, str(script))
    request_.git("config", "core.hooksPath", str(request_.root))
    request_.put(".gitattributes", "*.yaml filter=evil diff=evil\n")
    trap.unlink(missing_ok=True)
    add_release(request_, team, "alice")

    done = plan()
    plan("--head", "HEAD")

    assert done.exit_code == 3
    assert not trap.exists()


def test_a_replaced_object_is_not_believed(request_: PullRequest, team: Team, plan: Plan) -> None:
    add_release(request_, team, "alice")
    honest = request_.commit("release")
    add_release(request_, team, "alice", "bob")
    other = request_.commit("more")
    request_.git("replace", honest, other)

    assert plan("--head", honest).exit_code == 3


def test_names_of_files_cannot_steer_the_terminal(request_: PullRequest, plan: Plan) -> None:
    request_.put("deploy/\x1b[2Jevil\n.yaml", "apiVersion: sluice.dev/v1alpha1\nkind: Nothing\n")

    done = plan()

    assert done.exit_code == 1
    assert "\x1b" not in done.output
    assert "deploy/�[2Jevil .yaml:2:7: KindUnknown" in done.output


def test_thousands_of_files_are_read_once_for_both_revisions(
    request_: PullRequest, team: Team, plan: Plan
) -> None:
    for number in range(3000):
        request_.put(
            f"many/{number % 50}/{number}.yaml",
            "apiVersion: sluice.dev/v1alpha1\nkind: App\n"
            f"metadata: {{name: a{number}, namespace: till}}\n"
            f"spec: {{appId: com.example.a{number}}}\n",
        )
    request_.commit("many")
    add_release(request_, team, "alice")

    done = plan()

    assert done.exit_code == 3, done.output[-2000:]


def test_no_more_files_are_read_than_a_repository_has(
    request_: PullRequest, monkeypatch: pytest.MonkeyPatch, plan: Plan
) -> None:
    monkeypatch.setattr("sluice.cli.repository.FILES_MAX", 3)

    done = plan()

    assert done.exit_code == 2
    assert "name folders to look into" in done.output


def test_what_is_not_ours_is_not_kept_in_memory(request_: PullRequest) -> None:
    request_.put("other.yaml", "kind: ConfigMap\n" * 1000)
    commit = request_.commit("other")

    tree = Repository.around(request_.root, os.environ).tree(commit)
    on_disk = Repository.around(request_.root, os.environ).tree(WORKING_TREE)

    assert "other.yaml" not in {each.path for each in tree.files}
    assert {each.path for each in tree.files} == {each.path for each in on_disk.files}


def test_what_is_new_in_a_bundle_is_told_and_judged(
    request_: PullRequest, team: Team, plan: Plan, tmp_path: Path
) -> None:
    old, new = (
        a_bundle(version, more={"api.js": b"fetch('https://%s.example.com/x')" % host})
        for version, host in (("1.4.1", b"api"), ("1.4.2", b"spy"))
    )
    need = {"name": "contents", "bundle": {"newOrigins": "Refuse"}}
    policy = team.policy_manifest()
    asked = team.policy_manifest(requirements=[*policy["spec"]["requirements"], need])
    request_.git("checkout", "--quiet", "main")
    before = team.release_manifest("1.4.0", old)
    request_.write(asked, before, team.channel_manifest("shop-1.4.0"))
    request_.commit("asks for contents")
    request_.branch("contents")
    release = team.release_manifest("1.4.2", new)
    words = [team.approval_manifest(who, release) for who in ("alice", "bob")]
    request_.write(release, team.channel_manifest("shop-1.4.2"), *words)
    (tmp_path / "old.zip").write_bytes(old)
    (tmp_path / "new.zip").write_bytes(new)

    blind = plan()
    half = plan("--bundle", str(tmp_path / "new.zip"))
    seeing = plan("--bundle", str(tmp_path / "new.zip"), "--bundle", str(tmp_path / "old.zip"))

    assert blind.exit_code == half.exit_code == 3
    assert "contents: the bundle is not fetched here: hand it in with --bundle" in blind.output
    assert "the bundle that is served now is not at hand to compare with" in half.output
    assert seeing.exit_code == 4
    assert "new network origins: https://spy.example.com" in seeing.output
    assert "network origins that are gone: https://api.example.com" in seeing.output


def test_a_bundle_that_is_none_is_a_wrong_command(
    request_: PullRequest, plan: Plan, tmp_path: Path
) -> None:
    (tmp_path / "no.zip").write_bytes(b"no zip at all")

    done = plan("--bundle", str(tmp_path / "no.zip"))

    assert done.exit_code == 2
    assert "no.zip: " in done.output
