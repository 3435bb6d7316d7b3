"""May this release go to this channel's phones? One call, the same everywhere.

In the order of the code:
(1) A revoked release is withdrawn, whatever else is true.
(2) Policies bind by their selectors; a channel can't opt out. No policy: held, never allowed. A
    policy that can't be read binds all of its namespace: held.
(3) Every requirement of every policy that binds gives a finding. All that are enforced must be
    satisfied: a further policy can only take away.
(4) A rejection by somebody in a role withdraws; anything else that is unmet holds.
Evidence that proved nothing is listed last, so that the reader sees why it did not count.
"""

from collections.abc import Iterator
from datetime import datetime

from sluice.policy.approvals import judge_approvals
from sluice.policy.evidence import judge_provenance, judge_signature
from sluice.policy.patterns import name_matches
from sluice.policy.subject import PolicyInForce, Subject, UnreadablePolicy
from sluice.policy.verdict import Answer, Finding, Verdict
from sluice.verify.facts import Facts

__all__ = ["binding", "evaluate"]


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
    bound = tuple(
        each
        for each in policies
        if binding(each, subject.namespace, subject.app_id, subject.channel)
    )
    findings: list[Finding] = []
    moments: list[datetime] = []
    for policy in bound:
        if isinstance(policy, UnreadablePolicy):
            findings.append(_unreadable(policy))
            continue
        outcome = judge_approvals(policy, subject, facts, now)
        findings += _evidence_findings(policy, subject, facts)
        findings += outcome.findings
        if outcome.recheck_at:
            moments.append(outcome.recheck_at)
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
        recheck_at=min(moments, default=None),
    )


def binding(
    policy: PolicyInForce | UnreadablePolicy, namespace: str, app_id: str, channel: str
) -> bool:
    """Return whether a policy binds a channel."""
    if policy.ref.namespace not in ("", namespace):
        return False
    if isinstance(policy, UnreadablePolicy):
        return True
    selector = policy.spec.selector
    return any(name_matches(each, app_id) for each in selector.apps) and any(
        name_matches(each, channel) for each in selector.channels
    )


def _evidence_findings(policy: PolicyInForce, subject: Subject, facts: Facts) -> Iterator[Finding]:
    for each in policy.spec.requirements:
        if each.signature:
            yield judge_signature(policy, each, each.signature, subject, facts)
        if each.provenance:
            yield judge_provenance(policy, each, each.provenance, subject, facts)


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
        if each.reason == "Rejected":
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
            reason=each.reason,
            message=each.message,
        )
        for each in facts.rejected
    )
