"""Bundles at hand, looked into as the operator looks into them."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import click

from sluice.contents.gathered import ContentsLimits
from sluice.contents.inspect import inspect_bundle
from sluice.errors import Refused
from sluice.verify.archive import inspect
from sluice.verify.bundle_report import BundleReport

__all__ = ["bundle_option", "reports_on"]

BUNDLE_BYTES_MAX: Final = 512 * 1024 * 1024
"""Largest bundle that a Release may name."""

bundle_option = click.option(
    "--bundle",
    "bundles",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A release's bundle (zip), to look into: it is recognised by its SHA-256. With the one"
    " that is served now besides, what is new is told. May be repeated.",
)
"""The option of every command that judges."""


def reports_on(places: Iterable[Path]) -> dict[str, BundleReport]:
    """Return what is in bundles, by their SHA-256.

    Raises:
        Refused: a file can't be read, or is no bundle that phones could be given.
    """
    return dict(_looked_into(path) for path in places)


def _looked_into(path: Path) -> tuple[str, BundleReport]:
    try:
        with path.open("rb") as file:
            _refuse_too_large(path)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            inspect(file)
            return digest, inspect_bundle(file, sha256=digest, limits=ContentsLimits())
    except OSError as error:
        raise Refused("FileUnreadable", f"{path}: {error.strerror}.") from error
    except Refused as error:
        raise Refused(error.reason, f"{path}: {error.message}") from error


def _refuse_too_large(path: Path) -> None:
    if path.stat().st_size > BUNDLE_BYTES_MAX:
        message = f"It has more than {BUNDLE_BYTES_MAX} bytes, and no Release may name it."
        raise Refused("BundleTooLarge", message)
