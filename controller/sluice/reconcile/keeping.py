"""Which word on a release is kept next, and when a release has too many of them.

A word that takes something away, or owes something, is in the store before anything grows: so
deleting its file changes nothing. What can't be kept, or is not looked at, might say no: then
nothing grows.
"""

from sluice.gate.offered import APPROVALS_MAX
from sluice.reconcile.observed import ChannelObserved
from sluice.reconcile.step import Hold, Keep
from sluice.reconcile.words import WORDS_KEPT_MAX

__all__ = ["crowded", "keeping"]


def keeping(observed: ChannelObserved) -> Keep | None:
    """Return the word that is to be kept next, if there is one, and room for it."""
    words = observed.words
    if not words.unkept or words.kept >= WORDS_KEPT_MAX:
        return None
    return Keep(
        namespace=observed.namespace, release_digest=observed.release_digest, word=words.unkept[0]
    )


def crowded(observed: ChannelObserved) -> Hold | None:
    """Return why nothing grows, when a release has more words than are kept or looked at."""
    words = observed.words
    if words.kept >= WORDS_KEPT_MAX:
        return Hold(
            reason="TooManyWords",
            message=f"{words.kept} rejections, withdrawals and broken glasses of this release are"
            " kept, and there is no room for more: make a new release.",
        )
    if words.overlooked:
        return Hold(
            reason="TooManyApprovals",
            message=f"{APPROVALS_MAX + words.overlooked} Approvals name this release, and only the"
            f" first {APPROVALS_MAX} by name are looked at: any of the others might be a no. Delete"
            " those that no longer matter.",
        )
    return None
