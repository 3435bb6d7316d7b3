"""Files are fetched only from folders that the settings name."""

import hashlib
import os
from pathlib import Path

import pytest

from sluice.errors import Refused, Unavailable
from sluice.fetch.fetcher import Fetcher, FetchSettings

DATA = b"a bundle" * 100_000
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that may be fetched from, beside a secret that may not."""
    (tmp_path / "secret").write_bytes(DATA)
    (tmp_path / "allowed-not").mkdir()
    (tmp_path / "allowed-not" / "a.zip").write_bytes(DATA)
    allowed = tmp_path / "allowed"
    (allowed / "deep").mkdir(parents=True)
    (allowed / "deep" / "a b.zip").write_bytes(DATA)
    (allowed / "out").symlink_to(tmp_path / "secret")
    (allowed / "out-folder").symlink_to(tmp_path)
    (allowed / "loop").symlink_to(allowed / "loop")
    (allowed / "in").symlink_to(allowed / "deep" / "a b.zip")
    os.mkfifo(allowed / "pipe")
    return allowed


async def fetch(folder: Path, url: str, size_max: int = len(DATA)) -> bytes:
    fetcher = Fetcher(FetchSettings(allow_file_under=(folder,)))
    return await fetcher.fetch_bytes(url, sha256=SHA256, size_max=size_max)


@pytest.mark.parametrize("name", ["deep/a%20b.zip", "deep/../deep/a%20b.zip", "in"])
async def test_a_file_inside_is_fetched(folder: Path, name: str) -> None:
    assert await fetch(folder, f"file://{folder}/{name}") == DATA
    assert await fetch(folder, f"file://localhost{folder}/{name}") == DATA


@pytest.mark.parametrize(
    "name",
    [
        "../secret",
        "%2e%2e/secret",
        "..%2fsecret",
        "out",
        "out-folder/secret",
        "../allowed-not/a.zip",
        "pipe",
        "deep",
        "loop",
        "a%00b",
        "../nowhere",
    ],
)
async def test_what_is_not_a_file_inside_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(Refused) as refused:
        await fetch(folder, f"file://{folder}/{name}")

    assert refused.value.reason == "FetchPathNotAllowed"


async def test_a_file_on_another_host_is_refused(folder: Path) -> None:
    with pytest.raises(Refused):
        await fetch(folder, f"file://evil.example{folder}/in")


async def test_a_file_that_is_missing_may_still_come(folder: Path) -> None:
    with pytest.raises(Unavailable) as missing:
        await fetch(folder, f"file://{folder}/later.zip")

    assert missing.value.reason == "FetchNotFound"


async def test_a_file_has_a_size_and_a_digest_like_everything_else(folder: Path) -> None:
    (folder / "other").write_bytes(DATA[:-1] + b"!")
    with pytest.raises(Refused) as other:
        await fetch(folder, f"file://{folder}/other")
    with pytest.raises(Refused) as large:
        await fetch(folder, f"file://{folder}/in", size_max=len(DATA) - 1)

    assert (other.value.reason, large.value.reason) == ("FetchDigestMismatch", "FetchTooLarge")


async def test_without_a_folder_in_the_settings_no_file_is_fetched(folder: Path) -> None:
    fetcher = Fetcher(FetchSettings())

    with pytest.raises(Refused) as refused:
        await fetcher.fetch_bytes(f"file://{folder}/in", sha256=SHA256, size_max=len(DATA))

    assert refused.value.reason == "FetchSchemeNotAllowed"
