"""Cases out of manifests: the very values that the operator makes from what the cluster holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sluice.gate.case import Case, Policies
from sluice.gate.offered import offered_evidence
from sluice.gate.trust import TrustRoom
from sluice.plan.manifests import Found, Manifests, Problem
from sluice.policy.subject import (
    Circumstances,
    Live,
    PolicyInForce,
    Subject,
    UnreadablePolicy,
)
from sluice.policy.verdict import PolicyRef
from sluice.resources.app import AppSpec
from sluice.resources.approval import ApprovalSpec
from sluice.resources.canonical import release_digest
from sluice.resources.channel import ChannelSpec
from sluice.resources.genesis import Genesis
from sluice.resources.kinds import Key
from sluice.resources.policy import PolicySpec
from sluice.resources.release import ReleaseSpec
from sluice.verify.bundle_report import BundleReport
from sluice.verify.facts import Evidence

__all__ = [
    "Around",
    "AtHand",
    "case_for",
    "case_of",
    "live_of",
    "live_on",
    "policies_of",
    "policy_of",
    "problem_of",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AtHand:
    """What is known besides manifests."""

    cluster: str
    now: datetime
    fetched: Mapping[str, bytes] = field(default_factory=dict)
    """What stands at the urls of attestations, as far as it is at hand, by SHA-256."""
    bundles: Mapping[str, BundleReport] = field(default_factory=dict)
    """What is in bundles that are at hand, by SHA-256."""
    genesis: Genesis | None = None
    """The cluster's root owners, if it has any."""
    unsealed_allowed: bool = False
    """Whether the cluster lets policies without owners count."""
    compared: str = ""
    """Which two sets of manifests are compared, for people."""
    unread: tuple[str, ...] = ()
    """Sentences: what was not looked into."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What is known around one release on one channel."""

    circumstances: Circumstances = field(default_factory=Circumstances)
    kept: tuple[Evidence, ...] = ()
    """Words that count though their files are gone."""


def policy_of(found: Found, trust: TrustRoom) -> PolicyInForce | UnreadablePolicy:
    """Return a policy to judge by, as it stands in its file."""
    if isinstance(found.spec, PolicySpec):
        return trust.policy(found.key, found.spec)
    key = found.key
    ref = PolicyRef(kind=key.kind, namespace=key.namespace, name=key.name, digest="")
    return UnreadablePolicy(ref=ref, problem=found.problem)


def policies_of(
    policies: Mapping[Key, PolicyInForce | UnreadablePolicy], namespace: str
) -> Policies:
    """Return the policies of a namespace and of the cluster, in the order that verdicts have."""
    return tuple(policies[key] for key in sorted(policies) if key.namespace in ("", namespace))


def problem_of(manifests: Manifests, channel: Found, spec: ChannelSpec) -> Problem | None:
    """Return why the release that a channel names can't be judged; None when it can."""
    namespace, name = channel.key.namespace, spec.release
    spot = channel.spot("spec", "release")
    if manifests.spec(AppSpec, namespace, spec.app) is None:
        message = (
            f"There is no App {spec.app} in namespace {namespace} that can be read: add it, or"
            " correct spec.app."
        )
        return Problem(spot=channel.spot("spec", "app"), reason="AppMissing", message=message)
    if name is None:
        return None
    release = manifests.spec(ReleaseSpec, namespace, name)
    if release is None:
        message = (
            f"There is no Release {name} in namespace {namespace} that can be read: add it, or"
            " correct spec.release."
        )
        return Problem(spot=spot, reason="ReleaseMissing", message=message)
    if release.app != spec.app:
        message = f"Release {name} is of app {release.app}, and the channel of {spec.app}."
        return Problem(spot=spot, reason="ReleaseOfOtherApp", message=message)
    return None


def case_of(
    manifests: Manifests,
    channel: Found,
    policies: Policies,
    at_hand: AtHand,
    around: Around,
) -> Case | None:
    """Return the case of the release that a channel names; None when it has none to judge."""
    spec = channel.spec
    if not isinstance(spec, ChannelSpec) or spec.release is None:
        return None
    if problem_of(manifests, channel, spec) is not None:
        return None
    release = Key("Release", channel.key.namespace, spec.release)
    return case_for(manifests, release, channel.key.name, policies, at_hand, around)


def case_for(
    manifests: Manifests,
    release: Key,
    channel: str,
    policies: Policies,
    at_hand: AtHand,
    around: Around,
) -> Case | None:
    """Return the case of a release for a channel; None without its Release and App."""
    namespace = release.namespace
    spec = manifests.spec(ReleaseSpec, namespace, release.name)
    app = manifests.spec(AppSpec, namespace, spec.app) if spec else None
    if app is None or spec is None:
        return None
    subject = Subject(
        cluster=at_hand.cluster,
        namespace=namespace,
        app_id=app.app_id,
        channel=channel,
        release=spec,
        release_digest=release_digest(spec),
        default_channel=manifests.is_default(namespace, channel),
        circumstances=around.circumstances,
    )
    words = [
        (each.key.name, each.spec)
        for each in manifests.approvals(namespace, release.name)
        if isinstance(each.spec, ApprovalSpec)
    ]
    evidence = offered_evidence(spec, at_hand.fetched, words, around.kept)
    return Case(subject=subject, policies=policies, evidence=evidence, now=at_hand.now)


def live_on(manifests: Manifests, channel: Key) -> Live | None:
    """Return what a channel would serve if the release that it names were out to everybody."""
    spec = manifests.spec(ChannelSpec, channel.namespace, channel.name)
    if spec is None or spec.release is None:
        return None
    return live_of(manifests, Key("Release", channel.namespace, spec.release))


def live_of(manifests: Manifests, release: Key) -> Live | None:
    """Return what phones get once a Release is out to everybody."""
    spec = manifests.spec(ReleaseSpec, release.namespace, release.name)
    if spec is None or spec.revoked is not None:
        return None
    return Live(version=spec.version, bundle_sha256=spec.bundle.sha256)
