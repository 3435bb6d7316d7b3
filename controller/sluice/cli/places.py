"""Where the embedded store is: one folder, with the database and the bundles in it."""

from dataclasses import dataclass
from pathlib import Path

import click

__all__ = ["StorePlaces", "store_option", "store_places"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StorePlaces:
    """The two halves of a store."""

    database: str
    """URL of the database."""
    blobs: Path


store_option = click.option(
    "--store",
    envvar="SLUICE_STORE",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The store's folder: the database and the bundles are in it.",
)
"""The option that every process on a store has."""


def store_places(folder: Path) -> StorePlaces:
    """Return where the halves of a store are; the folder is made if it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    return StorePlaces(
        database=f"sqlite:///{folder.resolve() / 'sluice.db'}", blobs=folder.resolve() / "blobs"
    )
