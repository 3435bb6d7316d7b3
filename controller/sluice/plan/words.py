"""Which signed words a change adds and takes away."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sluice.gate.offered import approval_evidence
from sluice.gate.trust import TrustRoom
from sluice.plan.cases import policies_of
from sluice.plan.manifests import Found, Manifests, Spot
from sluice.plan.policies import Policies, PolicySet
from sluice.plan.said import is_known, what_it_says
from sluice.resources.approval import ApprovalSpec
from sluice.resources.canonical import release_digest
from sluice.resources.kinds import Key
from sluice.resources.release import ReleaseSpec
from sluice.verify.collect import Examiner
from sluice.verify.facts import Approval, Facts

__all__ = ["WordChange", "changed_words"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WordChange:
    """One Approval that a change adds or takes away."""

    key: Key
    spot: Spot
    what: Literal["added", "removed"]
    release: str
    said: str
    """What it says and by whom, or why it proves nothing; printable and on one line."""
    proven: bool
    """Whether its signature holds, and is about the Release as it stands."""
    alarm: str = ""
    """Why a reviewer should look twice; empty when there is no reason to."""


def changed_words(
    base: Manifests, head: Manifests, policies: Policies, *, trust: TrustRoom, examiner: Examiner
) -> tuple[WordChange, ...]:
    """Return the words that a change adds and takes away, in the order of their keys."""

    def of(side: Manifests, other: Manifests, known: PolicySet) -> Iterator[tuple[Found, Facts]]:
        for each in side.of_kind("Approval"):
            there = other.objects.get(each.key)
            if isinstance(each.spec, ApprovalSpec) and (not there or there.spec != each.spec):
                yield each, _facts(side, each, each.spec, known, trust, examiner)

    changes = [
        _change(found, facts, "removed", policies.before)
        for found, facts in of(base, head, policies.before)
    ]
    changes += [
        _change(found, facts, "added", policies.after)
        for found, facts in of(head, base, policies.after)
    ]
    return tuple(sorted(changes, key=lambda each: (each.key, each.what)))


def _facts(
    side: Manifests,
    found: Found,
    spec: ApprovalSpec,
    known: PolicySet,
    trust: TrustRoom,
    examiner: Examiner,
) -> Facts:
    release = side.spec(ReleaseSpec, found.key.namespace, spec.release)
    return examiner.examine(
        (approval_evidence(found.key.name, spec),),
        artifact_sha256="",
        release_digest=release_digest(release) if release else "",
        roots=trust.trusted_by(policies_of(known, found.key.namespace)),
    )


def _change(
    found: Found, facts: Facts, what: Literal["added", "removed"], known: PolicySet
) -> WordChange:
    spec = found.spec
    assert isinstance(spec, ApprovalSpec)  # noqa: S101 - the caller has looked
    word = next(facts.words(), None)
    policies = policies_of(known, found.key.namespace)
    if word is not None:
        said = what_it_says(word, policies)
    else:
        said = next((f"{each.reason}: {each.message}" for each in facts.rejected), "")
    alarm = ""
    if what == "removed" and isinstance(word, Approval):
        alarm = {
            "approve": "A seat that it fills is empty once it is gone: growth pauses.",
            "reject": "A no outlives its file: a cluster that has seen it keeps it.",
            "withdraw": "It outlives its file: a cluster that has seen it keeps it.",
        }[word.decision]
    elif what == "added" and word is None:
        alarm = "It counts for nothing."
    elif what == "added" and word is not None and not is_known(word, policies):
        alarm = "Nobody whom a policy names has signed it: it counts for nothing."
    return WordChange(
        key=found.key,
        spot=found.spot("spec"),
        what=what,
        release=spec.release,
        said=said,
        proven=word is not None,
        alarm=alarm,
    )
