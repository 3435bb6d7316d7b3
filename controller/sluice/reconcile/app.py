"""The way of one App: to hold its appId, or to be told who does."""

from sluice.reconcile.observed import AppObserved, Claim
from sluice.reconcile.step import AppStep, DropClaim, Hold, Rest, TakeClaim

__all__ = ["next_step"]


def next_step(observed: AppObserved) -> AppStep:
    """Decide the one thing to do next for an App.

    A claim outlives its App for as long as phones are served under it: deleting an App by mistake,
    or by malice, must not open its phones to whoever claims the appId next.
    """
    app, spec, stale = observed.app, observed.spec, observed.stale
    if app is not None and spec is None:
        return Hold(reason="SpecInvalid", message=app.problem.message if app.problem else "")
    if stale is not None:
        if observed.serving:
            return Hold(
                reason="StillServing",
                message=f"{stale.app_id} is still served: delete its channels first.",
            )
        return DropClaim(claim=stale)
    if spec is None:
        return Rest(reason="Gone", message="The App is gone, and holds nothing.")
    own = Claim(app_id=spec.app_id, namespace=observed.namespace, name=observed.name)
    if observed.claim is None:
        return TakeClaim(claim=own)
    if observed.claim != own:
        holder = observed.claim
        return Hold(
            reason="Conflict",
            message=f"App {holder.namespace}/{holder.name} has claimed {spec.app_id}: delete it"
            " first, or use its namespace.",
        )
    return Rest(reason="Claimed", message=f"{spec.app_id} belongs to this namespace.")
