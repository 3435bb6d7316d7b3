"""Where a URL may lead (attack row 34)."""

import asyncio
from collections.abc import Sequence

import pytest

from sluice.fetch import web
from sluice.fetch.fetcher import Fetcher, FetchSettings
from support.fetching import DATA, HOME, LOCAL, Trust, fetch, known, reason
from support.webserver import Talk, answer, one_by_one, web_server


async def test_http_is_refused_unless_the_host_is_allowed(trust: Trust) -> None:
    async with web_server(answer(DATA)) as server:
        port = f"127.0.0.1:{server.port}"
        assert await reason(trust.fetcher(), server.url()) == "FetchSchemeNotAllowed!"
        hosts = frozenset({"127.0.0.1"})
        assert (
            await reason(trust.fetcher(allow_private_hosts=hosts), server.url())
            == "FetchSchemeNotAllowed!"
        )
        assert server.connections == 0
        assert (
            await reason(trust.fetcher(allow_http_hosts=frozenset({port})), server.url()) == "none"
        )


async def test_a_certificate_of_nobody_we_trust_is_not_talked_to(trust: Trust) -> None:
    fetcher = Fetcher(FetchSettings(allow_private_hosts=LOCAL))
    async with web_server(answer(DATA), trust.server) as server:
        assert await reason(fetcher, server.url(scheme="https")) == "FetchFailed"
        other_name = trust.fetcher(
            allow_private_hosts=frozenset({"other.example"}), resolve=known(HOME)
        )
        assert await reason(other_name, server.url(scheme="https", host="other.example")) == (
            "FetchFailed"
        )
    assert server.requests == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[::1]",
        "[::]",
        "0.0.0.0",  # noqa: S104 - nothing is bound to it here
        "0",
        "good.example@127.0.0.1",
        "127.0.0.1\\@good.example",
    ],
)
async def test_no_form_of_our_own_address_is_connected_to(trust: Trust, host: str) -> None:
    async with web_server(answer(DATA), trust.server) as server:
        found = await reason(trust.fetcher(), f"https://{host}:{server.port}/")

    assert found in {"FetchAddressNotAllowed!", "FetchUrlInvalid!"}
    assert server.connections == 0


@pytest.mark.parametrize(
    "addresses",
    [
        HOME,
        ["93.184.216.34", "127.0.0.1"],
        ["10.0.0.1"],
        ["169.254.169.254"],
        ["100.64.0.1"],
        ["::ffff:127.0.0.1"],
        ["fe80::1%1"],
        ["nonsense"],
        [],
    ],
)
async def test_a_name_of_which_one_address_is_inside_is_refused(
    trust: Trust, addresses: list[str]
) -> None:
    async with web_server(answer(DATA), trust.server) as server:
        fetcher = trust.fetcher(resolve=known(addresses))
        found = await reason(fetcher, server.url(scheme="https", host="bundles.example"))

    assert found == "FetchAddressNotAllowed!"
    assert server.connections == 0


async def test_a_name_is_resolved_once_and_gone_to_where_it_was_looked_at(trust: Trust) -> None:
    """DNS rebinding: the second answer would be another address."""
    hosts = frozenset({"bundles.example"})
    fetcher = trust.fetcher(allow_private_hosts=hosts, resolve=known(HOME))
    async with web_server(answer(DATA), trust.server) as server:
        found = await fetch(fetcher, server.url(scheme="https", host="bundles.example"))

    assert found == DATA


async def test_a_name_that_is_not_known_is_tried_again(trust: Trust) -> None:
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise OSError(-2, "Name or service not known")

    fetcher = trust.fetcher(resolve=unknown)

    assert await reason(fetcher, "https://bundles.example/a") == "FetchFailed"


async def test_a_name_that_is_never_answered_for_does_not_hold_us(trust: Trust) -> None:
    async def silent(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    fetcher = trust.fetcher(resolve=silent, answer_seconds_max=0.05)

    assert await reason(fetcher, "https://bundles.example/a") == "FetchTooSlow"


def to(location: str, status: str = "302 Found") -> Talk:
    return answer(b"", status, location=location)


@pytest.mark.parametrize(
    "status",
    ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"],
)
async def test_a_redirect_is_followed(trust: Trust, status: str) -> None:
    async with web_server(answer(DATA), trust.server) as server:
        server.talk = one_by_one(to("/there?a=%2f", status), answer(DATA))
        fetcher = trust.fetcher(allow_private_hosts=LOCAL)

        assert await fetch(fetcher, server.url("/here", scheme="https")) == DATA
    assert server.requests[1].startswith(b"GET /there?a=%2f ")


async def test_redirects_come_to_an_end(trust: Trust) -> None:
    async with web_server(to("/again"), trust.server) as server:
        fetcher = trust.fetcher(allow_private_hosts=LOCAL)

        assert await reason(fetcher, server.url(scheme="https")) == "FetchFailed"
    assert server.connections == 6


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("http://127.0.0.1:{port}/", "FetchSchemeNotAllowed!"),
        ("file:///etc/hostname", "FetchSchemeNotAllowed!"),
        ("ftp://127.0.0.1/", "FetchSchemeNotAllowed!"),
        ("https://localhost:{port}/", "FetchAddressNotAllowed!"),
        ("https://2130706433:{port}/", "FetchAddressNotAllowed!"),
        ("https://169.254.169.254/latest/meta-data", "FetchAddressNotAllowed!"),
        ("https://user:password@127.0.0.1:{port}/", "FetchUrlInvalid!"),
        ("https://good.example\\@127.0.0.1:{port}/", "FetchUrlInvalid!"),
        ("", "FetchUrlInvalid!"),
        ("https://[", "FetchFailed"),
    ],
)
async def test_a_redirect_is_looked_at_as_strictly_as_the_first_place(
    trust: Trust, location: str, expected: str
) -> None:
    async with (
        web_server(answer(DATA)) as inside,
        web_server(to(location.format(port=inside.port)), trust.server) as server,
    ):
        fetcher = trust.fetcher(allow_private_hosts=LOCAL, allow_http_hosts=LOCAL)

        assert await reason(fetcher, server.url(scheme="https")) == expected
    assert inside.connections == 0


async def test_the_open_internet_cannot_lead_us_to_a_host_that_only_we_may_name(
    trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first address that is looked at stands for one of the open internet.
    answers = iter([True])
    monkeypatch.setattr(web, "is_public", lambda _address: next(answers, False))
    async with web_server(answer(DATA), trust.server) as inside:
        hop = to(f"https://mirror.example:{inside.port}/")
        async with web_server(hop, trust.server) as outside:
            fetcher = trust.fetcher(
                allow_private_hosts=frozenset({"mirror.example"}), resolve=known(HOME, HOME)
            )
            url = outside.url(scheme="https", host="bundles.example")

            assert await reason(fetcher, url) == "FetchAddressNotAllowed!"
    assert (outside.connections, inside.connections) == (1, 0)


async def test_a_host_of_ours_may_lead_to_another_one_of_ours(trust: Trust) -> None:
    async with web_server(answer(DATA), trust.server) as inside:
        hop = to(f"https://mirror.example:{inside.port}/")
        async with web_server(hop, trust.server) as first:
            url = first.url(scheme="https", host="bundles.example")
            only_one = trust.fetcher(
                allow_private_hosts=frozenset({f"bundles.example:{first.port}"}),
                resolve=known(HOME, HOME),
            )
            both_ours = trust.fetcher(
                allow_private_hosts=frozenset({"bundles.example", "mirror.example"}),
                resolve=known(HOME, HOME),
            )

            assert await reason(only_one, url) == "FetchAddressNotAllowed!"
            assert inside.connections == 0
            assert await reason(both_ours, url) == "none"
