"""What is known around a release: what is served, how it did elsewhere, whose its version is."""

from collections.abc import Mapping

from sluice.policy.subject import Circumstances, Live, Soaked
from sluice.reconcile.observed import RolloutRow
from sluice.resources.kinds import Key
from sluice.resources.release import ReleaseSpec
from sluice.serving.table import ChannelTable
from sluice.store import publications, reports, rollouts
from sluice.store.database import Database

__all__ = ["circumstances_of"]


async def circumstances_of(
    database: Database, key: Key, app_id: str, release: ReleaseSpec, table: ChannelTable | None
) -> Circumstances:
    """Return the circumstances of a release on a channel, from the store alone.

    Args:
        database: the store, in one snapshot of which the whole channel is observed.
        key: the channel's.
        app_id: of the channel's App, whose claim this namespace holds.
        release: what is judged.
        table: what the channel serves now.

    Raises:
        Unavailable: `StoreFailed`.
    """
    stable = table.stable if table else None
    holder = await publications.version_holder(database, app_id, release.version)
    return Circumstances(
        live=Live(version=stable.version, bundle_sha256=stable.digest) if stable else None,
        soaked=await _soaked(database, key, release.bundle.sha256),
        version_taken_by=holder if holder != release.bundle.sha256 else None,
    )


async def _soaked(database: Database, key: Key, digest: str) -> tuple[Soaked, ...]:
    rows = await rollouts.rollouts_of_bundle(database, key.namespace, digest)
    latest = _latest_by_channel(rows)
    taken_back = {each.channel for each in rows if each.phase in ("RolledBack", "Withdrawn")}
    found = []
    for channel, row in sorted(latest.items()):
        if channel != key.name:
            seen = await reports.evidence(database, row.rollout_id)
            found.append(
                Soaked(
                    channel=channel,
                    since=row.started_at,
                    healthy_devices=seen.candidate.proven,
                    taken_back=channel in taken_back,
                )
            )
    return tuple(found)


def _latest_by_channel(rows: tuple[RolloutRow, ...]) -> Mapping[str, RolloutRow]:
    """Return the latest rollout of each channel that is under way, or came to its end."""
    latest: dict[str, RolloutRow] = {}
    for each in rows:
        if each.phase != "Superseded":
            latest.setdefault(each.channel, each)
    return latest
