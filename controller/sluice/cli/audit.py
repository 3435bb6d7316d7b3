"""`sluice audit`: read the audit log, see whether anybody has rewritten it, and hand out decisions.

Printed is ASCII only: a name in a manifest must not steer the terminal of whoever reads it.
"""

import json
from collections.abc import Sequence
from typing import IO

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from typing_extensions import override

from sluice.cli.places import store_option
from sluice.cli.stored import (
    channel_option,
    chosen_decisions,
    exported,
    last_option,
    seal_keys,
    seal_keys_option,
    with_store,
)
from sluice.gate.document import Exported, as_document
from sluice.store.audit import Broken, ChainState, Entry, Head, entries, verify_chain
from sluice.store.database import Database
from sluice.store.decision_check import DecisionsState, check_decisions

__all__ = ["audit"]


class _Anchor(click.ParamType[Head]):
    """An entry's number and hash, as `sluice audit verify` prints them."""

    name = "SEQ:HASH"

    @override
    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Head:
        seq, _, digest = str(value).partition(":")
        if not seq.isdecimal() or not digest:
            self.fail("an anchor is a number, a colon and a hash", param, ctx)
        return Head(seq=int(seq), hash=digest)


@click.group
def audit() -> None:
    """Read the audit log: every verdict, and every change of what is served."""


@audit.command
@store_option
@click.option("--anchor", type=_Anchor(), help="An entry as it was noted elsewhere.")
@seal_keys_option
def verify(store: str, anchor: Head | None, seal_key: Sequence[IO[bytes]]) -> None:
    """See whether the log is complete and unchanged; exit with 1 if it is not.

    Every verdict must also have what it was made from, and its summary; with --seal-key, signed by
    the operator. Prints the last entry as SEQ:HASH. Note it outside of the store: with --anchor, a
    log that was rewritten as a whole is found out, too.
    """
    keys = seal_keys(seal_key)
    chain, state = with_store(store, lambda database: _verified(database, anchor, keys))
    if isinstance(chain, Broken):
        raise click.ClickException(f"broken at entry {chain.seq}: {chain.message}")
    for each in state.problems:
        click.echo(f"entry {each.seq}: {each.message}", err=True)
    if state.problems:
        raise click.ClickException(
            f"the log is intact, but what its verdicts rest on is not ({len(state.problems)}"
            " problems): restore the store from a backup, and find out who wrote to it."
        )
    signed = "their summaries signed" if keys is not None else "signatures not checked"
    click.echo(f"intact {chain.head.seq}:{chain.head.hash}")
    click.echo(f"{state.checked} decisions complete, {signed}")


async def _verified(
    database: Database, anchor: Head | None, keys: Sequence[Ed25519PublicKey] | None
) -> tuple[ChainState, DecisionsState]:
    chain = await verify_chain(database, anchor=anchor)
    if isinstance(chain, Broken):
        return chain, DecisionsState(checked=0, problems=())
    return chain, await check_decisions(database, keys)


@audit.command
@store_option
@click.option("--last", type=click.IntRange(1, 100_000), default=20, show_default=True)
@click.option("--subject", help="Only what is about it, such as Channel/shop/production.")
def show(store: str, last: int, subject: str | None) -> None:
    """Print the newest entries, one JSON object a line, the oldest of them first."""

    async def look(database: Database) -> tuple[Entry, ...]:
        return await entries(database, last=last, subject=subject)

    for entry in with_store(store, look):
        click.echo(json.dumps(_printed(entry), ensure_ascii=True))


def _printed(entry: Entry) -> dict[str, object]:
    return {
        "seq": entry.seq,
        "at": entry.at.isoformat(),
        "kind": entry.kind,
        "subject": entry.subject,
        "body": entry.body,
        "hash": entry.hash,
    }


@audit.command
@store_option
@click.argument("decision", required=False)
@channel_option
@last_option
@click.option("--out", type=click.File("w"), default="-", help="Where to; standard output if not.")
def export(
    store: str, decision: str | None, channel: tuple[str, str] | None, last: int, out: IO[str]
) -> None:
    """Write decisions with all that they were made from into one file, for `sluice replay`.

    DECISION is the number of a verdict in the log, or the SHA-256 of its record; without it, the
    newest decisions are taken.
    """
    out.write(as_document(_decisions(store, decision, channel, last)))


@audit.command
@store_option
@click.argument("decision", required=False)
@channel_option
@last_option
def vsa(store: str, decision: str | None, channel: tuple[str, str] | None, last: int) -> None:
    """Print signed summaries of decisions (SLSA VSA, in DSSE envelopes), one a line.

    DECISION is the number of a verdict in the log, or the SHA-256 of its record; without it, the
    newest decisions are taken.
    """
    for each in _decisions(store, decision, channel, last):
        click.echo(json.dumps(json.loads(each.summary), ensure_ascii=True))


def _decisions(
    store: str, decision: str | None, channel: tuple[str, str] | None, last: int
) -> list[Exported]:
    async def look(database: Database) -> list[Exported]:
        found = await chosen_decisions(database, decision, channel, last)
        return [await exported(database, each) for each in found]

    return with_store(store, look)
