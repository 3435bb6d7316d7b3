"""`sluice verify`: the verdict on files alone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sluice.cli.main import main
from support.pull_request import file_name, plan_of, text
from support.team import Team

Body = dict[str, Any]
Verify = Callable[..., Result]


@pytest.fixture
def team(tmp_path: Path) -> Team:
    bundles = tmp_path / "bundles"
    bundles.mkdir()
    return Team(namespace="shop", bundles=bundles, cluster="prod")


@pytest.fixture
def bodies(team: Team) -> list[Body]:
    release = team.release_manifest("1.4.2")
    words = [team.approval_manifest(who, release) for who in ("alice", "bob")]
    channel = team.channel_manifest("shop-1.4.2")
    return [team.app_manifest(), team.policy_manifest(), release, channel, *words]


def put(folder: Path, bodies: list[Body]) -> Path:
    for each in bodies:
        path = folder / file_name(each)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(each))
    return folder


@pytest.fixture
def verify(tmp_path: Path, bodies: list[Body]) -> Verify:
    folder = put(tmp_path / "files", bodies)

    def run(*arguments: str) -> Result:
        command = ["verify", str(folder), "--channel", "production", "--cluster", "prod"]
        return CliRunner().invoke(main, [*command, *arguments])

    return run


def test_an_allowed_release_is_0(verify: Verify) -> None:
    done = verify()

    assert done.exit_code == 0, done.output
    assert "allowed: Everything that ReleasePolicy/releases asks for is shown." in done.output
    assert "? Phones are taken to get nothing" in done.output


def test_json_is_the_verdict_as_the_audit_log_has_it(verify: Verify, bodies: list[Body]) -> None:
    [channel] = plan_of([], bodies, rule="head").channels
    assert channel.verdict is not None

    assert json.loads(verify("--format", "json").output) == channel.verdict.as_json()


@pytest.mark.parametrize(
    ("without", "status", "words"),
    [
        ("approval-shop-1.4.2-bob.yaml", 3, "1 of 2 approvals"),
        ("releasepolicy-releases.yaml", 3, "No ReleasePolicy binds"),
        ("release-shop-1.4.2.yaml", 2, "There is no Release shop-1.4.2"),
        ("channel-production.yaml", 2, "hand it in, or say --release"),
    ],
)
def test_what_is_missing_is_told(
    verify: Verify, tmp_path: Path, without: str, status: int, words: str
) -> None:
    (tmp_path / "files/deploy" / without).unlink()

    done = verify()

    assert done.exit_code == status
    assert words in done.output


def test_a_release_may_be_named_for_a_channel_that_is_not_at_hand(
    verify: Verify, tmp_path: Path
) -> None:
    (tmp_path / "files/deploy/channel-production.yaml").unlink()

    assert verify("--release", "shop-1.4.2").exit_code == 0


def test_a_rejection_is_4(verify: Verify, tmp_path: Path, team: Team, bodies: list[Body]) -> None:
    put(tmp_path / "files", [team.approval_manifest("carol", bodies[2], decision="reject")])

    assert verify().exit_code == 4


def test_problems_are_1_and_told_with_their_place(verify: Verify, tmp_path: Path) -> None:
    (tmp_path / "files/bad.yaml").write_text("apiVersion: sluice.dev/v1alpha1\nkind: X\nkind: Y\n")

    done = verify()

    assert done.exit_code == 1
    assert "bad.yaml:3:1: ManifestUnreadable" in done.output


def test_time_may_be_set(verify: Verify) -> None:
    assert verify("--now", "30d").exit_code == 3


def test_what_phones_get_now_may_be_said(verify: Verify, tmp_path: Path, team: Team) -> None:
    put(tmp_path / "files", [team.release_manifest("1.4.1")])

    done = verify("--live", "shop-1.4.1")

    assert "Phones are taken to get shop-1.4.1 (1.4.1) now" in done.output
    assert verify("--live", "nothing").exit_code == 2
