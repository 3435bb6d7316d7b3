"""May this release go to this channel's phones? One call, the same everywhere.

In the order of the code:
(1) A revoked release is withdrawn, whatever else is true.
(2) Policies bind by their selectors; a channel can't opt out. No policy: held, never allowed. A
    policy that can't be read binds all of its namespace: held.
(3) Every requirement of every policy that binds gives a finding. All that are enforced must be
    satisfied, or be passed by (`sluice.policy.passes`): a further policy can only take away.
(4) A rejection by somebody in a role withdraws, and so does glass that was broken and not
    co-signed; anything else that is unmet holds.
(5) The ceiling is the lowest that any policy's approvals allow.
Evidence that proved nothing is listed last, so that the reader sees why it did not count.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from sluice.policy.approvals import judge_approvals
from sluice.policy.authors import author_names, authors_of
from sluice.policy.ballots import count_ballots
from sluice.policy.passes import honour, passes_of
from sluice.policy.patterns import name_matches
from sluice.policy.question import Question
from sluice.policy.reasons import AnyReason
from sluice.policy.requirements import judge_requirements
from sluice.policy.subject import PolicyInForce, Subject, UnreadablePolicy
from sluice.policy.verdict import Answer, Finding, Verdict
from sluice.resources.fields import BASIS_POINTS
from sluice.verify.facts import Facts

__all__ = ["binding", "binds", "evaluate"]

WITHDRAWING: Final = frozenset({"Rejected", "CosignMissing"})
"""Reasons of enforced findings for which a release must go, and not only stay as it is."""


def evaluate(
    policies: tuple[PolicyInForce | UnreadablePolicy, ...],
    subject: Subject,
    facts: Facts,
    now: datetime,
) -> Verdict:
    """Return the verdict on one release on one channel.

    Args:
        policies: every policy of the subject's namespace and of the cluster.
        subject: the release and the channel.
        facts: everything proven about the release, under all trust roots of the policies.
        now: the time of the judgement, in UTC.
    """
    bound = tuple(each for each in policies if binds(each, subject))
    names = author_names(subject, facts)
    found = [_judged(each, subject, facts, now, names) for each in bound]
    findings = [*_taken_version(subject), *(one for each in found for one in each.findings)]
    moments = [each.recheck_at for each in found if each.recheck_at]
    answer, reason, message = _answer(subject, bound, findings)
    return Verdict(
        answer=answer,
        reason=reason,
        message=message,
        app_id=subject.app_id,
        namespace=subject.namespace,
        channel=subject.channel,
        version=subject.release.version,
        release_digest=subject.release_digest,
        findings=(*findings, *_rejected_evidence(facts)),
        policies=tuple(each.ref for each in bound),
        ceiling_bp=min((each.ceiling_bp for each in found), default=BASIS_POINTS),
        recheck_at=min(moments, default=None),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """What became of a release under one policy."""

    findings: tuple[Finding, ...]
    ceiling_bp: int = BASIS_POINTS
    recheck_at: datetime | None = None


def _judged(
    policy: PolicyInForce | UnreadablePolicy,
    subject: Subject,
    facts: Facts,
    now: datetime,
    names: frozenset[str],
) -> _Judged:
    if isinstance(policy, UnreadablePolicy):
        return _Judged(findings=(_unreadable(policy),))
    question = Question(
        policy=policy,
        subject=subject,
        facts=facts,
        now=now,
        author_names=names,
        authors=authors_of(policy, names, facts),
    )
    ballots = count_ballots(question)
    passes = passes_of(question, ballots)
    seating = judge_approvals(question, ballots, passed=passes.by_requirement)
    others = judge_requirements(question)
    moments = [passes.recheck_at, seating.recheck_at, others.recheck_at]
    return _Judged(
        findings=(
            *honour((*others.findings, *seating.findings), passes),
            *seating.rejections,
            *passes.findings,
        ),
        ceiling_bp=seating.ceiling_bp,
        recheck_at=min((each for each in moments if each), default=None),
    )


def binds(policy: PolicyInForce | UnreadablePolicy, subject: Subject) -> bool:
    """Return whether a policy binds the channel of a subject."""
    return binding(
        policy,
        subject.namespace,
        subject.app_id,
        subject.channel,
        default=subject.default_channel,
    )


def binding(
    policy: PolicyInForce | UnreadablePolicy,
    namespace: str,
    app_id: str,
    channel: str,
    *,
    default: bool,
) -> bool:
    """Return whether a policy binds a channel; `default`: it is a default one of its app."""
    if policy.ref.namespace not in ("", namespace):
        return False
    if isinstance(policy, UnreadablePolicy):
        return True
    if policy.spec.retired:
        return False
    selector = policy.spec.selector
    if not any(name_matches(each, app_id) for each in selector.apps):
        return False
    return (default and selector.default_channels is not False) or any(
        name_matches(each, channel) for each in selector.channels
    )


def _taken_version(subject: Subject) -> tuple[Finding, ...]:
    """Return the finding that the version is another bundle for ever (row 30 of the attacks)."""
    taken = subject.circumstances.version_taken_by
    if taken is None:
        return ()
    message = (
        f"{subject.release.version} of {subject.app_id} is the bundle sha256:{taken} for ever, and"
        f" not sha256:{subject.release.bundle.sha256}: release it as another version"
    )
    return (
        Finding(
            policy="",
            requirement="one-version-one-bundle",
            state="refused",
            enforced=True,
            reason="VersionTaken",
            message=message,
        ),
    )


def _answer(
    subject: Subject, bound: tuple[PolicyInForce | UnreadablePolicy, ...], findings: list[Finding]
) -> tuple[Answer, str, str]:
    if subject.release.revoked is not None:
        return "withdrawn", "Revoked", f"The release is revoked: {subject.release.revoked.reason}"
    if not bound:
        return (
            "held",
            "NoPolicy",
            (
                f"No ReleasePolicy binds app {subject.app_id} and channel {subject.channel}:"
                " add one. Without a policy nothing is allowed."
            ),
        )
    unmet = [each for each in findings if each.enforced and each.state != "satisfied"]
    for each in unmet:
        if each.reason in WITHDRAWING:
            return "withdrawn", each.reason, each.message
    if unmet:
        others = f" (and {len(unmet) - 1} more)" if len(unmet) > 1 else ""
        return "held", unmet[0].reason, f"{unmet[0].requirement}: {unmet[0].message}{others}"
    names = ", ".join(f"{each.ref.kind}/{each.ref.name}" for each in bound)
    return "allowed", "Allowed", f"Everything that {names} asks for is shown."


def _unreadable(policy: UnreadablePolicy) -> Finding:
    return Finding(
        policy=f"{policy.ref.kind}/{policy.ref.name}",
        requirement="policy",
        state="missing",
        enforced=True,
        reason="PolicyUnreadable",
        message=f"the policy can't be read, so nothing is allowed: {policy.problem}",
    )


def _rejected_evidence(facts: Facts) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            policy="",
            requirement=each.source,
            state="refused",
            enforced=False,
            # A code of `sluice.verify.reasons`: nothing else makes `Rejected`.
            reason=cast("AnyReason", each.reason),
            message=each.message,
        )
        for each in facts.rejected
    )
