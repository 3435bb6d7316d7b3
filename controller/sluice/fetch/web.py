"""Bytes from a web server, to which we go by an address that was looked at before.

(1) a name is resolved once, and every address it has must be public;
(2) the connection goes to those addresses and to none that the name has later;
(3) redirects are followed by hand: to https only, and each as strictly as the first place;
(4) nothing is unpacked on the way: the bytes are those that were sent.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override
from yarl import URL

from sluice.errors import Refused, Unavailable
from sluice.fetch.addresses import is_public, literal_address
from sluice.fetch.pace import Pace
from sluice.fetch.places import CLEAR_TEXT, Place, parse_place

__all__ = ["Resolve", "WebLimits", "WebReader", "resolve", "too_large"]

REDIRECTS_MAX: Final = 5

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

HEADERS: Final = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "sluice"}

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port -> the addresses of the host. Raises OSError when it has none."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host, as the system finds them."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


@dataclass(frozen=True, slots=True, kw_only=True)
class WebLimits:
    """What a server may cost us."""

    http_hosts: frozenset[str]
    private_hosts: frozenset[str]
    deadline_seconds: float
    answer_seconds_max: float
    bytes_per_second_min: float
    window_seconds: float


class _Pinned(AbstractResolver):
    """Knows the addresses that were looked at, and nothing else."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    @override
    async def close(self) -> None:
        return


class WebReader:
    """Reads from web servers."""

    def __init__(self, limits: WebLimits, tls: ssl.SSLContext, resolve: Resolve) -> None:
        self._limits = limits
        self._tls = tls
        self._resolve = resolve

    async def read(self, first: Place, *, size_max: int) -> AsyncGenerator[bytes, None]:
        """Yield what a server sends.

        Raises:
            Refused: `FetchSchemeNotAllowed`, `FetchAddressNotAllowed`, `FetchUrlInvalid` (of a
                redirect), `FetchTooLarge` (as announced; what is sent is for the caller to count).
            Unavailable: `FetchFailed`, `FetchNotFound`, `FetchTooSlow`.
        """
        if first.scheme != "https" and not first.is_one_of(self._limits.http_hosts):
            raise Refused(
                "FetchSchemeNotAllowed",
                f"{first} is not https: use https, or have the operator's settings allow the host.",
            )
        deadline = asyncio.get_running_loop().time() + self._limits.deadline_seconds
        place, trusted = first, self._may_be_private(first)
        for _ in range(REDIRECTS_MAX + 1):
            addresses = await self._addresses(place, trusted=trusted)
            async with (
                self._session(addresses) as session,
                await self._ask(session, place) as response,
            ):
                if response.status not in REDIRECTS:
                    _expect_whole(response, place, size_max)
                    async for chunk in self._body(response, deadline):
                        yield chunk
                    return
                place = _redirected(place, response)
            # Somebody else's server must not lead us to what only our own releases may name.
            trusted = trusted and self._may_be_private(place)
        raise Unavailable("FetchFailed", f"{first} redirects more than {REDIRECTS_MAX} times.")

    def _may_be_private(self, place: Place) -> bool:
        return place.is_one_of(self._limits.http_hosts | self._limits.private_hosts)

    async def _addresses(self, place: Place, *, trusted: bool) -> Sequence[str]:
        """(1) Return the addresses of a place, all of which may be connected to."""
        literal = literal_address(place.host)
        if literal is not None:
            found: Sequence[str] = [str(literal)]
        else:
            with _foreign_errors_stop_here(place):
                async with asyncio.timeout(self._limits.answer_seconds_max):
                    found = await self._resolve(place.host, place.port)
        try:
            public = all(is_public(ip_address(each)) for each in found)
        except ValueError:
            public = False
        if not found or not (public or trusted):
            raise Refused(
                "FetchAddressNotAllowed",
                f"{place} is not on the open internet: put the file where everybody can reach it,"
                " or have the operator's settings allow the host.",
            )
        return found

    def _session(self, addresses: Sequence[str]) -> aiohttp.ClientSession:
        """(2) (4) Return a session that knows no other address, and is used once."""
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=_Pinned(addresses),
                use_dns_cache=False,
                force_close=True,
                ssl=self._tls,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            trust_env=False,
            headers=HEADERS,
        )

    async def _ask(self, session: aiohttp.ClientSession, place: Place) -> aiohttp.ClientResponse:
        with _foreign_errors_stop_here(place):
            async with asyncio.timeout(self._limits.answer_seconds_max):
                return await session.get(place.url, allow_redirects=False)

    async def _body(
        self, response: aiohttp.ClientResponse, deadline: float
    ) -> AsyncGenerator[bytes, None]:
        loop = asyncio.get_running_loop()
        pace = Pace(self._limits.bytes_per_second_min, self._limits.window_seconds)
        while True:
            started = loop.time()
            if started >= deadline:
                raise Unavailable("FetchTooSlow", "The server needs too long: it is tried again.")
            chunk: bytes | None = None
            with _foreign_errors_stop_here(response.url.host):
                try:
                    async with asyncio.timeout(min(pace.seconds_left(), deadline - started)):
                        chunk = await response.content.readany()
                except TimeoutError:
                    pass
            if chunk == b"":
                return
            pace.note(len(chunk or b""), loop.time() - started)
            if chunk is not None:
                yield chunk


def _redirected(place: Place, response: aiohttp.ClientResponse) -> Place:
    """(3) Return where a redirect leads."""
    location = response.headers.get("Location", "")
    # Read strictly before it is joined: joining would mend it.
    if not CLEAR_TEXT.fullmatch(location):
        raise Refused("FetchUrlInvalid", f"{place} redirects to what is no URL.")
    with _foreign_errors_stop_here(place):
        following = parse_place(str(place.url.join(URL(location, encoded=True))))
    if following.scheme != "https":
        raise Refused("FetchSchemeNotAllowed", f"{place} redirects to a place that is not https.")
    return following


def _expect_whole(response: aiohttp.ClientResponse, place: Place, size_max: int) -> None:
    if response.status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        raise Unavailable("FetchNotFound", f"{place} has no such file: upload it first.")
    if response.status != HTTPStatus.OK:
        raise Unavailable("FetchFailed", f"{place} answered with status {response.status}.")
    if (response.content_length or 0) > size_max:
        raise too_large(size_max)


def too_large(size_max: int) -> Refused:
    """Return the refusal of what is larger than was said."""
    return Refused("FetchTooLarge", f"The file has more than {size_max} bytes, as was promised.")


@contextmanager
def _foreign_errors_stop_here(place: object) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise Unavailable("FetchTooSlow", f"{place} does not answer: it is tried again.") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        kind = type(error).__name__
        raise Unavailable("FetchFailed", f"{place} can't be read from ({kind}).") from error
