"""`sluice whatif`: what past decisions would have been under a policy that is only proposed."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any, Final

import click

from sluice.cli.places import store_option
from sluice.cli.stored import channel_option, chosen_decisions, exported, with_store
from sluice.errors import Refused
from sluice.gate.document import Exported
from sluice.gate.judge import Judge
from sluice.gate.trust import TrustRoom
from sluice.gate.whatif import Policy, WhatIf, what_if
from sluice.policy.subject import UnreadablePolicy
from sluice.policy.verdict import Finding
from sluice.resources.kinds import KINDS, Key
from sluice.resources.manifest import MANIFEST_BYTES_MAX, Manifest, read_manifests, spec_of
from sluice.resources.policy import PolicySpec
from sluice.resources.text import plain
from sluice.store.database import Database
from sluice.verify.collect import Examiner

__all__ = ["whatif"]

FLIPS: Final = 3
"""Exit code when an answer would have been another."""

UNSEALED: Final = (
    "Whether the proposed policy would come into force is not judged here: a sealed one needs the"
    " signatures of its owners."
)

SHOWN_CHARS_MAX = 600


@click.command
@click.option(
    "--policy",
    "files",
    required=True,
    multiple=True,
    type=click.File("rb"),
    help="The proposed policy (YAML); several may be given, or stand in one file.",
)
@store_option
@channel_option
@click.option(
    "--last",
    type=click.IntRange(1, 100_000),
    default=100,
    show_default=True,
    help="How many of the newest decisions are made again.",
)
@click.option("--namespace", help="Namespace of a ReleasePolicy whose file names none.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
def whatif(
    files: Sequence[IO[bytes]],
    store: str,
    channel: tuple[str, str] | None,
    last: int,
    namespace: str | None,
    form: str,
) -> None:
    """Make past decisions again under a proposed policy, and list the verdicts that would flip.

    The policy takes the place of the one of the same kind, namespace and name, or is added. All
    else is as it was then: evidence, what was served, and the time. Exits with 0 when no verdict
    would flip, with 3 when one would, and with 1 when the policy or a decision can't be read.
    """
    trust = TrustRoom()
    judge = Judge(examiner=Examiner(), trust=trust)
    try:
        proposed = [each for file in files for each in _policies(file, namespace, trust)]
    except Refused as error:
        raise click.ClickException(str(error)) from error
    found, unread = _made_again(_decisions(store, channel, last), proposed, judge)
    flips = [each for each in found if each.flips]
    if form == "json":
        click.echo(json.dumps(_as_json(found, unread), ensure_ascii=True, indent=1))
    else:
        click.echo("\n".join(_lines(found, flips, unread)))
    if flips or unread:
        sys.exit(FLIPS if flips else 1)


def _made_again(
    decisions: Iterable[Exported], proposed: Sequence[Policy], judge: Judge
) -> tuple[list[WhatIf], list[Refused]]:
    """Return the decisions under the proposed policies, and why others could not be read."""
    found: list[WhatIf] = []
    unread: list[Refused] = []
    for each in decisions:
        try:
            found.append(what_if(each.read(), proposed, judge))
        except Refused as error:
            unread.append(error)
    return found, unread


def _decisions(store: str, channel: tuple[str, str] | None, last: int) -> list[Exported]:
    async def look(database: Database) -> list[Exported]:
        kept = await chosen_decisions(database, None, channel, last)
        return [await exported(database, each) for each in kept]

    return with_store(store, look)


def _policies(file: IO[bytes], namespace: str | None, trust: TrustRoom) -> Iterator[Policy]:
    """Yield the policies in a file.

    Raises:
        Refused: it holds something else, or a policy that can't be read.
    """
    manifests = read_manifests(file.read(MANIFEST_BYTES_MAX + 1))
    if not manifests:
        raise Refused("PolicyMissing", "The file holds no policy.")
    for each in manifests:
        spec = spec_of(each)
        if not isinstance(spec, PolicySpec):
            raise Refused("PolicyMissing", "The file must hold policies, and nothing else.")
        policy = trust.policy(_key(each, namespace), spec)
        if isinstance(policy, UnreadablePolicy):
            raise Refused("PolicyUnreadable", policy.problem)
        yield policy


def _key(manifest: Manifest, namespace: str | None) -> Key:
    kind = str(manifest.value["kind"])
    metadata = manifest.value.get("metadata")
    named = metadata if isinstance(metadata, dict) else {}
    name, where = named.get("name"), named.get("namespace", namespace)
    if not isinstance(name, str):
        raise Refused("PolicyMissing", "The policy has no metadata.name.")
    if not KINDS[kind].namespaced:
        return Key(kind, "", name)
    if not isinstance(where, str):
        raise Refused(
            "NamespaceMissing", "The file does not say which namespace it is for: give --namespace."
        )
    return Key(kind, where, name)


def _lines(
    found: Sequence[WhatIf], flips: Sequence[WhatIf], unread: Sequence[Refused]
) -> Iterator[str]:
    for each in flips:
        yield from _flip(each)
    yield from (f"not judged: {each}" for each in unread)
    otherwise = sum(each.told_otherwise for each in found)
    if otherwise:
        yield (
            f"{otherwise} of them are not what this version of Sluice comes to under the old"
            " policies: `sluice replay` shows where."
        )
    yield f"{len(flips)} of {len(found)} decisions would have been another."
    yield UNSEALED


def _flip(flip: WhatIf) -> Iterator[str]:
    verdict = flip.record.verdict
    name = f"{verdict.namespace}/{verdict.channel} {verdict.version}"
    at = f"{flip.record.case.now:%Y-%m-%d %H:%M} UTC"
    yield f"{plain(name, SHOWN_CHARS_MAX)} ({at}): {flip.before.answer} → {flip.after.answer}"
    new = {*flip.after.findings}
    for each in flip.why:
        mark = "+" if each in new else "-"
        said = f"{each.policy} {each.requirement}: {each.reason}: {each.message}"
        yield f"  {mark} {plain(said, SHOWN_CHARS_MAX)}"
    if not flip.why:
        yield f"  {plain(flip.after.message, SHOWN_CHARS_MAX)}"


def _as_json(found: Sequence[WhatIf], unread: Sequence[Refused]) -> dict[str, Any]:
    return {
        "judged": len(found),
        "note": UNSEALED,
        "flips": [
            {
                "decision": each.record.digest,
                "namespace": each.record.verdict.namespace,
                "channel": each.record.verdict.channel,
                "version": each.record.verdict.version,
                "at": each.record.case.now.isoformat(),
                "before": each.before.as_json(),
                "after": each.after.as_json(),
                "why": [_why(finding) for finding in each.why],
            }
            for each in found
            if each.flips
        ],
        "unread": [{"reason": each.reason, "message": each.message} for each in unread],
        "toldOtherwise": [each.record.digest for each in found if each.told_otherwise],
    }


def _why(finding: Finding) -> dict[str, str]:
    return {
        "policy": finding.policy,
        "requirement": finding.requirement,
        "reason": finding.reason,
        "message": finding.message,
    }
