"""`sluice`: one program, whose subcommands are imported only when they are asked for.

What faces phones must not pay for what talks to Kubernetes, and cannot be made to reach it: so each
subcommand is one function here that imports its own module, in the open, where the import contracts
see it.
"""

from collections.abc import Callable, Mapping
from typing import Final

import click
from typing_extensions import override

__all__ = ["SUBCOMMANDS", "main"]


def _crds() -> click.Command:
    from sluice.cli.crds import crds  # noqa: PLC0415 - imported when asked for

    return crds


def _digest() -> click.Command:
    from sluice.cli.digest import digest  # noqa: PLC0415 - imported when asked for

    return digest


SUBCOMMANDS: Final[Mapping[str, Callable[[], click.Command]]] = {
    "crds": _crds,
    "digest": _digest,
}


class LazyGroup(click.Group):
    """A group that imports a subcommand when it is used or listed, and not before."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(SUBCOMMANDS)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        load = SUBCOMMANDS.get(cmd_name)
        return None if load is None else load()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sluice")
def main() -> None:
    """Release Capacitor apps over the air, with approvals, through Kubernetes."""


if __name__ == "__main__":
    main(prog_name="sluice")
