"""What is installed is what was written down: pins, hashes, and no addresses."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
RUNTIME = PROJECT["project"]["dependencies"]
DEVELOPMENT = PROJECT["dependency-groups"]["dev"]


def pins(file: str) -> dict[str, str]:
    """Return the version of each package that a requirements file pins."""
    text = (REPOSITORY / file).read_text()
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==([^ ;]+)", text, re.MULTILINE))


@pytest.mark.parametrize(
    ("file", "wanted"),
    [("requirements.txt", RUNTIME), ("requirements-dev.txt", RUNTIME + DEVELOPMENT)],
)
def test_the_pins_fit_what_the_project_asks_for(file: str, wanted: list[str]) -> None:
    pinned = pins(file)

    misfits = []
    for text in wanted:
        requirement = Requirement(text)
        version = pinned.get(canonicalize_name(requirement.name))
        if version is None or not requirement.specifier.contains(version):
            misfits.append(f"{text}: pinned {version}; run `make lock`")
    assert misfits == []


def test_both_files_pin_the_same_versions() -> None:
    everything = pins("requirements-dev.txt")

    assert pins("requirements.txt").items() <= everything.items()


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_pins_have_hashes_and_no_addresses(file: str) -> None:
    text = (REPOSITORY / file).read_text()

    assert "://" not in text
    assert all("--hash=sha256:" in entry for entry in re.split(r"\n(?=\S)", text.strip()))
