"""A Kubernetes cluster as the tests see it: a kubeconfig and kubectl."""

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

__all__ = ["Cluster", "CommandFailedError", "write_kubeconfig"]

KUBECTL_SECONDS_MAX = 120
"""A kubectl that hangs fails the test instead of stopping the run."""

TOKEN_DURATION = "24h"


class CommandFailedError(RuntimeError):
    """A kubectl command ended with an error; the message holds what it said."""

    def __init__(self, command: Sequence[str], status: int, output: str) -> None:
        super().__init__(f"exit status {status}: {' '.join(command)}\n{output.strip()}")
        self.status = status
        self.output = output


class Cluster:
    """Any cluster that a kubeconfig names, used as its administrator.

    Attributes:
        kubectl_program: where kubectl is.
        kubeconfig: the administrator's kubeconfig.
        folder: where kubeconfigs of service accounts are written.
    """

    def __init__(self, *, kubectl: Path, kubeconfig: Path, folder: Path) -> None:
        self.kubectl_program = kubectl
        self.kubeconfig = kubeconfig
        self.folder = folder
        self._kinds: list[str] = []

    def kubectl(
        self,
        *arguments: str,
        input: str | None = None,  # noqa: A002 - the word that subprocess uses.
        kubeconfig: Path | None = None,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as administrator, or as whom `kubeconfig` names.

        Raises:
            CommandFailedError: kubectl said no and `check` is true.
        """
        # A cache of its own: the usual one would remember another server of the same port.
        options = [
            f"--kubeconfig={kubeconfig or self.kubeconfig}",
            f"--cache-dir={self.folder}/kubectl-cache",
        ]
        command = [str(self.kubectl_program), *options, *arguments]
        done = subprocess.run(
            command,
            check=False,
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            timeout=KUBECTL_SECONDS_MAX,
        )
        if check and done.returncode != 0:
            raise CommandFailedError(
                ["kubectl", *arguments], done.returncode, done.stderr + done.stdout
            )
        return done

    def get(self, *arguments: str, kubeconfig: Path | None = None) -> Any:
        """Return what `kubectl get ... -o json` prints, parsed."""
        done = self.kubectl("get", *arguments, "--output=json", kubeconfig=kubeconfig)
        return json.loads(done.stdout)

    def apply(
        self,
        manifests: str | Mapping[str, Any] | Sequence[Mapping[str, Any]],
        *,
        kubeconfig: Path | None = None,
        field_manager: str = "sluice-tests",
    ) -> None:
        """Apply manifests on the server's side: YAML text, one object, or a list of them.

        An object loses the fields that the same field manager applied earlier and now leaves out.
        """
        if isinstance(manifests, Mapping):
            manifests = [manifests]
        if not isinstance(manifests, str):
            manifests = yaml.safe_dump_all(list(manifests))
        self.kubectl(
            "apply",
            "--server-side",
            "--force-conflicts",
            f"--field-manager={field_manager}",
            "--filename=-",
            input=manifests,
            kubeconfig=kubeconfig,
        )

    def install_crds(self, folder: Path) -> None:
        """Apply every CustomResourceDefinition in a folder and wait until they are served."""
        self.kubectl("apply", "--server-side", "--force-conflicts", f"--filename={folder}")
        self.kubectl("wait", "--for=condition=Established", "--timeout=30s", f"--filename={folder}")
        self._kinds = [
            yaml.safe_load(path.read_text())["metadata"]["name"] for path in folder.iterdir()
        ]
        self._warm_up()

    def _warm_up(self) -> None:
        # A new or restarted server answers the first list of each kind with 429, come back in a
        # second: for all at once here, not one after the other in somebody's test.
        if self._kinds:
            with ThreadPoolExecutor(len(self._kinds)) as pool:
                list(pool.map(lambda kind: self.get(kind, "--all-namespaces"), self._kinds))

    def may(
        self,
        kubeconfig: Path,
        verbs: Iterable[str],
        resource: str,
        *,
        name: str = "",
        namespace: str = "",
    ) -> set[str]:
        """Ask the API server what somebody may do; return the verbs that are allowed.

        Args:
            kubeconfig: who asks.
            verbs: what, such as `get`.
            resource: to what, such as `secrets`, `channels.sluice.dev` or
                `channels.sluice.dev/status`; it need not be installed.
            name: to which one; empty for any.
            namespace: where; empty for everywhere.
        """
        resource, _, subresource = resource.partition("/")
        resource, _, group = resource.partition(".")
        asked = list(verbs)
        where = {
            "group": group,
            "resource": resource,
            "subresource": subresource,
            "name": name,
            "namespace": namespace,
        }
        reviews = [
            {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "spec": {"resourceAttributes": {"verb": verb, **where}},
            }
            for verb in asked
        ]
        done = self.kubectl(
            "create",
            "--validate=false",  # Validation would list CRDs, which few may.
            "--filename=-",
            "--output=jsonpath={.status.allowed} ",
            input=yaml.safe_dump_all(reviews),
            kubeconfig=kubeconfig,
        )
        answers = done.stdout.split()
        return {verb for verb, answer in zip(asked, answers, strict=True) if answer == "true"}

    def sluice_kinds(self) -> list[str]:
        """Return the custom resources in namespaces that are installed, by their full names."""
        done = self.kubectl(
            "api-resources", "--api-group=sluice.dev", "--namespaced=true", "--output=name"
        )
        return done.stdout.split()

    def namespace(self, name: str) -> str:
        """Create a namespace unless it exists, and return its name."""
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        return name

    def kubeconfig_for_service_account(
        self, namespace: str, name: str, *, server: str | None = None
    ) -> Path:
        """Return a kubeconfig with a fresh token of a service account, made if it is missing.

        Args:
            namespace: where the account lives; made if it is missing.
            name: the account.
            server: another address of the API server, such as a proxy's.  The proxy must
                show a certificate of the same authority.
        """
        self.apply(
            [
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
                {
                    "apiVersion": "v1",
                    "kind": "ServiceAccount",
                    "metadata": {"name": name, "namespace": namespace},
                },
            ],
            field_manager="sluice-tests-account",
        )
        token = self.kubectl(
            "create", "token", name, f"--namespace={namespace}", f"--duration={TOKEN_DURATION}"
        ).stdout.strip()
        view = self.kubectl("config", "view", "--raw", "--minify", "--flatten", "--output=json")
        cluster = json.loads(view.stdout)["clusters"][0]["cluster"]
        if server is not None:
            cluster = {**cluster, "server": server}
        path = self.folder / f"{namespace}-{name}.kubeconfig"
        write_kubeconfig(path, cluster=cluster, user={"token": token}, namespace=namespace)
        return path


def write_kubeconfig(
    path: Path,
    *,
    cluster: Mapping[str, str],
    user: Mapping[str, str],
    namespace: str = "default",
) -> None:
    """Write a kubeconfig with one cluster and one user, readable by its owner alone."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "sluice",
        "clusters": [{"name": "sluice", "cluster": dict(cluster)}],
        "users": [{"name": "sluice", "user": dict(user)}],
        "contexts": [
            {
                "name": "sluice",
                "context": {"cluster": "sluice", "user": "sluice", "namespace": namespace},
            }
        ],
    }
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(content))
