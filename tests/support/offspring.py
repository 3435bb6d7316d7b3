"""Other processes of a test, forked from it: ready at once, and really killed."""

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Coroutine
from typing import Any

__all__ = ["KILLED", "fork", "wait"]

KILLED = -signal.SIGKILL
"""What `wait` returns for a process that was killed."""


def fork(work: Coroutine[Any, Any, None]) -> int:
    """Run `work` in a process of its own, and return its id; only for tests that are not async."""
    pid = os.fork()
    if pid:
        work.close()
        return pid
    status = 1
    try:
        asyncio.run(work)
        status = 0
    except BaseException:  # noqa: BLE001 - the process ends here, and nothing may escape into pytest
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def wait(pid: int) -> int:
    """Wait for the end of a process; return its exit status, or its signal as a negative number."""
    try:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
