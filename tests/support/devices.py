"""A device server on a loopback port, over a real store, in the test's own event loop."""

import asyncio
import hashlib
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import aiohttp
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, select

from sluice.server.device.app import DeviceServer
from sluice.server.device.bundles import Bundles
from sluice.server.device.channels import Channels
from sluice.server.device.connection import configured
from sluice.server.device.metrics import Metrics
from sluice.server.device.reports import Recorder
from sluice.server.device.table import LiveTable
from sluice.serving.seal import generate_private_key, private_key, public_key, public_pem, seal
from sluice.serving.table import ChannelTable
from sluice.store import schema
from sluice.store.blobs import Blobs
from sluice.store.database import Database, insert_into
from sluice.store.migration import migrate
from sluice.store.reports import report_commits
from sluice.store.serving import note_change
from support.serving import a_device

KEY = private_key(generate_private_key())
"""The operator's seal key in these tests."""

PROOF_GAP = timedelta(milliseconds=20)


class Store:
    """The store of a test, written as the operator would, or as an intruder."""

    def __init__(self, folder: Path) -> None:
        self.database_file = folder / "store" / "sluice.db"
        self.url = f"sqlite:///{self.database_file}"
        self.blobs = folder / "blobs"
        self.database: Database

    @classmethod
    async def make(cls, folder: Path, empty: Path | None = None) -> Self:
        """Return a new store in a folder.

        Args:
            folder: where it is to be.
            empty: file of an empty store to copy, which is faster than to make one.
        """
        store = cls(folder)
        if empty is None:
            await migrate(store.url)
        else:
            store.database_file.parent.mkdir(parents=True)
            shutil.copyfile(empty, store.database_file)
        store.database = await Database.open(store.url)
        return store

    def path_of(self, digest: str) -> Path:
        return Blobs(self.blobs).path(digest)

    def keep(self, data: bytes) -> str:
        """Put a bundle into the folder, in place of what is there, and return its digest."""
        digest = hashlib.sha256(data).hexdigest()
        path = self.path_of(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return digest

    async def serve(self, *tables: ChannelTable, key: Ed25519PrivateKey = KEY) -> None:
        """Seal and write what channels serve."""
        for table in tables:
            await self.write_row(table, seal(table, key))

    async def write_row(self, row: ChannelTable, sealed: str | None) -> None:
        """Write a row of any content under the name and generation of `row`."""
        async with self.database.transaction("serve") as connection:
            values = {
                "namespace": row.namespace,
                "channel": row.channel,
                "app_id": row.app_id,
                "generation": row.generation,
                "sealed": sealed,
                "stable_digest": row.stable and row.stable.digest,
                "candidate_digest": row.candidate and row.candidate.digest,
                "previous_digest": None,
                "share_bp": row.share_bp,
                "at": datetime.now(UTC),
            }
            insert = insert_into(connection, schema.channels).values(**values)
            await connection.execute(
                insert.on_conflict_do_update(
                    index_elements=["namespace", "channel"], set_=dict(insert.excluded)
                )
            )
            await note_change(connection)

    async def remove_row(self, row: ChannelTable) -> None:
        async with self.database.transaction("serve") as connection:
            await connection.execute(
                delete(schema.channels).where(schema.channels.c.channel == row.channel)
            )
            await note_change(connection)

    async def rows(self, table: Any) -> list[dict[str, Any]]:
        """Everything in a table."""
        async with self.database.reading() as connection:
            return [dict(row._mapping) for row in await connection.execute(select(table))]


@dataclass
class Running:
    """A device server that runs."""

    url: str
    port: int
    app: DeviceServer
    table: LiveTable
    metrics: Metrics
    session: aiohttp.ClientSession
    database: Database
    """Its own connections to the store."""

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Ask, and return the status and the JSON."""
        async with self.session.request(method, self.url + path, **options) as response:
            return response.status, await response.json(content_type=None)

    async def ask(self, **fields: Any) -> tuple[int, Any]:
        """Check for updates as a phone does."""
        return await self.call("POST", "/updates", json=info(**fields))

    async def report(self, *events: dict[str, Any]) -> tuple[int, Any]:
        """Report as a phone does, in a batch."""
        return await self.call("POST", "/stats", json=list(events))


def info(**fields: Any) -> dict[str, Any]:
    """What the stock plugin sends; unset fields are empty strings."""
    device = a_device()
    return {
        "platform": device.platform,
        "device_id": device.device_id,
        "app_id": device.app_id,
        "custom_id": "",
        "version_build": device.version_build,
        "version_code": "1",
        "version_os": "14",
        "version_name": device.version_name,
        "plugin_version": device.plugin_version,
        "is_emulator": device.is_emulator,
        "is_prod": device.is_prod,
        "install_source": "",
        "defaultChannel": "",
    } | fields


def event(action: str, version_name: str = "1.0.0", **fields: Any) -> dict[str, Any]:
    """One event of `/stats`."""
    return info(action=action, version_name=version_name, **fields)


@asynccontextmanager
async def device_server(store: Store, *, known_keys: Any = None) -> AsyncIterator[Running]:
    """Run a device server until the block ends."""
    keys = [public_key(public_pem(KEY))] if known_keys is None else known_keys
    database = await Database.open(store.url)
    metrics = Metrics()
    table = LiveTable(database, keys, metrics)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        commits = report_commits(database, now=lambda: datetime.now(UTC), proof_gap=PROOF_GAP)
        async with commits:
            app = DeviceServer(
                table=table,
                recorder=Recorder(commits, metrics, PROOF_GAP.total_seconds()),
                channels=Channels(database),
                bundles=Bundles(store.path_of, metrics),
                metrics=metrics,
                public_url=url,
            )
            await table.refresh()
            server = uvicorn.Server(configured(app, "127.0.0.1", port))
            server.config.load()
            server.lifespan = server.config.lifespan_class(server.config)
            await server.startup([listener])
            session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
            try:
                yield Running(url, port, app, table, metrics, session, database)
            finally:
                await session.close()
                # Without the grace of `sluice serve`, which would take each test 0.2 s.
                for listening in server.servers:
                    listening.close()
                for connection in list(server.server_state.connections):
                    connection.transport.close()
                if server.server_state.tasks:
                    await asyncio.wait(server.server_state.tasks)
    await database.close()
