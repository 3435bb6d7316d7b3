"""Fetches for tests: a bundle, fetchers that trust a test's authority, and names that resolve."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sluice.errors import Refused, SluiceError
from sluice.fetch.fetcher import Fetcher, FetchSettings
from support.certificates import KeyPair

__all__ = ["DATA", "HOME", "LOCAL", "SHA256", "Trust", "fetch", "known", "reason"]

DATA = b"a bundle" * 50_000
SHA256 = hashlib.sha256(DATA).hexdigest()

HOME = ["127.0.0.1"]
LOCAL = frozenset(HOME)


@dataclass(frozen=True)
class Trust:
    """A key pair for every host that tests use, and who vouches for it."""

    authority: Path
    server: KeyPair

    def fetcher(self, *, resolve: Any = None, **settings: Any) -> Fetcher:
        """A fetcher that trusts the authority, and does not wait for long."""
        fields: dict[str, Any] = {"answer_seconds_max": 5.0, "ca_file": self.authority}
        more = {} if resolve is None else {"resolve": resolve}
        return Fetcher(FetchSettings(**{**fields, **settings}), **more)


async def fetch(fetcher: Fetcher, url: str, size_max: int = len(DATA)) -> bytes:
    return await fetcher.fetch_bytes(url, sha256=SHA256, size_max=size_max)


async def reason(fetcher: Fetcher, url: str, size_max: int = len(DATA)) -> str:
    """The reason why a fetch fails, with `!` behind it when somebody has to change something."""
    try:
        await fetch(fetcher, url, size_max)
    except Refused as error:
        return error.reason + "!"
    except SluiceError as error:
        return error.reason
    return "none"


def known(*answers: Sequence[str]) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """Names resolve to these addresses, one after the other."""
    left = iter(answers)

    async def resolve(host: str, port: int) -> Sequence[str]:
        return next(left)

    return resolve
