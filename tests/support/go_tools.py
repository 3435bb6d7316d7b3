"""Programs built from pinned Go modules: the local control plane and helm.

Each set is a folder with a go.mod and a go.sum.  What is built from them is kept in a
cache folder whose name is a hash of both files, the Go version and the link flags, so that
a change of any of them builds anew and nothing else does.  `python -m support.go_tools`
builds every set ahead of the tests and tells how far it is.

The cache is `$SLUICE_CACHE`, else `$XDG_CACHE_HOME/sluice`, else `~/.cache/sluice`: it
outlives a checkout.  An empty folder there means a cold build (four minutes on two cores).
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CONTROL_PLANE", "HELM", "BuildFailedError", "GoTools", "build", "cache_folder", "main"]

TESTS = Path(__file__).resolve().parent.parent

PROGRESS_SECONDS = 10
"""How often a silent build says that it is alive."""

ERROR_LINES_MAX = 40
"""How much of the compiler's output an error repeats."""


class BuildFailedError(RuntimeError):
    """Go could not build a program; the message ends with the compiler's last lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoTools:
    """A set of programs that one go.mod pins."""

    folder: Path
    programs: dict[str, str]
    """Name of the program to the package that holds its `main`."""
    version_module: str
    """The module whose required version the programs shall tell as their own."""
    version_flags: Callable[[str], list[str]]
    """From that version to the linker's `-X` settings."""

    def version(self) -> str:
        """Return the pinned version of the main module, such as `v1.36.3`."""
        pinned = re.search(
            rf"^\s*(?:require )?{re.escape(self.version_module)} (v\S+)",
            (self.folder / "go.mod").read_text(),
            re.MULTILINE,
        )
        if pinned is None:
            raise BuildFailedError(f"{self.folder}/go.mod does not require {self.version_module}")
        return pinned[1]

    def link_flags(self) -> str:
        """Return the `-ldflags` of the build: small, and the right version inside."""
        settings = [f"-X={setting}" for setting in self.version_flags(self.version())]
        return " ".join(["-s", "-w", *settings])


def _kubernetes_version_flags(version: str) -> list[str]:
    major, minor = version.removeprefix("v").split(".")[:2]
    return [
        f"{package}.{name}={value}"
        for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
        for name, value in (
            ("gitVersion", version),
            ("gitMajor", major),
            ("gitMinor", minor),
            ("gitTreeState", "clean"),
            ("gitCommit", "unknown"),
        )
    ]


def _helm_version_flags(version: str) -> list[str]:
    return [f"helm.sh/helm/v3/internal/version.version={version}"]


CONTROL_PLANE = GoTools(
    folder=TESTS / "controlplane",
    programs={
        "etcd": "go.etcd.io/etcd/server/v3",
        "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
        "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    },
    version_module="k8s.io/kubernetes",
    version_flags=_kubernetes_version_flags,
)

HELM = GoTools(
    folder=TESTS / "helm",
    programs={"helm": "helm.sh/helm/v3/cmd/helm"},
    version_module="helm.sh/helm/v3",
    version_flags=_helm_version_flags,
)


def cache_folder() -> Path:
    """Return the folder that keeps what was built; see the module's docstring."""
    if chosen := os.environ.get("SLUICE_CACHE"):
        return Path(chosen).resolve()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "sluice"


def build(tools: GoTools, tell: Callable[[str], None] = lambda line: None) -> dict[str, Path]:
    """Return the path of each program, building what is missing.

    Any number of processes may call this at once: one builds, the others wait for it.

    Args:
        tools: the set of programs.
        tell: receives a line of progress now and then.

    Raises:
        BuildFailedError: Go is missing, or the build failed.
    """
    home = cache_folder() / tools.folder.name
    target = home / _key(tools)
    programs = {name: target / name for name in tools.programs}
    if all(path.exists() for path in programs.values()):
        return programs
    home.mkdir(parents=True, exist_ok=True)
    with _lock(target.with_suffix(".lock"), lambda: tell(f"another process builds {target}")):
        if not all(path.exists() for path in programs.values()):
            _build_into(tools, target, tell)
    return programs


def _key(tools: GoTools) -> str:
    parts = [
        (tools.folder / "go.mod").read_bytes(),
        (tools.folder / "go.sum").read_bytes(),
        _go(tools.folder, "env", "GOVERSION", "GOOS", "GOARCH").encode(),
        tools.link_flags().encode(),
        repr(sorted(tools.programs.items())).encode(),
    ]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _go(folder: Path, *arguments: str) -> str:
    if shutil.which("go") is None:
        raise BuildFailedError("go is not on the PATH: install Go 1.26 or newer")
    done = subprocess.run(
        ["go", *arguments],
        check=False,
        cwd=folder,
        env=_go_environment(),
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise BuildFailedError(f"go {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def _go_environment() -> dict[str, str]:
    # Without cgo no C compiler is needed, and machines with and without one build the same.
    return {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false"}


@contextmanager
def _lock(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build_into(tools: GoTools, target: Path, tell: Callable[[str], None]) -> None:
    names = ", ".join(tools.programs)
    tell(f"building {names} ({tools.version()}) once, into {target}")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="building-") as scratch:
        _compile(tools, Path(scratch), tell)
        # Each program gets its own name in one go: `go build` calls etcd `server`.
        made = Path(scratch) / "done"
        made.mkdir()
        for name, package in tools.programs.items():
            (Path(scratch) / _name_given_by_go(package)).rename(made / name)
        shutil.rmtree(target, ignore_errors=True)
        made.rename(target)
    tell(f"built {names} in {time.monotonic() - started:.0f} s")


def _name_given_by_go(package: str) -> str:
    parts = package.split("/")
    return parts[-2] if re.fullmatch(r"v\d+", parts[-1]) else parts[-1]


def _compile(tools: GoTools, scratch: Path, tell: Callable[[str], None]) -> None:
    command = ["go", "build", "-v", "-ldflags", tools.link_flags(), "-o", f"{scratch}/"]
    process = subprocess.Popen(
        [*command, *tools.programs.values()],
        cwd=tools.folder,
        env=_go_environment(),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    lines: list[str] = []
    finished = threading.Event()
    teller = threading.Thread(target=_tell_progress, args=(lines, finished, tell))
    teller.start()
    try:
        assert process.stderr is not None
        with process.stderr:
            lines.extend(line.rstrip() for line in process.stderr)
        status = process.wait()
    finally:
        finished.set()
        teller.join()
        if process.poll() is None:
            process.kill()
            process.wait()
    if status != 0:
        raise BuildFailedError("go build failed:\n" + "\n".join(lines[-ERROR_LINES_MAX:]))


def _tell_progress(
    lines: list[str], finished: threading.Event, tell: Callable[[str], None]
) -> None:
    started = time.monotonic()
    while not finished.wait(PROGRESS_SECONDS):
        downloaded = sum(line.startswith("go: downloading") for line in lines)
        compiled = len(lines) - downloaded
        tell(
            f"  {time.monotonic() - started:4.0f} s: {downloaded} modules downloaded,"
            f" {compiled} packages compiled"
        )


def main(names: list[str]) -> int:
    """Build the named sets (`controlplane`, `helm`), or all; return the exit status."""
    sets = {tools.folder.name: tools for tools in (CONTROL_PLANE, HELM)}
    for name in names or sets:
        try:
            build(sets[name], tell=lambda line: print(line, flush=True))
        except BuildFailedError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
