"""Whose phones a channel is for, and when that may change: a wider audience is growth, too."""

from sluice.reconcile.ceiling import above_ceiling
from sluice.reconcile.observed import ChannelObserved
from sluice.reconcile.step import Hold
from sluice.resources.channel import Audience as AudienceSpec
from sluice.resources.fields import BASIS_POINTS
from sluice.serving.table import Audience, ChannelTable

__all__ = ["audience_held", "wanted_audience", "widens"]


def wanted_audience(spec: AudienceSpec) -> Audience:
    """Return the audience that a channel's spec asks for."""
    return Audience(
        default=spec.default,
        platforms=tuple(sorted(spec.platforms)),
        self_assign=spec.self_assign,
        production=spec.builds.production,
        development=spec.builds.development,
        emulator=spec.builds.emulator,
        device=spec.builds.device,
    )


def widens(before: Audience, after: Audience) -> bool:
    """Return whether some phones are in one audience and were not in the other."""
    flags = ("default", "self_assign", "production", "development", "emulator", "device")
    return not set(after.platforms) <= set(before.platforms) or any(
        getattr(after, flag) and not getattr(before, flag) for flag in flags
    )


def audience_held(observed: ChannelObserved, table: ChannelTable) -> Hold | None:
    """Return why what is served may not go to more phones: a wider audience is growth, too.

    Policies may bind the channel anew because of its audience, so the verdict must allow all that
    is served; and it is on the release that the channel names, and on no other.
    """
    served = {each.digest for each in (table.stable, table.candidate) if each}
    verdict, release = observed.verdict, observed.release
    if not served:
        return None
    if verdict is None or release is None or served != {release.bundle.sha256}:
        message = "The audience grows once nothing is served but the release that is named."
        return Hold(reason="AudienceWaits", message=message)
    if verdict.answer != "allowed":
        return Hold(
            reason=verdict.reason,
            message=f"The channel's audience does not grow: {verdict.message}",
            until=verdict.recheck_at,
        )
    return above_ceiling(observed, BASIS_POINTS)
