"""Keeping a decision: what it costs when a verdict changes, and how much is kept."""

import asyncio
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.measuring import Row, milliseconds, noted
from benchmarks.scene import a_busy_case
from sluice.gate.judge import Judge
from sluice.gate.record import DecisionRecord, as_record, read_record
from sluice.gate.replay import replay
from sluice.gate.trust import TrustRoom
from sluice.gate.vsa import sign_summary
from sluice.store.database import Database
from sluice.store.leadership import take_over
from sluice.store.migration import migrate
from sluice.store.verdicts import record_verdict
from sluice.verify.collect import Examiner

__all__ = ["rows"]

VERDICTS = 200


def rows() -> list[Row]:
    """Return times of each part, and sizes."""
    trust = TrustRoom()
    with tempfile.TemporaryDirectory() as folder:
        case = a_busy_case(Path(folder), trust)
    judge = Judge(examiner=Examiner(), trust=trust)
    verdict = judge.verdict(case)
    key = Ed25519PrivateKey.generate()
    record = as_record(case, verdict)
    summary = sign_summary(record, key)
    written = asyncio.run(_written(record, summary))
    pieces = sum(map(len, record.pieces.values()))
    return [
        noted("record a decision", 1_000 * milliseconds(lambda: as_record(case, verdict)), "µs"),
        noted("sign its summary", 1_000 * milliseconds(lambda: sign_summary(record, key)), "µs"),
        noted("write both in a transaction, on disk, by the clock", 1_000 * written, "µs"),
        noted(
            "read it back",
            1_000 * milliseconds(lambda: read_record(record.data, record.pieces)),
            "µs",
        ),
        noted(
            "replay it, evidence never seen",
            milliseconds(
                lambda: replay(record, summary, Judge(examiner=Examiner(), trust=TrustRoom()), None)
            ),
            "ms",
        ),
        noted(
            "kept for each decision (record and summary)", len(record.data) + len(summary), "bytes"
        ),
        noted("kept once for the release (evidence, policy)", pieces, "bytes"),
    ]


async def _written(record: DecisionRecord, summary: bytes) -> float:
    """Return the milliseconds of one write, over verdicts that each differ from the one before."""
    loop = asyncio.get_running_loop()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/sluice.db"
        await migrate(url)
        database = await Database.open(url)
        now = datetime.now(UTC)
        await take_over(database, epoch=1, holder="bench", at=now)
        others = [
            as_record(record.case, replace(record.verdict, message=f"{number}"))
            for number in range(VERDICTS)
        ]
        await record_verdict(database, record, summary, epoch=1, at=now)
        started = loop.time()
        for each in others:
            await record_verdict(database, each, summary, epoch=1, at=now)
        took = loop.time() - started
        await database.close()
    return took / VERDICTS * 1_000
