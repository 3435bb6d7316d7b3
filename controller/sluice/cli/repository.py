"""A git repository, read and never checked out: hostile content stays bytes.

Nothing of the repository is run: no hook, no filter, no monitor. Nothing is fetched: a missing
object is an error, not a request to a server. Symbolic links are not followed, submodules not
entered, and what is no regular file (a pipe, a device) is not opened for reading.
"""

import os
import stat
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from sluice.errors import Refused
from sluice.plan.manifests import File, Problem, Spot, may_be_ours
from sluice.resources.manifest import MANIFEST_BYTES_MAX
from sluice.resources.text import plain

__all__ = [
    "FILES_MAX",
    "SUFFIXES",
    "WORKING_TREE",
    "Repository",
    "Tree",
    "kept",
    "open_inside",
    "read_whole",
]

GIT_SECONDS_MAX: Final = 60
"""Longest time for one answer of git; it reads local files alone."""

FILES_MAX: Final = 50_000
"""Most YAML files of one tree; the largest GitOps repositories have a tenth of it."""

SCANNED_BYTES_MAX: Final = 32 * 1024 * 1024
"""Largest YAML file that is looked at at all; one above the limit of a manifest can't be ours."""

SUFFIXES: Final = (".yaml", ".yml", ".json")

SAFE: Final = (
    "--no-pager",
    "--no-replace-objects",  # a replaced object would show another content than its digest's
    "--literal-pathspecs",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "protocol.allow=never",  # a partial clone would fetch what it lacks
    "-c",
    "core.quotePath=false",
)
QUIET: Final = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
REGULAR: Final = ("100644", "100755")
LINK: Final = "120000"
MODULE: Final = "160000"

WORKING_TREE: Final = ""
"""Stands for the files on disk, where a revision is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The files of one revision that may hold manifests."""

    files: tuple[File, ...]
    problems: tuple[Problem, ...]
    unread: tuple[str, ...]
    """Sentences: what was not looked into."""


class Repository:
    """One repository and its working tree."""

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self.root = root
        self._environment = {**environment, **QUIET}
        self._blobs: dict[str, bytes | None] = {}

    @classmethod
    def around(cls, place: Path, environment: Mapping[str, str]) -> "Repository":
        """Return the repository that a folder is in.

        Raises:
            Refused: `RepositoryMissing`.
        """
        return cls(cls(place, environment).top(), environment)

    def top(self) -> Path:
        """Return the root of the working tree.

        Raises:
            Refused: `RepositoryMissing`.
        """
        try:
            found = self._git("rev-parse", "--show-toplevel") or b""
        except Refused as error:
            message = f"{self.root} is in no git repository that can be read: {error.message}"
            raise Refused("RepositoryMissing", message) from error
        return Path(os.fsdecode(found.rstrip(b"\n")))

    def commit(self, revision: str) -> str:
        """Return the id of the commit that a revision names.

        Raises:
            Refused: `RevisionUnknown`.
        """
        found = None
        if not revision.startswith("-"):
            name = f"{revision}^{{commit}}"
            found = self._git("rev-parse", "--verify", "--quiet", name, may_fail=True)
        if found is None:
            message = (
                f"There is no revision {plain(revision, 128)!r} here. In CI, check out with the"
                " whole history (fetch-depth: 0), or name the base with --base."
            )
            raise Refused("RevisionUnknown", message)
        return found.decode().strip()

    def merge_base(self, one: str, other: str) -> str:
        """Return the commit at which two revisions parted.

        Raises:
            Refused: `RevisionUnknown`, `HistoryMissing`.
        """
        commits = self.commit(one), self.commit(other)
        found = self._git("merge-base", *commits, may_fail=True)
        if found is None:
            message = (
                f"{plain(one, 128)} and {plain(other, 128)} have no common history here. In CI,"
                " check out with the whole history (fetch-depth: 0)."
            )
            raise Refused("HistoryMissing", message)
        return found.decode().split()[0]

    def default_base(self, head: str) -> str:
        """Return the commit at which `head` left the main branch.

        Raises:
            Refused: `BaseUnknown`, `HistoryMissing`.
        """
        for name in ("origin/HEAD", "origin/main", "origin/master", "main", "master"):
            if self._git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", may_fail=True):
                return self.merge_base(name, head or "HEAD")
        raise Refused("BaseUnknown", "There is no main branch here: name the base with --base.")

    def tree(self, revision: str, paths: Sequence[str] = ()) -> Tree:
        """Return the files of a revision, or of the working tree, below some paths.

        Args:
            revision: a commit's id, or WORKING_TREE.
            paths: relative to the root; everything when there are none.

        Raises:
            Refused: `TooManyFiles`; `GitFailed`.
        """
        entries = self._on_disk(paths) if revision == WORKING_TREE else self._in(revision, paths)
        wanted: list[tuple[str, str]] = []
        problems: list[Problem] = []
        unread: list[str] = []
        for mode, blob, path in entries:
            if mode == MODULE:
                unread.append(f"Submodule {plain(path, 128)} is not looked into.")
            elif path.lower().endswith(SUFFIXES):
                if mode in REGULAR:
                    wanted.append((blob, path))
                elif mode == LINK:
                    problems.append(_linked(path))
            if len(wanted) > FILES_MAX:
                message = f"There are more than {FILES_MAX} YAML files: name folders to look into."
                raise Refused("TooManyFiles", message)
        read = self._disk_files(wanted) if revision == WORKING_TREE else self._git_files(wanted)
        files = []
        for each in read:
            if isinstance(each, Problem):
                problems.append(each)
            else:
                files.append(each)
        return Tree(files=tuple(files), problems=tuple(problems), unread=tuple(unread))

    def _in(self, commit: str, paths: Sequence[str]) -> Iterator[tuple[str, str, str]]:
        listed = self._git("ls-tree", "-r", "-z", "--full-tree", commit, "--", *paths) or b""
        for entry in _entries(listed):
            about, _, path = entry.partition("\t")
            mode, _, blob = about.split(" ")
            yield mode, blob, path

    def _on_disk(self, paths: Sequence[str]) -> Iterator[tuple[str, str, str]]:
        staged = self._git("ls-files", "-z", "--stage", "--", *paths) or b""
        seen = set()
        for entry in _entries(staged):
            about, _, path = entry.partition("\t")
            if path not in seen:
                seen.add(path)
                yield about.split(" ")[0], "", path
        others = ("ls-files", "-z", "--others", "--exclude-standard", "--", *paths)
        for path in _entries(self._git(*others) or b""):
            yield REGULAR[0], "", path

    def _disk_files(self, wanted: Iterable[tuple[str, str]]) -> Iterator[File | Problem]:
        for _, path in wanted:
            try:
                with open_inside(self.root, path) as stream:
                    data = read_whole(stream)
            except FileNotFoundError:
                continue  # deleted, and not committed yet
            except OSError:
                yield _linked(path)
                continue
            yield from kept(path, data)

    def _git_files(self, wanted: Iterable[tuple[str, str]]) -> Iterator[File | Problem]:
        missing = [each for each in wanted if each[0] not in self._blobs]
        self._read_blobs(dict.fromkeys(blob for blob, _ in missing))
        for blob, path in wanted:
            yield from kept(path, self._blobs[blob])

    def _read_blobs(self, blobs: Iterable[str]) -> None:
        command = self._command("cat-file", "--batch")
        with subprocess.Popen(  # noqa: S603 - a fixed program; ids are git's own
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self._environment
        ) as git:
            assert git.stdin  # noqa: S101 - asked for above
            assert git.stdout  # noqa: S101 - asked for above
            for blob in blobs:
                git.stdin.write(f"{blob}\n".encode())
                git.stdin.flush()
                data = _next_blob(git.stdout, blob)
                # What is not ours is not kept: most of a repository is not.
                self._blobs[blob] = data if data is None or may_be_ours(data) else b""
            git.stdin.close()

    def _command(self, *arguments: str) -> list[str]:
        return ["git", "-C", str(self.root), *SAFE, *arguments]

    def _git(self, *arguments: str, may_fail: bool = False) -> bytes | None:
        """Return what git prints; None when it fails and may."""
        try:
            done = subprocess.run(  # noqa: S603 - a fixed program; what is passed can't be options
                self._command(*arguments),
                env=self._environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=GIT_SECONDS_MAX,
                check=False,
            )
        except FileNotFoundError as error:
            raise Refused("GitMissing", "The program git is needed: install it.") from error
        except subprocess.TimeoutExpired as error:
            message = f"git {arguments[0]} did not answer in {GIT_SECONDS_MAX} seconds."
            raise Refused("GitFailed", message) from error
        if done.returncode == 0:
            return done.stdout
        if may_fail:
            return None
        said = plain(done.stderr.decode(errors="replace").strip(), 300)
        raise Refused("GitFailed", f"git {arguments[0]} failed: {said}")


def kept(path: str, data: bytes | None) -> Iterator[File | Problem]:
    """Yield a file that may hold manifests, or why it can't be read; nothing for any other."""
    if data is None or (len(data) > MANIFEST_BYTES_MAX and may_be_ours(data)):
        yield _too_large(path)
    elif may_be_ours(data):
        yield File(path=path, data=data)


def _too_large(path: str) -> Problem:
    message = f"Keep files with manifests below {MANIFEST_BYTES_MAX} bytes, or name other paths."
    return Problem(spot=Spot(path=path), reason="ManifestTooLarge", message=message)


def _linked(path: str) -> Problem:
    message = "A symbolic link, or no file at all, is not followed here: put the manifest there."
    return Problem(spot=Spot(path=path), reason="FileIsLink", message=message)


def open_inside(root: Path, path: str) -> IO[bytes]:
    """Open a regular file below a folder for reading, following no symbolic link on the way.

    Raises:
        OSError: there is none, or something on the way is a link.
    """
    *folders, name = path.split("/")
    at = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for folder in folders:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
            below = os.open(folder, flags, dir_fd=at)
            os.close(at)
            at = below
        # A pipe would wait for its other end.
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=at)
    finally:
        os.close(at)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError("no regular file")
    return os.fdopen(file, "rb")


def read_whole(stream: IO[bytes]) -> bytes | None:
    """Return what a stream holds; None when that is too much to be a manifest."""
    data = stream.read(SCANNED_BYTES_MAX + 1)
    return data if len(data) <= SCANNED_BYTES_MAX else None


def _entries(listed: bytes) -> Iterator[str]:
    return (os.fsdecode(each) for each in listed.split(b"\0") if each)


def _next_blob(stream: IO[bytes], blob: str) -> bytes | None:
    """Return the next blob that `git cat-file --batch` prints; None when it is too large."""
    header = stream.readline().split()
    if len(header) != 3 or header[1] != b"blob":  # noqa: PLR2004 - id, type and size
        message = f"Object {blob} is missing: fetch the whole history."
        raise Refused("ObjectMissing", message)
    left, pieces, size = int(header[2]), [], int(header[2])
    while left:
        piece = stream.read(min(left, 1024 * 1024))
        if not piece:
            raise Refused("GitFailed", "git stopped while it was read from.")
        left -= len(piece)
        if size <= SCANNED_BYTES_MAX:
            pieces.append(piece)
    stream.read(1)
    return b"".join(pieces) if size <= SCANNED_BYTES_MAX else None
