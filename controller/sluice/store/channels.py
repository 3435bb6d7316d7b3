"""What channels serve: one transaction changes it, begins or ends its rollout, and audits both.

The operator decides what is served, and seals it. This module is the last line behind that
decision:

(1) only the leader's epoch may write;
(2) a change that was decided from an older generation is refused;
(3) nothing that was not served here already, and no growth, goes through without a publication and
    without `allowed` as the last verdict in the audit log for this very release on this channel.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sluice.errors import Refused, Unavailable
from sluice.reconcile.step import Serve
from sluice.resources.kinds import Key
from sluice.rollout.evidence import ArmCounts
from sluice.serving.table import ChannelTable, ServedBundle
from sluice.store import audit
from sluice.store.claims import expect_claimed
from sluice.store.database import Database, insert_into
from sluice.store.leadership import leading
from sluice.store.publications import publication_in
from sluice.store.reports import evidence_in
from sluice.store.rollouts import rollout_json, write_rollout
from sluice.store.schema import channels
from sluice.store.serving import note_change
from sluice.store.verdicts import last_verdict_in

__all__ = ["ChannelRow", "channel_row", "serve", "served_channels"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRow:
    """What the store holds of one channel."""

    namespace: str
    channel: str
    app_id: str
    generation: int
    """Of the last change, that which retired it included: the next change is one more."""
    sealed: str | None
    """The sealed table, or None when the channel is retired."""


async def channel_row(database: Database, namespace: str, channel: str) -> ChannelRow | None:
    """Return what the store holds of a channel; None when nothing was ever served on it.

    Raises:
        Unavailable: `StoreFailed`.
    """
    async with database.reading() as connection:
        row = await _row(connection, namespace, channel)
    return None if row is None else _channel_row(row)


async def served_channels(database: Database) -> tuple[ChannelRow, ...]:
    """Return the channels that are not retired, in the order of namespace and name.

    Raises:
        Unavailable: `StoreFailed`.
    """
    async with database.reading() as connection:
        rows = await connection.execute(
            select(channels)
            .where(channels.c.sealed.is_not(None))
            .order_by(channels.c.namespace, channels.c.channel)
        )
        return tuple(_channel_row(row) for row in rows)


async def serve(
    database: Database,
    key: Key,
    change: Serve,
    *,
    sealed: str | None,
    epoch: int,
    at: datetime,
) -> None:
    """Change what a channel serves, begin or end its rollout, and audit it, in one transaction.

    A change that is there already, to the byte of its seal, is not made again.

    Args:
        database: the store.
        key: of the channel.
        change: what to do, with its table's generation, and the rollout's id and salt, filled in.
        sealed: the sealed table; None to retire the channel.
        epoch: of the operator that leads.
        at: when, in UTC.

    Raises:
        Fenced: another operator leads.
        Refused: `NotLetThrough` or `NotClaimed`: the change would serve what nobody allowed.
        Unavailable: `Moved`: the channel is not as the decision saw it: observe it again;
            `StoreFailed`.
        ValueError: the parts of the change do not fit each other.
    """
    _expect_coherent(key, change, sealed)
    async with leading(database, "serve", epoch) as transaction:
        row = await _row(transaction, key.namespace, key.name, locked=True)
        stored = row.generation if row else 0
        if row and change.table and (row.sealed, stored) == (sealed, change.table.generation):
            return
        _expect_unmoved(row, change)
        await _expect_let_through(transaction, row, change)
        generation = stored + 1
        if change.rollout:
            await write_rollout(transaction, change.rollout, generation=generation)
        body = await _audited(transaction, change, generation)
        await audit.append(transaction, change.change, str(key), body, at=at)
        app_id = change.table.app_id if change.table else row.app_id if row else ""
        await _write(transaction, key, app_id, _columns(change.table, sealed, generation, at))
        await note_change(transaction)


def _expect_coherent(key: Key, change: Serve, sealed: str | None) -> None:
    table, rollout = change.table, change.rollout
    gone = change.change == "Retire"
    if gone != (table is None) or gone != (sealed is None):
        msg = "a channel is retired by a change without a table, and by nothing else"
        raise ValueError(msg)
    names = [(key.namespace, key.name)]
    names += [(each.namespace, each.channel) for each in (table, rollout) if each]
    if len(set(names)) > 1 or (rollout and not rollout.rollout_id):
        msg = f"the change is not one of {key}, or its rollout has no id"
        raise ValueError(msg)


def _expect_unmoved(row: Row[tuple[object, ...]] | None, change: Serve) -> None:
    stored = row.generation if row else 0
    # The generation of a retired channel counts on, but a decision sees no table then.
    seen = stored if row and row.sealed is not None else 0
    if change.seen_generation != seen or (
        change.table is not None and change.table.generation != stored + 1
    ):
        raise Unavailable(
            "Moved",
            f"The channel was changed meanwhile (generation {stored}, the decision saw"
            f" {change.seen_generation}): observe it again.",
        )


async def _expect_let_through(
    transaction: AsyncConnection, row: Row[tuple[object, ...]] | None, change: Serve
) -> None:
    table, rollout = change.table, change.rollout
    if table is None:
        return
    grows = change.change in {"Offer", "Promote"} or table.share_bp > (row.share_bp if row else 0)
    served = {row.stable_digest, row.candidate_digest, row.previous_digest} if row else set()
    bundles = [each for each in (table.stable, table.candidate, table.previous) if each]
    asked = [each for each in bundles if each.digest not in served]
    if grows:
        asked += [each for each in (table.candidate or table.stable,) if each]
    if not asked and not grows:
        return
    await expect_claimed(transaction, table.app_id, table.namespace)
    verdict = await last_verdict_in(transaction, table.namespace, table.channel)
    if rollout is None or verdict is None or verdict.release_digest != rollout.release_digest:
        raise _not_let_through(change, "there is no verdict on this release")
    if verdict.answer != "allowed":
        raise _not_let_through(change, f"the last verdict is {verdict.answer}")
    publication = await publication_in(transaction, table.app_id, rollout.release_digest)
    for bundle in asked:
        if publication is None or not _is_of(bundle, publication.digest, publication.size):
            raise _not_let_through(change, f"{bundle.version} is not the published bundle")


def _is_of(bundle: ServedBundle, digest: str, size: int) -> bool:
    return (bundle.digest, bundle.size) == (digest, size)


def _not_let_through(change: Serve, why: str) -> Refused:
    return Refused("NotLetThrough", f"{change.change} is refused: {why}. Nothing was changed.")


async def _audited(
    transaction: AsyncConnection, change: Serve, generation: int
) -> dict[str, object]:
    table = change.table.as_json() if change.table else None
    if table:
        # Who knows the salt can choose its arm, and the log is for many eyes.
        del table["salt"]
    body: dict[str, object] = {
        "generation": generation,
        "table": table,
        "rollout": None,
        "evidence": None,
        "reason": change.reason,
        "message": change.message,
    }
    if change.rollout:
        evidence = await evidence_in(transaction, change.rollout.rollout_id)
        body["rollout"] = rollout_json(change.rollout)
        body["evidence"] = {
            "candidate": _counts(evidence.candidate),
            "control": _counts(evidence.control),
        }
    return body


def _counts(counts: ArmCounts) -> Mapping[str, object]:
    return {"devices": counts.devices, "failed": counts.failed, "proven": counts.proven}


def _columns(
    table: ChannelTable | None, sealed: str | None, generation: int, at: datetime
) -> dict[str, object]:
    stable, candidate, previous = (
        (table.stable, table.candidate, table.previous) if table else (None, None, None)
    )
    return {
        "generation": generation,
        "sealed": sealed,
        "stable_digest": stable and stable.digest,
        "candidate_digest": candidate and candidate.digest,
        "previous_digest": previous and previous.digest,
        "share_bp": table.share_bp if table else 0,
        "at": at,
    }


async def _write(
    transaction: AsyncConnection, key: Key, app_id: str, columns: Mapping[str, object]
) -> None:
    await transaction.execute(
        insert_into(transaction, channels)
        .values(namespace=key.namespace, channel=key.name, app_id=app_id, **columns)
        .on_conflict_do_update(
            index_elements=list(channels.primary_key), set_={"app_id": app_id, **columns}
        )
    )


async def _row(
    connection: AsyncConnection, namespace: str, channel: str, *, locked: bool = False
) -> Row[tuple[object, ...]] | None:
    query = select(channels).where(channels.c.namespace == namespace, channels.c.channel == channel)
    return (await connection.execute(query.with_for_update() if locked else query)).first()


def _channel_row(row: Row[tuple[object, ...]]) -> ChannelRow:
    return ChannelRow(
        namespace=row.namespace,
        channel=row.channel,
        app_id=row.app_id,
        generation=row.generation,
        sealed=row.sealed,
    )
