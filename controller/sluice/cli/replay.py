"""`sluice replay`: decisions made again, offline, from a file that holds all they need."""

import json
import sys
from collections.abc import Iterator, Sequence
from typing import IO, Any

import click

from sluice.cli.stored import seal_keys, seal_keys_option
from sluice.errors import Refused
from sluice.gate.document import DOCUMENT_BYTES_MAX, Exported, read_document
from sluice.gate.judge import Judge
from sluice.gate.record import SLUICE_VERSION
from sluice.gate.replay import Replay
from sluice.gate.replay import replay as made_again
from sluice.gate.trust import TrustRoom
from sluice.resources.text import plain
from sluice.verify.collect import Examiner

__all__ = ["read_decisions", "replay"]

SHOWN_CHARS_MAX = 400
DIFFERENCES_SHOWN_MAX = 20


@click.command
@click.argument("file", type=click.File("rb"))
@seal_keys_option
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
def replay(file: IO[bytes], seal_key: Sequence[IO[bytes]], form: str) -> None:
    """Prove and judge decisions again, and compare with what was recorded, bit for bit.

    FILE is what `sluice audit export` wrote. Needs no store, no cluster and no network. Exits with
    0 when every verdict comes out the same and every summary is of its decision, else with 1. Give
    --seal-key to have signatures checked, too.
    """
    keys = seal_keys(seal_key)
    judge = Judge(examiner=Examiner(), trust=TrustRoom())
    good = True
    for number, each in enumerate(read_decisions(file), start=1):
        try:
            found: Replay | Refused = made_again(each.read(), each.summary, judge, keys)
        except Refused as error:
            found = error
        good = good and isinstance(found, Replay) and found.same
        if form == "json":
            click.echo(json.dumps(_as_json(number, found), ensure_ascii=True))
        else:
            click.echo("\n".join(_lines(number, found)))
    if not good:
        sys.exit(1)


def read_decisions(file: IO[bytes]) -> tuple[Exported, ...]:
    """Return the decisions of a file.

    Raises:
        ClickException: it is no document of decisions, or holds none.
    """
    try:
        found = read_document(file.read(DOCUMENT_BYTES_MAX + 1))
    except Refused as error:
        raise click.ClickException(str(error)) from error
    if not found:
        raise click.ClickException("The file holds no decision.")
    return found


def _lines(number: int, found: Replay | Refused) -> Iterator[str]:
    if isinstance(found, Refused):
        yield f"{number}. UNREADABLE {found}"
        return
    verdict = found.record.verdict
    what = plain(
        f"{verdict.namespace}/{verdict.channel} {verdict.version}: {verdict.answer}"
        f" ({verdict.reason})",
        SHOWN_CHARS_MAX,
    )
    at = f"{found.record.case.now:%Y-%m-%d %H:%M:%S} UTC"
    yield f"{number}. {'SAME' if found.same else 'DIFFERENT'} {what}, at {at}"
    yield f"   record {found.record.digest}"
    if not found.differences:
        yield f"   verdict {verdict.digest()} comes out again"
    for each in found.differences[:DIFFERENCES_SHOWN_MAX]:
        yield f"   {plain(each.path, SHOWN_CHARS_MAX)}"
        yield f"     recorded: {plain(each.recorded, SHOWN_CHARS_MAX) or 'nothing'}"
        yield f"     again:    {plain(each.again, SHOWN_CHARS_MAX) or 'nothing'}"
    if len(found.differences) > DIFFERENCES_SHOWN_MAX:
        yield f"   and {len(found.differences) - DIFFERENCES_SHOWN_MAX} more differences"
    if found.differences and found.of_other_version:
        version = plain(found.record.version, SHOWN_CHARS_MAX)
        yield (
            f"   It was made by Sluice {version}, and this is {SLUICE_VERSION}, which may say the"
            " same in other words: replay it with that version."
        )
    if found.summary_fault is not None:
        yield f"   summary: {found.summary_fault}"
    elif found.signature_checked:
        yield "   summary signed by the operator"
    else:
        yield "   summary fits; its signature was not checked (--seal-key)"


def _as_json(number: int, found: Replay | Refused) -> dict[str, Any]:
    if isinstance(found, Refused):
        return {
            "number": number,
            "same": False,
            "reason": found.reason,
            "message": found.message,
        }
    return {
        "number": number,
        "same": found.same,
        "record": found.record.digest,
        "sluice": found.record.version,
        "verdict": found.record.verdict.digest(),
        "again": found.again.digest(),
        "differences": [
            {"path": each.path, "recorded": each.recorded, "again": each.again}
            for each in found.differences
        ],
        "summary": found.summary_fault.reason if found.summary_fault else "Fits",
        "signatureChecked": found.signature_checked,
    }
