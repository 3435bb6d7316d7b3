"""The way of one App: to hold its appId, or to be told who does."""

from sluice.reconcile.observed import AppObserved, Claim
from sluice.reconcile.step import AppStep, DropClaim, Hold, Rest, TakeClaim

__all__ = ["next_step"]


def next_step(observed: AppObserved) -> AppStep:
    """Decide the one thing to do next for an App.

    A claim outlives its App for as long as phones are served under it, and for ever once a bundle
    was published under it: else whoever can write to git could delete the App, and claim its phones
    for a namespace that no policy of theirs binds.
    """
    app, spec, stale = observed.app, observed.spec, observed.stale
    if app is not None and spec is None:
        return Hold(reason="SpecInvalid", message=app.problem.message if app.problem else "")
    if stale is not None and observed.serving:
        return Hold(
            reason="StillServing",
            message=f"{stale.app_id} is still served: delete its channels first.",
        )
    if stale is not None and not observed.published:
        return DropClaim(claim=stale)
    if spec is None:
        return _kept(stale) if stale else Rest(reason="Gone", message="The App holds nothing.")
    own = Claim(app_id=spec.app_id, namespace=observed.namespace, name=observed.name)
    if observed.claim is None:
        return TakeClaim(claim=own)
    if observed.claim != own:
        return _conflict(observed.claim)
    also = f" {_kept(stale).message}" if stale else ""
    return Rest(reason="Claimed", message=f"{spec.app_id} belongs to this namespace.{also}")


def _kept(claim: Claim) -> Rest:
    return Rest(
        reason="ClaimKept",
        message=f"{claim.app_id} stays claimed by App {claim.namespace}/{claim.name}, because"
        " bundles were published under it: an App of that name in that namespace gets it back. Only"
        f" an administrator can free it: sluice store release-claim {claim.app_id}.",
    )


def _conflict(holder: Claim) -> Hold:
    return Hold(
        reason="Conflict",
        message=f"App {holder.namespace}/{holder.name} has claimed {holder.app_id}: use that"
        " namespace and name. Deleting that App frees it only if nothing was ever published under"
        f" it; else an administrator can: sluice store release-claim {holder.app_id}.",
    )
