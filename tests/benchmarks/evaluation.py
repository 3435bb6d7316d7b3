"""Judging: a release with six attestations and three approvals, whose evidence was seen before."""

import tempfile
from pathlib import Path

from benchmarks.measuring import Row, at_most, milliseconds, noted
from benchmarks.scene import a_busy_case
from sluice.gate.judge import Judge
from sluice.gate.trust import TrustRoom
from sluice.policy.evaluate import evaluate
from sluice.verify.collect import Examiner

__all__ = ["rows"]

EVALUATION_MS_MAX = 5.0


def rows() -> list[Row]:
    """Return what judging costs: alone, with warm evidence, and with cold."""
    trust = TrustRoom()
    with tempfile.TemporaryDirectory() as folder:
        case = a_busy_case(Path(folder), trust)
    judge = Judge(examiner=Examiner(), trust=trust)
    verdict = judge.verdict(case)
    if verdict.answer != "allowed" or len(case.evidence) != 9:
        raise AssertionError(verdict)
    facts = judge.facts(case)
    what = "6 attestations, 3 approvals"
    alone = milliseconds(lambda: evaluate(case.policies, case.subject, facts, case.now))
    warm = milliseconds(lambda: judge.verdict(case))
    cold = milliseconds(lambda: Judge(examiner=Examiner(), trust=trust).verdict(case))
    return [
        at_most(f"evaluate ({what})", alone, "ms", EVALUATION_MS_MAX),
        at_most(f"verdict, evidence remembered ({what})", warm, "ms", EVALUATION_MS_MAX),
        noted(f"verdict, evidence never seen ({what})", cold, "ms"),
    ]
