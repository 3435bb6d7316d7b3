"""`sluice operator`: the operator as one process."""

import asyncio
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import click

from sluice.cli.logs import log_level_option, set_up_logs
from sluice.cli.places import blobs_option, listen_address, store_option, store_places
from sluice.contents.vulnerabilities import VULNERABILITY_BYTES_MAX, VulnerabilityData
from sluice.errors import Refused, SluiceError
from sluice.fetch.fetcher import Fetcher, FetchSettings
from sluice.gate.readable import person_problem
from sluice.operator.lease import LeaseSettings
from sluice.operator.loop import Pace
from sluice.operator.policies import PolicySettings
from sluice.operator.run import OperatorSettings, run
from sluice.operator.webhook import WebhookSettings
from sluice.resources.genesis import Genesis, read_genesis
from sluice.serving.seal import private_key, public_key
from sluice.store.crashpoints import Crashpoint, kill_at, unharmed

__all__ = ["operator"]


@click.command
@store_option
@blobs_option
@click.option(
    "--cluster",
    envvar="SLUICE_CLUSTER",
    required=True,
    metavar="NAME",
    help="This cluster's name in approvals: one given for another cluster does not count here.",
)
@click.option(
    "--seal-key",
    envvar="SLUICE_SEAL_KEY",
    required=True,
    type=click.File("rb"),
    help="Private key (PEM, Ed25519) that seals what is served; `sluice seal-key` makes one.",
)
@click.option(
    "--seal-key-before",
    "seal_keys_before",
    envvar="SLUICE_SEAL_KEY_BEFORE",
    multiple=True,
    type=click.File("rb"),
    help="Public half of a key that sealed what is still served, while the key is replaced.",
)
@click.option(
    "--genesis",
    envvar="SLUICE_GENESIS",
    type=click.File("rb"),
    help="File (YAML) of the root owners, who must seal the first revision of each policy; without"
    " it, the first one seen is trusted.",
)
@click.option(
    "--allow-unsealed-policies",
    envvar="SLUICE_ALLOW_UNSEALED_POLICIES",
    is_flag=True,
    help="Let policies without owners count as they stand in git; for trials, for whoever may write"
    " one can weaken it.",
)
@click.option(
    "--kubeconfig",
    envvar="KUBECONFIG",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="How to reach the cluster; without it, as the Pod that this runs in.",
)
@click.option(
    "--lease-namespace",
    envvar="SLUICE_LEASE_NAMESPACE",
    required=True,
    help="Namespace of the Lease that elects the leader.",
)
@click.option(
    "--identity",
    envvar="SLUICE_IDENTITY",
    default=socket.gethostname,
    help="Tells this process from others; the host's name when left out. A random part is added.",
)
@click.option(
    "--health-listen",
    envvar="SLUICE_HEALTH_LISTEN",
    metavar="HOST:PORT",
    help="Where to answer /livez and /readyz; nowhere when left out.",
)
@click.option(
    "--vulnerabilities",
    envvar="SLUICE_VULNERABILITIES",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="JavaScript libraries with known weaknesses, a jsrepository.json of retire.js; by default"
    " what is built in.",
)
@click.option(
    "--admission-listen",
    envvar="SLUICE_ADMISSION_LISTEN",
    metavar="HOST:PORT",
    help="Where to answer the API server before it stores objects; nowhere when left out.",
)
@click.option(
    "--admission-cert",
    envvar="SLUICE_ADMISSION_CERT",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Certificate (PEM) for that; `sluice admission-cert` makes one.",
)
@click.option(
    "--admission-key",
    envvar="SLUICE_ADMISSION_KEY",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Its private key (PEM).",
)
@click.option(
    "--allow-http-host",
    "http_hosts",
    envvar="SLUICE_ALLOW_HTTP_HOST",
    multiple=True,
    metavar="HOST",
    help="Host that may be fetched from by http, and at an address that is not public.",
)
@click.option(
    "--allow-files-under",
    "file_folders",
    envvar="SLUICE_ALLOW_FILES_UNDER",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder that file:// addresses may point into; for local runs.",
)
@click.option(
    "--look",
    envvar="SLUICE_LOOK",
    type=click.FloatRange(min=0.05),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How often a running rollout is looked at.",
)
@click.option(
    "--resync",
    envvar="SLUICE_RESYNC",
    type=click.FloatRange(min=1),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How often everything is listed anew, to repair what a watch has lost.",
)
@click.option(
    "--lease-duration",
    envvar="SLUICE_LEASE_DURATION",
    type=click.FloatRange(min=1),
    default=15.0,
    show_default=True,
    metavar="SECONDS",
    help="How long others wait for a leader that is silent.",
)
@log_level_option
@click.option("--kill-at", envvar="SLUICE_KILL_AT", hidden=True)
def operator(**options: Any) -> None:
    """Watch Releases and Channels, and let through what policy allows.

    Any number of it may run: one leads, the others stand by.
    """
    set_up_logs(options["log_level"])
    try:
        asyncio.run(run(_settings(options)))
    except* SluiceError as errors:
        raise click.ClickException("; ".join(str(each) for each in _leaves(errors))) from errors


def _settings(options: Mapping[str, Any]) -> OperatorSettings:
    places = store_places(options["store"], options["blobs"])
    duration = options["lease_duration"]
    return OperatorSettings(
        store=places.database,
        blobs=places.blobs,
        policies=PolicySettings(
            cluster=options["cluster"],
            genesis=_genesis(options["genesis"]),
            unsealed_allowed=options["allow_unsealed_policies"],
        ),
        seal_key=private_key(options["seal_key"].read()),
        seal_keys_before=tuple(public_key(file.read()) for file in options["seal_keys_before"]),
        fetcher=Fetcher(
            FetchSettings(
                allow_http_hosts=frozenset(options["http_hosts"]),
                allow_file_under=tuple(options["file_folders"]),
            )
        ),
        lease=LeaseSettings(
            namespace=options["lease_namespace"],
            identity=f"{options['identity']}-{secrets.token_hex(4)}",
            duration_seconds=duration,
            renew_seconds_max=duration * 2 / 3,
            retry_seconds=duration * 2 / 15,
        ),
        kubeconfig=options["kubeconfig"],
        health=listen_address(options["health_listen"]) if options["health_listen"] else None,
        webhook=_webhook(options),
        vulnerabilities=_vulnerabilities(options["vulnerabilities"]),
        pace=Pace(look_seconds=options["look"], resync_seconds=options["resync"]),
        crashpoint=_crashpoint(options["kill_at"]),
    )


def _genesis(file: BinaryIO | None) -> Genesis | None:
    if file is None:
        return None
    genesis = read_genesis(file.read())
    for owner in genesis.owners:
        if problem := person_problem(owner):
            raise Refused("GenesisInvalid", f"The file of root owners: {problem}")
    return genesis


def _vulnerabilities(file: Path | None) -> VulnerabilityData | None:
    if file is None:
        return None
    with file.open("rb") as stream:
        return VulnerabilityData.from_jsrepository(stream.read(VULNERABILITY_BYTES_MAX + 1))


def _webhook(options: Mapping[str, Any]) -> WebhookSettings | None:
    listen, certificate, key = (
        options[name] for name in ("admission_listen", "admission_cert", "admission_key")
    )
    if listen is None:
        return None
    if certificate is None or key is None:
        message = "Give --admission-cert and --admission-key too: the API server speaks HTTPS."
        raise Refused("AdmissionIncomplete", message)
    host, port = listen_address(listen)
    return WebhookSettings(host=host, port=port, certificate=certificate, key=key)


def _crashpoint(text: str | None) -> Crashpoint:
    """Return what `--kill-at POINT#NTH` asks for; tests cut this process off by it."""
    if text is None:
        return unharmed
    point, _, nth = text.partition("#")
    return kill_at(point, nth=int(nth or "1"))


def _leaves(errors: BaseExceptionGroup[SluiceError]) -> list[SluiceError]:
    found: list[SluiceError] = []
    for each in errors.exceptions:
        found += _leaves(each) if isinstance(each, BaseExceptionGroup) else [each]
    return found
