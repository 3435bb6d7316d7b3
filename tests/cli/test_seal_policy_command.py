"""`sluice seal-policy`: an owner's seal, put into the file with everything else left alone."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from sluice.cli.main import main
from sluice.gate.revisions import RevisionJudge
from sluice.gate.trust import TrustRoom
from sluice.plan.cases import policy_of
from sluice.plan.manifests import File, ManifestReader
from sluice.policy.sealing import Adopt
from sluice.policy.subject import PolicyInForce
from sluice.verify.collect import Examiner
from support.pull_request import PullRequest, text
from support.sshsig import Keygen
from support.team import SSO, Team

Body = dict[str, Any]
Seal = Callable[..., Result]
NAME = "policy.yaml"
TEXT_THAT_LOOKS_LIKE_A_COMMENT = """\
    - name: told
      cel:
        expression: "true"
        message: |-
          Mend it.
          # Or so.
"""


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, Path]:
    found = {}
    for who in ("anna", "ben", "mallory"):
        (tmp_path / who).mkdir()
        found[who] = Keygen(tmp_path / who).key("ed25519")
    return found


def public(key: Path) -> str:
    return " ".join(key.with_name(key.name + ".pub").read_text().split()[:2])


def policy_text(keys: dict[str, Path], *, revision: int = 1, count: int = 1, tail: str = "") -> str:
    return f"""# Who may release.
apiVersion: sluice.dev/v1alpha1
kind: ReleasePolicy
metadata: {{name: releases, namespace: shop}}
spec:
  people:  # all of them
    - name: anna
      keys: ["{public(keys["anna"])}"]
    - name: ben
      keys: ["{public(keys["ben"])}"]
  roles: [{{name: managers, members: [anna, ben]}}]
  owners: {{people: [anna, ben], threshold: 2}}
  revision: {revision}
  requirements:
    # one is enough
    - name: approved
      approvals: {{role: managers, count: {count}}}
{tail}"""


@pytest.fixture
def pull(tmp_path: Path, keys: dict[str, Path]) -> PullRequest:
    found = PullRequest(tmp_path / "repository")
    found.commit("nothing yet")
    found.branch()
    found.put(NAME, policy_text(keys))
    return found


@pytest.fixture
def seal(pull: PullRequest, keys: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Seal:
    monkeypatch.chdir(pull.root)

    def run(who: str | None, *arguments: str, cluster: str = "prod") -> Result:
        key = ["--key", str(keys[who]), "--yes"] if who else []
        command = ["seal-policy", NAME, "--cluster", cluster, *key, *arguments]
        return CliRunner().invoke(main, command)

    return run


def comes_into_force(data: bytes, before: bytes | None = None, cluster: str = "prod") -> bool:
    """Return what the operator makes of the policy in a file."""
    trust = TrustRoom()
    judge = RevisionJudge(examiner=Examiner(), trust=trust, genesis=None, cluster=cluster)

    def policy(text: bytes) -> PolicyInForce:
        [found] = ManifestReader().read([File(path=NAME, data=text)]).of_kind("ReleasePolicy")
        known = policy_of(found, trust)
        assert isinstance(known, PolicyInForce)
        return known

    old = policy(before) if before else None
    return isinstance(judge.judge(old, policy(data), datetime.now(UTC)), Adopt)


def test_a_revision_comes_into_force_once_enough_owners_sealed_it(
    seal: Seal, pull: PullRequest
) -> None:
    path = pull.root / NAME
    plain = path.read_text()

    first = seal("anna")
    half = path.read_bytes()
    second = seal("ben")

    assert first.exit_code == second.exit_code == 0, second.output
    assert "Still needed: 1 of ben." in first.output
    assert not comes_into_force(half)
    assert "comes into force, sealed by anna, ben" in second.output
    assert comes_into_force(path.read_bytes())
    assert not comes_into_force(path.read_bytes(), cluster="staging")
    assert path.read_text().startswith(plain)


def test_a_revision_is_shown_against_the_one_before_and_loses_its_seals(
    seal: Seal, pull: PullRequest, keys: dict[str, Path]
) -> None:
    path = pull.root / NAME
    seal("anna")
    seal("ben")
    before = path.read_bytes()
    pull.commit("revision 1")
    pull.git("branch", "--force", "main")
    path.write_bytes(
        before.replace(b"revision: 1", b"revision: 2").replace(b"count: 1", b"count: 2")
    )

    first = seal("ben")
    second = seal("anna")

    assert "~ requirements.approved.approvals.count: 1 → 2" in first.output
    assert "Removed 2 seals that are of another revision." in first.output
    assert "comes into force, sealed by anna, ben" in second.output
    assert comes_into_force(path.read_bytes(), before)
    assert path.read_text().count("- ssh:") == 2
    assert "# one is enough" in path.read_text()


@pytest.mark.parametrize(
    "tail",
    [
        "",
        "  seals: []\n",
        "  seals: []  # none yet\n",
        "  # the end of spec\n# and of the file\n",
        TEXT_THAT_LOOKS_LIKE_A_COMMENT,
        "---\nkind: ConfigMap\nmetadata: {name: other}\n",
        "\n\n---\n# sluice.dev\nkind: ConfigMap\n",
        "  retired: false",
        "  retired: false\r\n",
    ],
)
def test_a_seal_fits_into_any_file(
    seal: Seal, pull: PullRequest, keys: dict[str, Path], tail: str
) -> None:
    path = pull.put(NAME, policy_text(keys, tail=tail))
    comments = path.read_text().count("#")

    assert seal("anna").exit_code == 0
    assert seal("ben").exit_code == 0
    assert comes_into_force(path.read_bytes())
    assert path.read_text().count("#") == comments


def test_a_field_after_the_seals_stays_after_them(
    seal: Seal, pull: PullRequest, keys: dict[str, Path]
) -> None:
    whole = policy_text(keys)
    path = pull.put(NAME, whole.replace("  requirements:", "  seals: []\n  requirements:"))

    assert seal("anna").exit_code == 0
    assert seal("ben").exit_code == 0
    assert comes_into_force(path.read_bytes())
    assert path.read_text().index("seals:") < path.read_text().index("requirements:")


def test_a_file_that_cannot_be_edited_safely_is_left_and_the_seal_printed(
    seal: Seal, pull: PullRequest, keys: dict[str, Path]
) -> None:
    head, _, body = policy_text(keys).partition("spec:\n")
    path = pull.put(NAME, head + "spec: " + json.dumps(yaml.safe_load("spec:\n" + body)["spec"]))
    before = path.read_bytes()

    done = seal("anna")

    assert done.exit_code == 1
    assert "- ssh:\n      statement: |-" in done.output
    assert "by hand" in done.output
    assert path.read_bytes() == before


def test_a_stranger_is_told_before_that_it_does_not_count(seal: Seal, pull: PullRequest) -> None:
    done = seal("mallory")

    assert "NOBODY that the policy knows: your seal will not count" in done.output
    assert not comes_into_force((pull.root / NAME).read_bytes())


def test_root_owners_are_known_by_the_file_of_the_operator(
    seal: Seal, pull: PullRequest, keys: dict[str, Path]
) -> None:
    roots = f'owners: [{{name: root, keys: ["{public(keys["mallory"])}"]}}]\nthreshold: 1\n'
    pull.put("genesis.yaml", roots)

    done = seal("mallory", "--genesis", "genesis.yaml")

    assert "you are     root (root)" in done.output
    assert "Still needed: 2 of anna, ben" in done.output


def test_sealed_elsewhere(seal: Seal, pull: PullRequest, keys: dict[str, Path]) -> None:
    printed = seal(None, "--statement")
    assert printed.exit_code == 0, printed.output
    pull.put("st.json", printed.stdout_bytes)
    folder = keys["anna"].parent
    signed = Keygen(folder).sign(keys["anna"], printed.stdout_bytes, "sluice-approval@v1")
    pull.put("st.sig", signed)

    done = seal(None, "--signed-statement", "st.json", "--signature", "st.sig")

    assert done.exit_code == 0, done.output
    assert "Still needed: 1 of ben." in done.output


def test_sealed_with_a_sigstore_identity(seal: Seal, pull: PullRequest, tmp_path: Path) -> None:
    (tmp_path / "bundles").mkdir()
    team = Team(namespace="shop", bundles=tmp_path / "bundles", cluster="prod")
    path = pull.put(NAME, text(team.policy_manifest(sealed_by=())))
    printed = seal(None, "--statement")
    bundle = team.sigstore.sign_statement(printed.stdout_bytes, "alice@example.com", SSO)
    pull.put("bundle.json", bundle)

    done = seal(None, "--sigstore-bundle", "bundle.json")

    assert done.exit_code == 0, done.output
    assert "Still needed: 1 of bob." in done.output
    assert "sigstoreBundle: |-" in path.read_text()


def test_a_policy_without_owners_cannot_be_sealed(
    seal: Seal, pull: PullRequest, keys: dict[str, Path]
) -> None:
    whole = policy_text(keys).splitlines()
    lines = [each for each in whole if "owners" not in each and "revision" not in each]
    pull.put(NAME, "\n".join(lines) + "\n")

    done = seal("anna")

    assert done.exit_code == 1
    assert "names no owners" in done.output


def test_what_was_changed_after_it_was_signed_is_refused(
    seal: Seal, pull: PullRequest, keys: dict[str, Path]
) -> None:
    printed = seal(None, "--statement").stdout_bytes
    pull.put("st.json", printed)
    folder = keys["anna"].parent
    pull.put("st.sig", Keygen(folder).sign(keys["anna"], printed, "sluice-approval@v1"))
    pull.put(NAME, policy_text(keys, count=2))

    done = seal(None, "--signed-statement", "st.json", "--signature", "st.sig")

    assert done.exit_code == 1
    assert "SealForOtherPolicy" in done.output


def test_a_link_to_the_policy_stays_a_link(seal: Seal, pull: PullRequest) -> None:
    path = pull.root / NAME
    real = path.rename(pull.root / "real.yaml")
    path.symlink_to(real.name)

    assert seal("anna").exit_code == 0
    assert path.is_symlink()
    assert "- ssh:" in real.read_text()
