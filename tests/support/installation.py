"""Sluice installed for a test or the demo: a store, its keys, and its processes."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self, TypeVar

from sluice.serving.seal import generate_private_key, private_key, public_pem
from support.processes import Warden, tail

__all__ = ["Installation", "free_port", "wait_until"]

T = TypeVar("T")

HOST = "127.0.0.1"


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def wait_until(look: Callable[[], T], what: str, seconds: float = 30.0, pause: float = 0.1) -> T:
    """Look again and again until it is true, and return what was seen.

    Raises:
        TimeoutError: it was not in time.
    """
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s; last seen: {seen!r}")
        time.sleep(pause)


class Installation:
    """One store with an operator and device servers, each a process of its own."""

    def __init__(
        self, folder: Path, *, kubeconfig: Path, namespace: str, cluster: str = "demo"
    ) -> None:
        """Prepare the store's folder and the seal keys; nothing runs yet.

        Args:
            folder: for the store, the keys and the logs.
            kubeconfig: the operator's own identity.
            namespace: of the operator's Lease.
            cluster: this cluster's name in approvals.
        """
        self.folder = folder
        self.store = folder / "store"
        self._kubeconfig = kubeconfig
        self._namespace = namespace
        self._cluster = cluster
        self._warden = Warden()
        folder.mkdir(parents=True, exist_ok=True)
        pem = generate_private_key()
        self.seal_key, self.seal_key_public = folder / "seal.pem", folder / "seal.pub.pem"
        self.seal_key.touch(mode=0o600)
        self.seal_key.write_bytes(pem)
        self.seal_key_public.write_bytes(public_pem(private_key(pem)))

    def start_operator(
        self, *arguments: str, name: str = "operator", look: float = 0.25, **environment: str
    ) -> subprocess.Popen[bytes]:
        """Start `sluice operator`; `arguments` are added to its command line."""
        return self._start(
            name,
            "operator",
            f"--store={self.store}",
            f"--cluster={self._cluster}",
            f"--seal-key={self.seal_key}",
            f"--lease-namespace={self._namespace}",
            f"--kubeconfig={self._kubeconfig}",
            f"--look={look}",
            *arguments,
            environment=environment,
        )

    def start_devices(
        self, *arguments: str, name: str = "devices", proof_gap: float = 1.0
    ) -> tuple[subprocess.Popen[bytes], str]:
        """Start `sluice serve`, wait until it is ready; return it and its address."""
        port = free_port()
        url = f"http://{HOST}:{port}"
        process = self._start(
            name,
            "serve",
            f"--store={self.store}",
            f"--seal-key={self.seal_key_public}",
            f"--public-url={url}",
            f"--listen={HOST}:{port}",
            f"--proof-gap={proof_gap}",
            *arguments,
            environment={},
        )
        wait_until(lambda: _answers(f"{url}/readyz") or self._ended(process, name), "devices ready")
        return process, url

    def stop(self, process: subprocess.Popen[bytes], *, grace_seconds: float = 10.0) -> int:
        """Stop one process: SIGTERM, and SIGKILL when it takes too long; return its exit status."""
        return self._warden.stop(process, grace_seconds=grace_seconds)

    def log(self, name: str) -> Path:
        """Return the log of a process."""
        return self.folder / f"{name}.log"

    def tail(self, name: str) -> str:
        """Return the last lines of a process's log."""
        return tail(self.log(name))

    def close(self) -> None:
        """Kill whatever still runs."""
        self._warden.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(
        self, name: str, *arguments: str, environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "sluice.cli.main", *arguments]
        return self._warden.start(command, log=self.log(name), env={**os.environ, **environment})

    def _ended(self, process: subprocess.Popen[bytes], name: str) -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended with {process.returncode}:\n{self.tail(name)}")
        return False


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310 - an own http address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
