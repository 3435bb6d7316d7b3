"""What a web server may say, and how long that may take (attack rows 29 and 35)."""

import asyncio
import contextlib
import gzip
import hashlib
import itertools
import tracemalloc
from typing import Any

import pytest

from sluice.errors import Refused
from sluice.fetch.fetcher import Fetcher, FetchSettings
from support.fetching import DATA, LOCAL, SHA256, Trust, fetch, reason
from support.webserver import Talk, answer, one_by_one, web_server


async def test_what_was_signed_is_fetched_by_https(trust: Trust) -> None:
    async with web_server(answer(DATA), trust.server) as web:
        fetcher = trust.fetcher(allow_private_hosts=LOCAL)

        assert await fetch(fetcher, web.url("/a.zip?b=%2F", scheme="https")) == DATA
    assert web.requests[0].startswith(b"GET /a.zip?b=%2F HTTP/1.1\r\n")


async def test_nothing_of_ours_is_sent(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with web_server(answer(DATA, set_cookie="a=b")) as web:
        fetcher = trust.fetcher(allow_http_hosts=LOCAL)
        for _ in range(2):
            await fetch(fetcher, web.url())

    names = [line.split(b":")[0].lower() for line in web.requests[1].split(b"\r\n")[1:-2]]
    assert set(names) <= {b"host", b"accept", b"accept-encoding", b"user-agent", b"connection"}
    assert b"Accept-Encoding: identity" in web.requests[1]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("404 Not Found", "FetchNotFound"),
        ("410 Gone", "FetchNotFound"),
        ("403 Forbidden", "FetchFailed"),
        ("500 Oops", "FetchFailed"),
        ("206 Partial Content", "FetchFailed"),
        ("204 No Content", "FetchFailed"),
        ("304 Not Modified", "FetchFailed"),
    ],
)
async def test_only_a_whole_answer_counts(trust: Trust, status: str, expected: str) -> None:
    async with web_server(answer(DATA, status)) as web:
        assert await reason(trust.fetcher(allow_http_hosts=LOCAL), web.url()) == expected


async def test_a_server_that_gives_other_bytes_the_second_time_is_found_out(trust: Trust) -> None:
    """Row 29: what is checked is what is used; nothing is asked for twice."""
    async with web_server(answer(DATA)) as web:
        web.talk = one_by_one(answer(DATA), answer(DATA[:-1] + b"!"))
        fetcher = trust.fetcher(allow_http_hosts=LOCAL)

        assert await fetch(fetcher, web.url()) == DATA
        assert await reason(fetcher, web.url()) == "FetchDigestMismatch!"
    assert web.connections == 2


async def test_bytes_are_hashed_as_they_were_sent(trust: Trust) -> None:
    """A compressed answer could grow without bound, and is not what was signed."""
    packed = gzip.compress(DATA)
    async with web_server(answer(packed, content_encoding="gzip")) as web:
        fetcher = trust.fetcher(allow_http_hosts=LOCAL)
        same = await fetcher.fetch_bytes(
            web.url(), sha256=hashlib.sha256(packed).hexdigest(), size_max=len(packed)
        )

        assert await reason(fetcher, web.url()) == "FetchDigestMismatch!"
    assert same == packed


async def test_one_byte_more_than_promised_is_too_large(trust: Trust) -> None:
    async with web_server(answer(DATA)) as announced:
        fetcher = trust.fetcher(allow_http_hosts=LOCAL)

        assert await reason(fetcher, announced.url(), len(DATA) - 1) == "FetchTooLarge!"
    async with web_server(unannounced(DATA)) as silent:
        assert await reason(fetcher, silent.url(), len(DATA) - 1) == "FetchTooLarge!"
        assert await reason(fetcher, silent.url(), len(DATA)) == "none"


async def test_an_answer_that_breaks_off_is_tried_again(trust: Trust) -> None:
    async with web_server(answer(DATA[:-1], content_length=str(len(DATA)))) as web:
        assert await reason(trust.fetcher(allow_http_hosts=LOCAL), web.url()) == "FetchFailed"


@pytest.mark.parametrize(
    "said",
    [b"", b"nonsense\r\n\r\n", b"HTTP/9.9 200 OK\r\n\r\n", b"\x16\x03\x01", b"HTTP/1.1 20\r\n\r\n"],
)
async def test_what_is_no_answer_is_tried_again(trust: Trust, said: bytes) -> None:
    async def talk(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()

    async with web_server(talk) as web:
        assert await reason(trust.fetcher(allow_http_hosts=LOCAL), web.url()) == "FetchFailed"


async def test_a_port_that_nobody_listens_on_is_tried_again(trust: Trust) -> None:
    async with web_server(answer(DATA)) as web:
        url = web.url()

    assert await reason(trust.fetcher(allow_http_hosts=LOCAL), url) == "FetchFailed"


# --- Row 35: slow or endless --------------------------------------------------------------------


async def test_an_endless_answer_ends_at_the_size_and_costs_no_memory(trust: Trust) -> None:
    async with web_server(endless(b"x" * 65_536)) as web:
        fetcher = trust.fetcher(allow_http_hosts=LOCAL)
        stream = fetcher.stream(web.url(), sha256=SHA256, size_max=50_000_000)
        tracemalloc.start()
        with pytest.raises(Refused) as refused:
            [len(chunk) async for chunk in stream]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert refused.value.reason == "FetchTooLarge"
    assert peak < 10_000_000


async def test_an_endless_head_is_cut_off(trust: Trust) -> None:
    async def talk(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        with contextlib.suppress(OSError):
            for count in itertools.count():
                writer.write(f"X-{count}: {'x' * 1000}\r\n".encode())
                await writer.drain()

    async with web_server(talk) as web:
        assert await reason(trust.fetcher(allow_http_hosts=LOCAL), web.url()) == "FetchFailed"


SLOW: dict[str, Any] = {"window_seconds": 0.1, "answer_seconds_max": 0.3}


async def test_a_server_that_never_answers_is_given_up(trust: Trust) -> None:
    async def talk(_request: bytes, _writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with web_server(talk) as web:
        fetcher = trust.fetcher(allow_http_hosts=LOCAL, **SLOW)

        assert await reason(fetcher, web.url()) == "FetchTooSlow"


async def test_a_head_that_trickles_is_given_up(trust: Trust) -> None:
    async with web_server(trickle(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 8_000)) as web:
        fetcher = trust.fetcher(allow_http_hosts=LOCAL, **SLOW)

        assert await reason(fetcher, web.url()) == "FetchTooSlow"


@pytest.mark.parametrize("sent", [b"", b"x", b"x" * 100])
async def test_a_body_that_falls_silent_is_given_up(trust: Trust, sent: bytes) -> None:
    async def talk(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + sent)
        await asyncio.Event().wait()

    async with web_server(talk) as web:
        fetcher = trust.fetcher(allow_http_hosts=LOCAL, **SLOW)

        assert await reason(fetcher, web.url()) == "FetchTooSlow"


async def test_a_body_that_trickles_is_given_up(trust: Trust) -> None:
    """Each byte comes in time; all of them together do not."""
    async with web_server(trickle(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000)) as web:
        fetcher = trust.fetcher(
            allow_http_hosts=LOCAL, window_seconds=0.2, bytes_per_second_min=100_000
        )

        assert await reason(fetcher, web.url()) == "FetchTooSlow"


async def test_even_a_fast_body_has_a_deadline(trust: Trust) -> None:
    async with web_server(endless(b"x" * 65_536)) as web:
        fetcher = trust.fetcher(allow_http_hosts=LOCAL, deadline_seconds=0.2)

        assert await reason(fetcher, web.url(), 10**15) == "FetchTooSlow"


async def test_a_slow_reader_is_not_taken_for_a_slow_server(trust: Trust) -> None:
    async with web_server(answer(DATA)) as web:
        fetcher = trust.fetcher(allow_http_hosts=LOCAL, **SLOW, bytes_per_second_min=1_000)
        read = b""
        async for chunk in fetcher.stream(web.url(), sha256=SHA256, size_max=len(DATA)):
            read += chunk
            await asyncio.sleep(0.15)

    assert read == DATA


async def test_who_stops_reading_leaves_no_connection_open(trust: Trust) -> None:
    closed = asyncio.Event()

    async def talk(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 65_536)
                await writer.drain()
        except OSError:
            closed.set()

    async with web_server(talk) as web:
        fetcher = trust.fetcher(allow_http_hosts=LOCAL)
        stream = fetcher.stream(web.url(), sha256=SHA256, size_max=10**9)
        await anext(stream)
        await stream.aclose()
        await asyncio.wait_for(closed.wait(), 10)


# --- Servers ------------------------------------------------------------------------------------


def unannounced(body: bytes) -> Talk:
    async def talk(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + body)
        await writer.drain()

    return talk


def endless(part: bytes) -> Talk:
    async def talk(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(part)
            await writer.drain()

    return talk


def trickle(data: bytes) -> Talk:
    async def talk(_request: bytes, writer: asyncio.StreamWriter) -> None:
        for start in range(len(data)):
            writer.write(data[start : start + 1])
            await writer.drain()
            await asyncio.sleep(0.01)

    return talk


async def test_a_file_of_certificates_that_is_none_is_refused(trust: Trust) -> None:
    with pytest.raises(Refused) as refused:
        Fetcher(FetchSettings(ca_file=trust.server.key))

    assert refused.value.reason == "CaFileInvalid"
