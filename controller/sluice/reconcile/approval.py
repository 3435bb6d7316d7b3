"""The way of one Approval: what must not be forgotten is kept as soon as it is seen."""

from sluice.reconcile.observed import ApprovalObserved
from sluice.reconcile.step import ApprovalStep, Keep, Rest
from sluice.reconcile.words import WORDS_KEPT_MAX

__all__ = ["next_step"]


def next_step(observed: ApprovalObserved) -> ApprovalStep:
    """Decide the one thing to do next for an Approval; its status tells the rest."""
    words = observed.words
    if words.unkept and words.kept < WORDS_KEPT_MAX:
        return Keep(
            namespace=observed.approval.key.namespace,
            release_digest=observed.release_digest,
            word=words.unkept[0],
        )
    return Rest(reason="Seen", message="There is nothing to keep.")
