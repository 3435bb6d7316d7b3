"""When a bundle is looked into: once nothing but people and time keeps it from phones.

So whoever is to approve a release sees what is in it, and nothing is fetched that machines do not
vouch for already.
"""

from typing import Final

from sluice.reconcile.observed import ChannelObserved
from sluice.reconcile.step import Hold, Inspect

__all__ = ["inspection"]

NOT_INSPECTED: Final = "BundleNotInspected"
LIVE_NOT_INSPECTED: Final = "LiveBundleNotInspected"

UP_TO_PEOPLE_AND_TIME: Final = frozenset(
    {
        NOT_INSPECTED,
        LIVE_NOT_INSPECTED,
        "ApprovalsMissing",
        "AuthorUnknown",
        "ReviewMissing",
        "ReviewersMissing",
        "SoakMissing",
        "SoakTooShort",
        "SoakDevicesTooFew",
        "WindowClosed",
    }
)
"""Reasons of findings that may be unmet when the bundle is fetched and looked into."""


def inspection(observed: ChannelObserved) -> Inspect | Hold | None:
    """Return the look that the verdict asks for, or why it can't be had."""
    verdict, release = observed.verdict, observed.release
    if verdict is None or release is None or observed.case is None:
        return None
    if verdict.answer == "withdrawn":
        return None
    open_reasons = {
        each.reason for each in verdict.findings if each.enforced and each.state != "satisfied"
    }
    if not open_reasons <= UP_TO_PEOPLE_AND_TIME:
        return None
    reasons = {each.reason for each in verdict.findings if each.state != "satisfied"}
    live = observed.case.subject.circumstances.live
    bundle = release.bundle
    if NOT_INSPECTED in reasons:
        wanted = Inspect(
            digest=bundle.sha256,
            release_digest=observed.release_digest,
            url=bundle.url,
            size=bundle.size,
        )
    elif LIVE_NOT_INSPECTED in reasons and live is not None:
        wanted = Inspect(
            digest=live.bundle_sha256,
            release_digest=observed.release_digest,
            url=None,
            size=0,
        )
    else:
        return None
    attempt = observed.inspect_attempt
    if attempt and (attempt.retry_at is None or observed.now < attempt.retry_at):
        return Hold(reason=attempt.reason, message=attempt.message, until=attempt.retry_at)
    return wanted
