"""Attacks by the place from which a bundle is fetched: a server of the attacker's, or none."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sluice.fetch.fetcher import FetchSettings
from support.attacks import EVIL, Attack, Mount, approved, attack, intact, offered_version, refuses
from support.laps import Laps
from support.team import Team, a_bundle
from support.webserver import Talk, Web, answer, one_by_one, web_server

FETCHER = "fetch/fetcher.py: stream"
PLACES = "fetch/places.py: parse_place"
ADDRESSES = "fetch/addresses.py: is_public"
WEB = "fetch/web.py: read"
FILES = "fetch/files.py: read_file"


@dataclass(kw_only=True)
class TeamWithServer(Team):
    """A team whose bundles lie on a server that is not theirs."""

    server: Web


@pytest.fixture
async def team(tmp_path: Path) -> AsyncIterator[TeamWithServer]:
    bundles = tmp_path / "bundles"
    bundles.mkdir()
    async with web_server(answer(b"")) as server:
        yield TeamWithServer(namespace="shop", bundles=bundles, server=server)


def reachable(laps: Laps, team: Team) -> None:
    """Let the operator fetch from the server, by http, and not wait for long."""
    assert isinstance(team, TeamWithServer)
    laps.fetch_by(
        FetchSettings(
            allow_http_hosts=frozenset({f"127.0.0.1:{team.server.port}"}),
            answer_seconds_max=0.5,
            window_seconds=0.5,
        )
    )


def served(talk: Talk) -> Mount:
    """Everything is in order, but for what the server says."""

    def mount(laps: Laps, team: Team) -> None:
        assert isinstance(team, TeamWithServer)
        reachable(laps, team)
        team.server.talk = talk
        team.base_url = team.server.url().rstrip("/")
        approved(laps, team, team.release_manifest(EVIL))

    return mount


def at(url: str) -> Mount:
    """The Release names a URL that leads where only the operator can go."""

    def mount(laps: Laps, team: Team) -> None:
        assert isinstance(team, TeamWithServer)
        release = team.release_manifest(EVIL)
        place = url.format(port=team.server.port, bundles=team.bundles)
        release["spec"]["bundle"]["url"] = place
        approved(laps, team, release)

    return mount


async def endless(_request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


async def silent(_request: bytes, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def dripping(_request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


ZIP = a_bundle(EVIL)

ATTACKS = [
    *(
        Attack(row=row, name=name, reason=reason, defence=defence, mount=served(talk))
        for row, name, reason, defence, talk in (
            (
                29,
                "The server gives another bundle",
                "FetchDigestMismatch",
                FETCHER,
                answer(a_bundle("6.6.5")),
            ),
            (
                29,
                "The server gives the bundle and a byte more",
                "FetchTooLarge",
                FETCHER,
                answer(ZIP + b"x"),
            ),
            (
                29,
                "The server gives the bundle but for its last byte",
                "FetchDigestMismatch",
                FETCHER,
                answer(ZIP[:-1]),
            ),
            (35, "The server never ends", "FetchTooLarge", FETCHER, endless),
            (35, "The server never begins", "FetchTooSlow", WEB, silent),
            (35, "The server sends a byte now and then", "FetchTooSlow", WEB, dripping),
            (
                28,
                "The server packs what it sends, so that it grows when it is unpacked",
                "FetchDigestMismatch",
                FETCHER,
                answer(gzip.compress(b"\0" * 100_000), content_encoding="gzip"),
            ),
            (
                34,
                "The server redirects to a place inside of the cluster",
                "FetchSchemeNotAllowed",
                WEB,
                answer(b"", "302 Found", location="http://127.0.0.1:9/secret"),
            ),
            (
                34,
                "The server redirects to an address of the cloud's",
                "FetchAddressNotAllowed",
                ADDRESSES,
                answer(b"", "302 Found", location="https://169.254.169.254/latest/meta-data"),
            ),
            (
                34,
                "The server redirects to a file",
                "FetchSchemeNotAllowed",
                WEB,
                answer(b"", "302 Found", location="file:///etc/passwd"),
            ),
            (
                34,
                "The server redirects to what two readers read as two places",
                "FetchUrlInvalid",
                WEB,
                answer(b"", "302 Found", location="https://good.example\\@127.0.0.1/"),
            ),
        )
    ),
    *(
        Attack(
            row=34,
            name=f"A bundle's URL leads inside: {name}",
            reason=reason,
            defence=defence,
            mount=at(url),
        )
        for name, url, reason, defence in (
            (
                "the operator's own machine",
                "https://127.0.0.1:{port}/",
                "FetchAddressNotAllowed",
                ADDRESSES,
            ),
            ("by http", "http://127.0.0.1:{port}/", "FetchSchemeNotAllowed", WEB),
            (
                "as one number",
                "https://2130706433:{port}/",
                "FetchAddressNotAllowed",
                "fetch/addresses.py: literal_address",
            ),
            (
                "in short",
                "https://127.1:{port}/",
                "FetchAddressNotAllowed",
                "fetch/addresses.py: literal_address",
            ),
            (
                "in hexadecimal",
                "https://0x7f.1:{port}/",
                "FetchAddressNotAllowed",
                "fetch/addresses.py: literal_address",
            ),
            (
                "in octal",
                "https://0177.0.0.1:{port}/",
                "FetchAddressNotAllowed",
                "fetch/addresses.py: literal_address",
            ),
            (
                "as an IPv6 address that stands for it",
                "https://[::ffff:127.0.0.1]:{port}/",
                "FetchAddressNotAllowed",
                ADDRESSES,
            ),
            (
                "through a gateway to IPv4",
                "https://[64:ff9b::7f00:1]:{port}/",
                "FetchAddressNotAllowed",
                ADDRESSES,
            ),
            (
                "through 6to4",
                "https://[2002:7f00:1::]:{port}/",
                "FetchAddressNotAllowed",
                ADDRESSES,
            ),
            (
                "to the provider's own network",
                "https://100.64.0.1/",
                "FetchAddressNotAllowed",
                ADDRESSES,
            ),
            (
                "to the cloud's metadata",
                "https://169.254.169.254/latest/meta-data",
                "FetchAddressNotAllowed",
                ADDRESSES,
            ),
            ("to every address", "https://0.0.0.0:{port}/", "FetchAddressNotAllowed", ADDRESSES),
            ("by a name", "https://localhost:{port}/", "FetchAddressNotAllowed", WEB),
            (
                "behind a user name",
                "https://cdn.example.com@127.0.0.1:{port}/",
                "FetchUrlInvalid",
                PLACES,
            ),
            (
                "behind a backslash",
                "https://cdn.example.com\\@127.0.0.1:{port}/",
                "FetchUrlInvalid",
                PLACES,
            ),
            ("to a file", "file:///etc/passwd", "FetchPathNotAllowed", FILES),
            (
                "to a file beside an allowed folder",
                "file://{bundles}/../sluice.db",
                "FetchPathNotAllowed",
                FILES,
            ),
            (
                "to a file beside an allowed folder, escaped",
                "file://{bundles}/%2e%2e/sluice.db",
                "FetchPathNotAllowed",
                FILES,
            ),
            (
                "to a file on another host",
                "file://127.0.0.1/etc/passwd",
                "FetchPathNotAllowed",
                FILES,
            ),
        )
    ),
    Attack(
        row=36,
        name="A bundle's URL holds a password",
        reason="FetchUrlInvalid",
        defence=PLACES,
        mount=at("https://user:secret@127.0.0.1:{port}/"),
    ),
]


@pytest.mark.parametrize("each", ATTACKS, ids=lambda each: each.name)
async def test_attack(laps: Laps, team: TeamWithServer, each: Attack) -> None:
    await refuses(laps, team, each)

    if each.row == 34 and "leads inside" in each.name:
        assert team.server.connections == 0


@attack(29, "The server gives the approved bundle every other time", "FetchDigestMismatch", FETCHER)
async def test_what_is_published_is_what_was_approved(laps: Laps, team: TeamWithServer) -> None:
    """A look, a publication, a retry: whichever time it lies, nothing else gets into the store."""
    release = team.release_manifest(EVIL)
    good, evil = answer(ZIP), answer(a_bundle(EVIL, more={"evil.js": b"//"})[: len(ZIP)])
    reachable(laps, team)
    team.server.talk = one_by_one(*[evil, good] * 5)
    release["spec"]["bundle"]["url"] = team.server.url("/shop.zip")
    laps.apply(team.app_manifest(), team.policy_manifest())
    await laps.settle("shop")
    approved(laps, team, release)
    await laps.settle("shop")
    assert await offered_version(laps) is None
    await intact(laps, since=0)

    laps.wait(minutes=10)
    await laps.settle("shop")

    digest = release["spec"]["bundle"]["sha256"]
    assert await offered_version(laps) == EVIL
    assert laps.blobs.path(digest).read_bytes() == ZIP
    assert await stored(laps) == [digest]


async def stored(laps: Laps) -> list[str]:
    """Return the names of everything in the bucket."""
    root: Any = laps.blobs.path("0" * 64).parents[2]
    return [each.name for each in root.rglob("*") if each.is_file()]


@attack(34, "A link in an allowed folder leads out of it", "FetchPathNotAllowed", FILES)
async def test_a_link_leads_nowhere(laps: Laps, team: TeamWithServer, tmp_path: Path) -> None:
    outside = tmp_path / "secret.zip"
    outside.write_bytes(ZIP)
    (team.bundles / "link.zip").symlink_to(outside)

    await refuses(
        laps,
        team,
        Attack(
            row=34,
            name="",
            reason="FetchPathNotAllowed",
            defence="",
            mount=at("file://{bundles}/link.zip"),
        ),
    )
