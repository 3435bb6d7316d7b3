"""The first App that claims an appId keeps it."""

import asyncio
from dataclasses import replace

from sluice.store.audit import entries
from sluice.store.claims import all_claims, claim_of, ever_published, release_claim, take_claim
from sluice.store.database import Database
from support.storing import APP_ID, CLAIM, NOW, Writer

OTHER = replace(CLAIM, namespace="pirate", name="shop")


async def kinds(database: Database) -> list[str]:
    return [each.kind for each in await entries(database)]


async def test_an_app_id_that_nobody_claimed_is_free(writer: Writer) -> None:
    assert await claim_of(writer.database, APP_ID) is None


async def test_the_first_claim_wins_and_the_second_learns_whose_it_is(writer: Writer) -> None:
    first = await take_claim(writer.database, CLAIM, epoch=1, at=NOW)
    second = await take_claim(writer.database, OTHER, epoch=1, at=NOW)

    assert (first, second) == (CLAIM, CLAIM)
    assert await all_claims(writer.database) == (CLAIM,)


async def test_of_many_at_once_one_wins(writer: Writer) -> None:
    wanted = [replace(CLAIM, namespace=f"team-{number}") for number in range(8)]
    got = await asyncio.gather(
        *(take_claim(writer.database, each, epoch=1, at=NOW) for each in wanted)
    )

    assert len(set(got)) == 1


async def test_claiming_again_writes_nothing(writer: Writer) -> None:
    for _ in range(3):
        await take_claim(writer.database, CLAIM, epoch=1, at=NOW)

    assert await kinds(writer.database) == ["TookOver", "Claimed"]


async def test_only_the_holder_can_let_go(writer: Writer) -> None:
    await take_claim(writer.database, CLAIM, epoch=1, at=NOW)
    await release_claim(writer.database, OTHER, epoch=1, at=NOW)
    kept = await claim_of(writer.database, APP_ID)
    for _ in range(2):
        await release_claim(writer.database, CLAIM, epoch=1, at=NOW)

    assert kept == CLAIM
    assert await claim_of(writer.database, APP_ID) is None
    assert await kinds(writer.database) == ["TookOver", "Claimed", "Released"]


async def test_an_app_id_under_which_a_bundle_was_published_is_not_let_go(writer: Writer) -> None:
    before = await ever_published(writer.database, APP_ID)
    await writer.publish()
    await release_claim(writer.database, CLAIM, epoch=1, at=NOW)

    assert (before, await ever_published(writer.database, APP_ID)) == (False, True)
    assert await ever_published(writer.database, "com.example.other") is False
    assert await claim_of(writer.database, APP_ID) == CLAIM
