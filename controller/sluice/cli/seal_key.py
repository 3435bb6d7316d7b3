"""`sluice seal-key`: makes the key pair that what is served is sealed with."""

import os
from pathlib import Path

import click

from sluice.serving.seal import generate_private_key, private_key, public_pem

__all__ = ["seal_key"]

SECRET_MODE = 0o600


@click.command("seal-key")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder to write seal.pem (secret, for the operator) and seal.pub.pem (for device"
    " servers) into.",
)
def seal_key(out: Path) -> None:
    """Make the key pair that seals what is served.

    The operator signs everything that phones are offered with the private half; device servers
    believe nothing else, whatever stands in the database. A key that is there is not overwritten.
    """
    secret = out / "seal.pem"
    pem = generate_private_key()
    try:
        descriptor = os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET_MODE)
    except FileExistsError as error:
        raise click.ClickException(f"There is a key at {secret}: move it away first.") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    (out / "seal.pub.pem").write_bytes(public_pem(private_key(pem)))
    click.echo(f"{secret}: for the operator alone")
    click.echo(f"{out / 'seal.pub.pem'}: for device servers")
