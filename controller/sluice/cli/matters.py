"""The Release that a person speaks about, and the manifests around it."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sluice.cli.disk import files_on_disk
from sluice.cli.repository import WORKING_TREE, Repository
from sluice.errors import Refused
from sluice.plan.manifests import File, Found, ManifestReader, Manifests, Problem
from sluice.plan.speaking import Matter, app_id_of, channel_release
from sluice.policy.subject import Live
from sluice.resources.release import ReleaseSpec

__all__ = ["Before", "Surroundings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The Release that a channel names before the change at hand."""

    name: str
    release: ReleaseSpec
    where: str
    """Where the channel says so, for people."""


class Surroundings:
    """One file, and the manifests among which it stands."""

    def __init__(
        self, file: Path, *, namespace: str, folder: Path | None, also: Iterable[Path]
    ) -> None:
        """Read them.

        Raises:
            Refused: a file can't be read.
        """
        self.file = file
        self._reader = ManifestReader(namespace)
        files, problems = files_on_disk([file])
        self.own = self._reader.read(files, problems=problems)
        self._repository = None if folder else _repository(file)
        extra, _ = files_on_disk(also)
        self._extra = extra
        self.manifests = self._reader.read((*self._around(folder), *extra))

    def _around(self, folder: Path | None) -> tuple[File, ...]:
        if self._repository is not None:
            return self._repository.tree(WORKING_TREE).files
        return files_on_disk([folder or self.file.absolute().parent])[0]

    def only(self, kinds: tuple[str, ...]) -> Found:
        """Return the one object of some kinds in the file.

        Raises:
            Refused: there is none, there are several, or its author has to mend something.
        """
        if self.own.problems:
            raise Refused("ManifestInvalid", _told(self.own.problems))
        found = [each for kind in kinds for each in self.own.of_kind(kind)]
        if len(found) != 1:
            wanted = " or ".join(kinds)
            message = f"{self.file} must hold one {wanted}, and holds {len(found)}."
            raise Refused("ObjectCount", message)
        return found[0]

    @cached_property
    def base(self) -> Manifests | None:
        """What stood in git where this branch left the main branch, if that is known."""
        if self._repository is None:
            return None
        try:
            commit = self._repository.default_base(WORKING_TREE)
            files = self._repository.tree(commit).files
        except Refused:
            return None
        return self._reader.read((*files, *self._extra))

    def before(self, release: Found, channel: str) -> Before | None:
        """Return the other Release that a channel names at base, or else in the files at hand."""
        for manifests, where in ((self.base, "at base"), (self.manifests, "in the files at hand")):
            if manifests is None:
                continue
            key = channel_release(manifests, release.key.namespace, channel)
            spec = manifests.spec(ReleaseSpec, key.namespace, key.name) if key else None
            if key is not None and spec is not None and key != release.key:
                return Before(name=key.name, release=spec, where=where)
        return None

    def matter(
        self, channel: str, cluster: str, app_id: str | None
    ) -> tuple[Matter, Before | None]:
        """Return what is spoken about, and the Release before it.

        Raises:
            Refused: the file holds no Release that can be spoken about.
        """
        found = self.only(("Release",))
        spec = found.spec
        if not isinstance(spec, ReleaseSpec):
            raise TypeError(type(spec))
        before = self.before(found, channel)
        matter = Matter(
            manifests=self.manifests,
            name=found.key.name,
            namespace=found.key.namespace,
            release=spec,
            channel=channel,
            cluster=cluster,
            base=self.base,
            app_id=app_id_of(self.manifests, found.key.namespace, spec.app, app_id),
            live=Live(version=before.release.version, bundle_sha256=before.release.bundle.sha256)
            if before
            else None,
        )
        return matter, before


def _repository(file: Path) -> Repository | None:
    try:
        return Repository.around(file.absolute().parent, os.environ)
    except Refused:
        return None


def _told(problems: tuple[Problem, ...]) -> str:
    shown = "; ".join(f"{each.spot}: {each.message}" for each in problems[:5])
    return shown + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")  # noqa: PLR2004 - shown above
