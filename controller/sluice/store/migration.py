"""Brings a database to the schema of this program, with the data in place.

A module of its own: Alembic is large, and a device server has no use for it.
"""

import asyncio
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection

from sluice.errors import Unavailable
from sluice.store.crashpoints import Crashpoint, unharmed
from sluice.store.database import Database, create_engine, parse_url, use_write_ahead_log

__all__ = ["alembic_config", "migrate"]

MIGRATIONS: Final = Path(__file__).parent / "migrations"


async def migrate(url: str, *, crashpoint: Crashpoint = unharmed) -> None:
    """Create the database or bring it up to date; what is up to date is left as it is.

    All steps are one transaction, so a process that is killed leaves the old schema, and of two
    that migrate at once the second finds nothing to do.

    Args:
        url: as for `Database.open`.
        crashpoint: as for `Database.open`.

    Raises:
        Refused: `StoreUrlInvalid`.
        Unavailable: `StoreFailed`; `StoreIsNewer` when a later version has migrated it.
    """
    parsed = parse_url(url)
    folder = Path(parsed.database or "").parent
    try:
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable("StoreFailed", f"The store's folder can't be made: {error}") from error
    await use_write_ahead_log(Path(parsed.database or ""))
    database = Database(create_engine(parsed), crashpoint)
    try:
        async with database.transaction("migrate") as connection:
            await connection.run_sync(_upgrade)
    finally:
        await database.close()


def alembic_config(connection: Connection) -> Config:
    """Return Alembic's configuration for a connection that is in a transaction already."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection) -> None:
    try:
        command.upgrade(alembic_config(connection), "head")
    except CommandError as error:
        # The only way to get here is a revision that this program does not know.
        raise Unavailable(
            "StoreIsNewer", f"A later version of Sluice has migrated the database: {error}"
        ) from error
