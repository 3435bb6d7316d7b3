"""Fetches bytes by URL, and gives out none that it has not counted and hashed.

The URL is only a place to look: what counts is the digest. Everything else here keeps whoever can
write a URL from reaching what only we can reach, and from keeping us busy.
"""

import hashlib
import ssl
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from sluice.errors import Refused
from sluice.fetch.files import read_file
from sluice.fetch.places import Place, parse_place
from sluice.fetch.web import Resolve, WebLimits, WebReader, resolve, too_large

__all__ = ["FetchSettings", "Fetcher"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchSettings:
    """From where may be fetched, and how long it may take."""

    allow_http_hosts: frozenset[str] = frozenset()
    """Hosts (`name` or `name:port`) that may be asked by http, and may have private addresses."""
    allow_private_hosts: frozenset[str] = frozenset()
    """Hosts that may have private addresses, by https only."""
    allow_file_under: tuple[Path, ...] = ()
    """Folders that file:// may point into; with none, file:// is refused."""
    ca_file: Path | None = None
    """Certificates (PEM) of authorities to trust beside those of the system."""
    deadline_seconds: float = 900.0
    """For one fetch in all: 512 MiB at 5 Mbit/s."""
    answer_seconds_max: float = 30.0
    """For a name to be found, and for a server to begin its answer."""
    bytes_per_second_min: float = 32 * 1024
    """Slower than this over `window_seconds`, a server is given up."""
    window_seconds: float = 20.0
    """How long a server may be silent."""


class Fetcher:
    """Fetches from web servers and, where it is allowed, from files.

    Args:
        settings: from where, and how long.
        resolve: finds the addresses of a host.

    Raises:
        Refused: `CaFileInvalid`.
    """

    def __init__(self, settings: FetchSettings, *, resolve: Resolve = resolve) -> None:
        self._file_folders = settings.allow_file_under
        limits = WebLimits(
            http_hosts=_lower(settings.allow_http_hosts),
            private_hosts=_lower(settings.allow_private_hosts),
            deadline_seconds=settings.deadline_seconds,
            answer_seconds_max=settings.answer_seconds_max,
            bytes_per_second_min=settings.bytes_per_second_min,
            window_seconds=settings.window_seconds,
        )
        self._web = WebReader(limits, _tls(settings.ca_file), resolve)

    async def stream(self, url: str, *, sha256: str, size_max: int) -> AsyncGenerator[bytes, None]:
        """Yield the bytes that a URL leads to; they are the right ones only if it ends well.

        Args:
            url: https, or http and file where the settings allow it.
            sha256: what the bytes must hash to.
            size_max: most bytes.

        Raises:
            Refused: `FetchUrlInvalid`, `FetchSchemeNotAllowed`, `FetchAddressNotAllowed`,
                `FetchPathNotAllowed`, `FetchTooLarge` or `FetchDigestMismatch`.
            Unavailable: `FetchFailed`, `FetchNotFound` or `FetchTooSlow`.
        """
        found = hashlib.sha256()
        size = 0
        async with aclosing(self._source(parse_place(url), size_max)) as chunks:
            async for chunk in chunks:
                size += len(chunk)
                if size > size_max:
                    raise too_large(size_max)
                found.update(chunk)
                yield chunk
        if found.hexdigest() != sha256:
            raise Refused(
                "FetchDigestMismatch",
                f"The URL gives other bytes than were signed: {found.hexdigest()}, not {sha256}."
                " Put the right file there, or sign what is there.",
            )

    async def fetch_bytes(self, url: str, *, sha256: str, size_max: int) -> bytes:
        """Return the bytes that a URL leads to; raises as `stream` does."""
        async with aclosing(self.stream(url, sha256=sha256, size_max=size_max)) as chunks:
            return b"".join([chunk async for chunk in chunks])

    def _source(self, place: Place, size_max: int) -> AsyncGenerator[bytes, None]:
        if place.scheme == "file":
            return read_file(place, self._file_folders)
        return self._web.read(place, size_max=size_max)


def _lower(hosts: frozenset[str]) -> frozenset[str]:
    return frozenset(host.lower() for host in hosts)


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as error:
            raise Refused("CaFileInvalid", f"{ca_file!s} holds no certificates.") from error
    return context
