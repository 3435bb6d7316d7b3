"""The control plane that the other cluster tests stand on."""

import contextlib
import subprocess
import sys
import time
from pathlib import Path

import pytest

import support.processes
from support.cluster import Cluster, CommandFailedError
from support.controlplane import ControlPlane
from support.go_tools import CONTROL_PLANE


def test_the_server_and_kubectl_tell_the_pinned_version(control_plane: ControlPlane) -> None:
    versions = control_plane.kubectl("version").stdout

    assert f"Client Version: {CONTROL_PLANE.version()}" in versions
    assert f"Server Version: {CONTROL_PLANE.version()}" in versions


def test_the_administrator_may_do_everything(cluster: Cluster) -> None:
    assert cluster.kubectl("auth", "can-i", "*", "*", "--all-namespaces").stdout.strip() == "yes"


def test_a_fresh_service_account_is_refused(cluster: Cluster, namespace: str) -> None:
    kubeconfig = cluster.kubeconfig_for_service_account(namespace, "nobody")

    who = cluster.kubectl("auth", "whoami", "--output=name", kubeconfig=kubeconfig, check=False)
    answer = cluster.kubectl("get", "secrets", kubeconfig=kubeconfig, check=False)

    assert who.returncode == 0
    assert answer.returncode == 1
    assert f'"system:serviceaccount:{namespace}:nobody" cannot list' in answer.stderr


def test_a_service_account_may_do_what_a_role_grants_and_no_more(
    cluster: Cluster, namespace: str
) -> None:
    kubeconfig = cluster.kubeconfig_for_service_account(namespace, "reader")
    cluster.kubectl(
        "create",
        "role",
        "reader",
        "--verb=list",
        "--resource=configmaps",
        f"--namespace={namespace}",
    )
    cluster.kubectl(
        "create",
        "rolebinding",
        "reader",
        "--role=reader",
        f"--serviceaccount={namespace}:reader",
        f"--namespace={namespace}",
    )

    def allowed(where: str) -> set[str]:
        return cluster.may(kubeconfig, ["list", "create"], "configmaps", namespace=where)

    assert allowed(namespace) == {"list"}
    assert allowed("kube-system") == set()


def test_a_restart_of_the_server_keeps_what_was_stored(
    control_plane: ControlPlane, namespace: str
) -> None:
    control_plane.kubectl(
        "create", "configmap", "kept", "--from-literal=answer=42", f"--namespace={namespace}"
    )
    before = control_plane.get("configmap", "kept", f"--namespace={namespace}")

    control_plane.restart_apiserver(kill=True)
    after = control_plane.get("configmap", "kept", f"--namespace={namespace}")

    assert before == after


def test_a_token_outlives_a_restart(control_plane: ControlPlane, namespace: str) -> None:
    kubeconfig = control_plane.kubeconfig_for_service_account(namespace, "patient")

    control_plane.restart_apiserver()

    control_plane.kubectl("auth", "whoami", kubeconfig=kubeconfig)


def test_a_paused_server_does_not_answer_until_it_is_resumed(
    control_plane: ControlPlane,
) -> None:
    with control_plane.paused():
        hung = control_plane.kubectl("get", "namespaces", "--request-timeout=1s", check=False)

    assert hung.returncode != 0
    control_plane.kubectl("get", "namespaces")


def test_manifests_are_refused_with_the_reason_that_the_server_gives(cluster: Cluster) -> None:
    bad = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "Bad_Name"}}

    with pytest.raises(CommandFailedError, match="Bad_Name"):
        cluster.apply(bad)


def test_nothing_outlives_a_starter_that_is_killed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    script = (
        "import sys; from pathlib import Path; from support.processes import Warden\n"
        "warden = Warden(remove=[Path(sys.argv[1])])\n"
        "child = warden.start(['sleep', '1000'], log=Path(sys.argv[1]) / 'log')\n"
        "print(child.pid, flush=True)\n"
        "input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, home],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(Path(support.processes.__file__).parent.parent)},
        text=True,
    ) as starter:
        assert starter.stdout is not None
        child = int(starter.stdout.readline())
        assert Path(f"/proc/{child}").exists()

        starter.kill()

    while home.exists() or _runs(child):
        time.sleep(0.01)


def _runs(pid: int) -> bool:
    # A dead child that nobody has reaped yet is still listed, as a zombie without a command.
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    return False
