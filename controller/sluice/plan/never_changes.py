"""Fields that never change once they are applied: the API server would refuse the sync."""

from collections.abc import Iterator

from sluice.plan.manifests import Found, Manifests, Problem
from sluice.resources.app import AppSpec
from sluice.resources.approval import ApprovalSpec
from sluice.resources.canonical import release_digest
from sluice.resources.channel import ChannelSpec
from sluice.resources.release import ReleaseSpec

__all__ = ["broken_promises"]


def broken_promises(base: Manifests, head: Manifests) -> Iterator[Problem]:
    """Yield a problem for each field that changes and may not."""
    for key, new in sorted(head.objects.items()):
        old = base.objects.get(key)
        if old is None or old.spec is None or new.spec is None or old.spec == new.spec:
            continue
        match old.spec, new.spec:
            case ReleaseSpec() as before, ReleaseSpec() as after:
                yield from _release(new, before, after)
            case ApprovalSpec(), ApprovalSpec():
                message = "An Approval never changes: give the new one a name of its own."
                yield _problem(new, message)
            case AppSpec(app_id=before_id), AppSpec(app_id=after_id) if before_id != after_id:
                yield _problem(new, "appId never changes: make another App.", "appId")
            case ChannelSpec(app=before_app), ChannelSpec(app=after_app) if before_app != after_app:
                yield _problem(new, "app never changes: make another Channel.", "app")
            case _:
                pass


def _release(new: Found, before: ReleaseSpec, after: ReleaseSpec) -> Iterator[Problem]:
    if release_digest(before) != release_digest(after):
        message = (
            "A Release never changes, and approvals of what it was do not count for what it is:"
            " make another one with a name of its own."
        )
        yield _problem(new, message)
    if before.revoked is not None and before.revoked != after.revoked:
        message = "A revocation is never changed or taken back: make another Release."
        yield _problem(new, message, "revoked")


def _problem(found: Found, message: str, *path: str) -> Problem:
    return Problem(
        spot=found.spot("spec", *path), reason="Immutable", message=f"{found.key}: {message}"
    )
