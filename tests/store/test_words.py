"""Words that outlive their file in git."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from sluice.errors import Fenced
from sluice.store import audit
from sluice.store.database import Database
from sluice.store.words import keep_word, kept_evidence
from sluice.verify.facts import Evidence
from support.storing import NOW, RELEASE_DIGEST, Writer

NO = Evidence(source="Approval bob", kind="approval", data=b"armor", statement=b"{}")
BUNDLE = Evidence(source="Approval carol", kind="approval", data=b'{"bundle": 1}')


async def keep(writer: Writer, word: Evidence, namespace: str = "shop") -> None:
    await keep_word(writer.database, namespace, RELEASE_DIGEST, word, epoch=writer.epoch, at=NOW)


async def test_what_was_kept_is_what_was_signed(writer: Writer, database: Database) -> None:
    await keep(writer, NO)
    await keep(writer, BUNDLE)

    kept = await kept_evidence(database, "shop", RELEASE_DIGEST)
    assert sorted(kept, key=lambda each: each.source) == [NO, BUNDLE]
    assert await kept_evidence(database, "elsewhere", RELEASE_DIGEST) == ()
    assert await kept_evidence(database, "shop", "0" * 64) == ()


async def test_the_same_word_is_kept_once_whatever_its_file_is_called(
    writer: Writer, database: Database
) -> None:
    await keep(writer, NO)
    await keep(writer, replace(NO, source="Approval renamed"))

    assert await kept_evidence(database, "shop", RELEASE_DIGEST) == (NO,)
    kinds = [each.kind for each in await audit.entries(database)]
    assert kinds.count("WordKept") == 1


async def test_invariant_5_whoever_does_not_lead_keeps_nothing(
    writer: Writer, database: Database
) -> None:
    with pytest.raises(Fenced):
        await keep_word(database, "shop", RELEASE_DIGEST, NO, epoch=writer.epoch + 1, at=NOW)

    assert await kept_evidence(database, "shop", RELEASE_DIGEST) == ()


@pytest.mark.parametrize(
    "statement", ["DELETE FROM kept_words", "UPDATE kept_words SET source = 'x'"]
)
async def test_the_database_itself_forgets_no_word(
    writer: Writer, url: str, statement: str
) -> None:
    await keep(writer, NO)
    raw = sqlite3.connect(Path(url.removeprefix("sqlite:///")))

    with pytest.raises(sqlite3.IntegrityError, match="a word that was kept"):
        raw.execute(statement)
    raw.close()
