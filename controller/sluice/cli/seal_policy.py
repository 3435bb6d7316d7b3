"""`sluice seal-policy`: one owner's signature over the next revision of a policy, in its file."""

import os
import secrets
import stat
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click
from pydantic import ValidationError

from sluice.cli.disk import (
    MomentType,
    files_on_disk,
    genesis_at,
    genesis_option,
    namespace_option,
    now_or,
)
from sluice.cli.matters import Surroundings
from sluice.cli.signing import FILE, came_back, refuse_two_ways, signing_options
from sluice.cli.ssh_sign import public_key, ssh_sign
from sluice.errors import Refused, SluiceError
from sluice.gate.offered import seal_evidence
from sluice.gate.revisions import RevisionJudge
from sluice.gate.trust import TrustRoom
from sluice.plan.cases import policy_of
from sluice.plan.difference import differences, fields_of
from sluice.plan.manifests import Found, ManifestReader
from sluice.plan.resealed import seal_lines, with_seal
from sluice.plan.said import moment
from sluice.plan.text import difference_lines
from sluice.policy.sealing import Adopt, Ignored, Judgement, Same
from sluice.policy.subject import PolicyInForce
from sluice.resources.faults import faults_of, summary
from sluice.resources.genesis import Genesis
from sluice.resources.signed import Seal, Ssh
from sluice.resources.text import plain
from sluice.verify.claims import SealClaim, build_seal_statement, signed_bytes
from sluice.verify.collect import Examiner
from sluice.verify.facts import Rejected

__all__ = ["seal_policy"]

KINDS: Final = ("ReleasePolicy", "ClusterReleasePolicy")
NONCE_BYTES: Final = 16
LIFETIME: Final = timedelta(days=30)
"""How long a seal may wait for the others' when its owner does not say."""

EPILOG: Final = """\b
Examples:
  sluice seal-policy policy.yaml --cluster prod --key ~/.ssh/id_ed25519_sk
  sluice seal-policy policy.yaml --cluster prod --cluster staging --key KEY

\b
Exit status:
  0  the file holds your seal, or the bytes to sign were printed
  1  refused, not confirmed, or to be pasted by hand
  2  the command was given wrongly
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Revision:
    """What is to be sealed, and what is in force before it."""

    found: Found
    proposed: PolicyInForce
    in_force: PolicyInForce | None
    genesis: Genesis | None
    clusters: tuple[str, ...]
    now: datetime


@click.command("seal-policy", epilog=EPILOG)
@click.argument("policy", type=FILE)
@click.option(
    "--cluster",
    "clusters",
    multiple=True,
    required=True,
    envvar="SLUICE_CLUSTER",
    metavar="NAME",
    help="Cluster that the seal is for, by its operator's name for it. May be repeated.",
)
@click.option(
    "--base",
    type=FILE,
    help="The revision in force, as a file; what stood in git where this branch left the main"
    " branch, when it is left out.",
)
@genesis_option
@click.option("--expires", type=MomentType(), help="When it is too late to use it. [default: 30d]")
@namespace_option
@signing_options
def seal_policy(**options: Any) -> None:
    """Seal the revision of a policy that stands in the file POLICY, as one of its owners.

    Shows what the revision changes and who must seal it, asks, signs with ssh-keygen, and puts your
    seal below spec.seals: everything else in the file stays as it is, comments too. A revision
    comes into force when enough owners, as the revision before names them, have sealed it.
    """
    refuse_two_ways(options)
    try:
        _seal(options)
    except SluiceError as error:
        raise click.ClickException(str(error)) from error


def _seal(options: Mapping[str, Any]) -> None:
    path: Path = options["policy"]
    revision = _revision(path, options)
    back = came_back(options)
    if back is None:
        claim = _claim(revision, options["expires"])
        text = signed_bytes(build_seal_statement(revision.proposed.ref.digest, claim))
        for line in _shown(revision, claim, options["key"]):
            click.echo(line, err=options["statement"])
        if options["statement"]:
            click.echo(text, nl=False)
            return
        if not options["yes"]:
            click.confirm("\nSeal this?", abort=True)
        back = Ssh(statement=text.decode(), signature=ssh_sign(options["key"], text))
    _finish(path, revision, _as_seal(back))


def _revision(path: Path, options: Mapping[str, Any]) -> _Revision:
    """Return what is to be sealed.

    Raises:
        Refused: the file holds no revision that can be sealed.
    """
    around = Surroundings(path, namespace=options["namespace"], folder=None, also=())
    trust = TrustRoom()
    found = around.only(KINDS)
    proposed = policy_of(found, trust)
    if not isinstance(proposed, PolicyInForce):
        raise Refused("PolicyUnreadable", proposed.problem)
    if proposed.spec.owners is None:
        message = "The policy names no owners, so nobody can seal it: give owners and revision."
        raise Refused("PolicyUnsealed", message)
    before = _before(around, found, options)
    old = policy_of(before, trust) if before else None
    sealed = old if isinstance(old, PolicyInForce) and old.spec.owners else None
    return _Revision(
        found=found,
        proposed=proposed,
        in_force=None if sealed and sealed.ref.digest == proposed.ref.digest else sealed,
        genesis=genesis_at(options["genesis"]),
        clusters=options["clusters"],
        now=now_or(None),
    )


def _before(around: Surroundings, found: Found, options: Mapping[str, Any]) -> Found | None:
    """Return the policy as it stood before."""
    if not options["base"]:
        manifests = around.base
        return manifests.objects.get(found.key) if manifests is not None else None
    files, problems = files_on_disk([options["base"]])
    base = ManifestReader(options["namespace"]).read(files, problems=problems)
    if found.key not in base.objects:
        raise Refused("BaseMissing", f"{options['base']} does not hold {found.key}.")
    return base.objects[found.key]


def _claim(revision: _Revision, expires: datetime | None) -> SealClaim:
    key, now = revision.found.key, revision.now
    try:
        return SealClaim.model_validate(
            {
                "kind": key.kind,
                "namespace": key.namespace,
                "name": key.name,
                "revision": revision.proposed.spec.revision,
                "clusters": tuple(dict.fromkeys(revision.clusters)),
                "nonce": secrets.token_urlsafe(NONCE_BYTES),
                "issued_at": now,
                "expires_at": expires or now + LIFETIME,
            }
        )
    except ValidationError as error:
        raise Refused("ClaimInvalid", f"{summary(faults_of(error, ()))}.") from error


def _shown(revision: _Revision, claim: SealClaim, key: Path | None) -> Iterator[str]:
    spec, before = revision.proposed.spec, revision.in_force
    yield "You are about to seal:"
    yield ""
    yield f"  policy      {revision.found.key}, revision {spec.revision}"
    yield f"  digest      sha256:{revision.proposed.ref.digest}"
    yield f"  clusters    {', '.join(claim.clusters)}"
    yield f"  usable      until {moment(claim.expires_at)}"
    yield f"  you are     {_who(revision, key)}"
    yield ""
    if before is None:
        yield "The revision in force is not at hand (--base): read the whole file before you seal."
    else:
        yield f"From revision {before.spec.revision}, which stands at base:"
        seals = frozenset({"seals"})
        old, new = (fields_of(each, without=seals) for each in (before.spec, spec))
        yield from (f"  {line}" for line in difference_lines(differences(old, new)))
    yield ""
    yield "Without your seal:"
    yield from (f"  {line}" for line in _standing(revision, revision.proposed))


def _who(revision: _Revision, key: Path | None) -> str:
    text = public_key(key) if key else None
    if text is None:
        return "whoever signs"
    ground = (revision.in_force or revision.proposed).spec
    names = [each.name for each in ground.people if text in each.keys]
    if revision.genesis is not None:
        names += [f"{each.name} (root)" for each in revision.genesis.owners if text in each.keys]
    owners = ground.owners.people if ground.owners else ()
    if names and names[0] not in owners and "(root)" not in names[-1]:
        return f"{names[0]}, who is NO OWNER: your seal will not count"
    return " and ".join(names) or "NOBODY that the policy knows: your seal will not count"


def _standing(revision: _Revision, policy: PolicyInForce) -> Iterator[str]:
    """Yield what each cluster would make of the revision."""
    number = policy.spec.revision or 0
    if revision.in_force is None and number > 1:
        yield (
            f"whose seals count is said by revision {number - 1}, which is not at hand: hand it in"
            " with --base"
        )
        return
    for cluster in revision.clusters:
        judge = RevisionJudge(
            examiner=Examiner(), trust=TrustRoom(), genesis=revision.genesis, cluster=cluster
        )
        yield f"{cluster}: {_said(judge.judge(revision.in_force, policy, revision.now))}"


def _said(judgement: Judgement) -> str:
    match judgement:
        case Adopt(sealed_by=who):
            return f"comes into force, sealed by {', '.join(who)}"
        case Same():
            return "is in force already"
        case Ignored(message=message):
            return plain(message, 2000)


def _as_seal(back: Ssh | str) -> Seal:
    try:
        return Seal(ssh=back) if isinstance(back, Ssh) else Seal(sigstore_bundle=back)
    except ValidationError as error:
        raise Refused("SealUnreadable", f"{summary(faults_of(error, ()))}.") from error


def _finish(path: Path, revision: _Revision, seal: Seal) -> None:
    """Read the seal as the operator will, put it into the file, and say what it changes."""
    proposed = revision.proposed
    why = _refused(revision, seal)
    if why is not None:
        raise Refused(why.reason, why.message)
    stale = frozenset(
        each
        for each in proposed.spec.seals
        if (known := _refused(revision, each)) and known.reason == "SealForOtherPolicy"
    )
    with path.open("rb") as stream:
        data = stream.read()
    changed = with_seal(data, revision.found, seal, without=stale)
    if changed is None:
        click.echo("\n".join(["spec:", "  seals:", *seal_lines(seal, 2)]))
        message = "The file can't be edited safely: add the seal above to spec.seals by hand."
        raise Refused("FileNotEdited", message)
    _replace(path, changed)
    kept = tuple(each for each in proposed.spec.seals if each not in stale)
    spec = proposed.spec.model_copy(update={"seals": (*kept, seal)})
    click.echo("")
    if stale:
        click.echo(f"Removed {len(stale)} seals that are of another revision.")
    click.echo("With your seal:")
    for line in _standing(revision, PolicyInForce(ref=proposed.ref, spec=spec)):
        click.echo(f"  {line}")
    click.echo(f"\nSealed {path}: commit it.")


def _refused(revision: _Revision, seal: Seal) -> Rejected | None:
    """Return why a seal proves nothing about the revision; None when it does."""
    trust = TrustRoom()
    _, rejected = Examiner().examine_seals(
        (seal_evidence(1, seal),),
        policy_digest=revision.proposed.ref.digest,
        roots=trust.trusted_by((revision.in_force or revision.proposed,)),
    )
    return rejected[0] if rejected else None


def _replace(path: Path, data: bytes) -> None:
    """Replace a file's content whole, or not at all; a link's target stays where it is."""
    target = path.resolve()
    try:
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(name).chmod(stat.S_IMODE(target.stat().st_mode))
        Path(name).replace(target)
    except OSError as error:
        raise Refused("FileUnwritable", f"{path}: {error.strerror}.") from error
