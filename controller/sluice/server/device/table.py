"""The serving table in memory: fetched when the store says that it changed, swapped whole.

The store is not trusted. What it says is taken in only when
(1) the seal of a row is the operator's, over exactly what the row says it is; and
(2) its generation is not below the highest one seen for that channel, nor another table under that
    same one, and above it once the channel was gone: an old row that is put back (from a backup, or
    by an intruder) changes nothing.
A row that fails is refused loudly, and its channel stays as it was. When the store does not answer
at all, everything stays as it was: phones get what is live with the database down.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from sluice.errors import Unavailable, VerificationError
from sluice.server.device.metrics import Metrics
from sluice.serving.seal import open_sealed
from sluice.serving.table import ChannelTable, ServingTable
from sluice.store import serving
from sluice.store.database import Database

__all__ = ["POLL_SECONDS", "LiveTable"]

POLL_SECONDS: Final = 0.25
"""Between two looks at the change number: a change reaches all phones in well under a second, for
four cheap reads a second and server."""

_NAME_CHARS_MAX: Final = 64
"""How much of a name is logged; names come from rows that anybody may have written."""

_logger = logging.getLogger(__name__)

Key = tuple[str, str, str]
"""appId, namespace and channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    sealed: str
    table: ChannelTable


class LiveTable:
    """What is served now.

    Args:
        database: the store.
        keys: public halves of the operator's seal keys; none opens nothing.
        metrics: where refusals are counted.
    """

    def __init__(
        self, database: Database, keys: Sequence[Ed25519PublicKey], metrics: Metrics
    ) -> None:
        self._database = database
        self._keys = tuple(keys)
        self._metrics = metrics
        self._opened: dict[Key, _Opened] = {}
        """The newest table of each channel that ever was here, served or not."""
        self._gone: set[Key] = set()
        """Those of them that are not served any more."""
        self._refused: dict[Key, str] = {}
        """Rows that were refused, so that each is told of once."""
        self._answers = True
        self._change = 0
        self.current: ServingTable | None = None
        """What is served, or None until the store first answered."""

    async def follow(self) -> None:
        """Keep `current` up to date, until cancelled."""
        while True:
            try:
                await self.refresh()
            except Unavailable as error:
                self._metrics.refresh_failures += 1
                if self._answers:
                    _logger.warning("the store does not answer, what was live stays: %s", error)
                self._answers = False
            else:
                if not self._answers:
                    _logger.info("the store answers again")
                self._answers = True
            await asyncio.sleep(POLL_SECONDS)

    async def refresh(self) -> None:
        """Look whether something changed, and take it in.

        Raises:
            Unavailable: the store does not answer; `current` is as it was.
        """
        number = await serving.change_number(self._database)
        if self.current is None or number != self._change:
            self.take(await serving.load(self._database))

    def take(self, rows: serving.ServingRows) -> None:
        """Swap in what the store says, as far as it proves itself."""
        served: dict[str, list[ChannelTable]] = {}
        for row in rows.channels:
            table = self._table_of(row)
            if table is not None:
                served.setdefault(table.app_id, []).append(table)
        present = {_key(row) for row in rows.channels}
        self._gone |= self._opened.keys() - present
        self.current = ServingTable(
            channels={
                app_id: tuple(sorted(tables, key=lambda each: each.channel))
                for app_id, tables in served.items()
            },
            overrides=rows.overrides,
            quarantine=rows.quarantine,
        )
        self._change = self._metrics.change = rows.change
        self._metrics.channels = sum(len(tables) for tables in served.values())

    def _table_of(self, row: serving.SealedChannel) -> ChannelTable | None:
        """Return what a row's channel serves: the row's table, or the one before it, or nothing."""
        key = _key(row)
        known, gone = self._opened.get(key), key in self._gone
        if known is not None and known.sealed == row.sealed and not gone:
            return known.table
        try:
            opened = self._open(row, known, gone=gone)
        except VerificationError as error:
            self._tell(key, row.sealed, error)
            return None if known is None or gone else known.table
        self._opened[key] = opened
        self._gone.discard(key)
        self._refused.pop(key, None)
        return opened.table

    def _open(self, row: serving.SealedChannel, known: _Opened | None, *, gone: bool) -> _Opened:
        table = open_sealed(row.sealed, self._keys)
        # (1) A seal that is genuine, but of another channel, must not be served on this one.
        inside = (table.app_id, table.namespace, table.channel, table.generation)
        if inside != (row.app_id, row.namespace, row.channel, row.generation):
            raise VerificationError(
                "SealMisplaced", "The row holds the sealed table of another channel or generation."
            )
        # (2) An old table that was put back is genuine as well.
        if known is not None and (
            table.generation < known.table.generation
            or (table.generation == known.table.generation and (gone or table != known.table))
        ):
            raise VerificationError(
                "SealReplayed",
                f"The table is of generation {table.generation}, and generation"
                f" {known.table.generation} was served before.",
            )
        return _Opened(sealed=row.sealed, table=table)

    def _tell(self, key: Key, sealed: str, error: VerificationError) -> None:
        self._metrics.seals_refused[error.reason] += 1
        if self._refused.get(key) == sealed:
            return
        self._refused[key] = sealed
        _logger.error(
            "what the store says of channel %s is not served: %s",
            "/".join(ascii(part[:_NAME_CHARS_MAX]) for part in key),
            error,
        )


def _key(row: serving.SealedChannel) -> Key:
    return row.app_id, row.namespace, row.channel
