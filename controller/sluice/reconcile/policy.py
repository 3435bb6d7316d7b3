"""The way of one policy: into force, revision by revision, and never out of it by a git write."""

from sluice.policy.sealing import Adopt, Ignored, Same
from sluice.reconcile.observed import PolicyObserved, SealedRevision
from sluice.reconcile.step import AdoptPolicy, Hold, PolicyStep, Rest

__all__ = ["next_step"]

HELD = "Until then everything in its reach is held."


def next_step(observed: PolicyObserved) -> PolicyStep:
    """Decide the one thing to do next for a policy.

    What the store holds and nobody can believe allows nothing, and is overwritten by nothing.
    Whatever does not come into force leaves in force what is.
    """
    if observed.store_problem:
        return Hold(reason="PolicyRowRefused", message=f"{observed.store_problem} {HELD}")
    if observed.policy is None:
        return _removed(observed.in_force)
    if observed.proposed is None:
        after = _stays(observed.in_force)
        return Hold(reason="PolicyUnreadable", message=f"{observed.problem} {after}")
    match observed.judgement:
        case Adopt(basis=basis, sealed_by=sealed_by):
            return AdoptPolicy(policy=observed.proposed, basis=basis, sealed_by=sealed_by)
        case Same():
            return _in_force(observed.in_force)
        case Ignored(reason="PolicyUnsealed") if _unsealed_counts(observed):
            return Rest(
                reason="InForceUnsealed",
                message="In force, but unsealed: whoever may write it can weaken it. Name owners"
                " and revision 1, and have them seal it.",
            )
        case Ignored(reason="PolicySealMissing", message=message):
            after = _stays(observed.in_force)
            return Hold(reason="PolicySealMissing", message=f"{message} {after}")
        case Ignored(reason=reason, message=message):
            after = "" if observed.in_force else f" {HELD}"
            return Hold(reason=reason, message=message + after)
        case None:
            return Rest(reason="Gone", message="There is nothing to judge.")


def _unsealed_counts(observed: PolicyObserved) -> bool:
    return observed.unsealed_allowed and observed.in_force is None


def _stays(in_force: SealedRevision | None) -> str:
    if in_force is None:
        return HELD
    return f"Until then revision {in_force.policy.spec.revision} stays in force."


def _removed(in_force: SealedRevision | None) -> PolicyStep:
    if in_force is None:
        return Rest(reason="Gone", message="The policy is gone, and was never in force, sealed.")
    spec = in_force.policy.spec
    if spec.retired:
        return Rest(reason="Retired", message=f"Retired by revision {spec.revision}.")
    return Rest(
        reason="InForceWithoutFile",
        message=f"Removed from git, but revision {spec.revision} is still in force: put it back, or"
        f" retire it by revision {(spec.revision or 0) + 1} with retired: true.",
    )


def _in_force(in_force: SealedRevision | None) -> PolicyStep:
    if in_force is None:
        return Rest(reason="Gone", message="There is nothing in force.")
    spec = in_force.policy.spec
    if spec.retired:
        message = f"Retired by revision {spec.revision}: it binds nothing."
        return Rest(reason="Retired", message=message)
    if in_force.basis == "FirstUse":
        message = (
            "Revision 1 is in force because it was the first one seen: whoever could write to git"
            f" then could have made it. Compare sha256:{in_force.policy.ref.digest} with what its"
            " owners sealed, or give the operator root owners (--genesis)."
        )
        return Rest(reason="InForceByFirstUse", message=message)
    by = ", ".join(in_force.sealed_by)
    message = f"Revision {spec.revision} is in force, sealed by {by}."
    return Rest(reason="InForce", message=message)
