"""`sluice explain`: why the last decision on a channel is what it is, and who can change it."""

import json
from collections.abc import Iterator
from typing import IO, Final

import click

from sluice.cli.replay import read_decisions
from sluice.cli.stored import ChannelName, chosen_decisions, exported, with_store
from sluice.errors import Refused
from sluice.gate.document import Exported
from sluice.gate.explanation import Explanation, explanation_json
from sluice.gate.explanation import explain as explained
from sluice.gate.judge import Judge
from sluice.gate.record import DecisionRecord
from sluice.gate.trust import TrustRoom
from sluice.policy.verdict import Finding
from sluice.resources.fields import BASIS_POINTS, percent
from sluice.resources.text import plain
from sluice.store.database import Database
from sluice.verify.collect import Examiner

__all__ = ["explain"]

MARKS: Final = {"satisfied": "✓", "missing": "…", "refused": "✗"}
LEGEND: Final = "✓ shown   … missing: can still be given   ✗ refused: what was given is no good"

HEADLINES: Final = {
    "allowed": "may grow",
    "held": "may not grow; what is offered stays offered",
    "withdrawn": "must go",
}

LABEL_CHARS_MAX = 300
MESSAGE_CHARS_MAX = 2048


@click.command
@click.argument("channel", type=ChannelName(), required=False)
@click.option(
    "--store", envvar="SLUICE_STORE", metavar="FOLDER|URL", help="The store; for CHANNEL."
)
@click.option(
    "--file",
    type=click.File("rb"),
    help="What `sluice audit export` wrote: the last decision in it is explained.",
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
def explain(
    channel: tuple[str, str] | None, store: str | None, file: IO[bytes] | None, form: str
) -> None:
    """Say why the last decision on a channel is what it is, and what changed since the one before.

    Give either CHANNEL (NAMESPACE/CHANNEL) and --store, or --file.
    """
    if (channel is None) == (file is None):
        raise click.UsageError("Give either a channel (and --store) or --file.")
    if file is not None:
        found = list(read_decisions(file))
    elif store is None or channel is None:
        raise click.UsageError("Give --store, to find the channel's decisions in.")
    else:
        found = _last_two(store, channel)
    try:
        told = _explained(found)
    except Refused as error:
        raise click.ClickException(str(error)) from error
    if form == "json":
        click.echo(json.dumps(explanation_json(told), ensure_ascii=True, indent=1))
    else:
        click.echo("\n".join(_lines(told)))


def _last_two(store: str, channel: tuple[str, str]) -> list[Exported]:
    async def look(database: Database) -> list[Exported]:
        kept = await chosen_decisions(database, None, channel, 2)
        return [await exported(database, each) for each in kept]

    return with_store(store, look)


def _explained(found: list[Exported]) -> Explanation:
    record = found[-1].read()
    before = next((each for each in _earlier(found[:-1]) if _same_channel(each, record)), None)
    judge = Judge(examiner=Examiner(), trust=TrustRoom())
    return explained(record, judge.facts(record.case), before)


def _earlier(found: list[Exported]) -> Iterator[DecisionRecord]:
    """Yield the decisions that can be read, the newest first: what was before explains nothing."""
    for each in reversed(found):
        try:
            yield each.read()
        except Refused:
            return


def _same_channel(one: DecisionRecord, other: DecisionRecord) -> bool:
    return (one.verdict.namespace, one.verdict.channel) == (
        other.verdict.namespace,
        other.verdict.channel,
    )


def _lines(told: Explanation) -> Iterator[str]:
    verdict, record = told.verdict, told.record
    name = f"{verdict.namespace}/{verdict.channel}: {verdict.app_id} {verdict.version}"
    yield f"{plain(name, LABEL_CHARS_MAX)} is {verdict.answer.upper()}: {HEADLINES[verdict.answer]}"
    yield f"  {plain(verdict.message, MESSAGE_CHARS_MAX)}"
    yield f"  decided {record.case.now:%Y-%m-%d %H:%M:%S} UTC, record {record.digest}"
    yield from _findings(told)
    if told.rejected:
        yield ""
        yield "Evidence that proved nothing about this release"
        for each in told.rejected:
            said = f"{each.requirement}: {each.reason}: {each.message}"
            yield f"  ✗ {plain(said, MESSAGE_CHARS_MAX)}"
    yield ""
    yield from _how_far(told)
    if verdict.recheck_at is not None:
        at = f"{verdict.recheck_at:%Y-%m-%d %H:%M:%S} UTC"
        yield f"Looked at again: {at}, and when anything changes"
    else:
        yield "Looked at again: when anything changes; time alone changes nothing"
    if told.before is not None:
        yield ""
        yield f"Since the decision before ({told.before.case.now:%Y-%m-%d %H:%M:%S} UTC)"
        yield from (f"  {plain(each, MESSAGE_CHARS_MAX)}" for each in told.changes or ("nothing",))


def _findings(told: Explanation) -> Iterator[str]:
    policy = None
    for each in told.findings:
        if each.policy != policy:
            policy = each.policy
            yield ""
            yield plain(policy, LABEL_CHARS_MAX) or "Whatever the policies say"
        yield f"  {_finding(each)}"
    if told.findings:
        yield ""
        yield f"  {LEGEND}"


def _finding(finding: Finding) -> str:
    warns = "" if finding.enforced or finding.state == "satisfied" else ", only a warning"
    by = f" [{', '.join(finding.by)}]" if finding.by else ""
    said = f"{finding.requirement} ({finding.reason}{warns}): {finding.message}{by}"
    return f"{MARKS[finding.state]} {plain(said, MESSAGE_CHARS_MAX)}"


def _how_far(told: Explanation) -> Iterator[str]:
    verdict = told.verdict
    if verdict.answer != "allowed":
        yield "How far: it does not grow"
    elif verdict.ceiling_bp == BASIS_POINTS:
        yield "How far: to all phones"
    else:
        yield f"How far: to {percent(verdict.ceiling_bp)} of the phones; approve it for more"
    for each in told.ceilings:
        until = f", until {each.until:%Y-%m-%d %H:%M} UTC" if each.until else ""
        said = f"{each.source}: {percent(each.share_bp)} at most{until}"
        yield f"  {plain(said, LABEL_CHARS_MAX)}"
