"""`sluice plan`: what merging would do, for a pull request."""

import os
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

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
from sluice.cli.repository import WORKING_TREE, Repository, Tree
from sluice.errors import SluiceError
from sluice.plan.cases import AtHand
from sluice.plan.change import Plan, make_plan
from sluice.plan.manifests import ManifestReader, Manifests
from sluice.plan.markdown import as_markdown
from sluice.plan.structured import as_json, as_sarif
from sluice.plan.text import as_text
from sluice.resources.text import plain

__all__ = ["Usage", "plan"]

Format = Literal["text", "markdown", "json", "sarif"]

FORMATS: Final[Mapping[str, Callable[[Plan], str]]] = {
    "text": as_text,
    "markdown": as_markdown,
    "json": as_json,
    "sarif": as_sarif,
}


class Usage(click.ClickException):
    """A command that can't be carried out as it was given."""

    exit_code = 2


EPILOG: Final = """\b
Exit status, the worst of all:
  0  every channel that changes is allowed, or nothing changes
  1  manifests have problems, told with file, line and column
  2  the command was given wrongly, or git can't be read
  3  something would be held: a seat is empty, evidence is missing
  4  something would be refused or withdrawn: waiting changes nothing

\b
Examples:
  sluice plan --cluster prod
  sluice plan --cluster prod --format markdown > comment.md
  sluice plan --cluster prod --base origin/main --head HEAD deploy/
"""


@click.command(epilog=EPILOG)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@cluster_option
@click.option(
    "--base",
    metavar="REV",
    help="Revision to compare with; when left out, where this branch left the main branch.",
)
@click.option("--head", metavar="REV", help="Revision to plan for; the files on disk if left out.")
@namespace_option
@click.option(
    "--policies",
    type=click.Choice(["base", "head"]),
    default="base",
    show_default=True,
    help="base: judged by the policies before the change, and where it changes them by the new"
    " ones, too. head: by the new ones alone, to begin with, when there are none before.",
)
@genesis_option
@unsealed_option
@also_option
@evidence_option
@bundle_option
@now_option
@click.option("--all", "everything", is_flag=True, help="Judge channels, too, that do not change.")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    default="text",
    show_default=True,
    help="markdown is for a comment on the pull request, sarif for annotations of the files.",
)
def plan(**options: Any) -> None:
    """Say what merging would do to each channel, and what is still missing.

    Reads two revisions of the git repository around the current folder, offline, and judges them
    with the very code of the operator. PATHS limit what is read to some files or folders, in case
    others hold templates that are no manifests yet.
    """
    try:
        made = _plan(options)
    except SluiceError as error:
        raise Usage(str(error)) from error
    click.echo(FORMATS[options["form"]](made), nl=False)
    sys.exit(made.exit_code)


def _plan(options: Mapping[str, Any]) -> Plan:
    repository = Repository.around(Path.cwd(), os.environ)
    paths = [_inside(repository.root, each) for each in options["paths"]]
    paths = [] if "." in paths else paths
    given: str | None = options["head"]
    head = WORKING_TREE if given is None else repository.commit(given)
    asked: str | None = options["base"]
    base = repository.commit(asked) if asked else repository.default_base(head)
    reader = ManifestReader(options["namespace"])
    also, faults = files_on_disk(options["also"])

    def manifests(tree: Tree) -> Manifests:
        return reader.read((*tree.files, *also), problems=(*tree.problems, *faults))

    trees = [repository.tree(each, paths) for each in (base, head)]
    moment: datetime | None = options["now"]
    at_hand = AtHand(
        cluster=options["cluster"],
        now=now_or(moment),
        fetched=by_digest(options["evidence"]),
        bundles=reports_on(options["bundles"]),
        genesis=genesis_at(options["genesis"]),
        unsealed_allowed=options["allow_unsealed_policies"],
        compared=_compared(asked, base, given, head),
        unread=trees[1].unread,
    )
    return make_plan(
        manifests(trees[0]),
        manifests(trees[1]),
        at_hand,
        rule=options["policies"],
        everything=options["everything"],
    )


def _compared(asked: str | None, base: str, given: str | None, head: str) -> str:
    """Return in words what is compared."""
    where = plain(asked, 128) if asked else "where this branch left the main branch"
    what = f"{plain(given or '', 128)} ({head[:12]})" if head else "the files on disk"
    return f"From {where} ({base[:12]}) to {what}."


def _inside(root: Path, path: Path) -> str:
    """Return a path from the repository's root on."""
    whole = Path(os.path.normpath(Path.cwd() / path))
    if not whole.is_relative_to(root):
        raise Usage(f"{path} is outside of the repository {root}.")
    return whole.relative_to(root).as_posix()
