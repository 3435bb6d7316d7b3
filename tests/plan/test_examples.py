"""The examples that the documents point at do what they seem to do."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from sluice.cli.main import SUBCOMMANDS, main

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PIPELINES = sorted((EXAMPLES / "ci").glob("*.yaml"))


def verify(folder: Path) -> Result:
    arguments = ("--channel", "production", "--cluster", "prod", "--now", "2027-01-01T00:00:00Z")
    return CliRunner().invoke(main, ["verify", str(folder), *arguments])


def test_the_example_release_is_allowed_with_both_approvals_and_held_with_one(
    tmp_path: Path,
) -> None:
    folder = shutil.copytree(EXAMPLES / "manifests", tmp_path / "manifests")

    assert verify(folder).exit_code == 0
    (folder / "approvals" / "shop-1.4.2-production-bob.yaml").unlink()
    assert verify(folder).exit_code == 3


def test_the_example_policy_is_sealed(tmp_path: Path) -> None:
    folder = shutil.copytree(EXAMPLES / "manifests", tmp_path / "manifests")
    policy = folder / "policy.yaml"
    policy.write_text(policy.read_text().replace("count: 2", "count: 1"))

    done = verify(folder)

    assert done.exit_code == 3
    assert "the policy can't be read" in done.output


def commands(value: Any) -> list[str]:
    """Return every text in a pipeline."""
    match value:
        case dict():
            return [text for each in value.values() for text in commands(each)]
        case list():
            return [text for each in value for text in commands(each)]
        case str():
            return [value]
    return []


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.stem)
def test_a_pipeline_is_yaml_and_calls_what_exists(path: Path) -> None:
    lines = "\n".join(commands(yaml.safe_load(path.read_text()))).splitlines()
    called = [line for line in lines if re.search(r"(^|\s)sluice plan ", line)]
    options = {each for line in called for each in re.findall(r"--[a-z-]+", line)}
    known = {each for param in SUBCOMMANDS["plan"]().params for each in param.opts}

    assert called
    assert options <= known


def test_there_are_pipelines_for_both_forges() -> None:
    assert [each.stem for each in PIPELINES] == ["github-actions", "gitlab-ci"]
