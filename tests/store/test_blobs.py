"""A blob is complete and equal to its name, or it is not there."""

import asyncio
import hashlib
import random
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sluice.errors import Refused, Unavailable
from sluice.store.blobs import Blobs
from support.storing import chunks

DATA = random.Random(1).randbytes(3 * 1024 * 1024 + 17)  # noqa: S311 - the same in each worker
DIGEST = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    """An empty folder of blobs."""
    return Blobs(tmp_path / "blobs")


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


async def test_what_was_put_is_read_back(blobs: Blobs) -> None:
    assert await blobs.put(DIGEST, chunks(DATA, 100_000)) == len(DATA)

    assert await blobs.has(DIGEST)
    assert await blobs.size(DIGEST) == len(DATA)
    assert await blobs.verify(DIGEST) == len(DATA)
    assert await blobs.read(DIGEST, size_max=len(DATA)) == DATA
    assert b"".join([chunk async for chunk in blobs.stream(DIGEST)]) == DATA


async def test_an_empty_blob_is_a_blob(blobs: Blobs) -> None:
    empty = hashlib.sha256(b"").hexdigest()

    assert await blobs.put(empty, chunks(b"")) == 0
    assert await blobs.read(empty, size_max=0) == b""


@pytest.mark.parametrize(
    ("start", "stop"), [(0, 10), (5, 6), (1_048_570, 2_097_160), (len(DATA) - 3, None), (9, 9)]
)
async def test_a_part_can_be_read(blobs: Blobs, start: int, stop: int | None) -> None:
    await blobs.put(DIGEST, chunks(DATA, 100_000))

    part = [chunk async for chunk in blobs.stream(DIGEST, start=start, stop=stop)]

    assert b"".join(part) == DATA[start:stop]


async def test_what_is_not_there_is_missing(blobs: Blobs) -> None:
    with pytest.raises(Unavailable) as missing:
        await blobs.read(DIGEST, size_max=10)
    with pytest.raises(Unavailable) as missing_too:
        await anext(blobs.stream(DIGEST))

    assert (missing.value.reason, missing_too.value.reason) == ("BlobMissing", "BlobMissing")
    assert not await blobs.has(DIGEST)
    assert await blobs.verify(DIGEST) is None


@pytest.mark.parametrize(
    "name",
    ["", "../../../etc/passwd", DIGEST.upper(), DIGEST[:-1], DIGEST + "0", DIGEST + "\n", "é" * 64],
)
async def test_a_name_that_is_no_digest_leads_nowhere(blobs: Blobs, name: str) -> None:
    with pytest.raises(Refused) as refused:
        await blobs.put(name, chunks(DATA))
    with pytest.raises(Refused):
        blobs.path(name)

    assert refused.value.reason == "DigestInvalid"


async def test_other_bytes_are_refused_and_nothing_is_left(blobs: Blobs, tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        await blobs.put("0" * 64, chunks(DATA, 100_000))

    assert refused.value.reason == "DigestMismatch"
    assert files(tmp_path) == []


async def test_a_source_that_fails_leaves_nothing(blobs: Blobs, tmp_path: Path) -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield DATA
        raise Unavailable("FetchFailed", "The line is dead.")

    with pytest.raises(Unavailable):
        await blobs.put(DIGEST, failing())

    assert files(tmp_path) == []


async def test_a_put_that_is_cancelled_leaves_nothing(blobs: Blobs, tmp_path: Path) -> None:
    written = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield DATA
        written.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(blobs.put(DIGEST, endless()))
    await written.wait()
    task.cancel()
    await asyncio.wait({task})

    assert files(tmp_path) == []


async def test_a_sound_blob_is_not_read_from_its_source_again(blobs: Blobs) -> None:
    async def never() -> AsyncIterator[bytes]:
        raise AssertionError
        yield b""

    await blobs.put(DIGEST, chunks(DATA, 100_000))

    assert await blobs.put(DIGEST, never()) == len(DATA)


@pytest.mark.parametrize("damaged", [b"", DATA[:-1], b"!" + DATA[1:]])
async def test_a_damaged_blob_is_found_out_and_mended(blobs: Blobs, damaged: bytes) -> None:
    await blobs.put(DIGEST, chunks(DATA, 100_000))
    blobs.path(DIGEST).chmod(0o644)
    overwrite(blobs.path(DIGEST), damaged)
    verified = await blobs.verify(DIGEST)
    with pytest.raises(Unavailable):
        await blobs.read(DIGEST, size_max=len(DATA))

    await blobs.put(DIGEST, chunks(DATA, 100_000))

    assert verified is None
    assert await blobs.read(DIGEST, size_max=len(DATA)) == DATA


async def test_a_blob_larger_than_asked_for_is_not_taken_into_memory(blobs: Blobs) -> None:
    await blobs.put(DIGEST, chunks(DATA, 100_000))

    with pytest.raises(Unavailable):
        await blobs.read(DIGEST, size_max=len(DATA) - 1)


async def test_many_that_put_the_same_at_once_make_one_blob(blobs: Blobs, tmp_path: Path) -> None:
    sizes = await asyncio.gather(*(blobs.put(DIGEST, chunks(DATA, 100_000)) for _ in range(5)))

    assert set(sizes) == {len(DATA)}
    assert files(tmp_path) == [DIGEST]


async def test_a_stored_blob_is_read_only(blobs: Blobs) -> None:
    await blobs.put(DIGEST, chunks(DATA, 100_000))

    assert blobs.path(DIGEST).stat().st_mode & 0o777 == 0o444


async def test_only_old_leftovers_are_swept(blobs: Blobs, tmp_path: Path) -> None:
    await blobs.put(DIGEST, chunks(DATA, 100_000))
    leftover = tmp_path / "blobs" / "incoming" / "leftover"
    overwrite(leftover, b"half a bun")
    now = datetime.now(UTC)

    young = await blobs.sweep(before=now - timedelta(hours=1))
    old = await blobs.sweep(before=now + timedelta(hours=1))

    assert (young, old) == (0, 1)
    assert files(tmp_path) == [DIGEST]


async def test_an_empty_folder_has_nothing_to_sweep(blobs: Blobs) -> None:
    assert await blobs.sweep(before=datetime.now(UTC)) == 0


async def test_a_full_disk_is_unavailable_and_leaves_nothing(blobs: Blobs, tmp_path: Path) -> None:
    with files_no_larger_than(1_500_000), pytest.raises(Unavailable) as failed:
        await blobs.put(DIGEST, chunks(DATA, 100_000))

    assert failed.value.reason == "BlobsFailed"
    assert files(tmp_path) == []
    assert await blobs.put(DIGEST, chunks(DATA, 100_000)) == len(DATA)


async def test_a_folder_that_is_none_is_unavailable(tmp_path: Path) -> None:
    overwrite(tmp_path / "file", b"")

    with pytest.raises(Unavailable) as failed:
        await Blobs(tmp_path / "file").put(DIGEST, chunks(DATA))

    assert failed.value.reason == "BlobsFailed"


def overwrite(path: Path, data: bytes) -> None:
    path.write_bytes(data)


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Make this process fail to write more into one file, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
