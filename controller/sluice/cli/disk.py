"""Manifests on disk, and what commands that read them ask for."""

import os
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click
from typing_extensions import override

from sluice.cli.repository import FILES_MAX, SUFFIXES, kept, read_whole
from sluice.errors import Refused
from sluice.plan.manifests import File, Problem
from sluice.resources.canonical import sha256_hex
from sluice.resources.fields import DURATION, seconds
from sluice.resources.genesis import Genesis, read_genesis

__all__ = [
    "MomentType",
    "also_option",
    "by_digest",
    "cluster_option",
    "evidence_option",
    "files_on_disk",
    "genesis_at",
    "genesis_option",
    "namespace_option",
    "now_option",
    "now_or",
    "unsealed_option",
]

EVIDENCE_BYTES_MAX: Final = 4 * 1024 * 1024
"""Largest attestation that the operator takes, and so the largest that is read here."""


class MomentType(click.ParamType[datetime]):
    """A moment in UTC (2026-01-31T12:00:00Z), or a length of time from now (7d, 1h30m)."""

    name = "TIME"

    @override
    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        text = str(value)
        if text and re.fullmatch(DURATION, text):
            return _now() + timedelta(seconds=seconds(text))
        moment = _parsed(text)
        if moment is None or moment.utcoffset() != timedelta(0):
            self.fail(
                f"{text!r} is neither a time in UTC such as 2026-01-31T12:00:00Z nor a length of"
                " time such as 7d",
                param,
                ctx,
            )
        return moment.astimezone(UTC).replace(microsecond=0)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _parsed(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def now_or(moment: datetime | None) -> datetime:
    """Return the moment that was given, or the present one, in UTC and whole seconds."""
    return moment or _now()


cluster_option = click.option(
    "--cluster",
    envvar="SLUICE_CLUSTER",
    required=True,
    metavar="NAME",
    help="The cluster's name in approvals, as its operator was told it (clusterName in the chart).",
)
"""The option of every command that judges for, or speaks to, one cluster."""

namespace_option = click.option(
    "--namespace",
    default="",
    metavar="NAME",
    help="Namespace of manifests that name none, as your sync sets it.",
)
"""The option of every command that reads manifests."""

now_option = click.option(
    "--now",
    type=MomentType(),
    help="Judge as at this time, e.g. 2026-01-31T12:00:00Z or 2d (from now); now when left out.",
)
"""The option of every command that judges."""

also_option = click.option(
    "--also",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="File or folder with manifests that hold besides, such as the platform team's"
    " ClusterReleasePolicies (kubectl get clusterreleasepolicies -o yaml). May be repeated.",
)
"""The option of every command that judges."""

evidence_option = click.option(
    "--evidence",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What stands at the url of an attestation: it is recognised by its SHA-256. May be"
    " repeated.",
)
"""The option of every command that judges."""

genesis_option = click.option(
    "--genesis",
    envvar="SLUICE_GENESIS",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The cluster's root owners, as its operator is given them.",
)
"""The option of every command that judges policies."""

unsealed_option = click.option(
    "--allow-unsealed-policies",
    envvar="SLUICE_ALLOW_UNSEALED_POLICIES",
    is_flag=True,
    help="Let policies without owners count, as the cluster's operator does when told the same.",
)
"""The option of every command that judges policies."""


def genesis_at(place: Path | None) -> Genesis | None:
    """Return the root owners that a file names; None without a file.

    Raises:
        Refused: `FileUnreadable`, or whatever `read_genesis` raises.
    """
    return None if place is None else read_genesis(_bytes(place) or b"")


def files_on_disk(places: Iterable[Path]) -> tuple[tuple[File, ...], tuple[Problem, ...]]:
    """Return the YAML and JSON files among and below places that may hold manifests.

    A file that is named is read, whatever it is called; below a folder, links are not followed.

    Raises:
        Refused: `TooManyFiles`, `FileUnreadable`.
    """
    files: list[File] = []
    problems: list[Problem] = []
    for number, path in enumerate(_paths(places)):
        if number >= FILES_MAX:
            message = f"There are more than {FILES_MAX} YAML files: name folders to look into."
            raise Refused("TooManyFiles", message)
        for each in kept(str(path), _bytes(path)):
            if isinstance(each, File):
                files.append(each)
            else:
                problems.append(each)
    return tuple(files), tuple(problems)


def by_digest(places: Iterable[Path]) -> dict[str, bytes]:
    """Return files by their SHA-256.

    Raises:
        Refused: `FileUnreadable`, `EvidenceTooLarge`.
    """
    found = {}
    for path in places:
        data = _bytes(path) or b""
        if len(data) > EVIDENCE_BYTES_MAX:
            message = (
                f"{path} is larger than {EVIDENCE_BYTES_MAX} bytes: the operator won't take it."
            )
            raise Refused("EvidenceTooLarge", message)
        found[sha256_hex(data)] = data
    return found


def _paths(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        if not place.is_dir():
            yield place
            continue
        for folder, folders, names in os.walk(place):
            folders[:] = sorted(each for each in folders if each != ".git")
            for name in sorted(names):
                path = Path(folder, name)
                if name.lower().endswith(SUFFIXES) and path.is_file() and not path.is_symlink():
                    yield path


def _bytes(path: Path) -> bytes | None:
    try:
        with path.open("rb") as stream:
            return read_whole(stream)
    except OSError as error:
        raise Refused("FileUnreadable", f"{path}: {error.strerror}.") from error
