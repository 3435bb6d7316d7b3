"""The way of one Release: to have its evidence at hand. What it is good for, channels decide."""

from sluice.reconcile.observed import ReleaseObserved
from sluice.reconcile.step import Collect, Hold, KeepRevocation, ReleaseStep, Rest

__all__ = ["next_step"]


def next_step(observed: ReleaseObserved) -> ReleaseStep:
    """Decide the one thing to do next for a Release."""
    problem, attempt = observed.release.problem, observed.attempt
    if observed.spec is None:
        return Hold(reason="SpecInvalid", message=str(problem and problem.message))
    if observed.spec.revoked is not None and not observed.revocation_kept:
        return KeepRevocation(
            digest=observed.spec.bundle.sha256, reason=observed.spec.revoked.reason
        )
    if observed.spec.revoked is not None:
        return Rest(reason="Revoked", message=observed.spec.revoked.reason)
    if observed.uncollected:
        if attempt and (attempt.retry_at is None or observed.now < attempt.retry_at):
            return Hold(reason=attempt.reason, message=attempt.message, until=attempt.retry_at)
        return Collect(references=observed.uncollected)
    if observed.publication is None:
        return Rest(reason="NotPublished", message="No channel has published it yet.")
    return Rest(reason="Published", message="The bundle is in the store.")
