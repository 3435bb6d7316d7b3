"""Makes `examples/manifests` anew, by the commands that a team would use.

Run from the repository: `python -m examples.make_manifests`, with `controller` and `tests` on the
path. Keys and the sigstore are made for it and thrown away.
"""

import hashlib
import tempfile
from pathlib import Path
from textwrap import indent

from click.testing import CliRunner

from sluice.cli.main import main
from support.minting import PrivateSigstore
from support.sshsig import Keygen
from support.team import CI, CI_ISSUER, REPOSITORY, a_bundle, provenance

FOLDER = Path(__file__).resolve().parent / "manifests"
FOR_LONG = "2036-01-01T00:00:00Z"
PEOPLE = ("alice", "bob", "carol")

APP = """\
apiVersion: sluice.dev/v1alpha1
kind: App
metadata: {name: shop, namespace: shop}
spec:
  appId: com.example.shop
  description: The web shop.
"""

CHANNEL = """\
apiVersion: sluice.dev/v1alpha1
kind: Channel
metadata: {name: production, namespace: shop}
spec:
  app: shop
  release: shop-1.4.2
  audience: {default: true}
  rollout:
    steps:
      - {share: 1%, hold: 30m, minDevices: 20}
      - {share: 10%, hold: 1h, minDevices: 100}
      - {share: 50%, hold: 2h, minDevices: 500}
      - {share: 100%, hold: 12h}
"""

POLICY = """\
apiVersion: sluice.dev/v1alpha1
kind: ReleasePolicy
metadata: {name: releases, namespace: shop}
spec:
  selector: {apps: [com.example.shop]}

  # Who may speak. SSH keys here, as in a .pub file; a key of a security key (sk-ssh-ed25519) can
  # prove that it checked its user. Identities of a sigstore do as well.
  people:
__PEOPLE__
  roles:
    - {name: release-manager, members: [alice, bob, carol]}

  # Who must seal the next revision of this policy.
  owners: {people: [alice, bob], threshold: 2}
  revision: 1

  requirements:
    - name: signed-by-ci
      signature: {authority: ci}
    - name: built-by-ci
      provenance:
        authority: ci
        repository: https://github.com/acme/shop
        builderId: https://github.com/actions/runner
    - name: approved
      approvals: {role: release-manager, count: 2, notAuthor: true}

  # What CI signs with: the workflow's identity, under this sigstore's trusted root.
  authorities:
    - name: ci
      issuer: https://token.actions.githubusercontent.com
      subjects: ["https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main"]
      trustedRoot: |-
__ROOT__
"""

RELEASE = """\
apiVersion: sluice.dev/v1alpha1
kind: Release
metadata: {name: shop-1.4.2, namespace: shop}
spec:
  app: shop
  version: "1.4.2"
  bundle:
    url: https://ci.example.com/shop/shop-1.4.2.zip
    sha256: __DIGEST__
    size: __SIZE__
  source:
    repository: __REPOSITORY__
    revision: __REVISION__
    authors: [dora@example.com]
  attestations:
    - name: signature
      inline: |-
__SIGNATURE__
    - name: provenance
      inline: |-
__PROVENANCE__
"""


def filled(template: str, **values: str) -> str:
    """Return a template with its places filled."""
    for name, value in values.items():
        template = template.replace(f"__{name}__", value)
    return template


def sluice(*arguments: str) -> None:
    """Run a command, and show what it says."""
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    print(done.output)
    if done.exit_code != 0:
        raise SystemExit(done.exit_code)


def people(keys: dict[str, Path]) -> str:
    """Return the people of the policy."""
    lines = []
    for who, key in keys.items():
        words = key.with_suffix(".pub").read_text().split()[:2]
        lines += [f"    - name: {who}", f"      keys: [{' '.join(words)}]"]
    return "\n".join(lines)


def release(sigstore: PrivateSigstore) -> str:
    """Return the Release, built and signed by the CI."""
    bundle = a_bundle("1.4.2")
    digest = hashlib.sha256(bundle).hexdigest()
    revision = hashlib.sha256(digest.encode()).hexdigest()[:40]
    statement = sigstore.sign_statement(provenance(digest, revision), CI, CI_ISSUER)
    return filled(
        RELEASE,
        DIGEST=digest,
        SIZE=str(len(bundle)),
        REPOSITORY=REPOSITORY,
        REVISION=revision,
        SIGNATURE=indent(sigstore.sign_blob(digest, CI, CI_ISSUER).decode(), " " * 8),
        PROVENANCE=indent(statement.decode(), " " * 8),
    )


def make(folder: Path, keys: dict[str, Path]) -> None:
    """Write everything, and have the people sign."""
    sigstore = PrivateSigstore()
    root = indent(sigstore.trusted_root_json().decode(), " " * 8)
    for old in (folder / "approvals").glob("*.yaml"):
        old.unlink()
    (folder / "app.yaml").write_text(APP)
    (folder / "channel.yaml").write_text(CHANNEL)
    (folder / "release.yaml").write_text(release(sigstore))
    (folder / "policy.yaml").write_text(filled(POLICY, PEOPLE=people(keys), ROOT=root))
    signed = ("--cluster", "prod", "--expires", FOR_LONG, "--yes", "--key")
    for who in ("alice", "bob"):
        sluice("seal-policy", str(folder / "policy.yaml"), *signed, str(keys[who]))
    for who in ("alice", "bob"):
        file = str(folder / "release.yaml")
        around = ("--manifests", str(folder), "--channel", "production")
        sluice("approve", file, *around, *signed, str(keys[who]))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        keys = {}
        for each in PEOPLE:
            Path(place, each).mkdir()
            keys[each] = Keygen(Path(place, each)).key("ed25519")
        make(FOLDER, keys)
