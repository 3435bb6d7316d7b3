"""The benchmark measures what it says it does; how fast that is, no test asserts."""

from pathlib import Path

import benchmarks
from benchmarks.__main__ import AREAS
from benchmarks.measuring import at_most, noted
from benchmarks.scene import a_busy_case, ssh_signed
from sluice.gate.judge import Judge
from sluice.gate.trust import TrustRoom
from sluice.verify.collect import Examiner
from sluice.verify.ssh_statement import verify_ssh_statement


def test_every_area_is_measured() -> None:
    folder = Path(benchmarks.__path__[0])
    areas = {
        path.stem
        for path in folder.glob("[a-z]*.py")
        if "\ndef rows(" in path.read_text() and not path.stem.startswith("test_")
    }

    assert set(AREAS) == areas


def test_a_bar_holds_below_it() -> None:
    assert at_most("x", 4.9, "ms", 5).holds is True
    assert at_most("x", 5, "ms", 5).holds is False
    assert noted("x", 5, "ms").holds is None


def test_what_is_judged_needs_all_of_its_evidence(tmp_path: Path) -> None:
    trust = TrustRoom()
    case = a_busy_case(tmp_path, trust)

    verdict = Judge(examiner=Examiner(), trust=trust).verdict(case)

    assert verdict.answer == "allowed"
    assert [each.kind for each in case.evidence] == ["attestation"] * 6 + ["approval"] * 3
    assert {each.state for each in verdict.findings} == {"satisfied"}
    assert len(verdict.findings) == 9
    assert verify_ssh_statement(*ssh_signed(case)).signer.kind == "ssh"
