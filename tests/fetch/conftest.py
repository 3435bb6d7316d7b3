"""A certificate authority that the fetcher trusts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sluice.fetch.fetcher import Fetcher, FetchSettings
from support.certificates import Authority, KeyPair


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


@pytest.fixture(scope="session")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    """A key pair for 127.0.0.1, localhost and bundles.example."""
    authority = Authority(tmp_path_factory.mktemp("authority"))
    hosts = ["127.0.0.1", "localhost", "bundles.example", "mirror.example"]
    return Trust(authority.pair.certificate, authority.issue_server("web", hosts))
