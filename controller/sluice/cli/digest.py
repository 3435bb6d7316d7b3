"""`sluice digest`: what the approvals of a Release sign."""

import click

from sluice.errors import Refused
from sluice.resources.canonical import release_digest
from sluice.resources.manifest import MANIFEST_BYTES_MAX, read_manifests, spec_of
from sluice.resources.release import ReleaseSpec

__all__ = ["digest"]


@click.command
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
def digest(file: str) -> None:
    """Print the release digest of the one Release in FILE (- for standard input).

    It is the SHA-256 that approvals sign, of everything in spec but revoked.
    """
    with click.open_file(file, "rb") as stream:
        data = stream.read(MANIFEST_BYTES_MAX + 1)
    try:
        spec = _only_release(data)
    except Refused as error:
        name = "standard input" if file == "-" else click.format_filename(file)
        raise click.ClickException(f"{name}: {error}") from error
    click.echo(release_digest(spec))


def _only_release(data: bytes) -> ReleaseSpec:
    """Return the spec of the one Release among the documents.

    Raises:
        Refused: there is none, there are several, or its author has to mend something.
    """
    releases = [each for each in read_manifests(data) if each.value.get("kind") == "Release"]
    if len(releases) != 1:
        message = f"One Release must be in the file, and there are {len(releases)}."
        raise Refused("ReleaseCount", message)
    spec = spec_of(releases[0])
    if not isinstance(spec, ReleaseSpec):
        raise TypeError(type(spec))
    return spec
