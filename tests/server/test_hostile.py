"""What nobody who means well sends: a 4xx in the protocol's form, and the server goes on."""

import asyncio
import io
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sluice.server.device import connection
from support.devices import event, info
from support.serving import a_rollout

ROUTES = [("POST", "/updates"), ("POST", "/stats"), ("POST", "/channel_self")]

BODIES = {
    "nothing": b"",
    "white": b" \n\t",
    "no JSON": b"hello",
    "cut off": b'{"app_id": "com.exam',
    "a number": b"7",
    "null": b"null",
    "a text": b'"x"',
    "an empty object": b"{}",
    "trailing": json.dumps(info()).encode() + b"x",
    "NaN": b'{"app_id": NaN}',
    "no UTF-8": b'{"app_id": "\xff\xfe"}',
    "UTF-16": json.dumps(info()).encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps(info()).encode(),
    "half a surrogate": b'{"app_id": "\\ud800"}',
    "NUL": b'{"app_id": "com.x\\u0000"}',
    "deep lists": b"[" * 50_000,
    "deep lists, closed": b"[" * 30_000 + b"]" * 30_000,
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "deep in an unknown field": b'{"x":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "many keys": b"{" + b",".join(b'"%d":1' % number for number in range(5_000)) + b"}",
    "a huge number": b'{"app_id": ' + b"9" * 50_000 + b"}",
    "a path": json.dumps(info(app_id="../../../etc/passwd")).encode(),
    "SQL": json.dumps(info(app_id="x'; DROP TABLE reports; --")).encode(),
    "markup": json.dumps(info(device_id="<script>alert(1)</script>")).encode(),
    "an endless id": json.dumps(info(app_id="com." + "a." * 20_000 + "!")).encode(),
}


@pytest.fixture(autouse=True)
async def _served(server, store):
    await store.serve(a_rollout(share_bp=0))
    await server.table.refresh()


async def is_well(server):
    assert (await server.ask())[1]["version"] == "1.1.0"
    assert server.metrics.crashes == 0


async def send_raw(server, data, *, then=b""):
    """Send bytes, and return all that comes back until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(data)
        await writer.drain()
        writer.write(then)
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_a_hostile_body_is_refused_in_the_protocols_form(server, method, path, body):
    status, answer = await server.call(method, path, data=BODIES[body])

    if path == "/stats" and BODIES[body].startswith(b"[") and status == 200:
        assert {result["status"] for result in answer["results"]} == {"error"}
    else:
        assert 400 <= status < 500
        assert set(answer) == {"error", "message"}
    await is_well(server)


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_a_body_that_is_too_large_is_refused_before_it_is_read(server, method, path):
    head = f"{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n"
    answer = await send_raw(server, head.encode())

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"body_too_large" in answer
    await is_well(server)


@pytest.mark.parametrize("length", ["1" * 40, "-1", "x", "0x10"])
async def test_a_length_that_is_none_is_refused(server, length):
    head = f"POST /updates HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n"

    assert b" 4" in (await send_raw(server, head.encode()))[:13]
    await is_well(server)


@pytest.mark.parametrize("path", ["/updates", "/stats", "/channel_self"])
@pytest.mark.parametrize("size", [1024 * 1024 + 1, 7 * 1024 * 1024])
async def test_a_large_body_is_refused_with_an_answer(server, path, size):
    status, body = await server.call("POST", path, data=io.BytesIO(b" " * size))

    assert (status, body["error"]) == (413, "body_too_large")
    await is_well(server)


async def test_a_body_without_end_is_cut_off(server):
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    head = b"POST /stats HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"

    await send_raw(server, head, then=chunk * 1000)
    await is_well(server)


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100,
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET http:// HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"x: " + b"a" * 40_000,
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_refused(server, data):
    answer = await send_raw(server, data)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"] == "invalid_request"
    await is_well(server)


async def test_a_head_that_grows_for_ever_is_cut_off(server):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET / HTTP/1.1\r\n")
    answer = b""
    while not answer and not reader.at_eof():
        writer.write(b"x: " + b"a" * 4_000 + b"\r\n")
        await writer.drain()
        try:
            async with asyncio.timeout(0.01):
                answer = await reader.read(100)
        except TimeoutError:
            continue
    writer.close()

    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"POST /upd",
        b"POST /updates HTTP/1.1\r\nhost: x\r\n",
        b"POST /updates HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n",
        b"POST /updates HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{",
    ],
)
async def test_who_sends_too_slowly_is_not_waited_for(server, monkeypatch, begun):
    monkeypatch.setattr(connection, "REQUEST_SECONDS_MAX", 0.05)

    assert await send_raw(server, begun) == b""
    await is_well(server)


async def test_who_sends_a_second_request_too_slowly_is_not_waited_for(server, monkeypatch):
    monkeypatch.setattr(connection, "REQUEST_SECONDS_MAX", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
    assert (await reader.readuntil(b"ok\n")).startswith(b"HTTP/1.1 200 ")
    writer.write(b"POST /upd")

    assert await reader.read() == b""
    writer.close()


async def test_who_takes_a_connection_too_many_is_turned_away(server, monkeypatch):
    monkeypatch.setattr(connection, "CONNECTIONS_MAX", 0)

    assert await send_raw(server, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n") == b""


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/updates", 405),
        ("PUT", "/stats", 405),
        ("PATCH", "/channel_self", 405),
        ("GET", "/", 404),
        ("POST", "/updates/", 404),
        ("GET", "/" + "a" * 8_000, 404),
        ("GET", "/updates%00", 404),
        ("OPTIONS", "*", 404),
    ],
)
async def test_other_places_and_methods_are_refused(server, method, path, status):
    raw = f"{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    answer = await send_raw(server, raw.encode())

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert set(json.loads(answer.partition(b"\r\n\r\n")[2])) == {"error", "message"}


async def test_no_metric_is_named_by_a_phone(server):
    await server.call("GET", '/x"y')
    async with server.session.get(server.url + "/metrics") as response:
        text = await response.text()

    assert 'x"y' not in text
    assert 'route="other"' in text


async def test_nothing_that_a_phone_sends_is_logged(server, caplog):
    caplog.set_level(0)
    secret = "hushHUSHhushHUSHhush"
    await server.ask(app_id=secret)
    await server.ask(version_name=secret)
    await server.report(event(secret), event("set", secret), info(device_id=secret))
    await server.call("GET", f"/{secret}?{secret}=1", headers={secret: secret})
    await send_raw(server, secret.encode() * 3)

    told = [each.getMessage() for each in caplog.records if each.name.startswith("sluice")]
    assert not [each for each in told if secret in each]


async def test_a_bug_is_answered_and_told_of_without_the_request(server, caplog):
    async def broken(sighting):
        raise ValueError(sighting.device_id)

    server.app._recorder.saw = broken
    status, body = await server.ask()

    assert (status, body["error"]) == (500, "internal_error")
    assert server.metrics.crashes == 1
    assert "ValueError at broken" in caplog.text
    assert info()["device_id"] not in caplog.text


async def test_too_many_at_once_are_told_to_come_again(server):
    server.metrics.in_flight = 5_000

    async with server.session.post(server.url + "/updates", json=info()) as response:
        assert response.status == 429
        assert response.headers["retry-after"].isdigit()


async def test_phones_that_are_sent_away_do_not_come_back_together(server):
    server.metrics.in_flight = 5_000
    told = set()
    for _ in range(40):
        async with server.session.post(server.url + "/updates", json=info()) as response:
            told.add(int(response.headers["retry-after"]))

    assert len(told) > 5
    assert max(told) <= 31
    assert min(told) >= 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
FIELDS = st.dictionaries(st.sampled_from([*info(), "action", "channel", "timestamp"]), JSON)


@given(
    st.sampled_from(ROUTES),
    st.one_of(st.binary(max_size=200), JSON.map(json.dumps), FIELDS.map(json.dumps)),
)
@settings(
    max_examples=75, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_any_body_is_answered(server, route, body):
    status, _ = await server.call(*route, data=body)

    assert status < 500
    assert server.metrics.crashes == 0


@given(st.sampled_from(ROUTES), FIELDS)
@settings(
    max_examples=75, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_a_phone_with_any_fields_is_answered(server, route, fields):
    data = json.dumps(info() | {"action": "set", "channel": "x"} | fields)
    status, _ = await server.call(*route, data=data)

    assert status < 500
    assert server.metrics.crashes == 0
