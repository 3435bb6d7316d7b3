"""Options that processes share: where the store is, and where to listen.

A store is one folder with everything in it, or a database and a place for bundles.
"""

from dataclasses import dataclass
from pathlib import Path

import click

from sluice.errors import Refused

__all__ = [
    "StorePlaces",
    "blobs_option",
    "database_url",
    "listen_address",
    "store_option",
    "store_places",
]

DATABASE_FILE = "sluice.db"
BLOBS_FOLDER = "blobs"


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
    metavar="FOLDER|URL",
    help="The store: a folder that holds database and bundles, or the URL of the database alone.",
)
"""The option of every process that works on a store."""

blobs_option = click.option(
    "--blobs",
    envvar="SLUICE_BLOBS",
    metavar="FOLDER",
    help="Where the bundles are, when --store is a URL.",
)
"""The option of every process that reads or writes bundles."""


def listen_address(text: str) -> tuple[str, int]:
    """Return the host and port of `HOST:PORT`.

    Raises:
        Refused: `ListenInvalid`.
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise Refused("ListenInvalid", f"{text!r} is no HOST:PORT such as 0.0.0.0:8080.")
    return host.strip("[]"), int(port)


def database_url(store: str) -> str:
    """Return the URL of a store's database."""
    if "://" in store:
        return store
    return f"sqlite:///{Path(store).resolve() / DATABASE_FILE}"


def store_places(store: str, blobs: str | None) -> StorePlaces:
    """Return where the halves of a store are.

    Raises:
        Refused: `StoreInvalid`.
    """
    if "://" not in store:
        return StorePlaces(
            database=database_url(store), blobs=Path(blobs or Path(store).resolve() / BLOBS_FOLDER)
        )
    if not blobs:
        raise Refused("StoreInvalid", "Give --blobs too when --store is the URL of a database.")
    return StorePlaces(database=store, blobs=Path(blobs))
