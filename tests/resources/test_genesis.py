"""The file of root owners."""

import pytest

from sluice.errors import Refused
from sluice.resources.genesis import read_genesis

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDbIBZvqDyBZG9OSnOlvGPX1ZQhYGfVZcBCPYbRFpPRD"

GOOD = f"""
threshold: 1
mfa: true
owners:
  - {{name: rita, keys: ["{KEY}"]}}
"""


def test_root_owners_are_people_with_ssh_keys_and_a_threshold() -> None:
    genesis = read_genesis(GOOD.encode())

    assert (genesis.threshold, genesis.mfa) == (1, True)
    assert [(each.name, each.keys) for each in genesis.owners] == [("rita", (KEY,))]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD.replace("threshold: 1", "threshold: 2"), "more than there are owners"),
        (GOOD.replace("threshold: 1", "threshold: 0"), "threshold"),
        (GOOD.replace("threshold: 1", "treshold: 1"), "treshold"),
        (GOOD.replace("threshold: 1", "threshold: 1.5"), "float"),
        (GOOD + f'  - {{name: ron, keys: ["{KEY}"]}}', "named twice"),
        (GOOD + "---" + GOOD, "one document"),
        ("", "one document"),
        (GOOD.replace("threshold: 1", "threshold: 1\nthreshold: 1"), "second time"),
        (
            GOOD.replace(f'keys: ["{KEY}"]', "identities: [{authority: sso, subject: rita}]"),
            "leave identities out",
        ),
    ],
)
def test_a_file_that_says_something_else_is_refused(text: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        read_genesis(text.encode())
