"""Child processes that cannot outlive whoever started them."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["ProcessGoneError", "Warden", "tail"]

TAIL_LINES = 30
"""How much of a log an error repeats."""

# Reads `+pid` and `-pid` lines; at the end of input it kills the process groups that are
# left and removes the folders it was given.  A pipe ends however its writer dies, which
# neither atexit (SIGKILL) nor PR_SET_PDEATHSIG (tied to one thread) can promise.
_WARDEN = """
import os, shutil, signal, sys
alive = set()
for line in sys.stdin:
    (alive.add if line[0] == "+" else alive.discard)(int(line[1:]))
for pid in alive:
    try:
        os.killpg(pid, signal.SIGCONT)
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
for folder in sys.argv[1:]:
    shutil.rmtree(folder, ignore_errors=True)
"""


class ProcessGoneError(RuntimeError):
    """A child ended by itself; the message ends with its last log lines."""


def tail(log: Path, lines: int = TAIL_LINES) -> str:
    """Return the last lines of a log, or a note that there is none."""
    if not log.exists():
        return f"(no log at {log})"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


class Warden:
    """Starts children in process groups of their own and sees to their end.

    Whatever happens to this process, SIGKILL included, the children die and the folders in
    `remove` go.  The children do not get this process's Ctrl-C: whoever starts them decides
    in which order they stop.
    """

    def __init__(self, remove: Sequence[Path] = ()) -> None:
        self._children: list[subprocess.Popen[bytes]] = []
        self._watch = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _WARDEN, *map(str, remove)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def start(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a child whose output is appended to `log`; `env` replaces the environment."""
        with log.open("ab") as output:
            child = subprocess.Popen(
                list(map(str, command)),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=cwd,
                start_new_session=True,
            )
        self._children.append(child)
        self._note(f"+{child.pid}")
        return child

    def stop(self, child: subprocess.Popen[bytes], *, grace_seconds: float = 5) -> int:
        """End a child: SIGTERM, then SIGKILL after the grace; return its exit status.

        A grace of 0 kills at once.  Ending an ended child does nothing.
        """
        if child.poll() is None:
            _signal_group(child, signal.SIGCONT)
            if grace_seconds > 0:
                _signal_group(child, signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(grace_seconds)
        # Its own children may be left even when it is not.
        _signal_group(child, signal.SIGKILL)
        status = child.wait()
        if child in self._children:
            self._children.remove(child)
            self._note(f"-{child.pid}")
        return status

    def close(self) -> None:
        """Stop every child, the youngest first, and remove the folders."""
        for child in reversed(list(self._children)):
            self.stop(child)
        if self._watch.stdin is not None:
            self._watch.stdin.close()
        self._watch.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _note(self, line: str) -> None:
        assert self._watch.stdin is not None
        self._watch.stdin.write(line.encode() + b"\n")
        self._watch.stdin.flush()


def _signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, number)
