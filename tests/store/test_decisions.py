"""What verdicts were made from: kept with their audit entries, and found out if changed."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sluice.errors import Fenced
from sluice.gate.record import read_record
from sluice.gate.vsa import check_summary, sign_summary
from sluice.resources.canonical import sha256_hex
from sluice.store.audit import Intact, entries, verify_chain
from sluice.store.database import Database
from sluice.store.decision_check import check_decisions
from sluice.store.decisions import (
    decision_of_entry,
    decision_of_record,
    last_decisions,
    pieces_of,
)
from sluice.store.verdicts import last_verdict, record_verdict
from support.storing import NOW, SEAL_KEY, Writer, a_decision

KEYS = (SEAL_KEY.public_key(),)
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(b"o" * 32)


async def test_a_decision_is_kept_whole_under_the_number_of_its_entry(writer: Writer) -> None:
    await writer.judge()

    [kept] = await last_decisions(writer.database, last=10)
    entry = (await entries(writer.database))[-1]
    pieces = await pieces_of(writer.database, a_decision().pieces)
    assert kept.seq == entry.seq
    assert (entry.body["record"], entry.body["summary"]) == (
        sha256_hex(kept.record),
        sha256_hex(kept.summary),
    )
    assert (kept.namespace, kept.channel, kept.at) == ("shop", "production", NOW)
    assert read_record(kept.record, pieces) == a_decision()
    check_summary(kept.summary, a_decision(), KEYS)


async def test_a_decision_is_found_by_its_entry_and_by_its_digest(writer: Writer) -> None:
    await writer.judge("held")
    await writer.judge("allowed")
    first, second = await last_decisions(writer.database, last=10)

    assert await decision_of_entry(writer.database, first.seq) == first
    assert await decision_of_record(writer.database, second.digest) == second
    assert await decision_of_entry(writer.database, 1) is None
    assert await decision_of_record(writer.database, "0" * 64) is None


async def test_the_newest_decisions_come_last_and_can_be_narrowed_to_a_channel(
    writer: Writer,
) -> None:
    for channel, answer in (("beta", "held"), ("production", "held"), ("production", "allowed")):
        await writer.judge(answer, channel=channel)

    last = await last_decisions(writer.database, last=2)
    beta = await last_decisions(writer.database, last=9, namespace="shop", channel="beta")
    elsewhere = await last_decisions(writer.database, last=9, namespace="bank")

    assert [each.channel for each in last] == ["production", "production"]
    assert last[0].seq < last[1].seq
    assert [each.channel for each in beta] == ["beta"]
    assert elsewhere == ()


async def test_the_same_verdict_again_keeps_nothing(writer: Writer, url: str) -> None:
    await writer.judge()
    before = rows(url)
    await writer.judge()

    assert rows(url) == before


async def test_what_decisions_share_is_kept_once(writer: Writer, url: str) -> None:
    for answer in ("held", "allowed", "held"):
        await writer.judge(answer)

    decisions, pieces = rows(url)
    assert len(decisions) == 3
    assert {each[0] for each in pieces} == set(a_decision().pieces)


async def test_without_its_decision_a_verdict_is_not_written_either(
    writer: Writer, url: str
) -> None:
    """One transaction holds both: here it is cut off at its end."""

    class CutOffError(Exception):
        pass

    def cut(point: str) -> None:
        if point == "record-verdict:before-commit":
            raise CutOffError

    database = await Database.open(url, crashpoint=cut)
    with pytest.raises(CutOffError):
        await Writer(database, Path("unused")).judge()
    await database.close()

    assert rows(url) == ([], [])
    assert await last_verdict(writer.database, "shop", "production") is None
    assert len(await entries(writer.database)) == 1


async def test_an_operator_that_does_not_lead_keeps_nothing(writer: Writer, url: str) -> None:
    with pytest.raises(Fenced):
        await record_verdict(writer.database, a_decision(), b"{}", epoch=9, at=NOW)

    assert rows(url) == ([], [])


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE decisions SET record = '{}'",
        "UPDATE decisions SET summary = '{}'",
        "DELETE FROM decisions",
        (
            "REPLACE INTO decisions SELECT seq, namespace, channel, digest, verdict, at, '{}',"
            " summary FROM decisions"
        ),
        (
            "INSERT INTO decisions SELECT seq - 1, namespace, channel, digest, verdict, at, record,"
            " summary FROM decisions"
        ),
        (
            "INSERT INTO decisions SELECT seq + 1, namespace, channel, digest, verdict, at, record,"
            " summary FROM decisions"
        ),
        "UPDATE pieces SET data = x'00'",
        "DELETE FROM pieces",
        "REPLACE INTO pieces SELECT digest, x'00' FROM pieces",
    ],
)
async def test_decisions_and_their_pieces_are_only_appended(
    writer: Writer, url: str, statement: str
) -> None:
    await writer.judge()
    before = rows(url)

    with pytest.raises(sqlite3.IntegrityError, match="only appended"):
        raw(url, statement)

    assert rows(url) == before


async def test_a_store_of_decisions_is_sound(writer: Writer) -> None:
    for answer in ("held", "allowed", "withdrawn"):
        await writer.judge(answer)

    for keys in (None, KEYS, (OTHER_KEY.public_key(), *KEYS)):
        state = await check_decisions(writer.database, keys)
        assert (state.checked, state.problems) == (3, ())


TAMPERINGS: dict[str, tuple[str, str]] = {
    "a record": (
        "UPDATE decisions SET record = replace(record, 'prod', 'test') WHERE seq = 3",
        "The record of decision 3",
    ),
    "a record that is no record": ("UPDATE decisions SET record = 'x' WHERE seq = 3", "damaged"),
    "a record's digest": (
        "UPDATE decisions SET digest = 'other' WHERE seq = 3",
        "The record's digest of decision 3",
    ),
    "a verdict's digest": (
        "UPDATE decisions SET verdict = 'other' WHERE seq = 3",
        "The verdict's digest of decision 3",
    ),
    "a channel": ("UPDATE decisions SET channel = 'beta' WHERE seq = 3", "The channel"),
    "a namespace": ("UPDATE decisions SET namespace = 'bank' WHERE seq = 3", "The channel"),
    "a summary": (
        (
            "UPDATE decisions SET summary = (SELECT summary FROM decisions WHERE seq = 2)"
            " WHERE seq = 3"
        ),
        "of another decision",
    ),
    "a summary that is none": (
        "UPDATE decisions SET summary = '{}' WHERE seq = 3",
        "no DSSE envelope",
    ),
    "a piece": ("UPDATE pieces SET data = data || x'20'", "missing or was changed"),
    "a piece that is a number": ("UPDATE pieces SET data = 5", "missing or was changed"),
    "a record of bytes": ("UPDATE decisions SET record = x'ff00' WHERE seq = 3", "The record"),
    "a piece that is missing": ("DELETE FROM pieces", "missing or was changed"),
    "a decision that is missing": (
        "DELETE FROM decisions WHERE seq = 3",
        "Entry 3 is a verdict without its decision",
    ),
    "a decision of no verdict": (
        (
            "INSERT INTO decisions SELECT 1, namespace, channel, digest, verdict, at, record,"
            " summary FROM decisions WHERE seq = 3"
        ),
        "No verdict in the log is entry 1",
    ),
}


@pytest.mark.parametrize("what", TAMPERINGS)
async def test_whoever_changes_a_decision_is_found_out(writer: Writer, url: str, what: str) -> None:
    """With the triggers out of the way, as somebody who owns the file can have it."""
    statement, words = TAMPERINGS[what]
    await writer.judge("held")
    await writer.judge("allowed")
    await writer.judge("withdrawn")
    without_triggers(url)

    raw(url, statement)

    state = await check_decisions(writer.database, None)
    assert isinstance(await verify_chain(writer.database), Intact)
    assert any(words in each.message for each in state.problems)


async def test_a_summary_that_was_signed_anew_is_found_out_even_without_a_key(
    writer: Writer, url: str
) -> None:
    """It says the same; but the log names the digest of the one that was signed first."""
    await writer.judge()
    without_triggers(url)
    anew = sign_summary(a_decision(), OTHER_KEY).decode()
    raw(url, "UPDATE decisions SET summary = ?", anew)

    state = await check_decisions(writer.database, None)

    assert ["summary" in each.message for each in state.problems] == [True]


async def test_a_log_that_was_written_anew_without_the_key_is_found_out(
    writer: Writer,
) -> None:
    """The chain is intact, every digest fits: only the signature can tell."""
    decision = a_decision()
    forged = sign_summary(decision, OTHER_KEY)
    await record_verdict(writer.database, decision, forged, epoch=writer.epoch, at=NOW)

    unsigned = await check_decisions(writer.database, None)
    signed = await check_decisions(writer.database, KEYS)

    assert unsigned.problems == ()
    assert ["not given here" in each.message for each in signed.problems] == [True]


def raw(url: str, statement: str, *values: str) -> None:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    try:
        with connection:
            connection.execute(statement, values)
    finally:
        connection.close()


def without_triggers(url: str) -> None:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    with connection:
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
    connection.close()


def rows(url: str) -> tuple[list[Any], list[Any]]:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    decisions = connection.execute("SELECT * FROM decisions ORDER BY 1").fetchall()
    pieces = connection.execute("SELECT * FROM pieces ORDER BY 1").fetchall()
    connection.close()
    return decisions, pieces
