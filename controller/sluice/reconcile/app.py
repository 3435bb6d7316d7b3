"""The way of one App: to hold its appId, or to be told who does."""

from sluice.reconcile.observed import AppObserved, Claim
from sluice.reconcile.step import AppStep, Hold, Rest, TakeClaim

__all__ = ["next_step"]


def next_step(observed: AppObserved) -> AppStep:
    """Decide the one thing to do next for an App."""
    app, spec = observed.app, observed.spec
    if spec is None:
        return Hold(reason="SpecInvalid", message=str(app.problem and app.problem.message))
    own = Claim(app_id=spec.app_id, namespace=app.key.namespace, name=app.key.name)
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
