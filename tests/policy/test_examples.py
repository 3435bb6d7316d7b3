"""The manifests that the README points at say what they seem to say."""

from datetime import UTC, datetime
from pathlib import Path

from sluice.policy.evaluate import evaluate
from sluice.policy.subject import PolicyInForce, Subject
from sluice.policy.verdict import PolicyRef, Verdict
from sluice.resources.app import AppSpec
from sluice.resources.approval import ApprovalSpec
from sluice.resources.canonical import release_digest
from sluice.resources.channel import ChannelSpec
from sluice.resources.manifest import read_manifests, spec_of
from sluice.resources.policy import PolicySpec
from sluice.resources.release import ReleaseSpec
from sluice.verify.collect import examine
from sluice.verify.facts import Evidence
from sluice.verify.trust import parse_trust_root

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "manifests"
NOW = datetime(2027, 1, 1, tzinfo=UTC)


def the(name: str, kind: type) -> object:
    [found] = read_manifests((FOLDER / f"{name}.yaml").read_bytes())
    spec = spec_of(found)
    assert isinstance(spec, kind)
    return spec


def verdict_with(*approvals: str) -> Verdict:
    app, policy = the("app", AppSpec), the("policy", PolicySpec)
    release, channel = the("release", ReleaseSpec), the("channel", ChannelSpec)
    assert isinstance(app, AppSpec)
    assert isinstance(policy, PolicySpec)
    assert isinstance(release, ReleaseSpec)
    assert isinstance(channel, ChannelSpec)
    evidence = [
        Evidence(source=each.name, kind="attestation", data=(each.inline or "").encode())
        for each in release.attestations
    ]
    for name in approvals:
        approval = the(name, ApprovalSpec)
        assert isinstance(approval, ApprovalSpec)
        evidence.append(
            Evidence(source=name, kind="approval", data=approval.sigstore_bundle.encode())
        )
    digest = release_digest(release)
    roots = {parse_trust_root(each.trusted_root.encode()) for each in policy.authorities}
    facts = examine(
        evidence,
        artifact_sha256=release.bundle.sha256,
        release_digest=digest,
        roots=tuple(roots),
    )
    subject = Subject(
        cluster="prod",
        namespace="shop",
        app_id=app.app_id,
        channel="production",
        release=release,
        release_digest=digest,
    )
    ref = PolicyRef(kind="ReleasePolicy", namespace="shop", name="releases", digest="")
    return evaluate((PolicyInForce(ref=ref, spec=policy),), subject, facts, NOW)


def test_the_example_release_is_allowed_with_both_approvals_and_held_with_one() -> None:
    assert verdict_with("approval-alice", "approval-bob").answer == "allowed"
    assert verdict_with("approval-alice").reason == "ApprovalsMissing"
