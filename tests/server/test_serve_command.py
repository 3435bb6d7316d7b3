"""`sluice serve` as a process of its own."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from contextlib import asynccontextmanager

import aiohttp
import pytest

from sluice.serving.seal import public_pem
from sluice.store import schema
from support.devices import KEY, event, info
from support.serving import a_channel, a_rollout

STARTED = re.compile(r"listening on http://127\.0\.0\.1:([0-9]+)")

REACHES_TOO_FAR = (
    "alembic",
    "aiohttp",
    "kopf",
    "kubernetes",
    "pydantic",
    "sigstore",
    "sluice.fetch",
    "sluice.operator",
    "sluice.policy",
    "sluice.reconcile",
    "sluice.resources",
    "sluice.store.audit",
    "sluice.store.channels",
    "sluice.verify",
)


@pytest.fixture
def settings(store, tmp_path):
    key = tmp_path / "seal.pem"
    key.write_bytes(public_pem(KEY))
    return {
        "SLUICE_STORE": store.url,
        "SLUICE_BLOBS": str(store.blobs),
        "SLUICE_PUBLIC_URL": "https://updates.example.com/",
        "SLUICE_SEAL_KEY": str(key),
    }


RUN = "from sluice.cli.serve import serve; serve()"


@asynccontextmanager
async def running(settings, *arguments):
    """A process of `sluice serve`, the URL of its server, and all that it logged."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        RUN,
        "--port=0",
        "--drain=0.2",
        *arguments,
        env={**os.environ, **settings, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
    )
    logged = []
    try:
        while True:
            line = (await process.stderr.readline()).decode()
            assert line, "".join(logged)
            logged.append(line)
            if match := STARTED.search(line):
                break
        yield process, f"http://127.0.0.1:{match[1]}", logged
    finally:
        if process.returncode is None:
            process.kill()
        logged.append((await process.communicate())[1].decode())


async def ready(session, url):
    async with asyncio.timeout(30):
        while True:
            async with session.get(url + "/readyz") as response:
                if response.status == 200:
                    return
            await asyncio.sleep(0.02)


async def test_it_serves_what_changes_and_ends_in_order(settings, store):
    await store.serve(a_channel())
    async with (
        running(settings) as (process, url, logged),
        aiohttp.ClientSession() as session,
    ):
        await ready(session, url)
        async with session.post(url + "/updates", json=info()) as response:
            assert (await response.json())["url"].startswith("https://updates.example.com/files/")
        await store.serve(a_rollout(generation=2))
        version = "1.1.0"
        while version == "1.1.0":
            async with session.post(url + "/updates", json=info()) as response:
                version = (await response.json())["version"]
        assert version == "2.0.0"

        process.send_signal(signal.SIGTERM)
        async with session.get(url + "/readyz") as response:
            assert response.status in {200, 503}
        async with session.post(url + "/stats", json=[event("ping")]) as response:
            assert response.status == 200
        assert await process.wait() == 0
    assert "Traceback" not in "".join(logged)
    assert len(await store.rows(schema.reports)) == 1


async def test_it_waits_for_the_store_to_be_made(settings, store):
    away = store.database_file.with_suffix(".away")
    await store.database.close()
    store.database_file.rename(away)
    reader, writer = os.pipe()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        RUN,
        "--port=0",
        env={**os.environ, **settings, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=writer,
    )
    os.close(writer)
    with os.fdopen(reader) as lines:
        try:
            assert "waiting for the store" in await asyncio.to_thread(lines.readline)
            away.rename(store.database_file)
            while not STARTED.search(line := await asyncio.to_thread(lines.readline)):
                assert line
        finally:
            process.kill()
            await process.wait()


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("SLUICE_LISTEN", "8080", "ListenInvalid"),
        ("SLUICE_PUBLIC_URL", "updates.example.com", "PublicUrlInvalid"),
        ("SLUICE_STORE", "mysql://x", "StoreUrlInvalid"),
        ("SLUICE_SEAL_KEY", "/dev/null", "SealKeyInvalid"),
    ],
)
def test_a_setting_that_is_wrong_is_named(settings, setting, value, reason):
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        env={**os.environ, **settings, setting: value, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


def test_what_faces_phones_does_not_even_load_what_it_must_not_reach():
    script = f"""
import sys
from sluice.cli.serve import serve
found = [name for name in sys.modules if name.startswith({REACHES_TOO_FAR!r})]
print(*found)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert done.stdout.split() == []
