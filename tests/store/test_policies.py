"""Revisions of policies: put into force one by one, and never taken out again."""

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from sluice.errors import Fenced, Unavailable
from sluice.store import audit
from sluice.store.database import Database
from sluice.store.policies import PolicyRow, adopt_policy, policies_in_force, policy_in_force
from support.storing import NOW, Writer

FIRST = PolicyRow(
    kind="ReleasePolicy",
    namespace="shop",
    name="releases",
    revision=1,
    digest="1" * 64,
    sealed="sealed 1",
)
SECOND = replace(FIRST, revision=2, digest="2" * 64, sealed="sealed 2")
OF_CLUSTER = replace(FIRST, kind="ClusterReleasePolicy", namespace="", name="all")
ELSEWHERE = replace(FIRST, namespace="elsewhere")
TOLD = {"basis": "Owners", "sealedBy": ["alice", "bob"]}


async def adopt(writer: Writer, *rows: PolicyRow) -> None:
    for row in rows:
        await adopt_policy(writer.database, row, told=TOLD, epoch=writer.epoch, at=NOW)


async def test_the_highest_revision_of_each_policy_is_in_force(
    writer: Writer, database: Database
) -> None:
    await adopt(writer, FIRST, OF_CLUSTER, ELSEWHERE, SECOND)

    assert await policies_in_force(database) == (OF_CLUSTER, ELSEWHERE, SECOND)
    assert await policies_in_force(database, "shop") == (OF_CLUSTER, SECOND)
    assert await policies_in_force(database, "empty") == (OF_CLUSTER,)
    assert await policy_in_force(database, FIRST.key) == SECOND
    assert await policy_in_force(database, replace(FIRST, name="other").key) is None


async def test_an_adoption_is_audited_once_however_often_it_is_done(
    writer: Writer, database: Database
) -> None:
    await adopt(writer, FIRST, FIRST, replace(FIRST, sealed="sealed anew"))

    [entry] = [each for each in await audit.entries(database) if each.kind == "PolicyAdopted"]
    assert entry.subject == "ReleasePolicy/shop/releases"
    assert entry.body == {"revision": 1, "digest": FIRST.digest, **TOLD}
    assert await policy_in_force(database, FIRST.key) == FIRST


@pytest.mark.parametrize(
    "row", [replace(FIRST, revision=3), replace(FIRST, digest="3" * 64), replace(FIRST, revision=0)]
)
async def test_only_the_next_revision_is_adopted(
    writer: Writer, database: Database, row: PolicyRow
) -> None:
    await adopt(writer, FIRST)

    with pytest.raises(Unavailable) as refused:
        await adopt(writer, row)

    assert refused.value.reason == "Moved"
    assert await policy_in_force(database, FIRST.key) == FIRST


async def test_of_two_that_adopt_at_once_one_is_told_to_look_again(
    writer: Writer, database: Database
) -> None:
    other = replace(FIRST, digest="9" * 64)

    outcomes = await asyncio.gather(
        adopt(writer, FIRST), adopt(writer, other), return_exceptions=True
    )

    assert sorted(type(each).__name__ for each in outcomes) == ["NoneType", "Unavailable"]


async def test_invariant_5_whoever_does_not_lead_adopts_nothing(
    writer: Writer, database: Database
) -> None:
    with pytest.raises(Fenced):
        await adopt_policy(database, FIRST, told=TOLD, epoch=writer.epoch + 1, at=NOW)

    assert await policies_in_force(database) == ()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM policies",
        "UPDATE policies SET sealed = 'forged'",
        "INSERT INTO policies SELECT kind, namespace, name, 7, digest, sealed, at FROM policies",
        "REPLACE INTO policies SELECT * FROM policies",
    ],
)
async def test_the_database_itself_keeps_every_revision(
    writer: Writer, url: str, statement: str
) -> None:
    """A mistake of our own ends here; who owns the file can drop the triggers, and seals hold."""
    await adopt(writer, FIRST)
    raw = sqlite3.connect(Path(url.removeprefix("sqlite:///")))

    with pytest.raises(sqlite3.IntegrityError, match="revision of a policy"):
        raw.execute(statement)
    raw.close()
