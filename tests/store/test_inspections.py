"""Reports on bundles are kept, one a bundle."""

import pytest

from sluice.errors import Fenced
from sluice.store.inspections import inspection_of, keep_inspection
from support.builders import NOW
from support.storing import Writer

DIGEST = "d" * 64


async def test_a_report_is_kept_and_replaced_by_a_later_one(writer: Writer) -> None:
    assert await inspection_of(writer.database, DIGEST) is None

    await keep_inspection(writer.database, DIGEST, "first", epoch=1, at=NOW)
    await keep_inspection(writer.database, "e" * 64, "other", epoch=1, at=NOW)
    await keep_inspection(writer.database, DIGEST, "second", epoch=1, at=NOW)

    assert await inspection_of(writer.database, DIGEST) == "second"
    assert await inspection_of(writer.database, "e" * 64) == "other"


async def test_a_report_of_a_leader_that_was_replaced_is_refused(writer: Writer) -> None:
    with pytest.raises(Fenced):
        await keep_inspection(writer.database, DIGEST, "late", epoch=0, at=NOW)
