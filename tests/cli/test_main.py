"""The command line: one program, and each part of it pays for itself alone."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from sluice.cli.main import SUBCOMMANDS, main
from sluice.resources.canonical import release_digest
from sluice.resources.kinds import KINDS
from sluice.resources.release import ReleaseSpec
from support.manifests import a_manifest, a_spec

CONTROLLER = Path(__file__).resolve().parent.parent.parent / "controller"


def run(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=given)


def imported(*arguments: str) -> set[str]:
    """Return the modules that are there when `sluice ...` has run in a process of its own."""
    script = (
        "import sys\n"
        "from sluice.cli.main import main\n"
        "main(sys.argv[1:], standalone_mode=False)\n"
        "print('MODULES', *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={"PYTHONPATH": str(CONTROLLER)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.partition("MODULES")[2].split())


def test_every_subcommand_is_listed_with_what_it_is_for() -> None:
    shown = run("--help")

    assert shown.exit_code == 0
    assert [name for name in SUBCOMMANDS if f"\n  {name}" not in shown.output] == []


@pytest.mark.parametrize("name", sorted(SUBCOMMANDS))
def test_every_subcommand_explains_itself(name: str) -> None:
    shown = run(name, "--help")

    assert shown.exit_code == 0
    assert shown.output.startswith(f"Usage: main {name}")


def test_an_unknown_subcommand_is_refused() -> None:
    assert run("shadow").exit_code == 2


def test_a_subcommand_does_not_import_another_one() -> None:
    found = imported("digest", "--help")

    assert "sluice.cli.digest" in found
    assert {each for each in found if each.startswith("sluice.cli.")} == {
        "sluice.cli.digest",
        "sluice.cli.main",
    }
    assert found.isdisjoint({"kopf", "kubernetes", "sigstore", "sqlalchemy", "aiohttp", "uvicorn"})


def test_the_definitions_are_written_one_file_a_kind(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "crds"

    done = run("crds", "--out", str(folder))

    assert done.exit_code == 0
    assert {path.name for path in folder.iterdir()} == {
        f"{kind.plural}.yaml" for kind in KINDS.values()
    }
    assert sorted(done.output.split()) == sorted(str(path) for path in folder.iterdir())


def test_the_digest_of_the_one_release_in_a_file_is_printed(tmp_path: Path) -> None:
    file = tmp_path / "release.yaml"
    documents = [a_manifest("Approval", "a"), a_manifest("Release", "shop-1.4.2")]
    file.write_text(yaml.safe_dump_all(documents))

    done = run("digest", str(file))

    spec = ReleaseSpec.model_validate_json(json.dumps(a_spec("Release")))
    assert done.exit_code == 0
    assert done.output == release_digest(spec) + "\n"


def test_standard_input_will_do() -> None:
    assert run("digest", "-", given=yaml.safe_dump(a_manifest("Release", "r"))).exit_code == 0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", "there are 0"),
        (
            "---\n".join(yaml.safe_dump(a_manifest("Release", name)) for name in ("a", "b")),
            "there are 2",
        ),
        (
            yaml.safe_dump(a_manifest("Release", "r", changes={"version": 1.1})),
            "spec.version: this must be text",
        ),
        ("kind: Release\nkind: Release", "line 2, column 1"),
        ("kind: Release\nspec: {}", "no custom resource of sluice.dev/v1alpha1"),
    ],
)
def test_what_cannot_be_signed_is_refused_with_the_file_and_the_place(
    given: str, words: str
) -> None:
    done = run("digest", "-", given=given)

    assert done.exit_code == 1
    assert done.stdout == ""
    assert "standard input: " in done.stderr
    assert words in done.stderr


def test_what_faces_phones_pays_for_nothing_that_talks_to_kubernetes() -> None:
    found = imported("serve", "--help")

    assert "sluice.server.device.app" in found
    assert found.isdisjoint(
        {"kopf", "kubernetes", "sigstore", "aiohttp", "pydantic", "yaml", "sluice.store.audit"}
    )
    assert found.isdisjoint({"sluice.verify", "sluice.policy", "sluice.reconcile", "sluice.fetch"})
