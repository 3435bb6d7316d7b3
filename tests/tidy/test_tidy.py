"""The repository lints itself: habits that no linter knows, and proof that they bite."""

import subprocess
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import pytest

from support import tidiness

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PACKAGE = "controller/sluice/"

GENERATED = (".sum", ".lock")
"""Files that tools write, whose lines are nobody's prose."""


def tracked(start: str = "", end: str = "") -> list[str]:
    """Return the files in git whose path starts and ends so, and which still exist."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    return [
        path
        for path in listed
        if path and path.startswith(start) and path.endswith(end) and (REPOSITORY / path).is_file()
    ]


def findings(paths: Iterable[str], check: Callable[[str], Iterator[str]]) -> list[str]:
    """Run a check over files; each finding reads `path:line: what is wrong`."""
    return [
        f"{path}:{finding}" for path in paths for finding in check((REPOSITORY / path).read_text())
    ]


def is_room(path: str) -> bool:
    return path.endswith("/__init__.py")


def test_the_repository_is_found() -> None:
    assert PACKAGE + "errors.py" in tracked()


def test_no_file_has_a_name_that_says_nothing() -> None:
    assert [
        f"{path}: {finding}" for path in tracked() for finding in tidiness.in_file_name(path)
    ] == []


def test_no_file_names_a_registry_or_a_machine_or_unfinished_work() -> None:
    texts = [path for path in tracked() if _is_text(path) and not path.endswith(GENERATED)]

    assert findings(texts, tidiness.in_any_text) == []


def test_modules_and_functions_fit_a_screen_and_every_suppression_has_a_reason() -> None:
    python = tracked(end=".py")
    tests = [path for path in python if path.rpartition("/")[2].startswith("test_")]
    others = [path for path in python if path not in tests]

    assert findings(others, tidiness.in_python) == []
    assert findings(tests, partial(tidiness.in_python, lines_max=tidiness.TEST_LINES_MAX)) == []


def test_every_module_says_what_it_offers_and_imports_in_the_open() -> None:
    modules = [path for path in tracked(PACKAGE, ".py") if not is_room(path)]
    modules = [path for path in modules if "/migrations/" not in path]

    assert findings(modules, tidiness.in_module) == []


def test_every_room_states_its_duty_in_one_line() -> None:
    rooms = [path for path in tracked(PACKAGE, ".py") if is_room(path)]

    assert findings(rooms, tidiness.in_room) == []


def test_cores_do_not_wait_or_remember_or_touch_the_world() -> None:
    cores = [path for core in tidiness.CORES for path in tracked(f"{PACKAGE}{core}/", ".py")]

    assert findings(cores, tidiness.in_core) == []


def test_only_the_command_line_reads_the_environment() -> None:
    others = [path for path in tracked(PACKAGE, ".py") if not path.startswith(PACKAGE + "cli/")]

    assert findings(others, tidiness.reads_environment) == []


SEEDED_FAULTS: list[tuple[Callable[[str], Iterator[str]], str]] = [
    (tidiness.in_file_name, "controller/sluice/store/utils.py"),
    (tidiness.in_file_name, "controller/sluice/store/blob_helpers.py"),
    (tidiness.in_any_text, "index-url = https://" + "pypi" + ".org/simple"),
    (tidiness.in_any_text, "image: " + "ghcr" + ".io/somebody/sluice"),
    (tidiness.in_any_text, "cd /" + "work/main"),
    (tidiness.in_any_text, "# TO" + "DO: later"),
    (tidiness.in_python, "x = 1\n" * 401),
    (tidiness.in_python, "def f():\n" + "    x = 1\n" * 40),
    (tidiness.in_python, "from unittest import mock"),
    (tidiness.in_python, "import unittest.mock"),
    (tidiness.in_python, "x = 1  # no" + "qa"),
    (tidiness.in_python, "x = 1  # no" + "qa: S101"),
    (tidiness.in_python, "x = 1  # type" + ": ignore  # because of a reason"),
    (tidiness.in_python, "x = 1  # type" + ": ignore[misc]"),
    (tidiness.in_module, '"""Doc."""\nx = 1'),
    (tidiness.in_module, "__all__ = []"),
    (tidiness.in_module, '"""Doc."""\n__all__ = []\nm = importlib.import_module("sluice.store")'),
    (tidiness.in_module, '"""Doc."""\n__all__ = []\nm = __import__("sluice.store")'),
    (tidiness.in_room, ""),
    (tidiness.in_room, '"""One.\n\nTwo."""'),
    (tidiness.in_room, '"""One."""\nimport sluice.errors'),
    (tidiness.in_core, "async def f(): pass"),
    (tidiness.in_core, "def f():\n    global x\n    x = 1"),
    (tidiness.in_core, "open('/etc/passwd')"),
    (tidiness.in_core, "print(1)"),
    (tidiness.reads_environment, "import os\nos.environ['A']"),
    (tidiness.reads_environment, "import os\nos.getenv('A')"),
    (tidiness.reads_environment, "from os import environ"),
]


@pytest.mark.parametrize(("check", "fault"), SEEDED_FAULTS)
def test_a_seeded_fault_is_found(check: Callable[[str], Iterator[str]], fault: str) -> None:
    assert list(check(fault)) != []


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (tidiness.in_python, "x = 1  # no" + "qa: S101 - a reason with words"),
        (tidiness.in_python, "x = 1  # type" + ": ignore[misc]  # a reason with words"),
        (tidiness.in_python, 'def f():\n    """' + "Doc.\n" * 50 + '"""\n    return 1'),
        (tidiness.in_any_text, "https://slsa.dev/provenance/v1 and /var/lib/sluice"),
        (tidiness.in_file_name, "controller/sluice/serving/table.py"),
    ],
)
def test_what_is_tidy_passes(check: Callable[[str], Iterator[str]], text: str) -> None:
    assert list(check(text)) == []


def _is_text(path: str) -> bool:
    return b"\0" not in (REPOSITORY / path).read_bytes()[:8192]
