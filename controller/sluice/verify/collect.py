"""All evidence about one release in, all that it proves out.

Evidence that proves nothing raises nothing: it lands in `Facts.rejected` with the reason that tells
most, so that a verdict can say why it did not count. A bundle is tried under every trust root, and
is one fact for each root under which it holds: whose root counts for what is policy's business.

The same bytes given twice are two facts: policy counts persons, not signatures.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce
from typing import Final

from sluice.errors import VerificationError
from sluice.verify.claims import SEAL_TYPE, WORD_TYPES
from sluice.verify.facts import (
    MESSAGE_CHARS_MAX,
    SOURCE_CHARS_MAX,
    Approval,
    BlobSignature,
    Evidence,
    ExceptionGrant,
    Facts,
    GlassBroken,
    PolicySeal,
    Rejected,
    Statement,
)
from sluice.verify.managed_key import verify_managed
from sluice.verify.public_key import ManagedKey
from sluice.verify.reasons import further, refusal
from sluice.verify.sigstore import verify_bundle, verify_statement
from sluice.verify.ssh_statement import verify_ssh_statement
from sluice.verify.trust import TrustRoot
from sluice.verify.words import Word, seal_from, word_from

__all__ = [
    "MEMORY_BYTES_MAX",
    "MEMORY_OUTCOMES_MAX",
    "Examiner",
    "Trusted",
    "TrustedKey",
    "examine",
]

MEMORY_OUTCOMES_MAX: Final = 8192
"""Outcomes remembered: 200 releases in flight with 10 pieces of evidence under 4 roots each."""

MEMORY_BYTES_MAX: Final = 64 * 1024 * 1024
"""Evidence that remembered outcomes stand for; what they hold is about as large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKey:
    """A managed key, whose signatures must be in the logs of a trust root."""

    key: ManagedKey
    root: TrustRoot


Trusted = TrustRoot | TrustedKey
Proven = BlobSignature | Statement
Fact = BlobSignature | Statement | Word
Key = tuple[str, str, str, str]

NO_ROOT: Final = ""
"""Stands for the trust root of SSH signatures, which have none."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A refusal without the traceback that an exception drags along."""

    reason: str
    message: str


@dataclass(slots=True)
class _Generation:
    outcomes: dict[Key, Proven | _Refusal] = field(default_factory=dict)
    size_bytes: int = 0


class Examiner:
    """Examines evidence and remembers what it proved.

    Verification depends on bytes alone, no clock and nothing outside: so a remembered outcome is
    the same one, and laps that repeat cost next to nothing. Memory is bounded in number and bytes.
    It may be used by several threads; at worst they verify the same evidence twice.
    """

    def __init__(
        self,
        *,
        outcomes_max: int = MEMORY_OUTCOMES_MAX,
        bytes_max: int = MEMORY_BYTES_MAX,
    ) -> None:
        self._outcomes_max = outcomes_max
        self._bytes_max = bytes_max
        # Two generations: what was asked for lately is in the young one, and outlives the old one.
        self._young, self._old = _Generation(), _Generation()

    def examine(
        self,
        evidence: Iterable[Evidence],
        *,
        artifact_sha256: str,
        release_digest: str,
        roots: Iterable[Trusted],
    ) -> Facts:
        """Return everything that the evidence proves about one release; raises nothing for it.

        Args:
            evidence: bundles, as attestations of the artifact or as approvals of the release.
            artifact_sha256: digest of the release's bundle.
            release_digest: digest of the release's spec (`sluice.resources.canonical`).
            roots: every trust root of the policies that bind the release, and every managed key
                with its own.
        """
        facts: list[Fact] = []
        rejected: list[Rejected] = []
        roots = tuple(roots)
        for each in evidence:
            proven = self._proven(each, artifact_sha256, roots)
            outcomes = [
                one
                if isinstance(one, VerificationError)
                else _about(each, one, artifact_sha256, release_digest)
                for one in proven
            ]
            refusals = [one for one in outcomes if isinstance(one, VerificationError)]
            if len(refusals) == len(outcomes):
                rejected.append(_rejected(each, reduce(further, refusals)))
            facts += [one for one in outcomes if not isinstance(one, VerificationError)]
        return Facts(
            signatures=tuple(one for one in facts if isinstance(one, BlobSignature)),
            statements=tuple(one for one in facts if isinstance(one, Statement)),
            approvals=tuple(one for one in facts if isinstance(one, Approval)),
            exceptions=tuple(one for one in facts if isinstance(one, ExceptionGrant)),
            glass_broken=tuple(one for one in facts if isinstance(one, GlassBroken)),
            rejected=tuple(rejected),
        )

    def examine_seals(
        self, evidence: Iterable[Evidence], *, policy_digest: str, roots: Iterable[Trusted]
    ) -> tuple[tuple[PolicySeal, ...], tuple[Rejected, ...]]:
        """Return the seals over one policy revision, and what is none; raises nothing for it.

        Args:
            evidence: signed statements, as seals.
            policy_digest: digest of the revision (`sluice.resources.canonical.policy_digest`).
            roots: every trust root of the revision that is in force, or of the first one.
        """
        seals: list[PolicySeal] = []
        rejected: list[Rejected] = []
        roots = tuple(roots)
        for each in evidence:
            outcomes = [
                one if isinstance(one, VerificationError) else _seal(each, one, policy_digest)
                for one in self._proven(each, policy_digest, roots)
            ]
            found = [one for one in outcomes if isinstance(one, PolicySeal)]
            if not found:
                refusals = [one for one in outcomes if isinstance(one, VerificationError)]
                rejected.append(_rejected(each, reduce(further, refusals)))
            seals += found
        return tuple(seals), tuple(rejected)

    def _proven(
        self, evidence: Evidence, artifact_sha256: str, roots: tuple[Trusted, ...]
    ) -> list[Proven | VerificationError]:
        tried = _tried(evidence, roots)
        if not tried:
            message = "No policy for this release names a trust root; add one to its authorities."
            return [refusal("TrustRootMissing", message)]
        digest = evidence.sha256()
        found = (self._remembered(evidence, digest, artifact_sha256, each) for each in tried)
        return [
            VerificationError(one.reason, one.message) if isinstance(one, _Refusal) else one
            for one in found
        ]

    def _remembered(
        self, evidence: Evidence, digest: str, artifact_sha256: str, trusted: Trusted | None
    ) -> Proven | _Refusal:
        key = (evidence.kind, digest, _name_of(trusted), artifact_sha256)
        young, old = self._young, self._old
        outcome = young.outcomes.get(key)
        if outcome is None:
            outcome = old.outcomes.get(key) or _verify(evidence, artifact_sha256, trusted)
            size = len(evidence.data) + len(evidence.statement or b"")
            if (
                len(young.outcomes) >= self._outcomes_max // 2
                or young.size_bytes + size > self._bytes_max // 2
            ):
                self._young, self._old = _Generation(), young
                young = self._young
            young.outcomes[key] = outcome
            young.size_bytes += size
        return outcome


def examine(
    evidence: Iterable[Evidence],
    *,
    artifact_sha256: str,
    release_digest: str,
    roots: Iterable[Trusted],
) -> Facts:
    """Return what `Examiner.examine` returns, remembering nothing."""
    return Examiner().examine(
        evidence, artifact_sha256=artifact_sha256, release_digest=release_digest, roots=roots
    )


def _tried(evidence: Evidence, trusted: tuple[Trusted, ...]) -> tuple[Trusted | None, ...]:
    """Return under what evidence is tried: SSH signatures carry their key, people have no PEM."""
    if evidence.statement is not None:
        return (None,)
    if evidence.kind == "attestation":
        return trusted
    return tuple(each for each in trusted if isinstance(each, TrustRoot))


def _name_of(trusted: Trusted | None) -> str:
    match trusted:
        case TrustRoot():
            return trusted.root_sha256
        case TrustedKey():
            return f"{trusted.root.root_sha256} {trusted.key.fingerprint}"
        case None:
            return NO_ROOT


def _verify(evidence: Evidence, artifact_sha256: str, trusted: Trusted | None) -> Proven | _Refusal:
    try:
        match trusted:
            case None:
                return verify_ssh_statement(evidence.data, evidence.statement or b"")
            case TrustedKey():
                return verify_managed(evidence.data, artifact_sha256, trusted.key, trusted.root)
            case TrustRoot() if evidence.kind == "attestation":
                return verify_bundle(evidence.data, artifact_sha256, trusted)
            case TrustRoot():
                return verify_statement(evidence.data, trusted)
    except VerificationError as error:
        return _Refusal(error.reason, error.message)


def _about(
    evidence: Evidence, proven: Proven, artifact_sha256: str, release_digest: str
) -> Fact | VerificationError:
    """Return the fact if it is about this release and offered as what it is."""
    match proven:
        case Statement() if evidence.kind == "approval":
            return _word(evidence, proven, release_digest)
        case Statement(predicate_type=kind) if kind in WORD_TYPES or kind == SEAL_TYPE:
            return refusal(
                "StatementMisplaced",
                "This is a person's word; put it into an Approval, or a policy's seals.",
            )
        case Statement(subjects=subjects) if artifact_sha256 not in subjects:
            return refusal(
                "SignatureForOtherArtifact",
                f"The statement is not about the bundle sha256:{artifact_sha256}; attest that one.",
            )
        case Statement() | BlobSignature():
            return proven


def _word(
    evidence: Evidence, statement: Statement, release_digest: str
) -> Word | VerificationError:
    try:
        word = word_from(statement, source=evidence.source)
    except VerificationError as error:
        return error
    if word.release_digest != release_digest:
        return refusal(
            "ApprovalForOtherRelease",
            f"The approval is of a release with digest {word.release_digest}, but this one has"
            f" {release_digest}: it was changed after the approval; approve it anew.",
        )
    return word


def _seal(evidence: Evidence, proven: Proven, policy_digest: str) -> PolicySeal | VerificationError:
    if isinstance(proven, BlobSignature):
        return refusal("NotASeal", "This signs bytes, but no seal: sign one (sluice seal-policy).")
    try:
        seal = seal_from(proven, source=evidence.source)
    except VerificationError as error:
        return error
    if seal.policy_digest != policy_digest:
        return refusal(
            "SealForOtherPolicy",
            f"The seal is of a policy with digest {seal.policy_digest}, but this one has"
            f" {policy_digest}: it was changed after it was sealed; seal it anew.",
        )
    return seal


def _rejected(evidence: Evidence, error: VerificationError) -> Rejected:
    return Rejected(
        source=evidence.source[:SOURCE_CHARS_MAX],
        reason=error.reason,
        message=error.message[:MESSAGE_CHARS_MAX],
        evidence_sha256=evidence.sha256(),
    )
