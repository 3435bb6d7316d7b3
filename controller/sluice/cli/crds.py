"""`sluice crds`: the CustomResourceDefinitions as files, made from the models."""

from pathlib import Path

import click
import yaml

from sluice.resources.kinds import KINDS, Kind
from sluice.resources.schema import custom_resource_definition

__all__ = ["crds", "manifest"]

HEADER = "# Generated from sluice.resources by `make crds`. Change the models, not this file.\n"
LINE_CHARACTERS = 100


@click.command
@click.option(
    "--out",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder to write to, one file a kind; made if it is missing.",
)
def crds(folder: Path) -> None:
    """Write the CustomResourceDefinitions."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in KINDS.values():
        path = folder / f"{kind.plural}.yaml"
        path.write_text(manifest(kind), encoding="utf-8")
        click.echo(path)


def manifest(kind: Kind) -> str:
    """Return the file of one kind, the same bytes for the same models."""
    return HEADER + yaml.dump(
        custom_resource_definition(kind),
        Dumper=yaml.SafeDumper,
        sort_keys=False,
        allow_unicode=True,
        width=LINE_CHARACTERS,
    )
