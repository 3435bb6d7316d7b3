"""Verdicts in the audit log."""

from datetime import timedelta

from sluice.gate.vsa import sign_summary
from sluice.resources.canonical import sha256_hex
from sluice.store.audit import entries
from sluice.store.verdicts import LastVerdict, last_verdict
from support.storing import NOW, RELEASE_DIGEST, SEAL_KEY, Writer, a_decision, a_verdict


async def test_a_channel_that_was_never_judged_has_no_verdict(writer: Writer) -> None:
    assert await last_verdict(writer.database, "shop", "production") is None


async def test_a_verdict_is_audited_whole(writer: Writer) -> None:
    await writer.judge()

    entry = (await entries(writer.database))[-1]
    assert (entry.kind, entry.subject) == ("Verdict", "Channel/shop/production")
    decision = a_decision()
    assert entry.body == a_verdict().as_json() | {
        "digest": a_verdict().digest(),
        "record": decision.digest,
        "summary": sha256_hex(sign_summary(decision, SEAL_KEY)),
    }


async def test_the_same_verdict_again_writes_nothing(writer: Writer) -> None:
    await writer.judge()
    await writer.judge()
    await writer.judge(recheck_at=NOW + timedelta(days=1))

    assert len(await entries(writer.database)) == 2


async def test_a_verdict_that_comes_back_is_written_again(writer: Writer) -> None:
    for answer in ("allowed", "held", "allowed"):
        await writer.judge(answer)

    assert [each.body.get("answer") for each in await entries(writer.database)] == [
        None,
        "allowed",
        "held",
        "allowed",
    ]
    assert await last_verdict(writer.database, "shop", "production") == LastVerdict(
        digest=a_verdict().digest(), answer="allowed", release_digest=RELEASE_DIGEST
    )


async def test_each_channel_has_its_own_verdict(writer: Writer) -> None:
    await writer.judge("held")
    await writer.judge("allowed", channel="beta")

    last = await last_verdict(writer.database, "shop", "production")
    assert last is not None
    assert last.answer == "held"
