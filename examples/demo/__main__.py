"""`make demo`: a release merged to git reaches 2,000 phones; a bad one is taken back by itself.

Everything is real but the phones (the stock plugin's protocol, spoken over HTTP) and the people:
etcd and kube-apiserver, the operator under the chart's RBAC, the device server, git, signatures
that sigstore verifies. ONCE=1 ends when the story is told, with exit status 0 only if every step
went as told.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from examples.demo.fleet import RunningFleet
from examples.demo.git_sync import GitSync, Repository
from examples.demo.tell import Story, StoryError

from support.chart import OPERATOR, operator_rbac
from support.controlplane import ControlPlane
from support.installation import Installation, wait_until
from support.sealing import SshPerson, sealed
from support.team import Team
from support.watching import Watcher

PHONES = 2_000
PERIOD_SECONDS = 4.0
"""How often each phone starts its app: 500 update checks a second in all."""

NAMESPACE = "shop"
SYSTEM = "sluice-system"
BAD = "2.1.0"
POLICY = ("releasepolicy", "releases")

ROLLOUT = {
    "steps": [
        {"share": "1%", "hold": "3s", "minDevices": 5},
        {"share": "10%", "hold": "3s", "minDevices": 50},
        {"share": "50%", "hold": "3s", "minDevices": 250},
        {"share": "100%", "hold": "3s", "minDevices": 500},
    ]
}


class Demo:
    """The stage, and the story played on it."""

    def __init__(self, story: Story, cluster: ControlPlane, folder: Path) -> None:
        self.story = story
        self.cluster = cluster
        bundles = folder / "bundles"
        bundles.mkdir()
        self.team = Team(namespace=NAMESPACE, bundles=bundles)
        for name in (NAMESPACE, SYSTEM):
            cluster.namespace(name)
        cluster.install_crds(Path(__file__).resolve().parents[2] / "crds")
        cluster.apply(operator_rbac(SYSTEM))
        self.sluice = Installation(
            folder / "sluice",
            kubeconfig=cluster.kubeconfig_for_service_account(SYSTEM, OPERATOR),
            namespace=SYSTEM,
        )
        self.rita = SshPerson()
        genesis = folder / "genesis.yaml"
        genesis.write_text(
            f"threshold: 1\nowners: [{{name: rita, keys: ['{self.rita.public_key}']}}]"
        )
        self.sluice.start_operator(f"--allow-files-under={bundles}", f"--genesis={genesis}")
        _, self.url = self.sluice.start_devices(proof_gap=1.0)
        self.repository = Repository(folder / "git", project="shop")
        self.sync = GitSync(self.repository, cluster)
        self.sync.start()
        self.look = Watcher(cluster, NAMESPACE)
        self.fleet = RunningFleet(
            PHONES, period=PERIOD_SECONDS, bad=BAD, url=self.url, app_id=self.team.app_id
        )

    def close(self) -> None:
        """Stop everything that was started."""
        self.fleet.stop()
        self.sync.stop()
        self.sluice.close()

    def merge(self, message: str, *manifests: dict[str, Any]) -> None:
        """Merge manifests to main, and wait until the cluster has them."""
        commit = self.repository.merge(message, manifests)
        self.story.say(f"git: merged {commit[:8]} {message!r}")
        self.sync.wait_for(commit)

    def play(self) -> None:
        """Play the story from the first commit to the bad release's end."""
        self.merge(
            "Add the shop and its release policy, sealed by its owners",
            self.team.app_manifest(),
            self.policy(),
            self.team.channel_manifest(None, rollout=ROLLOUT),
        )
        in_force = self.look.until("InForce", *POLICY)["inForce"]
        self.story.happened("the policy", f"in force, sealed by {', '.join(in_force['sealedBy'])}")
        self.look.until("NoRelease")
        self.fleet.start()
        self.story.happened(f"{PHONES} phones ask for updates", f"at {self.url}/updates")
        release = self.refused()
        self.weakened()
        self.approved_and_rolled_out(release)
        self.bad_release_taken_back()

    def refused(self) -> dict[str, Any]:
        """Merge a release that nobody approved; return it."""
        release = self.team.release_manifest("2.0.0")
        channel = self.team.channel_manifest("shop-2.0.0", rollout=ROLLOUT)
        self.merge("Release 2.0.0", release, channel)
        status = self.look.until("ApprovalsMissing")
        for finding in status["verdict"]["findings"]:
            mark = "✓" if finding["state"] == "satisfied" else "✗"
            self.story.detail(f"{mark} {finding['requirement']}: {finding['message']}")
        self.story.expect("live" not in status, "nothing is live before anybody approved")
        self.story.expect(set(self.fleet.versions()) == {"builtin"}, "no phone got anything")
        self.story.happened("2.0.0 without approvals", "held: " + status["verdict"]["reason"])
        return release

    def policy(self) -> dict[str, Any]:
        """Return the policy, sealed by its owners and by the cluster's root owner."""
        keys = self.team.keys
        return sealed(self.team.policy_manifest(), keys["alice"], keys["bob"], self.rita)

    def weakened(self) -> None:
        """Merge a policy that asks for no approval, and see it ignored; then put it back."""
        weaker = self.team.policy_manifest(
            revision=2,
            requirements=[{"name": "signed-by-ci", "signature": {"authority": "ci"}}],
            sealed_by=("alice",),
        )
        self.merge("Ask for no approvals any more (sealed by alice alone)", weaker)
        status = self.look.until("PolicySealMissing", *POLICY)
        self.story.detail(self.look.ready(*POLICY)["message"])
        self.story.expect(status["inForce"]["revision"] == 1, "revision 1 is in force")
        held = self.look.ready()["reason"]
        self.story.expect(held == "ApprovalsMissing", f"the channel says {held}")
        self.merge("Put the policy back", self.policy())
        self.look.until("InForce", *POLICY)
        self.story.happened("a weaker policy, merged", "ignored: " + held + " still holds 2.0.0")

    def approved_and_rolled_out(self, release: dict[str, Any]) -> None:
        """Merge two approvals, and see the release reach every phone step by step."""
        self.merge("Approve 2.0.0 (alice)", self.team.approval_manifest("alice", release))
        self.merge("Approve 2.0.0 (bob)", self.team.approval_manifest("bob", release))
        shares = self.shares_until("Live", "2.0.0")
        self.story.expect(
            shares == ["1%", "10%", "50%", "100%"], f"shares were {', '.join(shares)}"
        )
        self.story.happened("2.0.0 approved by two", "rolled out " + " → ".join(shares))
        wait_until(
            lambda: self.fleet.versions()["2.0.0"] == PHONES,
            f"all phones run 2.0.0 ({self.fleet.versions()})",
            60,
        )
        self.story.happened(f"all {PHONES} phones", "run 2.0.0")

    def bad_release_taken_back(self) -> None:
        """Merge a release that is approved and bad, and see it taken back."""
        release = self.team.release_manifest(BAD)
        approvals = [self.team.approval_manifest(who, release) for who in ("alice", "carol")]
        channel = self.team.channel_manifest(f"shop-{BAD}", rollout=ROLLOUT)
        self.merge(
            f"Release {BAD}, approved, but it does not start on most phones",
            release,
            *approvals,
            channel,
        )
        status = self.look.until("WorseThanControl", seconds=60)
        self.story.detail(self.look.ready()["message"])
        candidate = status["candidate"]
        self.story.expect(candidate["phase"] == "RolledBack", f"phase is {candidate['phase']}")
        self.story.expect(status["live"]["version"] == "2.0.0", "2.0.0 is still live")
        wait_until(lambda: self.fleet.versions()["2.0.0"] == PHONES, "phones are back on 2.0.0", 60)
        harmed = self.fleet.rollbacks(BAD)
        self.story.expect(harmed < PHONES // 20, f"{harmed} phones were harmed")
        self.story.happened(
            f"{BAD} fails on phones",
            f"taken back by itself; {harmed} of {PHONES} phones saw it fail",
        )

    def shares_until(self, reason: str, version: str) -> list[str]:
        """Tell each share that a rollout reaches until the channel says `reason`."""
        shares: list[str] = []

        def look() -> bool:
            candidate = self.look.status().get("candidate", {})
            share = candidate.get("share", "0%")
            if candidate.get("version") == version and share not in (*shares, "0%"):
                shares.append(share)
                running = self.fleet.versions()[version]
                self.story.say(f"{version} is offered to {share} of phones ({running} run it)")
            return self.look.ready().get("reason") == reason

        wait_until(look, f"the channel says {reason}", 90)
        return shares


def show(demo: Demo) -> None:
    """Print what kubectl and the audit log say at the end."""
    shown = demo.cluster.kubectl("get", "channels,releases,approvals", f"--namespace={NAMESPACE}")
    print(f"$ kubectl get channels,releases,approvals\n{shown.stdout}")
    demo.story.table()


def stay(demo: Demo) -> None:
    """Keep running until Ctrl-C."""
    print("Everything keeps running. Look around:\n")
    print(
        f"  kubectl:     {demo.cluster.kubectl_program} --kubeconfig={demo.cluster.kubeconfig}"
        f" --namespace={NAMESPACE} get channels,releases,approvals"
    )
    print(f"  manifests:   {demo.repository.folder} (commit there: it is synced)")
    print(f"  devices:     {demo.url}/updates  {demo.url}/metrics")
    print(f"  audit log:   .venv/bin/sluice audit verify --store {demo.sluice.store}")
    print("\nCtrl-C ends it.", flush=True)
    while True:
        time.sleep(3600)


def main(stay_on: Callable[[Demo], None] | None) -> int:
    """Play the demo; return the exit status."""
    story = Story()
    story.say("etcd and kube-apiserver start")
    with tempfile.TemporaryDirectory(prefix="sluice-demo-") as folder, ControlPlane() as cluster:
        demo = Demo(story, cluster, Path(folder))
        try:
            story.happened("etcd, kube-apiserver, operator, device server", "running")
            demo.play()
            show(demo)
            if stay_on is not None:
                stay_on(demo)
        except (StoryError, TimeoutError) as error:
            story.failed(error)
            print(demo.sluice.tail("operator"), file=sys.stderr)
            print(
                demo.cluster.kubectl("get", "channels", "-A", "-o", "yaml").stdout, file=sys.stderr
            )
            return 1
        except KeyboardInterrupt:
            print("\nstopping")
        finally:
            demo.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(None if os.environ.get("ONCE") == "1" else stay))
