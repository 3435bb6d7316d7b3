"""`sluice admission-cert`: makes the certificate that the admission webhook answers with."""

import base64
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["admission_cert", "certificate_for"]

SERVICE: Final = "sluice-admission"
SECRET_MODE: Final = 0o600
VALID_DAYS: Final = 3650
SKEW: Final = timedelta(hours=1)


@click.command("admission-cert")
@click.option("--namespace", required=True, help="Namespace that Sluice is installed in.")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder to write tls.crt and tls.key into, for the Secret.",
)
def admission_cert(namespace: str, out: Path) -> None:
    """Make the certificate of the admission webhook, good for ten years.

    It vouches for itself: what is printed at the end is what the API server has to be told, as the
    chart's admission.caBundle. With cert-manager you need none of this.
    """
    host = x509.DNSName(f"{SERVICE}.{namespace}.svc")
    certificate, key = certificate_for(host, datetime.now(UTC))
    secret = out / "tls.key"
    try:
        descriptor = os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET_MODE)
    except FileExistsError as error:
        raise click.ClickException(f"There is a key at {secret}: move it away first.") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
    (out / "tls.crt").write_bytes(certificate)
    click.echo(f"kubectl create secret tls sluice-admission -n {namespace} \\")
    click.echo(f"  --cert={out / 'tls.crt'} --key={secret}")
    click.echo(f"helm: --set admission.caBundle={base64.b64encode(certificate).decode()}")


def certificate_for(host: x509.GeneralName, now: datetime) -> tuple[bytes, bytes]:
    """Return a self-signed certificate for a host, and its private key, both as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, SERVICE)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName([host]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM), pem
