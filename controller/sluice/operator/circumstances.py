"""What is known around a release: what is served, how it did elsewhere, whose its version is."""

from collections.abc import Mapping

from sluice.operator.inspections import Inspections
from sluice.policy.subject import Circumstances, Live, Soaked
from sluice.reconcile.observed import RolloutRow
from sluice.resources.kinds import Key
from sluice.resources.release import ReleaseSpec
from sluice.serving.table import ChannelTable
from sluice.store import publications, reports, rollouts
from sluice.store.database import Database

__all__ = ["Surroundings"]


class Surroundings:
    """Looks around releases, in the store alone."""

    def __init__(self, database: Database, inspections: Inspections) -> None:
        self._database = database
        self._inspections = inspections

    async def of(
        self, key: Key, app_id: str, release: ReleaseSpec, table: ChannelTable | None
    ) -> Circumstances:
        """Return the circumstances of a release on a channel.

        Args:
            key: the channel's.
            app_id: of the channel's App, whose claim this namespace holds.
            release: what is judged.
            table: what the channel serves now.

        Raises:
            Unavailable: `StoreFailed`.
        """
        digest = release.bundle.sha256
        live = await self._live(key, app_id, table)
        holder = await publications.version_holder(self._database, app_id, release.version)
        return Circumstances(
            live=live,
            soaked=await self._soaked(key, digest),
            version_taken_by=holder if holder != digest else None,
            bundle=await self._inspections.of(digest),
            live_bundle=await self._inspections.of(live.bundle_sha256) if live else None,
        )

    async def _live(self, key: Key, app_id: str, table: ChannelTable | None) -> Live | None:
        """Return what phones of an app have by this channel.

        Phones keep what they got when a channel is deleted: so whoever makes it anew, empty, does
        not make them forget it, and an older version is older still.
        """
        if table is not None and table.stable is not None:
            return Live(version=table.stable.version, bundle_sha256=table.stable.digest)
        last = await rollouts.completed_rollout(self._database, key.namespace, key.name)
        if last is None:
            return None
        # The channel may have been another app's of this namespace.
        holder = await publications.version_holder(self._database, app_id, last.version)
        if holder != last.bundle_digest:
            return None
        return Live(version=last.version, bundle_sha256=last.bundle_digest)

    async def _soaked(self, key: Key, digest: str) -> tuple[Soaked, ...]:
        rows = await rollouts.rollouts_of_bundle(self._database, key.namespace, digest)
        latest = _latest_by_channel(rows)
        taken_back = {each.channel for each in rows if each.phase in ("RolledBack", "Withdrawn")}
        found = []
        for channel, row in sorted(latest.items()):
            if channel != key.name:
                seen = await reports.evidence(self._database, row.rollout_id)
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
