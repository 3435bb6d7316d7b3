"""What people see in `kubectl get`, compared with a picture of it."""

import json
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sluice.resources.conditions import State, carry_over, conditions_for
from sluice.resources.status import (
    ApprovalStatus,
    AppStatus,
    ArmStatus,
    BundleStatus,
    CandidateStatus,
    ChannelStatus,
    Condition,
    PolicyStatus,
    ProposedStatus,
    ReleaseStatus,
    RevisionStatus,
    Status,
    VerdictStatus,
)
from support.cluster import Cluster
from support.manifests import a_manifest

PICTURE = Path(__file__).resolve().parent.parent / "data" / "kubectl-get.txt"

COLUMNS_MAX = 120
"""Of a terminal."""

NOW = datetime(2026, 6, 1, 12, 0, 30, 5, tzinfo=UTC)
DIGEST = "ab" * 32


def conditions(state: State, reason: str, message: str = "") -> tuple[Condition, ...]:
    wanted = conditions_for(state, reason=reason, message=message or reason, generation=1)
    return carry_over((), wanted, NOW)


def live(version: str) -> BundleStatus:
    return BundleStatus(version=version, digest=DIGEST)


def verdict(answer: Any) -> VerdictStatus:
    return VerdictStatus(answer=answer, reason="Some", message="A sentence.")


OBJECTS: list[tuple[str, str, dict[str, Any], Status]] = [
    ("App", "shop", {}, AppStatus(conditions=conditions("Current", "Claimed"), held_by="it/shop")),
    (
        "App",
        "shop-copy",
        {},
        AppStatus(conditions=conditions("Stalled", "Conflict"), held_by="it/shop"),
    ),
    (
        "Channel",
        "production",
        {},
        ChannelStatus(
            conditions=conditions("InProgress", "Growing"),
            live=live("1.4.1"),
            candidate=CandidateStatus(version="1.4.2", phase="Rolling", share="10%", step="2/4"),
            verdict=verdict("allowed"),
        ),
    ),
    (
        "Channel",
        "beta-testers",
        {"release": "shop-1.5.0-beta.12"},
        ChannelStatus(
            conditions=conditions("InProgress", "ApprovalsMissing"),
            live=live("1.4.2-rc.1"),
            candidate=CandidateStatus(version="1.5.0-beta.12", phase="Waiting", step="0/4"),
            verdict=verdict("held"),
        ),
    ),
    (
        "Channel",
        "staging",
        {},
        ChannelStatus(
            conditions=conditions("Current", "Live"),
            live=live("1.4.2"),
            verdict=verdict("allowed"),
        ),
    ),
    (
        "Channel",
        "internal",
        {"release": "shop-1.4.3"},
        ChannelStatus(
            conditions=conditions("Stalled", "RolledBack", "It failed on 12 of 40 phones."),
            live=live("1.4.2"),
            candidate=CandidateStatus(
                version="1.4.3",
                phase="RolledBack",
                share="0%",
                step="2/4",
                candidate=ArmStatus(devices=40, failed=12, proven=3),
            ),
            verdict=verdict("withdrawn"),
        ),
    ),
    ("Channel", "unreported", {}, ChannelStatus()),
    (
        "Release",
        "shop-1.4.2",
        {},
        ReleaseStatus(
            conditions=conditions("Current", "Published"),
            digest=DIGEST,
            phase="Published",
            published=True,
            channels=("production", "staging"),
        ),
    ),
    (
        "Release",
        "web-shop-1.5.0-beta.12",
        {"version": "1.5.0-beta.12", "app": "web-shop"},
        ReleaseStatus(
            conditions=conditions("Stalled", "DigestMismatch"),
            digest=DIGEST,
            phase="Refused",
            published=False,
        ),
    ),
    (
        "Approval",
        "shop-1.4.2-alice",
        {},
        ApprovalStatus(
            conditions=conditions("Current", "Fits"),
            signer="alice@example.com",
            decision="approve",
            role="release-manager",
            channel="production",
            expires_at=NOW.replace(microsecond=0),
            release_digest=DIGEST,
            fits=True,
        ),
    ),
    (
        "Approval",
        "shop-1.4.2-barney",
        {},
        ApprovalStatus(
            conditions=conditions("Stalled", "ApprovalForOtherRelease"),
            signer="barney@example.com",
            decision="reject",
            fits=False,
        ),
    ),
    (
        "ReleasePolicy",
        "production",
        {},
        PolicyStatus(
            conditions=conditions("InProgress", "PolicySealMissing"),
            channels=3,
            in_force=RevisionStatus(
                revision=12,
                digest="e" * 64,
                basis="Owners",
                sealed_by=("alice", "bob"),
                since=datetime(2026, 11, 1, tzinfo=UTC),
            ),
            proposed=ProposedStatus(
                revision=13,
                digest="f" * 64,
                reason="PolicySealMissing",
                sealed_by=("alice",),
                could_seal=("bob",),
            ),
        ),
    ),
]


@pytest.fixture(scope="module")
def shown(cluster: Cluster) -> Iterator[str]:
    """A namespace with all objects in it and their statuses written by the test."""
    namespace = cluster.namespace(f"test-{secrets.token_hex(4)}")
    where = f"--namespace={namespace}"
    cluster.apply(
        [
            a_manifest(kind, name, namespace=namespace, changes=changes)
            for kind, name, changes, _ in OBJECTS
        ]
    )
    for kind, name, _, status in OBJECTS:
        patch = json.dumps({"status": as_json(status)})
        cluster.kubectl(
            "patch", kind, name, where, "--subresource=status", "--type=merge", f"--patch={patch}"
        )
    yield namespace
    cluster.kubectl("delete", ",".join(cluster.sluice_kinds()), "--all", "--wait=false", where)


def as_json(status: Status) -> dict[str, Any]:
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)


def test_nothing_of_a_status_is_pruned(cluster: Cluster, shown: str) -> None:
    stored = {
        (each["kind"], each["metadata"]["name"]): each["status"]
        for each in cluster.get("sluice", f"--namespace={shown}")["items"]
        if each["metadata"].get("namespace")
    }

    assert {(kind, name): as_json(status) for kind, name, _, status in OBJECTS} == stored


def table(cluster: Cluster, namespace: str, what: str, *options: str) -> str:
    printed = cluster.kubectl("get", what, f"--namespace={namespace}", *options).stdout
    lines = [
        re.sub(r"\b[0-9]+(s|m[0-9]*s?)\b", "0s", line).rstrip() for line in printed.split("\n")
    ]
    return "\n".join([f"$ kubectl get {what}", *lines])


def test_what_is_live_where_the_rollout_is_and_what_is_wrong_fit_a_terminal(
    cluster: Cluster, shown: str
) -> None:
    picture = "\n".join(
        table(cluster, shown, what)
        for what in ("channels,releases,approvals", "channels", "apps", "releasepolicies")
    )

    assert PICTURE.read_text() == picture
    assert max(len(line) for line in picture.split("\n")) <= COLUMNS_MAX


def test_the_wide_form_says_what_to_do(cluster: Cluster, shown: str) -> None:
    channels = table(cluster, shown, "chan", "--output=wide")

    assert re.search(
        r"internal .* shop +shop-1\.4\.3 +12 +It failed on 12 of 40 phones\.", channels
    )


def test_everything_of_sluice_is_one_category(cluster: Cluster, shown: str) -> None:
    names = cluster.kubectl("get", "sluice", f"--namespace={shown}", "--output=name").stdout

    assert {kind for kind, *_ in OBJECTS} == {
        {"releasepolicy": "ReleasePolicy"}.get(word, word.capitalize())
        for word in re.findall(r"^(\w+)\.sluice\.dev/", names, re.MULTILINE)
    }


def test_kubectl_waits_for_a_channel(cluster: Cluster, shown: str) -> None:
    def wait(name: str) -> int:
        return cluster.kubectl(
            "wait",
            "--for=condition=Ready",
            "--timeout=1s",
            f"channel/{name}",
            f"--namespace={shown}",
            check=False,
        ).returncode

    assert [wait("staging"), wait("production"), wait("unreported")] == [0, 1, 1]


def test_a_status_is_no_spec_and_a_spec_no_status(cluster: Cluster, shown: str) -> None:
    where = f"--namespace={shown}"
    before = cluster.get("channel", "production", where)
    both = {"spec": {"paused": True}, "status": {"generation": 7}}

    cluster.kubectl(
        "patch",
        "channel",
        "production",
        where,
        "--type=merge",
        f"--patch={json.dumps(both)}",
        "--subresource=status",
    )
    after = cluster.get("channel", "production", where)

    assert before["spec"] == after["spec"]
    assert before["metadata"]["generation"] == after["metadata"]["generation"]
    assert after["status"]["generation"] == 7
