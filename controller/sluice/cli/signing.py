"""What commands that sign have in common: ways to sign, and what comes back from elsewhere."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from sluice.errors import Refused
from sluice.resources.signed import Ssh
from sluice.verify.json_strict import parse

__all__ = ["FILE", "came_back", "read_limited", "refuse_two_ways", "signing_options"]

FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)

FILE_BYTES_MAX: Final = 1024 * 1024
"""Largest file that comes back from a signer; a bundle has 7 KB."""

WAYS: Final = ("key", "statement", "signature", "sigstore_bundle")

F = TypeVar("F", bound=Callable[..., Any])


def signing_options(command: F) -> F:
    """Add the options that say how a command signs."""
    for option in reversed(
        (
            click.option(
                "--key", type=FILE, help="Your SSH key, or the .pub file of one in ssh-agent."
            ),
            click.option("--yes", is_flag=True, help="Do not ask before signing."),
            click.option(
                "--statement", is_flag=True, help="Print the bytes to sign elsewhere, and stop."
            ),
            click.option(
                "--signed-statement", type=FILE, help="What --statement printed, and was signed."
            ),
            click.option("--signature", type=FILE, help="SSH signature over --signed-statement."),
            click.option(
                "--sigstore-bundle", type=FILE, help="Sigstore bundle over the statement."
            ),
        )
    ):
        command = option(command)
    return command


def refuse_two_ways(options: Mapping[str, Any]) -> None:
    """Refuse options that do not go together.

    Raises:
        click.UsageError: they do not.
    """
    if sum(bool(options[each]) for each in WAYS) != 1:
        message = "Give one of --key, --statement, --signature and --sigstore-bundle."
        raise click.UsageError(message)
    if bool(options["signature"]) != bool(options["signed_statement"]):
        message = "--signature and --signed-statement go together: one is over the other."
        raise click.UsageError(message)


def came_back(options: Mapping[str, Any]) -> Ssh | str | None:
    """Return what was signed elsewhere, as SSH signature or sigstore bundle; None for nothing.

    Raises:
        Refused: it can't be read.
    """
    if options["sigstore_bundle"]:
        data = read_limited(options["sigstore_bundle"])
        value = parse(data, what="sigstore bundle", reason="BundleUnreadable")
        return json.dumps(value, indent=1)
    if not options["signature"]:
        return None
    try:
        statement, signature = (
            read_limited(options[each]).decode() for each in ("signed_statement", "signature")
        )
        return Ssh(statement=statement, signature=signature)
    except ValueError as error:  # of pydantic and of Unicode
        message = "The statement or its signature is too long, or no text: copy all of it anew."
        raise Refused("StatementUnreadable", message) from error


def read_limited(path: Path) -> bytes:
    """Return a small file.

    Raises:
        Refused: `FileUnreadable`.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise Refused("FileUnreadable", f"{path}: {error.strerror}.") from error
    if len(data) > FILE_BYTES_MAX:
        raise Refused("FileUnreadable", f"{path} has more than {FILE_BYTES_MAX} bytes.")
    return data
