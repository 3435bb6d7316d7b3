"""The audit log keeps what was appended, or it shows."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from sluice.cli.audit import audit as command
from sluice.resources.canonical import canonical_json, sha256_hex
from sluice.store import audit as log
from sluice.store.audit import NO_HASH, Broken, Head, Intact, append, entries, head, verify_chain
from sluice.store.database import Database
from support.storing import NOW

COLUMNS = ("seq", "at", "kind", "subject", "body", "previous")
THIRD = "SELECT seq, at, kind, subject, body, previous FROM audit WHERE seq = 3"
FORGE = "UPDATE audit SET hash ="


@contextmanager
def raw(url: str) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(Path(url.removeprefix("sqlite:///")))
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def as_an_intruder(url: str, *statements: str) -> None:
    """Change the database as somebody does who can do anything with its file."""
    with raw(url) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in names.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)


async def append_some(database: Database, number: int = 5) -> None:
    for count in range(number):
        async with database.transaction("serve") as transaction:
            body = {"count": count, "text": "Größe 📱"}
            await append(transaction, "Offer", "Channel/shop/production", body, at=NOW)


async def test_an_empty_log_is_intact(database: Database) -> None:
    assert await verify_chain(database) == Intact(head=Head(seq=0, hash=NO_HASH))


async def test_what_was_appended_is_read_back_in_order(database: Database) -> None:
    await append_some(database)

    found = await entries(database)

    assert [each.seq for each in found] == [1, 2, 3, 4, 5]
    assert found[2].body == {"count": 2, "text": "Größe 📱"}
    assert (found[2].at, found[2].kind) == (NOW, "Offer")
    assert await verify_chain(database) == Intact(head=await head(database))


async def test_an_entry_goes_with_the_transaction_that_it_tells_about(database: Database) -> None:
    async def append_and_fail() -> None:
        async with database.transaction("serve") as transaction:
            await append(transaction, "Offer", "Channel/shop/production", {}, at=NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await append_and_fail()

    assert await entries(database) == ()


@pytest.mark.parametrize(
    ("statement", "broken_at"),
    [
        ("""UPDATE audit SET body = '{"count":9}' WHERE seq = 3""", 3),
        ("UPDATE audit SET at = '2020' || substr(at, 5) WHERE seq = 2", 2),
        ("UPDATE audit SET kind = 'Withdraw' WHERE seq = 1", 1),
        ("UPDATE audit SET subject = 'Channel/shop/beta' WHERE seq = 5", 5),
        ("DELETE FROM audit WHERE seq = 3", 3),
        ("DELETE FROM audit WHERE seq = 1", 1),
        ("DELETE FROM audit WHERE seq = 5", 5),
        ("DELETE FROM audit WHERE seq > 2", 3),
        ("DELETE FROM audit", 1),
        ("UPDATE audit SET seq = seq + 1 WHERE seq = 5", 5),
        ("UPDATE audit_head SET seq = 6", 6),
        ("INSERT INTO audit VALUES (6, '', 'Offer', '', '{}', '', '')", 6),
    ],
)
async def test_every_change_behind_its_back_shows(
    database: Database, url: str, statement: str, broken_at: int
) -> None:
    await append_some(database)
    as_an_intruder(url, statement)

    found = await verify_chain(database)

    assert isinstance(found, Broken)
    assert found.seq == broken_at


async def test_an_entry_that_was_rewritten_with_its_hash_does_not_fit_the_next(
    database: Database, url: str
) -> None:
    await append_some(database)
    with raw(url) as connection:
        row = dict(zip(COLUMNS, connection.execute(THIRD).fetchone(), strict=True))
    row["kind"] = "Withdraw"
    forged = sha256_hex(canonical_json(row))
    as_an_intruder(
        url, "UPDATE audit SET kind = 'Withdraw' WHERE seq = 3", f"{FORGE} '{forged}' WHERE seq = 3"
    )

    found = await verify_chain(database)

    assert isinstance(found, Broken)
    assert found.seq == 4


async def test_a_log_that_was_rewritten_as_a_whole_shows_against_an_anchor(
    database: Database, url: str
) -> None:
    await append_some(database)
    noted = await head(database)
    as_an_intruder(
        url, "DELETE FROM audit", "UPDATE audit_head SET seq = 0, hash = printf('%064d', 0)"
    )
    await append_some(database, 2)
    shorter = await verify_chain(database, anchor=noted)
    await append_some(database, 4)
    other = await verify_chain(database, anchor=noted)

    assert isinstance(await verify_chain(database), Intact)
    assert isinstance(shorter, Broken)
    assert shorter.seq == 3
    assert isinstance(other, Broken)
    assert other.seq == 5


async def test_an_anchor_that_fits_is_no_fault(database: Database) -> None:
    await append_some(database)
    noted = await head(database)
    await append_some(database)

    assert isinstance(await verify_chain(database, anchor=noted), Intact)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET body = '{}' WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 5",
        "INSERT OR REPLACE INTO audit VALUES (2, '', 'Offer', '', '{}', '', '')",
        "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE seq = 5",
        "INSERT INTO audit VALUES (7, '', 'Offer', '', '{}', '', '')",
        "INSERT INTO audit VALUES (6, '', 'Offer', '', '{}', '', '')",
        "UPDATE audit_head SET seq = 4",
        "DELETE FROM audit_head",
        "INSERT OR REPLACE INTO audit_head VALUES (1, 9, '')",
        "INSERT INTO audit_head VALUES (2, 9, '')",
        "UPDATE leadership SET epoch = epoch",
    ],
)
async def test_the_database_itself_refuses_what_is_no_append(
    database: Database, url: str, statement: str
) -> None:
    await append_some(database)

    with raw(url) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)

    assert isinstance(await verify_chain(database), Intact)


async def test_a_log_of_many_pages_is_read_to_its_end(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "PAGE_ENTRIES_MAX", 10)
    await append_some(database, 25)

    found = await verify_chain(database)

    assert isinstance(found, Intact)
    assert found.head.seq == 25
    assert [each.seq for each in await entries(database, last=2)] == [24, 25]


async def test_a_log_can_be_read_for_one_subject(database: Database) -> None:
    await append_some(database, 2)
    async with database.transaction("serve") as transaction:
        await append(transaction, "Claimed", "App/shop/shop", {}, at=NOW)

    assert [each.seq for each in await entries(database, subject="App/shop/shop")] == [3]


@pytest.fixture
async def filled_url(url: str) -> str:
    """The URL of a store with five entries, one of them hostile."""
    database = await Database.open(url)
    await append_some(database, 4)
    async with database.transaction("serve") as transaction:
        hostile = {"text": "\x1b[2J\u202e\u2028\x9b\x7f"}
        await append(transaction, "Offer", "Channel/shop/beta", hostile, at=NOW)
    await database.close()
    return url


def test_the_command_says_intact_and_the_anchor_to_note(filled_url: str) -> None:
    done = CliRunner().invoke(command, ["verify", "--store", filled_url])
    word, anchor = done.output.splitlines()[0].split()
    again = CliRunner().invoke(command, ["verify", "--store", filled_url, "--anchor", anchor])

    assert (done.exit_code, word, anchor.partition(":")[0]) == (0, "intact", "5")
    assert again.exit_code == 0


def test_the_command_says_where_a_log_is_broken_and_fails(filled_url: str) -> None:
    as_an_intruder(filled_url, "DELETE FROM audit WHERE seq = 3")

    done = CliRunner().invoke(command, ["verify", "--store", filled_url])

    assert done.exit_code == 1
    assert "broken at entry 3: Entry 3 is missing." in done.output


@pytest.mark.parametrize("anchor", ["5", "x:y", ":abc", ""])
def test_the_command_refuses_an_anchor_that_is_none(filled_url: str, anchor: str) -> None:
    done = CliRunner().invoke(command, ["verify", "--store", filled_url, "--anchor", anchor])

    assert done.exit_code == 2


def test_the_command_prints_entries_that_steer_no_terminal(filled_url: str) -> None:
    done = CliRunner().invoke(command, ["show", "--store", filled_url, "--last", "2"])

    lines = done.output.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [4, 5]
    assert done.output.isascii()
    assert done.output.replace("\n", "").isprintable()


def test_the_command_says_what_is_wrong_with_the_store(tmp_path: Path) -> None:
    done = CliRunner().invoke(command, ["verify", "--store", f"sqlite:///{tmp_path}/none.db"])

    assert done.exit_code == 1
    assert "StoreNotMigrated" in done.output
