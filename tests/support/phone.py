"""Phones that run the stock plugin, as it was seen to behave, and fleets of them.

A phone asks at each launch, downloads, checks the digest, switches to the new bundle when it is
sent to the background, and then either comes up (`app_launch_ready`) or goes back (`update_fail`).
With `auto_delete_failed`, as by default, it forgets that a version failed and would install it
again at the next check, and again: what ends that is the server's quarantine.
"""

import asyncio
import hashlib
import time
import uuid
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import aiohttp

from sluice.serving.arm import in_share, position

__all__ = ["Behaviour", "Fleet", "Phone", "phones"]

KEPT_EVENTS_MAX: Final = 200
"""As the plugin: the oldest are dropped."""

BUILTIN: Final = "builtin"

Download = Literal["full", "head"]
"""`full` downloads the bundle and hashes it; `head` asks for its ETag, which is its digest."""


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """What happens on phones. The same phones fail at the same versions in each run."""

    bad: frozenset[str] = frozenset()
    """Versions that do not come up."""
    bad_share: float = 1.0
    """Share of phones on which a bad version does not come up."""
    crashing_share: float = 0.0
    """Share of phones on which any version crashes once, after it came up."""
    seed: str = ""

    def comes_up(self, device_id: str, version: str) -> bool:
        """Return whether a version starts on a phone."""
        return version not in self.bad or not self._drawn("start", device_id, self.bad_share)

    def crashes(self, device_id: str, version: str) -> bool:
        """Return whether a version that started crashes later."""
        return self._drawn(f"crash {version}", device_id, self.crashing_share)

    def _drawn(self, what: str, device_id: str, share: float) -> bool:
        return in_share(position(f"{self.seed} {what}", device_id), round(share * 10_000))


@dataclass(kw_only=True)
class Phone:
    """One phone with one app on it."""

    url: str
    """Of the device server, without a slash at the end."""
    app_id: str
    device_id: str
    behaviour: Behaviour = field(default_factory=Behaviour)
    download: Download = "head"
    platform: str = "android"
    version_build: str = "1.0.0"
    plugin_version: str = "8.51.23"
    default_channel: str = ""
    is_emulator: bool = False
    is_prod: bool = True
    auto_delete_failed: bool = True
    clock: Callable[[], float] = time.monotonic

    version: str = BUILTIN
    """What it runs."""
    next_version: str | None = None
    good: str = BUILTIN
    """What it last came up with, and goes back to."""
    failed: set[str] = field(default_factory=set)
    """Versions that did not come up here and that it remembers."""
    events: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=KEPT_EVENTS_MAX))
    """What it has to tell."""
    blocked_until: float = 0.0
    """Told to come again later, it asks nothing until then."""
    installs: Counter[str] = field(default_factory=Counter)
    """How often it switched to each version."""
    rollbacks: Counter[str] = field(default_factory=Counter)
    """How often it went back from each version."""
    answer: dict[str, Any] = field(default_factory=dict)
    """The last answer to an update check."""

    async def launch(self, session: aiohttp.ClientSession) -> None:
        """Live once: ask, install what is offered, switch to it, and tell how it went."""
        await self.check(session)
        self.go_to_background()
        await self.tell(session)

    async def check(self, session: aiohttp.ClientSession) -> None:
        """Ask for an update, and take what is offered."""
        if self.clock() < self.blocked_until:
            self._note("download_fail")
            return
        status, self.answer = await self._post(session, "/updates", self.info())
        if status == 200:
            await self._take(session, self.answer)

    def go_to_background(self) -> None:
        """Switch to what was downloaded, and see whether it comes up."""
        version, self.next_version = self.next_version, None
        if version is None:
            return
        self._note("app_moved_to_background")
        before, self.version = self.version, version
        self.installs[version] += 1
        # Sent before the page has proved anything.
        self._note("set", old_version_name=before)
        if not self.behaviour.comes_up(self.device_id, version):
            self._go_back(version)
            return
        self.good = version
        self._note("app_launch_ready")
        if self.behaviour.crashes(self.device_id, version):
            self._note("app_crash")

    async def tell(self, session: aiohttp.ClientSession) -> None:
        """Send what there is to tell; keep it when the server cannot take it now."""
        if not self.events or self.clock() < self.blocked_until:
            return
        batch = list(self.events)
        status, _ = await self._post(session, "/stats", batch)
        if status not in {408, 429} and status < 500:
            for _ in batch:
                self.events.popleft()

    def info(self) -> dict[str, Any]:
        """What it says about itself with each request; unset fields are empty."""
        return {
            "platform": self.platform,
            "device_id": self.device_id,
            "app_id": self.app_id,
            "custom_id": "",
            "version_build": self.version_build,
            "version_code": "1",
            "version_os": "14",
            "version_name": self.version_build if self.version == BUILTIN else self.version,
            "plugin_version": self.plugin_version,
            "is_emulator": self.is_emulator,
            "is_prod": self.is_prod,
            "install_source": "",
            "defaultChannel": self.default_channel,
        }

    async def _take(self, session: aiohttp.ClientSession, answer: dict[str, Any]) -> None:
        # The mere keys make it a refusal, whatever their values.
        if "error" in answer or "kind" in answer:
            if answer.get("kind") not in {"up_to_date", "blocked"}:
                self._note("download_fail")
            return
        version = answer.get("version") or self.info()["version_name"]
        if version == BUILTIN:
            if self.version != BUILTIN:
                self.next_version = BUILTIN
            return
        if version == self.info()["version_name"]:
            return
        if version in self.failed:
            self._note("download_fail")
            return
        if await self._downloads(session, answer.get("url", ""), answer.get("checksum", "")):
            self._note("download_complete", version_name=version)
            self._note("set_next", version_name=version)
            self.next_version = version

    async def _downloads(self, session: aiohttp.ClientSession, url: str, checksum: str) -> bool:
        if not url or not checksum:
            self._note("checksum_required" if url else "download_fail")
            return False
        method = "HEAD" if self.download == "head" else "GET"
        try:
            async with session.request(method, url) as response:
                if response.status != 200:
                    self._note("download_fail", version_name=None)
                    return False
                found = await _digest(response, self.download)
        except aiohttp.ClientError:
            self._note("download_fail", version_name=None)
            return False
        # As text: a checksum in upper case would fit no bundle.
        if found == checksum:
            return True
        for action in ("checksum_fail", "delete", "download_fail", "finish_download_fail"):
            self._note(action)
        return False

    def _go_back(self, version: str) -> None:
        self.rollbacks[version] += 1
        self._note("update_fail")
        self._note("delete")
        self.version = self.good
        if not self.auto_delete_failed:
            self.failed.add(version)

    def _note(self, action: str, **fields: Any) -> None:
        told = self.info() | {"action": action, "timestamp": time.time_ns() // 1_000_000} | fields
        self.events.append({name: value for name, value in told.items() if value is not None})

    async def _post(
        self, session: aiohttp.ClientSession, path: str, body: Any
    ) -> tuple[int, dict[str, Any]]:
        try:
            async with session.post(self.url + path, json=body) as response:
                if response.status == 429:
                    self._come_again(response.headers.get("retry-after", ""))
                answer = await response.json(content_type=None)
                return response.status, answer if isinstance(answer, dict) else {}
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return 599, {}

    def _come_again(self, after: str) -> None:
        try:
            # A number of seconds; the form with a date is ignored.
            self.blocked_until = self.clock() + float(after)
        except ValueError:
            return


def phones(count: int, **fields: Any) -> list[Phone]:
    """Return phones that differ in nothing but their ids, the same ones in each run."""
    namespace = uuid.UUID(int=0)
    return [
        Phone(device_id=str(uuid.uuid5(namespace, f"phone {number}")), **fields)
        for number in range(count)
    ]


class Fleet:
    """Many phones, a few of which are awake at any moment.

    Args:
        members: the phones.
        awake: how many at once.
    """

    def __init__(self, members: Iterable[Phone], *, awake: int = 50) -> None:
        self.members = list(members)
        self._awake = awake

    async def launch_all(self) -> None:
        """Have each phone launch its app once."""
        async with self._session() as session:
            waiting = iter(self.members)

            async def one_after_the_other() -> None:
                for phone in waiting:
                    await phone.launch(session)

            await asyncio.gather(*(one_after_the_other() for _ in range(self._awake)))

    async def live(self, *, period: float, until: asyncio.Event) -> None:
        """Have each phone launch its app every `period` seconds, evenly spread, until told."""
        while not until.is_set():
            began = time.monotonic()
            await self._spread(began, period, until)
            left = began + period - time.monotonic()
            if left > 0:
                await _sleep(left, until)

    def versions(self) -> Counter[str]:
        """Return how many phones run which version."""
        return Counter(phone.version for phone in self.members)

    def rollbacks(self) -> Counter[str]:
        """Return how often phones went back from which version."""
        return sum((phone.rollbacks for phone in self.members), Counter())

    def installs(self) -> Counter[str]:
        """Return how often phones switched to which version."""
        return sum((phone.installs for phone in self.members), Counter())

    async def _spread(self, began: float, period: float, until: asyncio.Event) -> None:
        async with self._session() as session:
            waiting = iter(enumerate(self.members))

            async def one_after_the_other() -> None:
                for number, phone in waiting:
                    due = began + period * number / len(self.members)
                    await _sleep(due - time.monotonic(), until)
                    if until.is_set():
                        return
                    await phone.launch(session)

            await asyncio.gather(*(one_after_the_other() for _ in range(self._awake)))

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[aiohttp.ClientSession]:
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._awake),
            timeout=aiohttp.ClientTimeout(total=20),
        ) as session:
            yield session


async def _sleep(seconds: float, until: asyncio.Event) -> None:
    if seconds <= 0:
        return
    try:
        async with asyncio.timeout(seconds):
            await until.wait()
    except TimeoutError:
        return


async def _digest(response: aiohttp.ClientResponse, download: Download) -> str:
    if download == "head":
        return response.headers.get("etag", "").strip('"')
    found = hashlib.sha256()
    async for chunk in response.content.iter_chunked(256 * 1024):
        found.update(chunk)
    return found.hexdigest()
