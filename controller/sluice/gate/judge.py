"""The call that makes a verdict: evidence is proven, then judged.

The operator, `sluice plan`, `sluice verify`, `sluice whatif` and admission build a case, each from
what it can see, and make this call: so they can differ in what they know, and in nothing else.
"""

from sluice.gate.case import Case
from sluice.gate.trust import TrustRoom
from sluice.policy.evaluate import evaluate
from sluice.policy.verdict import Verdict
from sluice.verify.collect import Examiner
from sluice.verify.facts import Facts

__all__ = ["Judge"]


class Judge:
    """Judges cases; remembers what evidence proved, so that judging again costs little.

    It may be used by several threads, as an `Examiner` may.
    """

    def __init__(self, *, examiner: Examiner, trust: TrustRoom) -> None:
        self._examiner = examiner
        self._trust = trust

    def facts(self, case: Case) -> Facts:
        """Return everything that the evidence of a case proves."""
        subject = case.subject
        return self._examiner.examine(
            case.evidence,
            artifact_sha256=subject.release.bundle.sha256,
            release_digest=subject.release_digest,
            roots=self._trust.trusted_by(case.policies),
        )

    def verdict(self, case: Case, facts: Facts | None = None) -> Verdict:
        """Return the verdict on a case. Signatures not seen before take milliseconds each.

        Args:
            case: what is judged.
            facts: what `facts` returned for this very case, for who has asked already.
        """
        facts = self.facts(case) if facts is None else facts
        return evaluate(case.policies, case.subject, facts, case.now)
