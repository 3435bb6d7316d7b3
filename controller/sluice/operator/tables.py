"""What channels serve, as the operator reads it back and writes it: sealed.

Only what carries the operator's own seal counts when it is read: a row that somebody else has
written decides nothing.
"""

from collections.abc import Sequence
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sluice.errors import VerificationError
from sluice.gate.record import DecisionRecord
from sluice.gate.vsa import sign_summary
from sluice.reconcile.step import Serve
from sluice.resources.kinds import Key
from sluice.serving.seal import open_sealed, seal
from sluice.serving.table import ChannelTable
from sluice.store import channels
from sluice.store.database import Database

__all__ = ["Tables"]


class Tables:
    """The tables of all channels."""

    def __init__(
        self, database: Database, key: Ed25519PrivateKey, others: Sequence[Ed25519PublicKey] = ()
    ) -> None:
        self._database = database
        self._key = key
        self._trusted = (key.public_key(), *others)

    async def of(self, namespace: str, channel: str) -> ChannelTable | None:
        """Return what a channel serves, or None when it serves nothing.

        Raises:
            VerificationError: the row in the store is not what the operator sealed for it.
        """
        row = await channels.channel_row(self._database, namespace, channel)
        if row is None or row.sealed is None:
            return None
        table = open_sealed(row.sealed, self._trusted)
        inside = (table.namespace, table.channel, table.generation)
        if inside != (namespace, channel, row.generation):
            raise VerificationError(
                "SealMisplaced",
                "The row holds the sealed table of another channel or time: somebody else wrote"
                " to the store. Find out who, and restore it from a backup.",
            )
        return table

    async def next_generation(self, namespace: str, channel: str) -> int:
        """Return the generation of the next change; it counts on where a deleted channel ended."""
        row = await channels.channel_row(self._database, namespace, channel)
        return (row.generation if row else 0) + 1

    async def served(self) -> set[tuple[str, str]]:
        """Return (namespace, channel) of everything that is served."""
        rows = await channels.served_channels(self._database)
        return {(each.namespace, each.channel) for each in rows}

    async def serves(self, app_id: str) -> bool:
        """Return whether any channel serves the phones of an app."""
        rows = await channels.served_channels(self._database)
        return any(each.app_id == app_id for each in rows)

    def summary(self, record: DecisionRecord) -> bytes:
        """Return the summary of a decision, signed with the key that seals what is served."""
        return sign_summary(record, self._key)

    async def serve(self, key: Key, step: Serve, *, epoch: int, at: datetime) -> None:
        """Seal a change that has been filled in, and make it what is served.

        Raises:
            Fenced: another operator leads.
            Refused: the store's own last look found that nobody let it through.
            Unavailable: the channel has moved since it was looked at, or the store did not answer.
        """
        sealed = seal(step.table, self._key) if step.table else None
        await channels.serve(self._database, key, step, sealed=sealed, epoch=epoch, at=at)
