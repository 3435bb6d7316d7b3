"""Attacks on the operator and on Kubernetes around it: floods, forged statuses, hostile text."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sluice.operator.related import related
from sluice.reconcile import channel, status
from sluice.reconcile.step import Hold, Rest
from sluice.resources.kinds import Key
from support.attacks import (
    CHANNEL,
    EVIL,
    Body,
    attack,
    offer,
    offered_version,
    ssh_word,
)
from support.cluster import Cluster, CommandFailedError
from support.installation import Installation
from support.laps import Laps
from support.team import Team
from support.watching import QUICK, Watcher

HOSTILE_TEXT = "a\nlevel=info allowed\r\x1b[2J\x1b]0;x\x07\u202e\u2066\u200b\x85\u2028\x00b"
FLOOD = 10_000


# --- Floods --------------------------------------------------------------------------------------


@attack(
    50,
    "Ten thousand approvals of one release are applied",
    "TooManyApprovals",
    "reconcile/keeping.py: crowded",
)
async def test_a_flood_of_approvals_costs_its_own_release_alone(laps: Laps, team: Team) -> None:
    """What is verified for one lap is bounded, and no lap of another namespace is asked for."""
    laps.apply(team.app_manifest(), team.policy_manifest())
    await laps.settle("shop")
    release = team.release_manifest(EVIL)
    junk = ssh_word(team, "dora", release, laps)
    for number in range(FLOOD):
        laps.apply({**junk, "metadata": {**junk["metadata"], "name": f"junk-{number:05}"}})
    offer(laps, team, release)

    for _ in range(5):
        step = await laps.lap_of_channel(CHANNEL)
    observed = await laps.observer.channel(CHANNEL, laps.now)
    concerned = related(laps.cache, Key("Approval", "shop", "junk-00000"))

    assert isinstance(step, Hold)
    assert observed.case is not None
    assert len(observed.case.evidence) < 300
    assert {each.namespace for each in concerned} == {"shop"}
    assert len(concerned) == 2
    assert await offered_version(laps) is None
    assert observed.words.overlooked == FLOOD - 256


@attack(
    50, "A no is hidden behind many approvals", "TooManyApprovals", "reconcile/keeping.py: crowded"
)
async def test_what_is_not_looked_at_might_be_a_no(laps: Laps, team: Team) -> None:
    laps.apply(team.app_manifest(), team.policy_manifest())
    await laps.settle("shop")
    release = team.release_manifest(EVIL)
    junk = ssh_word(team, "dora", release, laps)
    for number in range(256):
        laps.apply({**junk, "metadata": {**junk["metadata"], "name": f"a-{number:03}"}})
    no = ssh_word(team, "carol", release, laps, decision="reject")
    yes = [ssh_word(team, who, release, laps) for who in ("alice", "bob")]
    for name, each in zip(("a-1", "a-2", "z"), (*yes, no), strict=True):
        each["metadata"]["name"] = name
    offer(laps, team, release, *yes, no)

    for _ in range(8):
        step = await laps.lap_of_channel(CHANNEL)

    assert isinstance(step, Hold)
    assert step.reason in {"TooManyApprovals", "Rejected"}
    assert await offered_version(laps) is None


# --- Text that forges lines ----------------------------------------------------------------------


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all texts in a manifest's spec."""
    match value:
        case str():
            return [path]
        case dict():
            return [leaf for name, each in value.items() for leaf in leaves(each, (*path, name))]
        case list():
            return [leaf for n, each in enumerate(value) for leaf in leaves(each, (*path, n))]
        case _:
            return []


def put(value: Any, path: tuple[Any, ...], text: str) -> None:
    for each in path[:-1]:
        value = value[each]
    value[path[-1]] = text


def printable(value: Any) -> bool:
    match value:
        case str():
            return value.isprintable()
        case dict():
            return all(printable(each) for pair in value.items() for each in pair)
        case list():
            return all(printable(each) for each in value)
        case _:
            return True


@attack(
    47,
    "Control characters stand in every text of every manifest",
    "SpecInvalid",
    "resources/text.py: plain",
)
async def test_no_text_of_a_manifest_forges_a_line(laps: Laps, team: Team) -> None:
    """Each text in turn; what steps, statuses and verdicts then say is printable, on one line."""
    release = team.release_manifest(EVIL)
    honest = [
        team.app_manifest(),
        team.policy_manifest(),
        release,
        ssh_word(team, "alice", release, laps),
        team.channel_manifest(f"shop-{EVIL}", rollout=QUICK),
    ]
    laps.apply(*honest)
    await laps.settle("shop")
    bad = []
    for each in honest:
        for path in leaves(each["spec"]):
            hostile = json.loads(json.dumps(each))
            put(hostile["spec"], path, HOSTILE_TEXT)
            laps.apply(hostile)
            bad += [(each["kind"], path, said) for said in await told(laps) if not printable(said)]
            laps.apply(each)
        laps.apply({**each, "spec": {**each["spec"], HOSTILE_TEXT: {HOSTILE_TEXT: 1}}})
        bad += [(each["kind"], "key", said) for said in await told(laps) if not printable(said)]
        laps.apply(each)

    assert bad == []


@attack(47, "The reason of a revocation forges a line", "Revoked", "resources/text.py: plain")
async def test_no_reason_forges_a_line_in_a_status(laps: Laps, team: Team) -> None:
    release = team.release_manifest(EVIL, revoked={"reason": HOSTILE_TEXT}, notes=HOSTILE_TEXT)
    laps.apply(team.app_manifest(), team.policy_manifest())
    offer(laps, team, release)

    step = await laps.settle("shop")

    observed = await laps.observer.channel(CHANNEL, laps.now)
    assert isinstance(step, Hold)
    assert step.reason == "Revoked"
    assert printable(_json(status.channel_status(observed, step)))
    assert await offered_version(laps) is None


async def told(laps: Laps) -> list[Any]:
    """Return everything that one look at the team's objects would show to anybody."""
    now = laps.now
    observed_channel = await laps.observer.channel(CHANNEL, now)
    step = await _step(laps)
    shown = [step.reason, step.message, _json(status.channel_status(observed_channel, step))]
    if observed_channel.verdict:
        shown.append(observed_channel.verdict.as_json())
    words = [await laps.observer.approval(each, now) for each in laps.cache.of_kind("Approval")]
    shown += [_json(status.approval_status(each)) for each in words]
    for each in laps.cache.of_kind("Release"):
        observed = await laps.observer.release(each, now)
        shown.append(_json(status.release_status(observed, Rest(reason="A", message="b"))))
    return [
        *shown,
        *(
            each.problem.message
            for kind in ("App", "Channel", "ReleasePolicy")
            for each in laps.cache.of_kind(kind)
            if each.problem
        ),
    ]


async def _step(laps: Laps) -> Rest | Hold:
    step = channel.next_step(await laps.observer.channel(CHANNEL, laps.now))
    return step if isinstance(step, Rest | Hold) else Rest(reason="Acts", message="")


def _json(shown: Any) -> Any:
    return shown.model_dump(mode="json", by_alias=True, exclude_none=True)


# --- On a real API server ------------------------------------------------------------------------


@pytest.fixture
def team(request: pytest.FixtureRequest, tmp_path: Path) -> Team:
    """A team of the test's own namespace, where there is a cluster."""
    folder = tmp_path / "bundles"
    folder.mkdir()
    if "cluster" not in request.fixturenames:
        return Team(namespace="shop", bundles=folder)
    namespace = request.getfixturevalue("namespace")
    app_id = f"com.example.{namespace.replace('-', '')}"
    return Team(namespace=namespace, bundles=folder, app_id=app_id)


@pytest.fixture
def sluice(namespace: str, operator_kubeconfig: Path, tmp_path: Path) -> Any:
    with Installation(
        tmp_path / "sluice", kubeconfig=operator_kubeconfig, namespace=namespace
    ) as installed:
        yield installed


@pytest.fixture
def start(sluice: Installation, team: Team) -> Callable[..., Any]:
    def _start(*arguments: str) -> Any:
        return sluice.start_operator(f"--allow-files-under={team.bundles}", *arguments)

    return _start


@pytest.fixture
def look(cluster: Cluster, namespace: str) -> Watcher:
    return Watcher(cluster, namespace)


PEERING = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "clusterkopfpeerings.kopf.dev"},
    "spec": {
        "group": "kopf.dev",
        "scope": "Cluster",
        "names": {
            "kind": "ClusterKopfPeering",
            "plural": "clusterkopfpeerings",
            "singular": "clusterkopfpeering",
        },
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "x-kubernetes-preserve-unknown-fields": True,
                    }
                },
            }
        ],
    },
}
FORGED = {
    "kopf.zalando.org/last-handled-configuration": '{"spec":{"app":"shop"}}',
    "kopf.zalando.org/see-channels": '{"success":true}',
    "sluice.dev/verdict": "allowed",
}


def refused_by(cluster: Cluster, body: Body) -> str:
    """Apply a change, and return the words with which the API server refuses it."""
    with pytest.raises(CommandFailedError) as raised:
        cluster.apply(body)
    return raised.value.output


@attack(
    39, "A fake peer of kopf pauses the operator", "ApprovalsMissing", "operator/watch.py: watch"
)
@attack(
    38,
    "Annotations say that everything was handled and allowed",
    "ApprovalsMissing",
    "operator/watch.py: watch",
)
def test_neither_annotations_nor_peers_stop_the_operator(
    cluster: Cluster, sluice: Installation, team: Team, look: Watcher, start: Callable[..., Any]
) -> None:
    cluster.apply(PEERING)
    cluster.kubectl(
        "wait", "--for=condition=Established", "--timeout=30s", "crd/clusterkopfpeerings.kopf.dev"
    )
    peer = {"priority": 9999, "lifetime": 9999, "lastseen": "2099-01-01T00:00:00"}
    cluster.apply(
        {
            "apiVersion": "kopf.dev/v1",
            "kind": "ClusterKopfPeering",
            "metadata": {"name": "default"},
            "status": {"attacker": peer},
        }
    )
    release = team.release_manifest(EVIL)
    channel = team.channel_manifest(f"shop-{EVIL}", rollout=QUICK)
    for each in (release, channel):
        each["metadata"]["annotations"] = FORGED
    cluster.apply([team.app_manifest(), team.policy_manifest(), release, channel])

    start()

    held = look.until("ApprovalsMissing")
    assert held["verdict"]["answer"] == "held"
    assert not list((sluice.store / "blobs").glob("sha256/*/*"))
    cluster.kubectl("delete", "crd", "clusterkopfpeerings.kopf.dev", "--wait=false")


@attack(
    40,
    "A status says that the release is allowed and live",
    "ApprovalsMissing",
    "operator/observe.py: Observer",
)
@attack(
    45,
    "The administrator applies a release without signatures",
    "ApprovalsMissing",
    "operator/observe.py: Observer",
)
def test_nothing_counts_but_signatures(
    cluster: Cluster, sluice: Installation, team: Team, look: Watcher, start: Callable[..., Any]
) -> None:
    """The administrator of the cluster applies it, and forges its status besides."""
    release = team.release_manifest(EVIL)
    channel = team.channel_manifest(f"shop-{EVIL}", rollout=QUICK)
    cluster.apply([team.app_manifest(), team.policy_manifest(), release, channel])
    digest = release["spec"]["bundle"]["sha256"]
    forged = {
        "live": {"version": EVIL, "digest": digest},
        "verdict": {"answer": "allowed", "reason": "Allowed", "message": "Trust me."},
    }
    cluster.kubectl(
        "patch",
        "channel",
        "production",
        f"--namespace={team.namespace}",
        "--subresource=status",
        "--type=merge",
        f"--patch={json.dumps({'status': forged})}",
    )

    start()

    held = look.until("ApprovalsMissing")
    assert (held["verdict"]["answer"], "live" in held) == ("held", False)
    assert not list((sluice.store / "blobs").glob("sha256/*/*"))


@attack(2, "A Release is edited in place", "Invalid", "resources/release.py: ReleaseSpec")
@attack(2, "An Approval is edited in place", "Invalid", "resources/approval.py: ApprovalSpec")
@attack(32, "A revocation is taken back in place", "Invalid", "resources/release.py: ReleaseSpec")
def test_the_api_server_changes_nothing_that_was_signed(
    cluster: Cluster, team: Team, laps: Laps
) -> None:
    release = team.release_manifest(EVIL)
    approval = team.approval_manifest("alice", release)
    revoked = {**release, "spec": {**release["spec"], "revoked": {"reason": "It leaks."}}}
    cluster.apply([release, approval])

    edited = {**release, "spec": {**release["spec"], "notes": "Mends a typo."}}
    other = team.approval_manifest("bob", release)["spec"]
    assert "a Release never changes" in refused_by(cluster, edited)
    assert "an Approval never changes" in refused_by(cluster, {**approval, "spec": other})
    cluster.apply(revoked)
    assert "a revocation is never taken back" in refused_by(cluster, release)


@attack(
    47,
    "Names and reasons in manifests forge lines of the operator's log",
    "Revoked",
    "cli/logs.py: JsonFormatter",
)
def test_each_line_of_the_log_is_one_object(
    cluster: Cluster, sluice: Installation, team: Team, look: Watcher, start: Callable[..., Any]
) -> None:
    release = team.release_manifest(EVIL, notes=HOSTILE_TEXT.replace("\x00", ""))
    release["spec"]["source"]["authors"] = ["a\nb\x1b[31m"]
    release["spec"]["revoked"] = {"reason": 'x\n{"level":"info"}\x1b[2J\u202e'}
    channel = team.channel_manifest(f"shop-{EVIL}", rollout=QUICK)
    cluster.apply([team.app_manifest(), team.policy_manifest(), release, channel])

    start("--log-level=debug")

    seen = look.until("Revoked")
    lines = sluice.log("operator").read_bytes().splitlines()
    assert len(lines) > 3
    assert all(line.isascii() and line.decode().isprintable() for line in lines)
    assert all(json.loads(line)["level"] for line in lines)
    assert printable(seen)
