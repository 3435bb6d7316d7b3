"""Whether a policy revision comes into force: only when the owners named by the one before say so.

In the order of the code:
(1) A policy without owners is unsealed, and never takes the place of a sealed one.
(2) Nothing in force yet: the revision is 1. It is sealed by the threshold of its own owners, and by
    that of the cluster's root owners where the operator was given any; else it is trusted because
    it is the first one seen.
(3) Revision N in force: N itself is left as it is, a lower one is a rollback, and of the higher
    ones N+1 alone is looked at (rows 15 and 16 of the attacks). It is sealed by the threshold of
    the owners whom N names, with the keys, identities and origins that N gives them: what N+1 says
    about itself counts for nothing (row 14).

A seal counts when it is over this very revision of this very policy, for this cluster, in time, by
an owner, with a second factor where one is asked for. Owners are counted as people: several keys of
one person are one seal. Whatever is ignored leaves in force what is in force.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sluice.policy.signers import described, person_behind, proves_mfa
from sluice.policy.subject import PolicyInForce
from sluice.policy.words import SKEW
from sluice.resources.genesis import Genesis
from sluice.verify.facts import PolicySeal

__all__ = ["Adopt", "Basis", "Ignored", "Judgement", "Same", "judge_revision"]

Basis = Literal["Owners", "Genesis", "FirstUse"]
"""On whose word a revision is in force: of the owners named by the one before; of the root owners;
of nobody, for it was the first one seen."""

SHOWN_MAX = 8
"""Names and refused seals in one message; the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopt:
    """The revision is to come into force."""

    basis: Basis
    sealed_by: tuple[str, ...]
    """Names of the owners whose seals count, and of root owners as `root:NAME`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Same:
    """The revision is the one in force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """The revision does not come into force."""

    reason: str
    """CamelCase code."""
    message: str
    """A sentence that tells a person what to do."""
    sealed_by: tuple[str, ...] = ()
    """Owners whose seals count already."""
    could_seal: tuple[str, ...] = ()
    """Owners whose seals would count."""


Judgement = Adopt | Same | Ignored


def judge_revision(
    *,
    in_force: PolicyInForce | None,
    proposed: PolicyInForce,
    seals: Sequence[PolicySeal],
    genesis: Genesis | None,
    cluster: str,
    now: datetime,
) -> Judgement:
    """Return whether a proposed revision of a policy comes into force.

    Args:
        in_force: the sealed revision in force under that name, if there is any.
        proposed: what stands in git; it has been read, and is not in force.
        seals: everything that its seals prove, under the roots of `in_force`, or else its own.
        genesis: the cluster's root owners, if the operator was given any.
        cluster: name of this cluster.
        now: the time, in UTC.
    """
    number = proposed.spec.revision
    if number is None:
        return _unsealed(in_force)
    if in_force is not None:
        current = in_force.spec.revision or 0
        if number != current + 1:
            return _not_next(in_force, proposed, current, number)
        return _judged([_owners(in_force, "Owners")], proposed, seals, cluster, now)
    if number != 1:
        return Ignored(
            reason="PolicyRevisionJump",
            message=f"No revision of this policy is in force yet, so the first one must be 1, and"
            f" this is {number}: give it revision 1, and have its owners seal it.",
        )
    own = _owners(proposed, "FirstUse")
    groups = [own] if genesis is None else [_root(genesis), own]
    return _judged(groups, proposed, seals, cluster, now)


def _unsealed(in_force: PolicyInForce | None) -> Ignored:
    if in_force is None:
        message = (
            "It names no owners, so anybody who may write it could weaken it, and it is not in"
            " force: name owners and revision 1, and have them seal it."
        )
    else:
        message = (
            f"Revision {in_force.spec.revision} of this policy is sealed and stays in force: what"
            " stands here names no owners. Change it by the next revision, sealed by its owners."
        )
    return Ignored(reason="PolicyUnsealed", message=message)


def _not_next(
    in_force: PolicyInForce, proposed: PolicyInForce, current: int, number: int
) -> Same | Ignored:
    stays = f"revision {current} (sha256:{in_force.ref.digest}) stays in force"
    if number < current:
        return Ignored(
            reason="PolicyRollback",
            message=f"Revision {number} is older than the one in force: {stays}. To go back to what"
            f" it said, seal that as revision {current + 1}.",
        )
    if number > current:
        return Ignored(
            reason="PolicyRevisionJump",
            message=f"Revision {number} does not follow the one in force: {stays}, and"
            f" {current + 1} is next. If there was one, apply it first.",
        )
    if proposed.ref.digest == in_force.ref.digest:
        return Same()
    return Ignored(
        reason="PolicyRevisionChanged",
        message=f"Revision {number} was changed after it had come into force: {stays}. Make the"
        f" change as revision {current + 1}, and have the owners seal it.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sealers:
    """Some people of whom so many must seal."""

    who: str
    """What they are, in messages."""
    prefix: str
    """Before their names, in lists of who sealed."""
    names: tuple[str, ...]
    threshold: int
    mfa: bool
    person: Callable[[PolicySeal], str | None]
    """Whose seal it is, by name."""
    second_factor: Callable[[PolicySeal], bool]
    basis: Basis


def _owners(policy: PolicyInForce, basis: Basis) -> _Sealers:
    owners = policy.spec.owners
    assert owners is not None  # noqa: S101 - the model has owners wherever it has a revision
    return _Sealers(
        who=f"owners that revision {policy.spec.revision} names",
        prefix="",
        names=owners.people,
        threshold=owners.threshold,
        mfa=owners.mfa,
        person=lambda seal: person_behind(seal, policy),
        second_factor=lambda seal: proves_mfa(seal, policy),
        basis=basis,
    )


def _root(genesis: Genesis) -> _Sealers:
    def person(seal: PolicySeal) -> str | None:
        if seal.signer.kind != "ssh" or (seal.origin and seal.origin not in genesis.origins):
            return None
        return next(
            (each.name for each in genesis.owners if seal.signer.subject in each.keys), None
        )

    return _Sealers(
        who="root owners of the cluster",
        prefix="root:",
        names=tuple(each.name for each in genesis.owners),
        threshold=genesis.threshold,
        mfa=genesis.mfa,
        person=person,
        second_factor=lambda seal: seal.user_verified,
        basis="Genesis",
    )


def _judged(
    groups: Sequence[_Sealers],
    proposed: PolicyInForce,
    seals: Sequence[PolicySeal],
    cluster: str,
    now: datetime,
) -> Adopt | Ignored:
    """Return whether enough people of each group have sealed."""
    sealed: list[str] = []
    could: list[str] = []
    missing: list[str] = []
    for group in groups:
        people, faults = _counted(group, proposed, seals, cluster, now)
        sealed += [group.prefix + name for name in people]
        if len(people) < group.threshold:
            others = sorted(set(group.names) - set(people))
            could += [group.prefix + name for name in others]
            missing.append(_missing(group, people, others, faults))
    if missing:
        return Ignored(
            reason="PolicySealMissing",
            message=f"Revision {proposed.spec.revision} is not in force: {' '.join(missing)}",
            sealed_by=tuple(sealed),
            could_seal=tuple(could),
        )
    return Adopt(basis=groups[0].basis, sealed_by=tuple(sealed))


def _missing(
    group: _Sealers, people: Sequence[str], others: Sequence[str], faults: Sequence[str]
) -> str:
    how = " with proof of a second factor" if group.mfa else ""
    message = (
        f"{len(people)} of {group.threshold} {group.who} have sealed it{how}. Still needed:"
        f" {group.threshold - len(people)} of {_listed(others)}."
    )
    return message + (f" Not counted: {_listed(faults, '; ')}." if faults else "")


def _counted(
    group: _Sealers,
    proposed: PolicyInForce,
    seals: Sequence[PolicySeal],
    cluster: str,
    now: datetime,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the people whose seals count, each once, and why other seals do not."""
    people: set[str] = set()
    faults: dict[str, str | None] = {}
    for seal in seals:
        name = group.person(seal)
        fault = _fault(group, proposed, seal, name, cluster, now)
        if fault is None and name is not None:
            people.add(name)
        # The same signature, proven under several roots, is a stranger's under all but one.
        if fault is None or name is not None or seal.evidence_sha256 not in faults:
            faults[seal.evidence_sha256] = fault and f"{seal.source} {fault}"
    return tuple(sorted(people)), tuple(each for each in faults.values() if each)


def _fault(
    group: _Sealers,
    proposed: PolicyInForce,
    seal: PolicySeal,
    name: str | None,
    cluster: str,
    now: datetime,
) -> str | None:
    """Return why a seal does not count, in words that follow on its source; None when it does."""
    for what, said, meant in _scope(seal, proposed):
        if said != meant:
            return f"seals {what} {said!r}, but this is {meant!r}: seal this one"
    if cluster not in seal.clusters:
        return f"is for {_listed(sorted(seal.clusters))}, but this is {cluster}: name it"
    if seal.expires_at <= now:
        return f"expired at {seal.expires_at.isoformat()}: seal again"
    if seal.signed_at > now + SKEW:
        return f"says it was signed at {seal.signed_at.isoformat()}, which is yet to come"
    if name is None or name not in group.names:
        return f"is by {name or described(seal.signer)}, who is none of the {group.who}"
    if group.mfa and not group.second_factor(seal):
        return f"is by {name}, but shows no second factor: sign with a key that checks its user"
    return None


def _scope(seal: PolicySeal, proposed: PolicyInForce) -> tuple[tuple[str, object, object], ...]:
    ref = proposed.ref
    return (
        ("the digest", seal.policy_digest, ref.digest),
        ("the revision", seal.revision, proposed.spec.revision),
        ("the kind", seal.kind, ref.kind),
        ("the namespace", seal.namespace, ref.namespace),
        ("the policy", seal.name, ref.name),
    )


def _listed(names: Iterable[str], joint: str = ", ") -> str:
    shown = list(names)
    more = len(shown) - SHOWN_MAX
    return joint.join(shown[:SHOWN_MAX]) + (f"{joint}{more} more" if more > 0 else "")
