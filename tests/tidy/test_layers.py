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
filled = pytest.mark.skipif(not ARCHITECTURE.exists(), reason="the rooms are still being filled")

ROOMS = [layer for row in CONTRACTS[0]["layers"] for layer in row.split(" | ") if layer != "errors"]

SKELETON = {
    "__init__.py": "",
    "errors.py": "",
    **{f"{room}/__init__.py": "" for room in ROOMS},
    "server/device/__init__.py": "",
    "store/audit.py": "",
    # import-linter wants every protected library to be used by somebody.
    "operator/uses.py": "import kopf, kubernetes",
    "store/uses.py": "import aiosqlite, alembic, sqlalchemy",
    "fetch/uses.py": "import aiohttp",
    "verify/uses.py": "import sigstore",
}
"""Path in the package to what the module holds."""


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
        file = tmp_path / "sluice" / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'"""Something."""\n{text}\n')
    return tmp_path


def test_the_skeleton_keeps_every_contract(skeleton: Path) -> None:
    done = check_contracts(skeleton)

    assert done.returncode == 0, done.stdout + done.stderr


@filled
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
        ("operator/seeded.py", "import sqlalchemy", "SQL has one room"),
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


@filled
def test_the_architecture_names_every_room_and_every_contract() -> None:
    story = ARCHITECTURE.read_text()
    rooms = [path.parent.name for path in PACKAGE.glob("*/__init__.py")]

    assert [room for room in rooms if room not in story] == []
    assert [each["name"] for each in CONTRACTS if each["name"] not in story] == []
