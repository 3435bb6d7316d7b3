"""A real Kubernetes API server on this machine: etcd and kube-apiserver, for tests and demo.

What runs is an API server with RBAC, service accounts and TokenRequest, CRDs with CEL and
pruning, admission, server-side apply, watches.  What does not run is everything that a
controller would do, as there is no kube-controller-manager, scheduler or kubelet:

- a deleted namespace stays in `Terminating` with all its content;
- nothing is garbage-collected by owner reference;
- the service account `default` does not appear by itself, and aggregated ClusterRoles
  (`view`, `edit`) do not collect the rules of others;
- Deployments, Jobs and claims are stored and nothing comes of them.

Everything lies in one folder in memory that goes with the control plane, and both servers
die with the process that started them, even by SIGKILL.
"""

import http
import http.client
import os
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from support.certificates import Authority, KeyPair, write_signing_key
from support.cluster import Cluster, CommandFailedError, write_kubeconfig
from support.go_tools import CONTROL_PLANE, build
from support.processes import ProcessGoneError, Warden, tail

__all__ = ["Cluster", "CommandFailedError", "ControlPlane", "ExternalCluster"]

HOST = "127.0.0.1"

READY_SECONDS_MAX = 60
"""It takes 1.5 s on an idle machine; a loaded one gets plenty."""

READY_ANSWER_SECONDS_MAX = 5

POLL_SECONDS = 0.05

STOP_SECONDS = 3
"""A server with open watches would wait for a minute; its data needs no such care."""

SERVICE_ADDRESSES = "10.0.0.0/24"
FIRST_SERVICE_ADDRESS = "10.0.0.1"

ADVERTISED_ADDRESS = "192.0.2.1"
"""An address for documentation: loopback is refused, and nobody follows this one."""


class ControlPlane(Cluster):
    """An etcd and a kube-apiserver of one's own; use it as a context manager.

    Attributes:
        url: the API server's address.
        authority: what signed its certificate; a proxy in front can be given one too.
        process_ids: the servers that run now, by name.
    """

    def __init__(self, tell: Callable[[str], None] = lambda line: None) -> None:
        """Prepare; `tell` receives progress when the programs must be built first."""
        self._programs = build(CONTROL_PLANE, tell)
        in_memory = Path("/dev/shm")  # noqa: S108 - the temporary folder below is fresh.
        home = Path(
            tempfile.mkdtemp(prefix="sluice-", dir=in_memory if in_memory.is_dir() else None)
        )
        super().__init__(
            kubectl=self._programs["kubectl"], kubeconfig=home / "admin.kubeconfig", folder=home
        )
        self._warden = Warden(remove=[home])
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        # The port stays bound for as long as the control plane lives, so nobody else can
        # take it, not even while the API server restarts; the server shares it.
        self._port = socket.socket()
        self._port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._port.bind((HOST, 0))
        self.url = f"https://{HOST}:{self._port.getsockname()[1]}"
        self.authority = Authority(home)
        self._server = self.authority.issue_server(
            "kube-apiserver", [HOST, "localhost", "kubernetes.default.svc", FIRST_SERVICE_ADDRESS]
        )
        self._admin = self.authority.issue_client("sluice-admin", ["system:masters"])
        self._token_key = write_signing_key(home, "service-accounts")
        self._write_admin_kubeconfig()

    @property
    def process_ids(self) -> dict[str, int]:
        """The process of each server that runs."""
        return {name: process.pid for name, process in self._running.items()}

    @property
    def server_certificate(self) -> KeyPair:
        """The API server's own certificate and key, for a proxy that stands in for it."""
        return self._server

    def start(self) -> Self:
        """Start both servers and wait until the API answers.

        Raises:
            ProcessGoneError: a server ended; the message holds its last log lines.
            TimeoutError: the API was not ready in time.
        """
        self._start_etcd()
        self._start_apiserver()
        return self

    def stop(self) -> None:
        """Stop both servers and remove every trace."""
        for name in list(self._running):
            self._stop(name, grace_seconds=0)
        self._warden.close()
        self._port.close()

    def restart_apiserver(self, *, kill: bool = False) -> None:
        """Restart the API server at the same address; with `kill`, by SIGKILL."""
        self.stop_apiserver(kill=kill)
        self._start_apiserver()

    def stop_apiserver(self, *, kill: bool = False) -> None:
        """Stop the API server; connections are refused until `start_apiserver`."""
        self._stop("kube-apiserver", grace_seconds=0 if kill else STOP_SECONDS)

    def start_apiserver(self) -> None:
        """Start the API server after `stop_apiserver`."""
        self._start_apiserver()

    def pause(self, name: str = "kube-apiserver") -> None:
        """Freeze a server (SIGSTOP): connections open and nothing answers."""
        os.kill(self._running[name].pid, signal.SIGSTOP)

    def resume(self, name: str = "kube-apiserver") -> None:
        """Thaw a server that was paused."""
        os.kill(self._running[name].pid, signal.SIGCONT)

    @contextmanager
    def paused(self, name: str = "kube-apiserver") -> Iterator[None]:
        """Keep a server frozen for the length of a block."""
        self.pause(name)
        try:
            yield
        finally:
            self.resume(name)

    def log(self, name: str = "kube-apiserver") -> Path:
        """Return the log file of a server."""
        return self.folder / f"{name}.log"

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _stop(self, name: str, *, grace_seconds: float) -> None:
        process = self._running.pop(name, None)
        if process is not None:
            self._warden.stop(process, grace_seconds=grace_seconds)

    def _start_etcd(self) -> None:
        # A socket file instead of a port: nothing to clash with, and nobody else gets in.
        self._running["etcd"] = self._warden.start(
            [
                self._programs["etcd"],
                f"--data-dir={self.folder}/etcd",
                f"--listen-client-urls=unix://{self.folder}/etcd.sock",
                "--advertise-client-urls=http://localhost:2379",
                f"--listen-peer-urls=unix://{self.folder}/peer.sock",
                "--initial-advertise-peer-urls=http://localhost:2380",
                "--initial-cluster=default=http://localhost:2380",
                "--unsafe-no-fsync",
                "--log-level=warn",
            ],
            log=self.log("etcd"),
        )

    def _start_apiserver(self) -> None:
        self._running["kube-apiserver"] = self._warden.start(
            [
                self._programs["kube-apiserver"],
                f"--etcd-servers=unix://{self.folder}/etcd.sock",
                f"--bind-address={HOST}",
                f"--secure-port={self._port.getsockname()[1]}",
                "--permit-port-sharing",
                f"--advertise-address={ADVERTISED_ADDRESS}",
                "--endpoint-reconciler-type=none",
                f"--service-cluster-ip-range={SERVICE_ADDRESSES}",
                "--authorization-mode=RBAC",
                f"--client-ca-file={self.authority.pair.certificate}",
                f"--tls-cert-file={self._server.certificate}",
                f"--tls-private-key-file={self._server.key}",
                "--service-account-issuer=https://kubernetes.default.svc",
                f"--service-account-signing-key-file={self._token_key.key}",
                f"--service-account-key-file={self._token_key.certificate}",
                "--profiling=false",
            ],
            log=self.log("kube-apiserver"),
        )
        self._wait_until_ready()
        self._warm_up()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < deadline:
            for name, process in self._running.items():
                if process.poll() is not None:
                    raise ProcessGoneError(
                        f"{name} ended with status {process.returncode}:\n{tail(self.log(name))}"
                    )
            if self._is_ready():
                return
            time.sleep(POLL_SECONDS)
        logs = "\n".join(tail(self.log(name)) for name in self._running)
        raise TimeoutError(f"not ready after {READY_SECONDS_MAX} s:\n{logs}")

    def _is_ready(self) -> bool:
        trust = ssl.create_default_context(cafile=str(self.authority.pair.certificate))
        trust.load_cert_chain(self._admin.certificate, self._admin.key)
        connection = http.client.HTTPSConnection(
            HOST, self._port.getsockname()[1], timeout=READY_ANSWER_SECONDS_MAX, context=trust
        )
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except OSError:
            return False
        finally:
            connection.close()

    def _write_admin_kubeconfig(self) -> None:
        write_kubeconfig(
            self.kubeconfig,
            cluster={
                "server": self.url,
                "certificate-authority": str(self.authority.pair.certificate),
            },
            user={
                "client-certificate": str(self._admin.certificate),
                "client-key": str(self._admin.key),
            },
        )


class ExternalCluster(Cluster):
    """A cluster that somebody else runs, with the same methods; a context manager too."""

    def __init__(self, kubeconfig: Path, tell: Callable[[str], None] = lambda line: None) -> None:
        """Use the cluster at a kubeconfig's current context."""
        self._scratch = tempfile.TemporaryDirectory(prefix="sluice-")
        super().__init__(
            kubectl=build(CONTROL_PLANE, tell)["kubectl"],
            kubeconfig=kubeconfig,
            folder=Path(self._scratch.name),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._scratch.cleanup()
