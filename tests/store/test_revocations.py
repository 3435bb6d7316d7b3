"""Bundles that were revoked stay so, whatever stands in git."""

from sluice.store.audit import entries
from sluice.store.revocations import keep_revocation, revocations_of
from support.storing import NOW, Writer

ONE, OTHER = "1" * 64, "2" * 64


async def test_a_revocation_is_kept_for_its_bundle_and_its_namespace(writer: Writer) -> None:
    await keep_revocation(writer.database, "shop", ONE, "It loses orders.", epoch=1, at=NOW)

    assert await revocations_of(writer.database, "shop", {ONE, OTHER}) == {ONE: "It loses orders."}
    assert await revocations_of(writer.database, "shop", {OTHER}) == {}
    assert await revocations_of(writer.database, "shop", set()) == {}
    assert await revocations_of(writer.database, "other", {ONE}) == {}


async def test_the_first_reason_stays_and_is_audited_once(writer: Writer) -> None:
    for reason in ("It loses orders.", "None."):
        await keep_revocation(writer.database, "shop", ONE, reason, epoch=1, at=NOW)

    assert await revocations_of(writer.database, "shop", {ONE}) == {ONE: "It loses orders."}
    assert [each.body for each in await entries(writer.database) if each.kind == "Revoked"] == [
        {"digest": ONE, "reason": "It loses orders."}
    ]
