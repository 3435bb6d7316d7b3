"""Evidence in, facts out: gathers the bytes of signatures and has them verified.

Only bytes are kept in the store, never what they prove: whoever can write to the database could
otherwise write himself an approval. So facts are proven anew in each process, and remembered in
memory by the digests of all that they were proven from.
"""

import asyncio
from datetime import datetime
from typing import Final

from sluice.errors import Unavailable
from sluice.gate.case import Case, Policies
from sluice.gate.judge import Judge
from sluice.gate.offered import approval_evidence, offered_evidence
from sluice.gate.trust import TrustRoom
from sluice.operator.cache import Cache
from sluice.policy.subject import Subject
from sluice.policy.verdict import Verdict
from sluice.reconcile.observed import EvidenceReference
from sluice.resources.approval import ApprovalSpec
from sluice.resources.kinds import Resource
from sluice.resources.release import ReleaseSpec
from sluice.store.blobs import Blobs
from sluice.verify.collect import Examiner
from sluice.verify.facts import Facts

__all__ = ["EVIDENCE_BYTES_MAX", "EvidenceRoom"]

EVIDENCE_BYTES_MAX: Final = 4 * 1024 * 1024
"""Largest attestation that is fetched; a provenance has 15 KB, a full SBOM some MB."""


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

    async def verdict(
        self, subject: Subject, name: str, policies: Policies, now: datetime
    ) -> tuple[Case, Verdict]:
        """Return the verdict on a release, by its object's name, and all that it was made from."""
        release = subject.release
        evidence = offered_evidence(
            release, await self._fetched(release), self._approvals(subject.namespace, name)
        )
        case = Case(subject=subject, policies=policies, evidence=evidence, now=now)
        return case, await asyncio.to_thread(self._judge.verdict, case)

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
