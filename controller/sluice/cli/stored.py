"""Work with a store from the command line, and the decisions in it that are meant."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import IO, Final, TypeVar

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from typing_extensions import override

from sluice.cli.places import database_url
from sluice.errors import Refused, SluiceError
from sluice.gate.document import Exported
from sluice.gate.record import pieces_named
from sluice.serving.seal import public_key
from sluice.store.database import Database
from sluice.store.decisions import (
    KeptDecision,
    decision_of_entry,
    decision_of_record,
    last_decisions,
    pieces_of,
)

__all__ = [
    "ChannelName",
    "channel_option",
    "chosen_decisions",
    "exported",
    "last_option",
    "seal_keys",
    "seal_keys_option",
    "with_store",
]

Result = TypeVar("Result")

SHA256: Final = re.compile(r"[0-9a-f]{64}")
LAST_MAX: Final = 100_000


class ChannelName(click.ParamType[tuple[str, str]]):
    """A channel as `NAMESPACE/NAME`."""

    name = "NAMESPACE/CHANNEL"

    @override
    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Return namespace and name."""
        if isinstance(value, tuple):
            return value
        namespace, _, name = str(value).partition("/")
        if not namespace or not name or "/" in name:
            self.fail("name a channel as NAMESPACE/CHANNEL, such as shop/production", param, ctx)
        return namespace, name


channel_option = click.option("--channel", type=ChannelName(), help="Only decisions on it.")
"""Narrows to one channel."""

last_option = click.option(
    "--last",
    type=click.IntRange(1, LAST_MAX),
    default=1,
    show_default=True,
    help="How many of the newest decisions.",
)
"""How far to look back."""


seal_keys_option = click.option(
    "--seal-key",
    multiple=True,
    type=click.File("rb"),
    help="Public half of a seal key of the operator (seal.pub.pem), to check signatures with.",
)
"""Whose signatures count. A key that was replaced is given too, for what it has signed."""


def seal_keys(files: Sequence[IO[bytes]]) -> tuple[Ed25519PublicKey, ...] | None:
    """Return the keys in files; None when there are none, so that signatures are left aside.

    Raises:
        ClickException: one of them is no public seal key.
    """
    try:
        return tuple(public_key(file.read()) for file in files) or None
    except Refused as error:
        raise click.ClickException(str(error)) from error


def with_store(store: str, look: Callable[[Database], Awaitable[Result]]) -> Result:
    """Open a store's database, look, and close it.

    Raises:
        ClickException: what Sluice refuses or can't do, in words.
    """

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


async def chosen_decisions(
    database: Database, decision: str | None, channel: tuple[str, str] | None, last: int
) -> tuple[KeptDecision, ...]:
    """Return the decisions that somebody means, the oldest of them first.

    Args:
        database: the store.
        decision: number of its entry in the audit log, or SHA-256 of its record; None for the last.
        channel: namespace and name, to narrow the last ones to.
        last: how many, when no decision is named.

    Raises:
        Refused: `DecisionMissing`: there is none.
        Unavailable: `StoreFailed`.
    """
    if decision is None:
        namespace, name = channel or (None, None)
        found = await last_decisions(database, last=last, namespace=namespace, channel=name)
    elif SHA256.fullmatch(decision):
        one = await decision_of_record(database, decision)
        found = (one,) if one else ()
    elif decision.isascii() and decision.isdecimal():
        one = await decision_of_entry(database, int(decision))
        found = (one,) if one else ()
    else:
        raise Refused(
            "DecisionMissing",
            "Name a decision by the number of its entry in the audit log (sluice audit show), or"
            " by the SHA-256 of its record.",
        )
    if not found:
        raise Refused(
            "DecisionMissing", "There is no such decision: look at `sluice audit show` for some."
        )
    return found


async def exported(database: Database, kept: KeptDecision) -> Exported:
    """Return a decision with all that it names, as far as it is there.

    Raises:
        Refused: `DecisionUnreadable`, `DecisionOfOtherVersion`.
        Unavailable: `StoreFailed`.
    """
    pieces = await pieces_of(database, pieces_named(kept.record))
    return Exported(record=kept.record, summary=kept.summary, pieces=pieces)
