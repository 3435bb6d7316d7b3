"""Only the operator that leads may write."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from sluice.errors import Fenced
from sluice.reconcile.observed import Attempt
from sluice.store.attempts import AttemptKey, note_attempt
from sluice.store.audit import entries
from sluice.store.channels import serve
from sluice.store.claims import release_claim, take_claim
from sluice.store.database import Database
from sluice.store.inspections import keep_inspection
from sluice.store.leadership import current_epoch, take_over
from sluice.store.publications import publish
from sluice.store.revocations import keep_revocation
from sluice.store.verdicts import record_verdict
from support.storing import (
    CHANNEL,
    CLAIM,
    NOW,
    Writer,
    a_decision,
    a_publication,
    a_release_object,
    an_offer,
)

ATTEMPT = AttemptKey("Publish", "shop", "e" * 64)
FAILED = Attempt(reason="FetchFailed", message="It did not answer.", retry_at=NOW)

WRITES: dict[str, Callable[[Writer, int], Awaitable[object]]] = {
    "take_claim": lambda w, epoch: take_claim(w.database, CLAIM, epoch=epoch, at=NOW),
    "release_claim": lambda w, epoch: release_claim(w.database, CLAIM, epoch=epoch, at=NOW),
    "record_verdict": lambda w, epoch: record_verdict(
        w.database, a_decision("held"), b"{}", epoch=epoch, at=NOW
    ),
    "publish": lambda w, epoch: publish(
        w.database, w.blobs, a_publication(), a_release_object(), epoch=epoch
    ),
    "serve": lambda w, epoch: serve(
        w.database, CHANNEL, an_offer(), sealed="x", epoch=epoch, at=NOW
    ),
    "keep_revocation": lambda w, epoch: keep_revocation(
        w.database, "shop", "d" * 64, "x", epoch=epoch, at=NOW
    ),
    "keep_inspection": lambda w, epoch: keep_inspection(
        w.database, "d" * 64, "x", epoch=epoch, at=NOW
    ),
    "note_attempt": lambda w, epoch: note_attempt(w.database, ATTEMPT, FAILED, epoch=epoch),
}


async def test_nobody_leads_an_empty_store(database: Database) -> None:
    assert await current_epoch(database) == 0


async def test_a_later_epoch_takes_over_and_is_audited(database: Database) -> None:
    await take_over(database, epoch=1, holder="first", at=NOW)
    await take_over(database, epoch=7, holder="second", at=NOW)

    assert await current_epoch(database) == 7
    assert (await entries(database))[-1].body == {
        "epoch": 7,
        "holder": "second",
        "previousEpoch": 1,
    }


@pytest.mark.parametrize("epoch", [-1, 0, 4, 5])
async def test_an_epoch_that_is_not_later_does_not_take_over(
    database: Database, epoch: int
) -> None:
    await take_over(database, epoch=5, holder="first", at=NOW)

    with pytest.raises(Fenced):
        await take_over(database, epoch=epoch, holder="second", at=NOW)

    assert await current_epoch(database) == 5


@pytest.mark.parametrize("name", WRITES)
async def test_no_write_of_an_operator_is_possible_under_another_epoch(
    database: Database, tmp_path: Path, name: str
) -> None:
    writer = await Writer(database, tmp_path / "blobs").lead()
    await writer.publish()
    await writer.judge()
    await take_over(database, epoch=2, holder="successor", at=NOW)
    before = await entries(database)

    for epoch in (0, 1, 3):
        with pytest.raises(Fenced):
            await WRITES[name](writer, epoch)

    assert await entries(database) == before
    await WRITES[name](writer, 2)
