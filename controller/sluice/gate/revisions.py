"""The call that judges a policy revision: its seals are proven, then counted.

The operator and whoever plans from files make this call, as they do for verdicts.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

from sluice.gate.offered import seal_evidence
from sluice.gate.trust import TrustRoom
from sluice.policy.sealing import Ignored, Judgement, judge_revision
from sluice.policy.subject import PolicyInForce
from sluice.resources.genesis import Genesis
from sluice.verify.collect import Examiner
from sluice.verify.facts import Rejected

__all__ = ["RevisionJudge"]

REJECTED_SHOWN_MAX: Final = 4
"""Seals that prove nothing and are told of in one message."""


class RevisionJudge:
    """Judges revisions; remembers what seals proved.

    It may be used by several threads, as an `Examiner` may.
    """

    def __init__(
        self, *, examiner: Examiner, trust: TrustRoom, genesis: Genesis | None, cluster: str
    ) -> None:
        self._examiner = examiner
        self._trust = trust
        self._genesis = genesis
        self._cluster = cluster

    def judge(
        self, in_force: PolicyInForce | None, proposed: PolicyInForce, now: datetime
    ) -> Judgement:
        """Return whether a proposed revision comes into force.

        Args:
            in_force: the sealed revision in force under that name, if there is any.
            proposed: what stands in its file.
            now: the time, in UTC.
        """
        seals, rejected = self._examiner.examine_seals(
            (seal_evidence(number, each) for number, each in enumerate(proposed.spec.seals, 1)),
            policy_digest=proposed.ref.digest,
            roots=self._trust.trusted_by((in_force or proposed,)),
        )
        judgement = judge_revision(
            in_force=in_force,
            proposed=proposed,
            seals=seals,
            genesis=self._genesis,
            cluster=self._cluster,
            now=now,
        )
        if isinstance(judgement, Ignored) and judgement.reason == "PolicySealMissing" and rejected:
            return replace(judgement, message=f"{judgement.message} {_told(rejected)}")
        return judgement


def _told(rejected: tuple[Rejected, ...]) -> str:
    shown = [f"{each.source}: {each.message}" for each in rejected[:REJECTED_SHOWN_MAX]]
    return f"Seals that prove nothing: {' '.join(shown)}"
