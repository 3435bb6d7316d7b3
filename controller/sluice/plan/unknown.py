"""What manifests can't tell, said in sentences: never silently taken for granted."""

from collections.abc import Collection, Iterable, Iterator

from sluice.gate.case import Case
from sluice.plan.manifests import Manifests
from sluice.policy.evaluate import binds
from sluice.policy.subject import Circumstances, Live, PolicyInForce, UnreadablePolicy
from sluice.resources.requirements import Requirement
from sluice.resources.text import plain

__all__ = ["unknown_of", "unknown_of_all"]

FILES_SHOWN_MAX = 8


def unknown_of(
    cases: Iterable[Case],
    live: Live | None,
    before: str | None,
    assumed: Collection[PolicyInForce | UnreadablePolicy],
) -> tuple[str, ...]:
    """Return what the verdict on a channel rests on without being known here.

    Args:
        cases: what is judged.
        live: what phones are taken to get now.
        before: name of the Release that is taken to be live.
        assumed: policies that are taken to be in force for standing at base.
    """
    told: dict[str, None] = {}
    for case in cases:
        told |= dict.fromkeys(_of_case(case, live, before))
        told |= dict.fromkeys(_of_policies(case, assumed))
    return tuple(told)


def _of_case(case: Case, live: Live | None, before: str | None) -> Iterator[str]:
    if live is not None and before is not None:
        yield f"Phones are taken to get {before} ({live.version}) now; only the cluster knows."
    else:
        yield "Phones are taken to get nothing from this channel now; only the cluster knows."
    offered = {each.source for each in case.evidence}
    for each in case.subject.release.attestations:
        if each.url and f"attestation {each.name}" not in offered:
            yield (
                f"Attestation {each.name} stands at a url, which is not fetched here: it counts as"
                " not given. Hand it in with --evidence FILE."
            )
    for policy in _bound(case):
        for need in policy.spec.requirements:
            yield from _of_requirement(need, case.subject.circumstances)


def _of_policies(
    case: Case, assumed: Collection[PolicyInForce | UnreadablePolicy]
) -> Iterator[str]:
    for policy in _bound(case):
        if (policy.spec.revision or 1) > 1 and policy in assumed:
            yield (
                f"Revision {policy.spec.revision} of {policy.label} is taken to be in force:"
                " whether the owners before it sealed it, only the cluster knows."
            )


def _bound(case: Case) -> Iterator[PolicyInForce]:
    subject = case.subject
    for policy in case.policies:
        if isinstance(policy, PolicyInForce) and binds(policy, subject):
            yield policy


def _of_requirement(need: Requirement, around: Circumstances) -> Iterator[str]:
    if need.soak is not None:
        yield (
            f"{need.name}: how long the bundle has been on {need.soak.channel}, and how it does"
            " there, is known to the cluster alone: it counts as not shown."
        )
    if need.window is not None:
        yield f"{need.name}: the window is judged at the time of this plan, not of the merge."
    if need.bundle is not None and around.bundle is None:
        yield f"{need.name}: the bundle is not fetched here: hand it in with --bundle FILE."
    compares = need.bundle is not None and (need.bundle.new_origins or need.bundle.new_plugins)
    if compares and around.live is not None and around.live_bundle is None:
        yield (
            f"{need.name}: the bundle that is served now is not at hand to compare with: hand it"
            " in, too, with --bundle FILE."
        )


def unknown_of_all(head: Manifests, unread: tuple[str, ...]) -> tuple[str, ...]:
    """Return what a plan as a whole rests on without being known here.

    Args:
        head: all manifests as they would stand.
        unread: sentences about what was not looked into.
    """
    told = list(unread)
    if not head.of_kind("ClusterReleasePolicy"):
        told.append(
            "No ClusterReleasePolicy stands in these files. Those of the cluster bind, too: hand"
            " them in with --also FILE."
        )
    if head.left_out:
        shown = ", ".join(plain(each, 128) for each in head.left_out[:FILES_SHOWN_MAX])
        more = len(head.left_out) - FILES_SHOWN_MAX
        told.append(
            f"{len(head.left_out)} files can't be read strictly, and do not name sluice.dev in"
            f" plain text; they were left out: {shown}"
            + (f" and {more} more." if more > 0 else ".")
        )
    return tuple(told)
