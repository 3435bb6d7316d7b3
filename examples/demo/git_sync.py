"""A git repository of manifests, and what keeps a cluster equal to it: a small Argo CD."""

import subprocess
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from support.cluster import Cluster, CommandFailedError

__all__ = ["GitSync", "Repository"]

LABEL = "app.kubernetes.io/part-of"


class Repository:
    """A git repository with one manifest a file."""

    def __init__(self, folder: Path, project: str) -> None:
        self.folder = folder
        self._project = project
        folder.mkdir(parents=True)
        self._git("init", "--quiet", "--initial-branch=main")
        self._git("config", "user.name", "Dora")
        self._git("config", "user.email", "dora@example.com")

    def merge(self, message: str, manifests: Iterable[Mapping[str, Any]]) -> str:
        """Commit manifests to main, as a merged pull request would; return the commit."""
        for each in manifests:
            labelled = {**each, "metadata": {**each["metadata"], "labels": {LABEL: self._project}}}
            name = f"{each['kind'].lower()}-{each['metadata']['name']}.yaml"
            (self.folder / name).write_text(yaml.safe_dump(labelled, sort_keys=False))
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", message)
        return self.head()

    def head(self) -> str:
        """Return the commit that main points at."""
        return self._git("rev-parse", "HEAD")

    def manifests(self, commit: str) -> str:
        """Return all manifests of a commit as one YAML text."""
        names = self._git("ls-tree", "--name-only", commit).splitlines()
        return "\n---\n".join(self._git("show", f"{commit}:{name}") for name in names)

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.folder), *arguments], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()


class GitSync:
    """Applies every new commit to a cluster, in a thread of its own."""

    def __init__(self, repository: Repository, cluster: Cluster, seconds: float = 0.3) -> None:
        self._repository = repository
        self._cluster = cluster
        self._seconds = seconds
        self._stop = threading.Event()
        self._synced = ""
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="git-sync", daemon=True)

    def start(self) -> None:
        """Begin to sync."""
        self._thread.start()

    def stop(self) -> None:
        """Stop syncing, and wait until that is so."""
        self._stop.set()
        self._thread.join()

    def wait_for(self, commit: str, seconds: float = 30.0) -> None:
        """Wait until a commit is in the cluster.

        Raises:
            TimeoutError: it was not in time.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._synced == commit, seconds):
                raise TimeoutError(f"commit {commit[:8]} was not synced")

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            head = self._repository.head()
            if head == self._synced:
                continue
            try:
                self._cluster.apply(self._repository.manifests(head), field_manager="git-sync")
            except CommandFailedError as error:
                print(f"git-sync: {error}")
                continue
            with self._changed:
                self._synced = head
                self._changed.notify_all()
