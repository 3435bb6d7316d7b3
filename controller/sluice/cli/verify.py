"""`sluice verify`: the verdict on files, without git and without a cluster."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from sluice.cli.bundles import bundle_option, reports_on
from sluice.cli.disk import (
    also_option,
    by_digest,
    cluster_option,
    evidence_option,
    files_on_disk,
    genesis_at,
    genesis_option,
    namespace_option,
    now_option,
    now_or,
    unsealed_option,
)
from sluice.errors import SluiceError
from sluice.plan.cases import AtHand
from sluice.plan.change import EXITS, outcome_of
from sluice.plan.manifests import ManifestReader, Manifests
from sluice.plan.said import moment
from sluice.plan.single import Single, judge_single, release_for
from sluice.plan.text import verdict_lines

__all__ = ["verify"]


EPILOG: Final = """\b
Exit status:
  0  allowed
  1  the files have problems, told with file, line and column
  2  the command was given wrongly, or a file that it needs is not there
  3  held: a seat is empty, evidence is missing
  4  refused or withdrawn: waiting changes nothing

\b
Example:
  sluice verify deploy/ --channel production --cluster prod --live shop-1.4.1
"""


@click.command(epilog=EPILOG)
@click.argument("manifests", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--channel",
    required=True,
    metavar="[NAMESPACE/]NAME",
    help="Channel to judge for. Its manifest says which release, if --release does not.",
)
@cluster_option
@click.option("--release", metavar="NAME", help="Release to judge, whatever the Channel names.")
@click.option(
    "--live", metavar="NAME", help="Release that phones get now; nothing when it is left out."
)
@namespace_option
@genesis_option
@unsealed_option
@also_option
@evidence_option
@bundle_option
@now_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json: the verdict as it stands in the audit log.",
)
def verify(**options: Any) -> None:
    """Say whether a release may reach a channel, from the files and folders MANIFESTS alone.

    This is the verdict that the cluster's operator would come to with the same files: it proves
    every signature anew, and asks nobody.
    """
    try:
        single, problems = _single(options)
    except SluiceError as error:
        raise click.UsageError(str(error)) from error
    for each in problems.problems:
        click.echo(f"{each.spot}: {each.reason}: {each.message}", err=True)
    if options["form"] == "json":
        click.echo(json.dumps(single.verdict.as_json(), indent=2, ensure_ascii=True))
    else:
        _print(single, options)
    sys.exit(EXITS["problem"] if problems.problems else EXITS[outcome_of(single.verdict)])


def _single(options: Mapping[str, Any]) -> tuple[Single, Manifests]:
    files, problems = files_on_disk([*options["manifests"], *options["also"]])
    manifests = ManifestReader(options["namespace"]).read(files, problems=problems)
    at_hand = AtHand(
        cluster=options["cluster"],
        now=now_or(options["now"]),
        fetched=by_digest(options["evidence"]),
        bundles=reports_on(options["bundles"]),
        genesis=genesis_at(options["genesis"]),
        unsealed_allowed=options["allow_unsealed_policies"],
    )
    release, channel = release_for(manifests, options["channel"], options["release"])
    return judge_single(manifests, release, channel, options["live"], at_hand), manifests


def _print(single: Single, options: Mapping[str, Any]) -> None:
    verdict = single.verdict
    click.echo(
        f"{verdict.app_id} {verdict.version} for channel {verdict.namespace}/{verdict.channel} of"
        f" cluster {options['cluster']}, at {moment(now_or(options['now']))}"
    )
    for line in verdict_lines(verdict):
        click.echo(f"  {line}")
    for each in single.unknown:
        click.echo(f"  ? {each}")
