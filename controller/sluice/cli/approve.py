"""`sluice approve`: one person's signed word on a Release, as a file for the pull request."""

import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click
from pydantic import ValidationError

from sluice.cli.disk import MomentType, also_option, cluster_option, namespace_option, now_or
from sluice.cli.matters import Before, Surroundings
from sluice.cli.signing import FILE, came_back, read_limited, refuse_two_ways, signing_options
from sluice.cli.ssh_sign import public_key, ssh_sign
from sluice.errors import Refused, SluiceError
from sluice.plan.claims import Choice, Decision, claim_of, refuse_other_matter
from sluice.plan.difference import differences, fields_of
from sluice.plan.drafts import approval_name, approval_yaml, claim_lines, release_lines
from sluice.plan.said import what_it_says
from sluice.plan.speaking import Matter, Speaker, key_name
from sluice.plan.text import difference_lines, verdict_lines
from sluice.resources.approval import ApprovalSpec
from sluice.resources.canonical import release_digest
from sluice.resources.manifest import read_manifests, spec_of
from sluice.resources.signed import Ssh
from sluice.verify.claims import WordClaim, build_statement, signed_bytes
from sluice.verify.trust import TrustRoot, parse_trust_root

__all__ = ["approve"]

NONCE_BYTES: Final = 16
FOLDER: Final = "approvals"

EPILOG: Final = """\b
Examples:
  sluice approve release.yaml --channel production --cluster prod --key KEY
  sluice approve release.yaml --channel production --cluster prod --key KEY \\
      --ceiling 10% --until 2d --comment "see how it does until Monday"
  sluice approve release.yaml --channel production --cluster prod --key KEY \\
      --reject --comment "it loses the basket"

With a key on another machine (a sigstore client signs the same statement):

\b
  sluice approve release.yaml --channel production --cluster prod \\
      --role release-manager --statement > st.json
  ssh-keygen -Y sign -n sluice-approval@v1 -f KEY st.json
  sluice approve release.yaml --channel production --cluster prod \\
      --signed-statement st.json --signature st.json.sig

\b
Exit status:
  0  written, or printed
  1  refused, or not confirmed
  2  the command was given wrongly
"""


@click.command(epilog=EPILOG)
@click.argument("release", type=FILE)
@click.option("--channel", required=True, metavar="NAME", help="Channel that it may reach.")
@cluster_option
@click.option("--role", metavar="NAME", help="Role that you speak in, when you have several.")
@click.option("--reject", is_flag=True, help="Say no: it must not reach these phones, ever.")
@click.option("--withdraw", is_flag=True, help="Take back what you said: neither yes nor no.")
@click.option("--ceiling", metavar="SHARE", help="Let it grow to so many phones at most, e.g. 10%.")
@click.option("--until", type=MomentType(), help="When the ceiling ends: then nothing grows on it.")
@click.option("--expires", type=MomentType(), help="When your word ends.  [default: 7d]")
@click.option("--comment", default="", help="For people: it is shown in verdicts. One line.")
@click.option(
    "--sequence",
    default="auto",
    metavar="auto|NUMBER",
    help="Of several words of yours the highest counts; auto looks at those at hand.",
)
@click.option("--except", "requirement", metavar="NAME", help="Except it from a requirement.")
@click.option("--break-glass", "incident", metavar="INCIDENT", help="Emergency: name the incident.")
@click.option("--policy", metavar="KIND/NAME", help="Policy of an exception or a break-glass.")
@click.option("--reason", default="", help="Why, of an exception or a break-glass. One line.")
@click.option("--app-id", help="The app's identifier, when its App is not among the manifests.")
@click.option(
    "--manifests",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with App, policies and approvals; the git repository of RELEASE if left out.",
)
@also_option
@namespace_option
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
@signing_options
@click.option("--trusted-root", type=FILE, help="trusted_root.json that the bundle holds under.")
def approve(**options: Any) -> None:
    """Sign your word on the Release in the file RELEASE, and write it as an Approval.

    Shows everything that you are about to sign, what differs from the release before, and what the
    gate says so far; then asks, signs with ssh-keygen (passphrases, agents and security keys work
    as with ssh), verifies the outcome as the operator will, and writes a file of its own: so two
    people who approve never conflict in git.

    Your word is for this release to the last field, for one channel of one cluster. Whatever
    changes in the Release afterwards, it no longer counts.
    """
    try:
        _approve(options)
    except SluiceError as error:
        raise click.ClickException(str(error)) from error


def _approve(options: Mapping[str, Any]) -> None:
    _refuse_mixtures(options)
    around = Surroundings(
        options["release"],
        namespace=options["namespace"],
        folder=options["manifests"],
        also=options["also"],
    )
    matter, before = around.matter(options["channel"], options["cluster"], options["app_id"])
    now = now_or(None)
    speaker = Speaker(matter, now=now, roots=_roots(options["trusted_root"]))
    spec = _taken_back(options)
    if spec is None:
        key = public_key(options["key"]) if options["key"] else None
        nonce = secrets.token_urlsafe(NONCE_BYTES)
        claim = claim_of(speaker, _choice(options), key=key, now=now, nonce=nonce)
        text = signed_bytes(build_statement(release_digest(matter.release), claim))
        _show(speaker, claim, before, key, err=options["statement"])
        if options["statement"]:
            click.echo(text, nl=False)
            return
        if not options["yes"]:
            click.confirm("\nSign this?", abort=True)
        signature = ssh_sign(options["key"], text)
        spec = ApprovalSpec(
            release=matter.name, ssh=Ssh(statement=text.decode(), signature=signature)
        )
    _finish(speaker, spec, options)


def _refuse_mixtures(options: Mapping[str, Any]) -> None:
    """Refuse options that do not go together."""
    refuse_two_ways(options)
    words = ("reject", "withdraw", "requirement", "incident")
    if sum(bool(options[each]) for each in words) > 1:
        message = "One word at a time: --reject, --withdraw, --except or --break-glass."
        raise click.UsageError(message)
    if (options["requirement"] or options["incident"]) and not options["reason"]:
        raise click.UsageError("An exception and a break-glass say why: give --reason.")


def _choice(options: Mapping[str, Any]) -> Choice:
    sequence = options["sequence"]
    if sequence != "auto" and not sequence.isdecimal():
        raise click.UsageError("--sequence is a number, or auto.")
    return Choice(
        decision=_decision(options),
        requirement=options["requirement"],
        incident=options["incident"],
        policy=options["policy"],
        role=options["role"],
        reason=options["reason"],
        comment=options["comment"],
        ceiling=options["ceiling"],
        ceiling_until=options["until"],
        expires_at=options["expires"],
        sequence=None if sequence == "auto" else int(sequence),
    )


def _decision(options: Mapping[str, Any]) -> Decision:
    if options["reject"]:
        return "reject"
    return "withdraw" if options["withdraw"] else "approve"


def _show(
    speaker: Speaker,
    claim: WordClaim,
    before: Before | None,
    key: str | None,
    *,
    err: bool,
) -> None:
    """Print everything that is about to be signed."""
    for line in _shown(speaker, claim, before, key):
        click.echo(line, err=err)


def _shown(
    speaker: Speaker, claim: WordClaim, before: Before | None, key: str | None
) -> Iterator[str]:
    matter = speaker.matter
    person = speaker.person(key) if key else None
    unknown = "a key that no policy at hand knows" if key else "whoever signs"
    yield "You are about to sign:"
    yield ""
    yield from (f"  {line}" for line in claim_lines(claim, person or unknown))
    yield ""
    yield from (f"  {line}" for line in release_lines(matter.name, matter.release))
    yield ""
    yield from _compared(matter, before)
    channels = [each.key.name for each in matter.manifests.of_kind("Channel", matter.namespace)]
    if channels and matter.channel not in channels:
        yield f"NO CHANNEL {matter.channel} is at hand: is it one of {', '.join(channels[:8])}?"
    for name, word in speaker.said_before(key or "", person):
        yield f"You have spoken before, in {name}: {what_it_says(word, speaker.policies)}"
    yield ""
    yield "The gate, without your word (only the cluster knows what phones get now):"
    yield from (f"  {line}" for line in verdict_lines(speaker.verdict()))


def _compared(matter: Matter, before: Before | None) -> Iterator[str]:
    if before is None:
        yield f"What channel {matter.channel} names before is not at hand: nothing to compare with."
        return
    old = fields_of(before.release, without=frozenset({"attestations"}))
    new = fields_of(matter.release, without=frozenset({"attestations"}))
    yield f"From {before.name}, which channel {matter.channel} names {before.where}:"
    yield from (f"  {line}" for line in difference_lines(differences(old, new)))


def _taken_back(options: Mapping[str, Any]) -> ApprovalSpec | None:
    """Return what was signed elsewhere; None when it is to be signed here."""
    back = came_back(options)
    try:
        match back:
            case None:
                return None
            case Ssh():
                return ApprovalSpec(release="taken-back", ssh=back)
            case str():
                return ApprovalSpec(release="taken-back", sigstore_bundle=back)
    except ValidationError as error:
        message = "The bundle is too large for an Approval: sign it without further content."
        raise Refused("ApprovalUnreadable", message) from error


def _roots(path: Path | None) -> tuple[TrustRoot, ...]:
    return () if path is None else (parse_trust_root(read_limited(path)),)


def _finish(speaker: Speaker, spec: ApprovalSpec, options: Mapping[str, Any]) -> None:
    """Read the outcome as the operator will, write it, and say what it changes."""
    matter = speaker.matter
    spec = spec.model_copy(update={"release": matter.name})
    word = speaker.read("the new one", spec)
    refuse_other_matter(word, matter)
    person = speaker.person_behind(word)
    name = approval_name(matter.name, person or key_name(word.signer), word)
    text = approval_yaml(name, matter.namespace, spec)
    if _read_again(text) != spec:
        message = "The manifest would not be read as it was meant: please report this."
        raise Refused("ManifestDiffers", message)
    path = options["out"] or options["release"].parent / FOLDER / f"{name}.yaml"
    _write(path, text)
    click.echo("")
    if person is None:
        click.echo("No policy at hand knows who signed: until one names them, it does not count.")
    click.echo("The gate, with your word:")
    for line in verdict_lines(speaker.verdict((name, spec))):
        click.echo(f"  {line}")
    click.echo(f"\nWrote {path}: add it to the pull request.")


def _read_again(text: str) -> object:
    [manifest] = read_manifests(text.encode())
    return spec_of(manifest)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        message = f"There is a file {path} already: an Approval never changes; name another --out."
        raise Refused("FileExists", message) from error
    except OSError as error:
        raise Refused("FileUnwritable", f"{path}: {error.strerror}.") from error
