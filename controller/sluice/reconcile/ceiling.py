"""How far approvals let a rollout grow."""

from sluice.reconcile.observed import ChannelObserved
from sluice.reconcile.step import Hold
from sluice.resources.fields import percent

__all__ = ["above_ceiling"]


def above_ceiling(observed: ChannelObserved, share_bp: int) -> Hold | None:
    """Return why the rollout may not grow to a share, when approvals have a ceiling below it."""
    verdict = observed.verdict
    if verdict is None or share_bp <= verdict.ceiling_bp:
        return None
    return Hold(
        reason="CeilingReached",
        message=f"Approvals let {verdict.version} grow to {percent(verdict.ceiling_bp)} of the"
        f" phones, and {percent(share_bp)} would be next: approve it for more.",
        until=verdict.recheck_at,
    )
