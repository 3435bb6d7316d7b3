"""What the documents name exists."""

import re
from pathlib import Path

import pytest

from sluice.cli.main import SUBCOMMANDS

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "controller" / "sluice"
DOCUMENTS = (
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "docs/guard.md",
    "docs/policy.md",
    "tests/invariants/README.md",
)


def exists(name: str, room: str = "") -> bool:
    places = (REPOSITORY, PACKAGE, PACKAGE / room, REPOSITORY / "tests")
    return any((place / name).exists() for place in places)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_a_document_names_exists(document: str) -> None:
    missing, room = [], ""
    for line in (REPOSITORY / document).read_text().splitlines():
        # "- **policy**: ... `evaluate.py`" names a file of that room.
        room = (re.match(r"- \*\*(\w+)\*\*", line) or [None, room])[1] or ""
        found = re.findall(r"`([\w./-]+\.(?:py|md|yaml|toml|txt|mod))`", line)
        missing += [name for name in found if not exists(name, room)]

    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_module_that_a_document_names_exists(document: str) -> None:
    rooms = "|".join(each.name for each in PACKAGE.iterdir() if each.is_dir())
    text = (REPOSITORY / document).read_text()
    named = re.findall(rf"(?<![.\w])((?:{rooms})(?:\.[a-z_]+)+)\b", text)
    missing = []
    for name in named:
        parts = name.split(".")
        whole, without_last = Path(*parts), Path(*parts[:-1])
        candidates = (whole, whole.with_suffix(".py"), without_last.with_suffix(".py"))
        if parts[-1] not in ("py", "dev", "md") and not any(
            (PACKAGE / each).exists() for each in candidates
        ):
            missing.append(name)

    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_that_a_document_names_exists(document: str) -> None:
    text = (REPOSITORY / document).read_text()
    named = set(
        re.findall(
            r"\bsluice ([a-z][a-z-]+)\b(?! (?:is|in|and|to))",
            "\n".join(
                re.findall(r"`([^`]+)`", text) + re.findall(r"^    (.+)$", text, re.MULTILINE)
            ),
        )
    )

    assert named - set(SUBCOMMANDS) - {"charts"} == set()


def test_every_make_target_that_a_document_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    for document in DOCUMENTS:
        text = (REPOSITORY / document).read_text()
        assert set(re.findall(r"(?:`|^    )make ([a-z-]+)", text, re.MULTILINE)) <= targets
