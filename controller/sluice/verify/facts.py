"""What verified bytes say, as typed values: who signed what, when, and under which trust root.

A fact is something proven, not something allowed. Whether the signer of a fact is one that counts
is judged by `sluice.policy`, in one place, against the authorities and persons of the policies in
force. Evidence that proves nothing is kept as `Rejected`, so that a verdict can say why it did not
count.

Words: *evidence* is bytes from outside; a *fact* is what they prove; *source* is a label that says
where evidence was found (for people; never trusted); a *subject* is the digest that a statement is
about.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

__all__ = [
    "IDENTITY_CHARS_MAX",
    "MESSAGE_CHARS_MAX",
    "SOURCE_CHARS_MAX",
    "Approval",
    "BlobSignature",
    "Ceiling",
    "Evidence",
    "ExceptionGrant",
    "Facts",
    "GlassBroken",
    "PolicySeal",
    "Provenance",
    "Rejected",
    "Signed",
    "SignedWord",
    "Signer",
    "Statement",
    "evidence_digest",
]

IDENTITY_CHARS_MAX: Final = 1024
"""Longest issuer or subject of a certificate; GitHub's workflow URLs reach about 300."""

SOURCE_CHARS_MAX: Final = 256
"""Longest label of where evidence came from; longer ones are cut."""

MESSAGE_CHARS_MAX: Final = 512
"""Longest sentence about refused evidence; longer ones are cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Bytes from outside that may prove something."""

    source: str
    """Where they were found, e.g. `Approval shop/shop-1.2.0-alice`; for people, never trusted."""

    kind: Literal["attestation", "approval", "seal"]
    """What they are offered as: `approval` is any word of a person on a release. A statement that
    is offered as the wrong kind is refused."""

    data: bytes
    """A sigstore bundle, or an armored SSH signature, unverified."""

    statement: bytes | None = None
    """The text that an SSH signature is over; None for a sigstore bundle, which holds its own."""

    def sha256(self) -> str:
        """Return the digest by which facts name the evidence that proves them."""
        return evidence_digest(self.data, self.statement)


def evidence_digest(data: bytes, statement: bytes | None = None) -> str:
    """Return the SHA-256 of evidence; of its length too where there is a statement beside it.

    Without the length, one text could be parted into statement and signature in two ways.
    """
    if statement is None:
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha256(len(statement).to_bytes(8, "big") + statement + data).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who made a signature, as certified under the trust root. Not judged yet."""

    kind: Literal["sigstore", "key", "ssh"]
    """By a certificate, by a managed key (PEM), or by an SSH key."""

    issuer: str
    """The identity provider that vouched for the subject (an https URL); `key` or `ssh` where a key
    vouches for itself. Never empty."""

    subject: str
    """E-mail address or URI (a workflow) in the certificate; fingerprint of a managed key (SHA256:
    and hexadecimal digits); an SSH key's text (type and base64). Never empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobSignature:
    """A signature straight over an artifact's digest."""

    artifact_sha256: str
    signer: Signer

    signed_at: datetime
    """Time in UTC, as proven by the transparency log or a timestamp authority."""

    evidence_sha256: str
    """Digest of the evidence bytes that prove this."""

    root_sha256: str
    """Digest of the trust root under which it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A signed in-toto statement about one or more digests."""

    predicate_type: str

    subjects: frozenset[str]
    """SHA-256 digests (lower-case hexadecimal) that the statement is about; never empty."""

    predicate_json: str
    """The predicate as canonical JSON text; `{}` when the statement has none."""

    signer: Signer

    signed_at: datetime
    """Time in UTC: as proven by the transparency log or a timestamp authority, or, when
    `time_proven` is False, as the signer says."""

    evidence_sha256: str

    root_sha256: str
    """Digest of the trust root under which it holds; empty for SSH, which has none."""

    time_proven: bool = True
    """Whether somebody else than the signer vouches for `signed_at`; nobody does for SSH."""

    user_verified: bool = False
    """Whether a FIDO authenticator says that it checked who used it (PIN, fingerprint)."""

    origin: str = ""
    """Website on which a security key signed; empty for all other signatures."""

    def predicate(self) -> Mapping[str, Any]:
        """Return the predicate, parsed afresh: the caller may keep or change it."""
        parsed: dict[str, Any] = json.loads(self.predicate_json)
        return parsed


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What every signature of a person has in common."""

    signer: Signer

    signed_at: datetime
    """Time in UTC: as proven by the transparency log or a timestamp authority, or, when
    `time_proven` is False, as the signer says."""

    time_proven: bool
    """Whether somebody else than the signer vouches for `signed_at`; nobody does for SSH."""

    user_verified: bool
    """Whether a FIDO authenticator says that it checked who used it (PIN, fingerprint)."""

    origin: str
    """Website on which a security key signed; empty for all other signatures."""

    expires_at: datetime
    """UTC; from here on it counts for nothing."""

    nonce: str
    """Makes two signatures of the same words distinct."""

    evidence_sha256: str

    root_sha256: str
    """Digest of the trust root under which it holds; empty for SSH, which has none."""

    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedWord(Signed):
    """One person's word on one release; it binds all that it names."""

    app_id: str
    namespace: str
    version: str
    channel: str
    cluster: str

    role: str
    """The role the person claims to speak in; policy decides whether they hold it."""

    release_digest: str
    """Digest of the canonical Release spec that it is about (`sluice.resources.canonical`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """How far an approval lets a rollout grow."""

    share_bp: int
    """Largest share of the phones, in basis points, more than 0."""

    until: datetime | None
    """UTC; from here on it lets nothing grow. None: until the approval expires."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval(SignedWord):
    """One person's yes or no, or the withdrawal of either."""

    decision: Literal["approve", "reject", "withdraw"]

    sequence: int
    """Of several words of one person in one role on one release, the highest counts."""

    ceiling: Ceiling | None
    """None: it lets the rollout grow to all phones."""

    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionGrant(SignedWord):
    """One person's signature under an exception of one release from one requirement."""

    policy: str
    """Label of the policy, e.g. `ReleasePolicy/production`."""

    requirement: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GlassBroken(SignedWord):
    """One person's signature under a break-glass of one release."""

    policy: str
    """Label of the policy, e.g. `ReleasePolicy/production`."""

    incident: str
    """Name of the incident, e.g. INC-2041; all who break the glass name the same."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySeal(Signed):
    """One owner's signature over one revision of a policy."""

    kind: str
    namespace: str
    """Empty for a ClusterReleasePolicy."""

    name: str
    revision: int
    policy_digest: str
    """`sluice.resources.canonical.policy_digest` of the revision."""

    clusters: frozenset[str]
    """Names of the clusters it is meant for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a SLSA provenance statement says about how a bundle was built."""

    builder_id: str

    repository: str
    """URL of the source repository, without revision or `git+`, e.g. `https://github.com/acme/shop`."""

    revision: str
    """The git commit that was built, 40 or 64 lower-case hexadecimal digits."""

    workflow: str
    """The build's definition as `path@ref`, e.g. `.github/workflows/release.yml@refs/tags/v1`."""

    workflow_path: str
    """Its path alone: a path may hold an @, too. Empty when unsaid."""

    ref: str
    """The git reference that was built, e.g. `refs/tags/v1.2.0`; empty when unsaid."""

    actors: frozenset[str]
    """Whoever the builder names as having started the build or written the change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """Evidence that was looked at and proves nothing about this release."""

    source: str
    reason: str
    """CamelCase code, from the closed set in `sluice.verify.reasons`."""

    message: str
    """A sentence that tells a person what to do."""

    evidence_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything known about one release. Each tuple is in the order of the evidence."""

    signatures: tuple[BlobSignature, ...] = ()
    statements: tuple[Statement, ...] = ()
    approvals: tuple[Approval, ...] = ()
    exceptions: tuple[ExceptionGrant, ...] = ()
    glass_broken: tuple[GlassBroken, ...] = ()
    rejected: tuple[Rejected, ...] = ()

    def words(self) -> Iterator[Approval | ExceptionGrant | GlassBroken]:
        """Return what people said, whatever it is."""
        yield from self.approvals
        yield from self.exceptions
        yield from self.glass_broken
