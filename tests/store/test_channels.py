"""What is served changes in one transaction, and only as it was allowed."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete

from sluice.errors import Refused, Unavailable
from sluice.reconcile.step import Serve
from sluice.resources.kinds import Key
from sluice.serving.report import Failure, Sighting
from sluice.serving.table import ServedBundle
from sluice.store.audit import Entry, entries
from sluice.store.channels import ChannelRow, channel_row, serve, served_channels
from sluice.store.leadership import leading
from sluice.store.reports import record
from sluice.store.rollouts import latest_rollout, spent_rollout
from sluice.store.schema import claims
from sluice.store.serving import SealedChannel, change_number, load
from support.storing import (
    APP_ID,
    BUNDLE_SERVED,
    CHANNEL,
    NOW,
    RELEASE_DIGEST,
    Writer,
    a_promotion,
    a_retirement,
    a_rollout,
    a_seal,
    a_table,
    a_withdrawal,
    an_offer,
)

ELSE = ServedBundle(version="6.6.6", digest="6" * 64, size=666)


@pytest.fixture
async def allowed(writer: Writer) -> Writer:
    """An operator that may offer the bundle."""
    await writer.publish()
    await writer.judge()
    return writer


async def give_up_by_hand(writer: Writer) -> None:
    """Delete the claim, as an administrator may: the operator keeps it once there are bundles."""
    async with leading(writer.database, "release-claim", 1) as administrator:
        await administrator.execute(delete(claims))


async def last_entry(writer: Writer) -> Entry:
    return (await entries(writer.database))[-1]


async def row(writer: Writer) -> ChannelRow | None:
    return await channel_row(writer.database, "shop", "production")


async def test_a_channel_on_which_nothing_was_served_has_no_row(writer: Writer) -> None:
    assert await row(writer) is None
    assert await served_channels(writer.database) == ()


async def test_what_is_served_is_what_device_servers_load(allowed: Writer) -> None:
    before = await change_number(allowed.database)
    await allowed.serve(an_offer())

    rows = await load(allowed.database)
    assert rows.channels == (
        SealedChannel(
            app_id=APP_ID,
            namespace="shop",
            channel="production",
            generation=1,
            sealed=a_seal(a_table()),
        ),
    )
    assert rows.change == before + 1
    assert await latest_rollout(allowed.database, "shop", "production") == a_rollout()


async def test_a_change_is_audited_whole_but_for_the_salt(allowed: Writer) -> None:
    await allowed.serve(an_offer())

    entry = await last_entry(allowed)
    table = a_table().as_json()
    assert table.pop("salt") == "a secret salt"
    assert (entry.kind, entry.subject) == ("Offer", "Channel/shop/production")
    assert entry.body["table"] == table
    assert entry.body["rollout"]["rolloutId"] == "shop/production/1"
    assert (entry.body["reason"], entry.body["message"]) == ("Begun", "The rollout begins.")
    assert "a secret salt" not in repr(entry)


async def test_a_withdrawal_is_audited_with_what_phones_reported(allowed: Writer) -> None:
    await allowed.serve(an_offer())
    rollout_id = "shop/production/1"
    seen = Sighting(rollout_id=rollout_id, device_id="p", arm="candidate", running=False)
    failed = Failure(
        rollout_id=rollout_id, device_id="p", arm="candidate", digest="", action="set_fail"
    )
    await record(allowed.database, [seen, failed], at=NOW, proof_gap=timedelta(minutes=1))
    await allowed.serve(a_withdrawal())

    assert (await last_entry(allowed)).body["evidence"] == {
        "candidate": {"devices": 1, "failed": 1, "proven": 0},
        "control": {"devices": 0, "failed": 0, "proven": 0},
    }


async def test_serving_the_same_again_changes_nothing(allowed: Writer) -> None:
    await allowed.serve(an_offer())
    before = (await entries(allowed.database), await load(allowed.database))
    await allowed.serve(an_offer())

    assert before == (await entries(allowed.database), await load(allowed.database))


@pytest.mark.parametrize(
    "change",
    [
        an_offer(seen_generation=0),
        an_offer(seen_generation=2),
        an_offer(seen_generation=1, generation=1, share_bp=5_000),
        an_offer(seen_generation=1, generation=3),
        a_retirement(seen_generation=0),
        a_retirement(seen_generation=2),
    ],
)
async def test_a_change_that_was_decided_from_another_generation_is_not_made(
    allowed: Writer, change: Serve
) -> None:
    await allowed.serve(an_offer(share_bp=1))
    before = (await entries(allowed.database), await load(allowed.database))

    with pytest.raises(Unavailable) as refused:
        await allowed.serve(change)

    assert refused.value.reason == "Moved"
    assert before == (await entries(allowed.database), await load(allowed.database))


async def test_of_two_changes_from_one_generation_one_is_made(allowed: Writer) -> None:
    await allowed.serve(an_offer())
    answers = await asyncio.gather(
        allowed.serve(a_withdrawal()), allowed.serve(a_promotion()), return_exceptions=True
    )

    assert sorted(str(each).partition(":")[0] for each in answers) == ["Moved", "None"]


async def test_a_retired_channel_is_not_served_and_its_generation_counts_on(
    allowed: Writer,
) -> None:
    await allowed.serve(an_offer())
    await allowed.serve(a_retirement())
    retired = await row(allowed)
    served = (await load(allowed.database)).channels
    with pytest.raises(Unavailable):
        await allowed.serve(an_offer(seen_generation=0, generation=1))
    await allowed.serve(an_offer(seen_generation=0, generation=3, rollout_id="new"))

    assert retired == ChannelRow(
        namespace="shop", channel="production", app_id=APP_ID, generation=2, sealed=None
    )
    assert served == ()
    assert [each.generation for each in await served_channels(allowed.database)] == [3]


async def test_nothing_is_offered_without_a_verdict(writer: Writer) -> None:
    await writer.publish()

    with pytest.raises(Refused) as refused:
        await writer.serve(an_offer())

    assert refused.value.reason == "NotLetThrough"
    assert await row(writer) is None


@pytest.mark.parametrize("answer", ["held", "withdrawn"])
async def test_nothing_is_offered_under_a_verdict_that_does_not_allow_it(
    writer: Writer, answer: str
) -> None:
    await writer.publish()
    await writer.judge("allowed")
    await writer.judge(answer)

    with pytest.raises(Refused) as refused:
        await writer.serve(an_offer())

    assert refused.value.reason == "NotLetThrough"


@pytest.mark.parametrize(
    "elsewhere",
    [{"channel": "beta"}, {"namespace": "other"}, {"release_digest": "f" * 64}],
)
async def test_a_verdict_on_something_else_allows_nothing(
    writer: Writer, elsewhere: dict[str, str]
) -> None:
    await writer.publish()
    await writer.judge("allowed", **elsewhere)

    with pytest.raises(Refused):
        await writer.serve(an_offer())


async def test_nothing_is_offered_that_is_not_published(writer: Writer) -> None:
    await writer.publish(release_digest="f" * 64, version="9.9.9")
    await writer.judge()

    with pytest.raises(Refused) as refused:
        await writer.serve(an_offer())

    assert refused.value.reason == "NotLetThrough"


@pytest.mark.parametrize(
    "table",
    [
        {"candidate": ELSE},
        {"candidate": replace(BUNDLE_SERVED, size=1)},
        {"stable": ELSE},
        {"previous": ELSE},
        {"candidate": None, "stable": ELSE},
    ],
)
async def test_an_offer_serves_the_published_bundle_and_nothing_else(
    allowed: Writer, table: dict[str, ServedBundle | None]
) -> None:
    with pytest.raises(Refused) as refused:
        await allowed.serve(an_offer(**table))

    assert refused.value.reason == "NotLetThrough"


async def test_nothing_is_offered_in_the_name_of_an_app_that_is_not_held(
    allowed: Writer,
) -> None:
    await give_up_by_hand(allowed)

    with pytest.raises(Refused) as refused:
        await allowed.serve(an_offer())

    assert refused.value.reason == "NotClaimed"


async def test_a_share_grows_only_while_it_is_allowed(allowed: Writer) -> None:
    await allowed.serve(an_offer())
    await allowed.judge("held")
    grown = an_offer(seen_generation=1, share_bp=5_000)

    for change in (grown, replace(grown, change="Retarget"), a_promotion()):
        with pytest.raises(Refused):
            await allowed.serve(change)

    await allowed.judge("allowed")
    await allowed.serve(grown)


async def test_the_way_back_needs_no_verdict_no_claim_and_no_publication(
    allowed: Writer,
) -> None:
    await allowed.serve(an_offer())
    await allowed.judge("withdrawn")
    await give_up_by_hand(allowed)

    await allowed.serve(a_withdrawal())
    await allowed.serve(a_retirement(2))

    assert await served_channels(allowed.database) == ()


async def test_the_way_back_serves_nothing_that_was_not_served_here(allowed: Writer) -> None:
    await allowed.serve(an_offer())
    back = a_withdrawal()
    assert back.table is not None
    smuggled = replace(back, table=replace(back.table, stable=ELSE))

    with pytest.raises(Refused) as refused:
        await allowed.serve(smuggled)

    assert refused.value.reason == "NotLetThrough"


async def test_the_way_back_goes_to_what_the_stable_release_replaced(allowed: Writer) -> None:
    await allowed.serve(an_offer())
    await allowed.serve(a_promotion())
    kept = a_withdrawal(2)
    assert kept.table is not None
    await allowed.judge("held")

    await allowed.serve(replace(kept, table=replace(kept.table, stable=BUNDLE_SERVED)))


async def test_a_rollout_is_taken_back_once_and_remembered_as_spent(allowed: Writer) -> None:
    await allowed.serve(an_offer())
    rolling = await spent_rollout(allowed.database, "shop", "production", RELEASE_DIGEST, 0)
    await allowed.serve(a_withdrawal())

    spent = await spent_rollout(allowed.database, "shop", "production", RELEASE_DIGEST, 0)
    assert rolling is None
    assert spent is not None
    assert (spent.phase, spent.ended_at, spent.started_at) == ("RolledBack", NOW, NOW)
    assert await spent_rollout(allowed.database, "shop", "production", RELEASE_DIGEST, 1) is None
    assert await spent_rollout(allowed.database, "shop", "beta", RELEASE_DIGEST, 0) is None


async def test_the_latest_rollout_is_the_one_that_was_begun_last(allowed: Writer) -> None:
    await allowed.serve(an_offer())
    await allowed.serve(a_withdrawal())
    await allowed.serve(an_offer(seen_generation=2, rollout_id="shop/production/3"))

    latest = await latest_rollout(allowed.database, "shop", "production")
    assert latest is not None
    assert latest.rollout_id == "shop/production/3"


@pytest.mark.parametrize(
    ("key", "change"),
    [
        (CHANNEL, replace(an_offer(), change="Retire")),
        (CHANNEL, replace(an_offer(), table=None)),
        (Key("Channel", "shop", "beta"), an_offer()),
        (CHANNEL, replace(an_offer(), rollout=a_rollout(channel="beta"))),
        (CHANNEL, replace(an_offer(), rollout=a_rollout(rollout_id=""))),
    ],
)
async def test_a_change_whose_parts_do_not_fit_is_a_programming_error(
    allowed: Writer, key: Key, change: Serve
) -> None:
    with pytest.raises(ValueError, match=r"retired|the change is not one"):
        await serve(allowed.database, key, change, sealed="x", epoch=1, at=NOW)
