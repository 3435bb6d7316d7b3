"""Real decisions, made once for all tests that only read them."""

import pytest

from support.decisions import Decided, decide


@pytest.fixture(scope="session")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Decided:
    """A store with the decisions of a real team."""
    return decide(tmp_path_factory.mktemp("decided"))
