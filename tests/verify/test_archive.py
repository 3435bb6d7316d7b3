"""Zips of every kind: honest ones read whole, hostile ones refused for their own reason."""

import hashlib
import io
import shutil
import subprocess
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.errors import VerificationError
from sluice.verify.archive import PIECE_BYTES, Archive, ArchiveFile, ArchiveLimits, inspect
from support.archives import ZipFileEntry, build
from support.hostile_archives import HONEST, HOSTILE, INDEX

BUILD = {
    "index.html": b"<html></html>",
    "assets/app.js": b"console.log('good');" * 2000,
    "assets/logo.png": hashlib.shake_256(b"logo").digest(5000),
    "assets/deep/er/style.css": b"body{}",
}


def contents_of(archive: Archive) -> dict[str, tuple[int, str]]:
    return {file.name: (file.size_bytes, file.sha256) for file in archive.files}


def expected_of(files: dict[str, bytes]) -> dict[str, tuple[int, str]]:
    return {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items()}


def read_by_python(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {
            info.filename: archive.read(info) for info in archive.infolist() if not info.is_dir()
        }


def reason_of(data: bytes, limits: ArchiveLimits | None = None) -> str:
    with pytest.raises(VerificationError) as refused:
        inspect(io.BytesIO(data), limits)
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 300
    return refused.value.reason


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_archive_is_refused_for_its_own_reason(case: str) -> None:
    make, reason = HOSTILE[case]

    assert reason_of(make()) == reason


@pytest.mark.parametrize("case", HONEST)
def test_an_honest_archive_is_read_whole(case: str) -> None:
    data = HONEST[case]()

    archive = inspect(io.BytesIO(data))

    assert contents_of(archive) == expected_of(read_by_python(data))
    assert archive.top == ("dist/" if "one folder" in case else "")
    assert archive.size_bytes == sum(len(each) for each in read_by_python(data).values())


def test_files_are_told_by_name() -> None:
    archive = inspect(io.BytesIO(build(INDEX, ZipFileEntry(name=b"app.js", data=b"a"))))

    digest = hashlib.sha256(b"a").hexdigest()
    assert archive.files[0] == ArchiveFile(name="app.js", size_bytes=1, sha256=digest)
    assert [file.name for file in archive.files] == ["app.js", "index.html"]


def test_limits_are_the_callers() -> None:
    data = build(INDEX, ZipFileEntry(name=b"a", data=b"a" * 2_000_000))

    assert reason_of(data, ArchiveLimits(entries_max=1)) == "ArchiveTooLarge"
    assert reason_of(data, ArchiveLimits(unpacked_bytes_max=2_000_000)) == "ArchiveTooLarge"
    assert reason_of(data, ArchiveLimits(ratio_max=100)) == "ArchiveBomb"
    limits = ArchiveLimits(entries_max=2, unpacked_bytes_max=2_000_013, ratio_max=1032)
    assert inspect(io.BytesIO(data), limits).size_bytes == 2_000_013


SIZES = [0, 1, *(n * PIECE_BYTES + d for n in (1, 2) for d in (-1, 0, 1)), 3 * PIECE_BYTES + 7]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("kind", ["noughts", "noise"])
def test_every_size_around_a_piece_is_read(size: int, method: int, kind: str) -> None:
    data = b"\0" * size if kind == "noughts" else hashlib.shake_256(b"noise").digest(size)
    zipped = build(INDEX, ZipFileEntry(name=b"x", data=data, method=method))

    assert contents_of(inspect(io.BytesIO(zipped)))["x"] == expected_of({"x": data})["x"]


def test_memory_stays_flat() -> None:
    large = ZipFileEntry(name=b"large", data=b"\0" * 48_000_000)
    data = io.BytesIO(build(INDEX, large))
    tracemalloc.start()
    try:
        inspect(data, ArchiveLimits(ratio_max=2000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 2_000_000


@pytest.fixture
def build_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    for name, data in BUILD.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def by_zipfile(folder: Path) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    return stream.getvalue()


def by_zipfile_into_a_pipe(folder: Path) -> bytes:
    class Pipe(io.RawIOBase):
        """A file that can't go back."""

        def __init__(self) -> None:
            self.written = b""

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.written += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return pipe.written


def by_make_archive(folder: Path) -> bytes:
    return Path(shutil.make_archive(str(folder.parent / "made"), "zip", folder)).read_bytes()


def by_command(*command: str) -> Callable[[Path], bytes]:
    def run(folder: Path) -> bytes:
        if shutil.which(command[0]) is None:
            pytest.skip(f"{command[0]} is not installed")
        done = subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
        made = folder.parent / "made.zip"
        return made.read_bytes() if made.exists() else done.stdout

    return run


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(by_zipfile, id="zipfile"),
        pytest.param(by_zipfile_into_a_pipe, id="zipfile into a pipe"),
        pytest.param(by_make_archive, id="make_archive"),
        pytest.param(by_command("zip", "-qr", "../made.zip", "."), id="zip"),
        pytest.param(by_command("zip", "-q0r", "../made.zip", "."), id="zip without compression"),
        pytest.param(by_command("zip", "-qrD", "../made.zip", "."), id="zip without folders"),
        pytest.param(by_command("zip", "-qr", "-", "."), id="zip into a pipe"),
        pytest.param(by_command("jar", "cf", "../made.zip", "."), id="jar"),
        pytest.param(by_command("jar", "cfM0", "../made.zip", "."), id="jar without compression"),
    ],
)
def test_what_real_tools_write_is_read(make: Callable[[Path], bytes], build_folder: Path) -> None:
    archive = inspect(io.BytesIO(make(build_folder)))

    found = {k: v for k, v in contents_of(archive).items() if not k.startswith("META-INF/")}
    assert found == expected_of(BUILD)


FLIPPED = {
    "sizes before the data": HONEST["a folder"](),
    "sizes after the data": HONEST["sizes after the data"](),
}


@pytest.mark.parametrize("case", FLIPPED)
def test_no_flipped_bit_shows_other_files(case: str) -> None:
    """Accepted are only changes of times, versions, attributes and options."""
    honest = FLIPPED[case]
    expected = contents_of(inspect(io.BytesIO(honest)))
    accepted = 0
    for place in range(len(honest)):
        for bit in range(8):
            mutant = bytearray(honest)
            mutant[place] ^= 1 << bit
            try:
                found = contents_of(inspect(io.BytesIO(bytes(mutant))))
            except VerificationError:
                continue
            accepted += 1

            assert found == expected
            assert expected_of(read_by_python(bytes(mutant))) == expected

    assert accepted < len(honest) * 8 / 4


MUTATIONS = st.lists(
    st.tuples(st.integers(0, 5000), st.integers(0, 40), st.binary(max_size=40)),
    min_size=1,
    max_size=4,
)
ORIGINALS = [make() for make in HONEST.values()]


@settings(max_examples=400)
@given(original=st.sampled_from(ORIGINALS), mutations=MUTATIONS)
def test_no_mutation_breaks_the_reader(
    original: bytes, mutations: list[tuple[int, int, bytes]]
) -> None:
    mutant = original
    for place, length, data in mutations:
        start = place % (len(mutant) + 1)
        mutant = mutant[:start] + data + mutant[start + length :]
    try:
        archive = inspect(io.BytesIO(mutant))
    except VerificationError:
        return

    assert contents_of(archive) == expected_of(read_by_python(mutant))


NAMES = st.text(
    alphabet=st.characters(exclude_categories=["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"]),
    min_size=1,
    max_size=12,
)


@given(st.dictionaries(NAMES, st.binary(max_size=200), max_size=8))
def test_whatever_is_accepted_is_what_python_reads(files: dict[str, bytes]) -> None:
    entries = [ZipFileEntry(name=name.encode(), data=data) for name, data in files.items()]
    data = build(INDEX, *entries)
    try:
        archive = inspect(io.BytesIO(data))
    except VerificationError:
        return

    assert contents_of(archive) == expected_of(read_by_python(data))
