"""`sluice audit`: read the audit log, and see whether anybody has rewritten it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click
from typing_extensions import override

from sluice.cli.places import database_url, store_option
from sluice.errors import SluiceError
from sluice.store.audit import Broken, ChainState, Entry, Head, Intact, entries, verify_chain
from sluice.store.database import Database

__all__ = ["audit"]

Result = TypeVar("Result")


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
def verify(store: str, anchor: Head | None) -> None:
    """See whether the log is complete and unchanged; exit with 1 if it is not.

    Prints the last entry as SEQ:HASH. Note it outside of the store: with --anchor, a log that was
    rewritten as a whole is found out, too.
    """

    async def look(database: Database) -> ChainState:
        return await verify_chain(database, anchor=anchor)

    match _with_store(store, look):
        case Intact(head=head):
            click.echo(f"intact {head.seq}:{head.hash}")
        case Broken(seq=seq, message=message):
            raise click.ClickException(f"broken at entry {seq}: {message}")


@audit.command
@store_option
@click.option("--last", type=click.IntRange(1, 100_000), default=20, show_default=True)
@click.option("--subject", help="Only what is about it, such as Channel/shop/production.")
def show(store: str, last: int, subject: str | None) -> None:
    """Print the newest entries, one JSON object a line, the oldest of them first."""

    async def look(database: Database) -> tuple[Entry, ...]:
        return await entries(database, last=last, subject=subject)

    for entry in _with_store(store, look):
        # ASCII only: a name in a manifest must not steer the terminal of whoever reads this.
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


def _with_store(store: str, look: Callable[[Database], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        database = await Database.open(database_url(store))
        try:
            return await look(database)
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except SluiceError as error:
        raise click.ClickException(str(error)) from error
