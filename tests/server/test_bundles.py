"""`/files`: the bytes of bundles, as downloaders of phones want them."""

import asyncio
import hashlib
import os

import pytest

DATA = bytes(number * number % 251 for number in range(700_001))


@pytest.fixture
def digest(store):
    return store.keep(DATA)


async def get(server, digest, method="GET", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    url = f"{server.url}/files/{digest}.zip"
    async with server.session.request(method, url, headers=named) as response:
        return response.status, response.headers, await response.read()


async def test_invariant_what_was_signed_is_what_is_served(server, digest):
    status, headers, body = await get(server, digest)

    assert (status, hashlib.sha256(body).hexdigest()) == (200, digest)
    assert headers["content-length"] == str(len(DATA))
    assert headers["etag"] == f'"{digest}"'
    assert headers["accept-ranges"] == "bytes"
    assert "immutable" in headers["cache-control"]
    assert "content-encoding" not in headers


async def test_a_bundle_is_never_compressed_on_the_way(server, digest):
    _, headers, body = await get(server, digest, accept_encoding="gzip, br")

    assert "content-encoding" not in headers
    assert body == DATA


async def test_its_head_says_the_same(server, digest):
    status, headers, body = await get(server, digest, "HEAD")

    assert (status, headers["content-length"], body) == (200, str(len(DATA)), b"")


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-", 0, 700_001),
        ("bytes=36-", 36, 700_001),
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=700000-", 700_000, 700_001),
        ("bytes=5-99999999", 5, 700_001),
        ("bytes=-1", 700_000, 700_001),
        ("bytes=-99999999", 0, 700_001),
    ],
)
async def test_a_part_is_sent_with_numbers(server, digest, asked, start, end):
    """`bytes 0-9/*` would make the plugin try again for ever."""
    status, headers, body = await get(server, digest, range=asked)

    assert (status, body) == (206, DATA[start:end])
    assert headers["content-range"] == f"bytes {start}-{end - 1}/700001"
    assert headers["content-length"] == str(end - start)


@pytest.mark.parametrize(
    "asked",
    ["bytes=a-b", "bytes=5-4", "bytes=0-1,5-6", "items=0-1", "bytes=", "bytes=-", "bytes=--1"],
)
async def test_a_range_that_makes_no_sense_gives_the_whole(server, digest, asked):
    status, _, body = await get(server, digest, range=asked)

    assert (status, body) == (200, DATA)


@pytest.mark.parametrize("asked", ["bytes=700001-", "bytes=99999999-100000000", "bytes=-0"])
async def test_a_range_beyond_the_end_is_told_where_that_is(server, digest, asked):
    status, headers, body = await get(server, digest, range=asked)

    assert (status, body) == (416, b"")
    assert headers["content-range"] == "bytes */700001"


async def test_a_part_of_another_file_is_not_joined_to_this_one(server, digest):
    assert (await get(server, digest, range="bytes=5-", if_range=f'"{digest}"'))[0] == 206
    assert (await get(server, digest, range="bytes=5-", if_range='"other"'))[0] == 200


async def test_who_has_it_is_not_sent_it_again(server, digest):
    status, _, body = await get(server, digest, if_none_match=f'W/"x", "{digest}"')

    assert (status, body) == (304, b"")


@pytest.mark.parametrize(
    "name",
    ["0" * 64, "A" * 64, "0" * 63, "../../etc/passwd", "%2e%2e%2fx", "0" * 64 + ".zip/.."],
)
async def test_what_is_not_there_is_not_found(server, name):
    assert (await get(server, name))[0] == 404


async def test_a_link_in_the_folder_leads_nowhere(server, store, digest):
    other = "1" * 64
    store.path_of(other).parent.mkdir(exist_ok=True)
    store.path_of(other).symlink_to(store.path_of(digest))

    assert (await get(server, other))[0] == 404


async def test_bytes_that_are_not_what_their_name_says_are_never_served(server, store, digest):
    flipped = bytearray(DATA)
    flipped[400_000] ^= 1
    store.path_of(digest).write_bytes(flipped)

    status, headers, body = await get(server, digest)

    assert status == 503
    assert headers["retry-after"]
    assert len(body) < 200
    assert server.metrics.bundles_refused == 1


async def test_bytes_that_change_later_are_never_served(server, store, digest):
    """Also when size and time are what they were: the inode's own time cannot be set back."""
    path = store.path_of(digest)
    assert (await get(server, digest))[0] == 200
    before = path.stat()
    flipped = bytearray(DATA)
    flipped[0] ^= 1
    path.write_bytes(flipped)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert (await get(server, digest))[0] == 503


async def test_a_bundle_that_is_put_right_is_served_again(server, store, digest):
    store.path_of(digest).write_bytes(b"broken")
    assert (await get(server, digest))[0] == 503
    store.keep(DATA)

    assert (await get(server, digest))[0] == 200


async def test_a_broken_bundle_is_hashed_once_for_many_phones(server, store, digest):
    store.path_of(digest).write_bytes(b"broken")
    statuses = {
        status for status, *_ in await asyncio.gather(*(get(server, digest) for _ in range(20)))
    }

    assert (statuses, server.metrics.bundles_refused) == ({503}, 1)


async def test_many_phones_download_at_once(server, digest):
    bodies = await asyncio.gather(*(get(server, digest) for _ in range(50)))

    assert all(body == DATA for _, _, body in bodies)


async def test_a_phone_that_hangs_up_leaves_nothing_open(server, digest):
    for _ in range(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(f"GET /files/{digest}.zip HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        await reader.read(10)
        writer.close()

    assert (await get(server, digest))[0] == 200
    async with asyncio.timeout(10):
        while server.app._bundles._downloads:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)


async def test_an_empty_bundle_is_served(server, store):
    digest = store.keep(b"")

    assert (await get(server, digest))[::2] == (200, b"")
    assert (await get(server, digest, range="bytes=0-"))[0] == 416


async def test_other_methods_are_refused(server, digest):
    assert (await get(server, digest, "DELETE"))[0] == 404
