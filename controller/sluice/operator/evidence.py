"""Evidence in, facts out: gathers the bytes of signatures and has them verified.

Only bytes are kept in the store, never what they prove: whoever can write to the database could
otherwise write himself an approval. So facts are proven anew in each process, and remembered in
memory by the digests of all that they were proven from.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sluice.errors import Unavailable
from sluice.gate.case import Case, Policies
from sluice.gate.judge import Judge
from sluice.gate.offered import APPROVALS_MAX, approval_evidence, offered_evidence
from sluice.gate.trust import TrustRoom
from sluice.operator.cache import Cache
from sluice.policy.lasting import lasting_words
from sluice.policy.subject import Subject
from sluice.policy.verdict import Verdict
from sluice.reconcile.observed import EvidenceReference
from sluice.reconcile.words import Words
from sluice.resources.approval import ApprovalSpec
from sluice.resources.kinds import Resource
from sluice.resources.release import ReleaseSpec
from sluice.store.blobs import Blobs
from sluice.verify.collect import Examiner
from sluice.verify.facts import Evidence, Facts

__all__ = ["EVIDENCE_BYTES_MAX", "EvidenceRoom", "JudgedRelease"]

EVIDENCE_BYTES_MAX: Final = 4 * 1024 * 1024
"""Largest attestation that is fetched; a provenance has 15 KB, a full SBOM some MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRelease:
    """A release that was judged."""

    case: Case
    verdict: Verdict
    words: Words


class EvidenceRoom:
    """Finds evidence and has it examined."""

    def __init__(self, cache: Cache, blobs: Blobs, examiner: Examiner) -> None:
        self._cache = cache
        self._blobs = blobs
        self._examiner = examiner
        self._trust = TrustRoom()
        self._judge = Judge(examiner=examiner, trust=self._trust)

    async def uncollected(self, release: ReleaseSpec) -> tuple[EvidenceReference, ...]:
        """Return the attestations that are given by url and not in the store yet."""
        return tuple(
            [
                EvidenceReference(name=each.name, url=each.url, sha256=each.sha256)
                for each in release.attestations
                if each.url and each.sha256 and not await self._blobs.has(each.sha256)
            ]
        )

    async def judged(
        self,
        subject: Subject,
        name: str,
        policies: Policies,
        kept: tuple[Evidence, ...],
        now: datetime,
    ) -> JudgedRelease:
        """Return the verdict on a release, and all that it was made from.

        Args:
            subject: the release and the channel.
            name: of the Release; its Approvals name it.
            policies: to judge by.
            kept: words on the release that the store keeps, whatever stands in git.
            now: the time, in UTC.
        """
        approvals = self._approvals(subject.namespace, name)
        fetched = await self._fetched(subject.release)
        evidence = offered_evidence(subject.release, fetched, approvals, kept)
        case = Case(subject=subject, policies=policies, evidence=evidence, now=now)
        verdict, lasting = await asyncio.to_thread(self._look_at, case)
        unkept = lasting - {each.sha256() for each in kept}
        words = Words(
            unkept=tuple(each for each in evidence if each.sha256() in unkept),
            kept=len(kept),
            overlooked=max(0, len(approvals) - APPROVALS_MAX),
        )
        return JudgedRelease(case=case, verdict=verdict, words=words)

    def _look_at(self, case: Case) -> tuple[Verdict, frozenset[str]]:
        facts = self._judge.facts(case)
        lasting = lasting_words(case.policies, case.subject, facts, case.now)
        return self._judge.verdict(case, facts), lasting

    async def facts_of_approval(
        self, approval: Resource, release_digest: str, policies: Policies
    ) -> Facts:
        """Return what one Approval proves."""
        if not isinstance(approval.spec, ApprovalSpec):
            return Facts()
        return await asyncio.to_thread(
            self._examiner.examine,
            (approval_evidence(approval.key.name, approval.spec),),
            artifact_sha256="",
            release_digest=release_digest,
            roots=self._trust.trusted_by(policies),
        )

    async def _fetched(self, release: ReleaseSpec) -> dict[str, bytes]:
        """Return what stands at the urls of attestations, as far as it is in the store."""
        digests = [each.sha256 for each in release.attestations if each.sha256]
        found = {digest: await self._stored(digest) for digest in digests}
        return {digest: data for digest, data in found.items() if data is not None}

    async def _stored(self, digest: str) -> bytes | None:
        """Return stored evidence; what is missing or damaged proves nothing, and stops nothing.

        An error here would end the lap, and with it the way back of what is rolled out.
        """
        try:
            return await self._blobs.read(digest, size_max=EVIDENCE_BYTES_MAX)
        except Unavailable:
            return None

    def _approvals(self, namespace: str, release: str) -> list[tuple[str, ApprovalSpec]]:
        return [
            (each.key.name, each.spec)
            for each in self._cache.of_kind("Approval", namespace)
            if isinstance(each.spec, ApprovalSpec) and each.spec.release == release
        ]
