"""A certificate authority that the fetcher trusts."""

import pytest

from support.certificates import Authority
from support.fetching import Trust


@pytest.fixture(scope="session")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    """A key pair for 127.0.0.1, localhost and two names."""
    authority = Authority(tmp_path_factory.mktemp("authority"))
    hosts = ["127.0.0.1", "localhost", "bundles.example", "mirror.example"]
    return Trust(authority.pair.certificate, authority.issue_server("web", hosts))
