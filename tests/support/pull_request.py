"""A pull request: a real git repository on disk, with a main branch and another one.

Also the same without git: manifests as text, read by the reader that the command line uses.
"""

import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from sluice.plan.cases import AtHand
from sluice.plan.change import Plan, Rule, make_plan
from sluice.plan.manifests import File, ManifestReader, Manifests
from sluice.resources.genesis import Genesis

__all__ = ["PullRequest", "file_name", "plan_of", "read", "text"]

Body = dict[str, Any]


def text(body: Body) -> str:
    """Return a manifest as it lies in git."""
    return yaml.safe_dump(body, sort_keys=False, width=200)


def file_name(body: Body) -> str:
    """Return the name of a manifest's file."""
    return f"deploy/{body['kind'].lower()}-{body['metadata']['name']}.yaml"


def read(bodies: Iterable[Body], reader: ManifestReader | None = None) -> Manifests:
    """Return manifests as if they had been read from files."""
    files = [File(path=file_name(each), data=text(each).encode()) for each in bodies]
    return (reader or ManifestReader()).read(files)


def plan_of(
    base: Iterable[Body],
    head: Iterable[Body],
    *,
    cluster: str = "prod",
    now: datetime | None = None,
    fetched: dict[str, bytes] | None = None,
    rule: Rule = "base",
    everything: bool = False,
    unsealed: bool = False,
    genesis: Genesis | None = None,
) -> Plan:
    """Return the plan of a change, without git."""
    at_hand = AtHand(
        cluster=cluster,
        now=now or datetime.now(UTC).replace(microsecond=0),
        fetched=fetched or {},
        unsealed_allowed=unsealed,
        genesis=genesis,
    )
    reader = ManifestReader()
    return make_plan(
        read(base, reader), read(head, reader), at_hand, rule=rule, everything=everything
    )


class PullRequest:
    """A real repository in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.email", "somebody@example.com")
        self.git("config", "user.name", "Somebody")

    def git(self, *arguments: str) -> str:
        """Run git in it and return what it prints."""
        command = ["git", "-C", str(self.root), "-c", "protocol.file.allow=always", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def write(self, *bodies: Body) -> None:
        """Put manifests on disk."""
        for each in bodies:
            self.put(file_name(each), text(each))

    def put(self, path: str, content: str | bytes) -> Path:
        """Put a file on disk."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    def commit(self, message: str = "change") -> str:
        """Commit everything on disk and return the commit's id."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", f"--message={message}")
        return self.git("rev-parse", "HEAD")

    def branch(self, name: str = "pull-request") -> None:
        """Go to a new branch."""
        self.git("checkout", "--quiet", "-b", name)
