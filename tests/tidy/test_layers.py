"""The contracts between the rooms hold, bite, and are told in ARCHITECTURE.md."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PACKAGE = REPOSITORY / "controller" / "sluice"

CONTRACTS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]


ARCHITECTURE = REPOSITORY / "ARCHITECTURE.md"


def modules_named(value: object) -> set[str]:
    """Return every module of the package that a contract names."""
    match value:
        case str() if value.startswith("sluice."):
            return {value}
        case list():
            return {module for each in value for module in modules_named(each)}
    return set()


ROOMS = [layer for row in CONTRACTS[0]["layers"] for layer in row.split(" | ")]
NAMED = {
    module
    for contract in CONTRACTS
    for value in contract.values()
    for module in modules_named(value)
}

SKELETON = {
    "": "",
    **dict.fromkeys(ROOMS, ""),
    **{module.removeprefix("sluice.").replace(".", "/"): "" for module in NAMED},
    # import-linter wants every protected library to be used by somebody.
    "operator/uses": "import kopf, kubernetes",
    "store/uses": "import aiosqlite, alembic, sqlalchemy",
    "fetch/uses": "import aiohttp",
    "verify/uses": "import sigstore",
    "simulation/uses": "import numpy",
    "policy/cel": "import cel_expr_python",
    "contents/uses": "import detect_secrets, re2, unretiredjs",
}
"""Place in the package to what the module there holds."""


def check_contracts(source_root: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter with this repository's contracts over a package `sluice`."""
    script = "from importlinter.cli import lint_imports_command as run; run(['--no-cache'])"
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=REPOSITORY,
        env={"PYTHONPATH": str(source_root), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def skeleton(tmp_path: Path) -> Path:
    """The folder of a package with every room and next to nothing in it, which keeps it all."""
    for place, text in SKELETON.items():
        file = tmp_path / "sluice" / place / "__init__.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'"""Something."""\n{text}\n')
    return tmp_path


def test_the_skeleton_keeps_every_contract(skeleton: Path) -> None:
    done = check_contracts(skeleton)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_contract_is_kept() -> None:
    done = check_contracts(PACKAGE.parent)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("place", "line", "contract"),
    [
        ("policy/seeded.py", "import sluice.store", "Rooms are layered"),
        ("policy/seeded.py", "import sluice.rollout", "Rooms are layered"),
        ("seeded/__init__.py", "", "Rooms are layered"),
        ("rollout/seeded.py", "import random", "Cores decide"),
        ("reconcile/seeded.py", "def f():\n    import time", "Cores decide"),
        ("policy/seeded.py", "import cryptography", "Judgement needs no cryptography"),
        ("server/device/seeded.py", "import sluice.verify", "What faces phones"),
        ("cli/seeded.py", "import kopf", "Kubernetes libraries have one room"),
        ("operator/seeded.py", "import sigstore", "sigstore has one room"),
        ("operator/seeded.py", "import re2", "Scanners have one room"),
        ("store/seeded.py", "import sluice.contents", "Bundles are looked into"),
        ("policy/seeded.py", "import sluice.contents", "Rooms are layered"),
        ("operator/seeded.py", "import sqlalchemy", "SQL has one room"),
        ("rollout/seeded.py", "import numpy", "numpy has one room"),
        ("policy/seeded.py", "from cel_expr_python import cel", "CEL has one module"),
        ("operator/seeded.py", "import aiohttp", "The open network has one room"),
    ],
)
def test_a_seeded_fault_breaks_its_contract(
    skeleton: Path, place: str, line: str, contract: str
) -> None:
    seeded = skeleton / "sluice" / place
    seeded.parent.mkdir(exist_ok=True)
    seeded.write_text(f'"""A fault."""\n{line}\n')

    done = check_contracts(skeleton)

    assert done.returncode == 1, done.stdout + done.stderr
    assert any(contract in said and said.endswith("BROKEN") for said in done.stdout.splitlines()), (
        done.stdout
    )


def test_the_architecture_names_every_room_and_every_contract() -> None:
    story = ARCHITECTURE.read_text()
    rooms = [path.parent.name for path in PACKAGE.glob("*/__init__.py")]

    assert [room for room in rooms if room not in story] == []
    assert [each["name"] for each in CONTRACTS if each["name"] not in story] == []
