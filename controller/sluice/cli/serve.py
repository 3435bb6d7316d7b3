"""`sluice serve`: the device server as one process."""

import asyncio
import contextlib
import gc
import logging
import resource
import signal
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import click
import uvicorn
import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from typing_extensions import override

from sluice.cli.logs import log_level_option, set_up_logs
from sluice.cli.places import blobs_option, listen_address, store_option, store_places
from sluice.errors import Refused, SluiceError, Unavailable
from sluice.server.device.app import DeviceServer
from sluice.server.device.bundles import Bundles
from sluice.server.device.channels import Channels
from sluice.server.device.connection import configured
from sluice.server.device.metrics import Metrics
from sluice.server.device.reports import Recorder
from sluice.server.device.table import LiveTable
from sluice.serving.seal import public_key
from sluice.store.blobs import Blobs
from sluice.store.database import Database
from sluice.store.reports import report_commits

__all__ = ["serve"]

STORE_SECONDS_MAX: Final = 60.0
"""How long the operator may take to make the store, before this process gives up and is restarted
by whoever watches it."""

STORE_RETRY_SECONDS: Final = 0.5

YOUNG_OBJECTS: Final = 50_000
"""New objects between two collections: some hundred requests' worth."""

FILES_WANTED: Final = 16_384
"""Open files: connections, downloads, and some."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settings:
    store: str
    blobs: Path
    public_url: str
    seal_keys: tuple[Ed25519PublicKey, ...]
    host: str
    port: int
    proof_gap: timedelta
    drain_seconds: float


@click.command
@store_option
@blobs_option
@click.option(
    "--public-url",
    envvar="SLUICE_PUBLIC_URL",
    required=True,
    metavar="URL",
    help="Where phones reach this server, e.g. https://updates.example.com.",
)
@click.option(
    "--seal-key",
    "seal_keys",
    envvar="SLUICE_SEAL_KEY",
    required=True,
    multiple=True,
    type=click.File("rb"),
    help="Public half (PEM) of the key that the operator seals with. May be given several times"
    " while the key is replaced; in the environment, paths are separated by blanks.",
)
@click.option(
    "--listen",
    envvar="SLUICE_LISTEN",
    default="127.0.0.1:8080",
    show_default=True,
    metavar="HOST:PORT",
    help="Where to listen. Port 0 takes a free one.",
)
@click.option("--host", help="In place of the host in --listen.")
@click.option("--port", type=click.IntRange(0, 65535), help="In place of the port in --listen.")
@click.option(
    "--proof-gap",
    envvar="SLUICE_PROOF_GAP",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long after its first check-in on a bundle a phone must check in on it again to have"
    " proved that it starts.",
)
@click.option(
    "--drain",
    "drain_seconds",
    envvar="SLUICE_DRAIN",
    type=click.FloatRange(min=0),
    default=3.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to go on taking requests after SIGTERM while /readyz already says no.",
)
@log_level_option
def serve(**options: Any) -> None:
    """Answer phones: what to run, what happened, which channel, and the bundles themselves.

    It serves what the operator sealed and nothing else. It needs no access to Kubernetes, and any
    number of it may run on one store.
    """
    set_up_logs(options["log_level"])
    # What it warns of is what phones and scanners send wrong: of no use, and without end.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    try:
        settings = _settings(options)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(settings))
    except SluiceError as error:
        raise click.ClickException(str(error)) from error


def _settings(options: Mapping[str, Any]) -> _Settings:
    host, port = listen_address(options["listen"])
    public_url = options["public_url"].rstrip("/")
    if urlsplit(public_url).scheme not in {"http", "https"} or not urlsplit(public_url).netloc:
        raise Refused("PublicUrlInvalid", "Give --public-url as https://HOST, as phones reach it.")
    places = store_places(options["store"], options["blobs"])
    return _Settings(
        store=places.database,
        blobs=places.blobs,
        public_url=public_url,
        seal_keys=tuple(public_key(file.read()) for file in options["seal_keys"]),
        host=options["host"] or host,
        port=port if options["port"] is None else options["port"],
        proof_gap=timedelta(seconds=options["proof_gap"]),
        drain_seconds=options["drain_seconds"],
    )


async def _run(settings: _Settings) -> None:
    _raise_file_limit()
    _spare_the_collector()
    database = await _opened(settings.store)
    metrics = Metrics()
    table = LiveTable(database, settings.seal_keys, metrics)
    commits = report_commits(database, now=lambda: datetime.now(UTC), proof_gap=settings.proof_gap)
    try:
        async with commits:
            app = DeviceServer(
                table=table,
                recorder=Recorder(commits, metrics, settings.proof_gap.total_seconds()),
                channels=Channels(database),
                bundles=Bundles(Blobs(settings.blobs).path, metrics),
                metrics=metrics,
                public_url=settings.public_url,
            )
            server = _DrainingServer(app, settings)
            following = asyncio.create_task(table.follow(), name="follow-table")
            # It ends by a bug alone. Started anew, this process follows again; going on, it would
            # serve what was live now for ever.
            following.add_done_callback(lambda _: server.stop())
            await server.serve()
            if following.done():
                following.result()
            following.cancel()
    finally:
        await database.close()


async def _opened(url: str) -> Database:
    """Return the store's database, as soon as the operator has made it."""
    deadline = asyncio.get_running_loop().time() + STORE_SECONDS_MAX
    while True:
        try:
            return await Database.open(url)
        except Unavailable as error:
            if asyncio.get_running_loop().time() > deadline:
                raise
            _logger.info("waiting for the store: %s", error)
        await asyncio.sleep(STORE_RETRY_SECONDS)


class _DrainingServer(uvicorn.Server):
    """Stops in two steps: first no new phones are wanted, then none are taken."""

    def __init__(self, app: DeviceServer, settings: _Settings) -> None:
        super().__init__(configured(app, settings.host, settings.port))
        self._app = app
        self._drain_seconds = settings.drain_seconds

    def stop(self) -> None:
        """Take no new requests, finish those that are under way, and end."""
        self.should_exit = True

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in self.servers:
            for found in listener.sockets:
                host, port = found.getsockname()[:2]
                _logger.info("listening on http://%s:%s", host, port)

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn's own raises the signal again at the end, so that a clean stop looks like a kill.
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM)
        for number in signals:
            loop.add_signal_handler(number, self._drain)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)

    def _drain(self) -> None:
        if self._app.draining:
            self.stop()
            return
        self._app.draining = True
        _logger.info("draining for %s s", self._drain_seconds)
        asyncio.get_running_loop().call_later(self._drain_seconds, self.stop)


def _spare_the_collector() -> None:
    """Let garbage collection look at young objects, and seldom at what lives for ever.

    Modules and the serving table are never garbage; looking through them again and again takes a
    tenth of an update check, and stops all phones meanwhile.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_WANTED if hard == resource.RLIM_INFINITY else min(FILES_WANTED, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
