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


def _admission_cert() -> click.Command:
    from sluice.cli.admission_cert import admission_cert  # noqa: PLC0415 - imported when asked for

    return admission_cert


def _approve() -> click.Command:
    from sluice.cli.approve import approve  # noqa: PLC0415 - imported when asked for

    return approve


def _audit() -> click.Command:
    from sluice.cli.audit import audit  # noqa: PLC0415 - imported when asked for

    return audit


def _crds() -> click.Command:
    from sluice.cli.crds import crds  # noqa: PLC0415 - imported when asked for

    return crds


def _digest() -> click.Command:
    from sluice.cli.digest import digest  # noqa: PLC0415 - imported when asked for

    return digest


def _explain() -> click.Command:
    from sluice.cli.explain import explain  # noqa: PLC0415 - imported when asked for

    return explain


def _operator() -> click.Command:
    from sluice.cli.operator import operator  # noqa: PLC0415 - imported when asked for

    return operator


def _plan() -> click.Command:
    from sluice.cli.plan import plan  # noqa: PLC0415 - imported when asked for

    return plan


def _replay() -> click.Command:
    from sluice.cli.replay import replay  # noqa: PLC0415 - imported when asked for

    return replay


def _seal_key() -> click.Command:
    from sluice.cli.seal_key import seal_key  # noqa: PLC0415 - imported when asked for

    return seal_key


def _seal_policy() -> click.Command:
    from sluice.cli.seal_policy import seal_policy  # noqa: PLC0415 - imported when asked for

    return seal_policy


def _serve() -> click.Command:
    from sluice.cli.serve import serve  # noqa: PLC0415 - imported when asked for

    return serve


def _simulate() -> click.Command:
    from sluice.cli.simulate import simulate  # noqa: PLC0415 - imported when asked for

    return simulate


def _verify() -> click.Command:
    from sluice.cli.verify import verify  # noqa: PLC0415 - imported when asked for

    return verify


def _whatif() -> click.Command:
    from sluice.cli.whatif import whatif  # noqa: PLC0415 - imported when asked for

    return whatif


SUBCOMMANDS: Final[Mapping[str, Callable[[], click.Command]]] = {
    "admission-cert": _admission_cert,
    "approve": _approve,
    "audit": _audit,
    "crds": _crds,
    "digest": _digest,
    "explain": _explain,
    "operator": _operator,
    "plan": _plan,
    "replay": _replay,
    "seal-key": _seal_key,
    "seal-policy": _seal_policy,
    "serve": _serve,
    "verify": _verify,
    "whatif": _whatif,
    "simulate": _simulate,
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
