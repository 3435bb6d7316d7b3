"""What the operator shows in `status`: output only, nothing is ever decided from it.

A status must always be writable, whatever hostile text a finding repeats. So its models do not
refuse what is too long, too many or unprintable: they cut it and replace it.
"""

from functools import partial
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from sluice.resources.fields import Model, Percent, Sha256, Timestamp
from sluice.resources.rules import LIST_BY_TYPE
from sluice.resources.text import plain

__all__ = [
    "FINDINGS_MAX",
    "AppStatus",
    "ApprovalStatus",
    "ArmStatus",
    "BundleStatus",
    "CandidatePhase",
    "CandidateStatus",
    "ChannelStatus",
    "Condition",
    "ConditionStatus",
    "FindingStatus",
    "PolicyStatus",
    "ProposedStatus",
    "ReleasePhase",
    "ReleaseStatus",
    "RevisionStatus",
    "Status",
    "VerdictStatus",
]

FINDINGS_MAX: Final = 64
"""Findings that are shown: with all their text, 200 KB of the 1.5 MB that an object may take."""

NAMES_MAX: Final = 64
"""Names in one list that are shown."""

PEOPLE_MAX: Final = 8
"""People (or identities) that one finding names."""

WORD_CHARACTERS_MAX: Final = 256
SENTENCE_CHARACTERS_MAX: Final = 512
"""A sentence with a name or two in it has 300."""

TEXT_CHARACTERS_MAX: Final = 4096
"""The five first faults of a spec have 2,500."""


def _cut_text(characters_max: int, value: Any) -> Any:
    return plain(value, characters_max) if isinstance(value, str) else value


def _cut_list(items_max: int, value: Any) -> Any:
    return tuple(value[:items_max]) if isinstance(value, list | tuple) else value


Word = Annotated[
    str,
    Field(max_length=WORD_CHARACTERS_MAX),
    BeforeValidator(partial(_cut_text, WORD_CHARACTERS_MAX)),
]
Sentence = Annotated[
    str,
    Field(max_length=SENTENCE_CHARACTERS_MAX),
    BeforeValidator(partial(_cut_text, SENTENCE_CHARACTERS_MAX)),
]
Text = Annotated[
    str,
    Field(max_length=TEXT_CHARACTERS_MAX),
    BeforeValidator(partial(_cut_text, TEXT_CHARACTERS_MAX)),
]
People = Annotated[
    tuple[Word, ...], Field(max_length=PEOPLE_MAX), BeforeValidator(partial(_cut_list, PEOPLE_MAX))
]
Names = Annotated[
    tuple[Word, ...], Field(max_length=NAMES_MAX), BeforeValidator(partial(_cut_list, NAMES_MAX))
]
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]

ConditionStatus = Literal["True", "False", "Unknown"]
ReleasePhase = Literal["Pending", "Refused", "Published", "Revoked"]
CandidatePhase = Literal[
    "Waiting", "Rolling", "Paused", "Complete", "RolledBack", "Withdrawn", "Superseded"
]


class Condition(Model):
    """One aspect of the object's state, as kstatus reads it."""

    type: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]*$", max_length=63)]
    """Aspect: Ready is always there, Reconciling and Stalled only while they are True."""

    status: ConditionStatus
    """Whether it holds."""

    reason: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]*$", max_length=128)]
    """Why, as a CamelCase code; the same word is used in events and the audit log."""

    message: Text
    """Why, as a sentence that tells a person what to do."""

    observed_generation: Count | None = None
    """metadata.generation that this was said about."""

    last_transition_time: Timestamp | None = None
    """When `status` last changed."""


Conditions = Annotated[tuple[Condition, ...], Field(max_length=16, json_schema_extra=LIST_BY_TYPE)]


class Status(Model):
    """What every kind shows."""

    observed_generation: Count | None = None
    """metadata.generation that this status is about; while it is lower, the status is old."""

    conditions: Conditions = ()
    """Ready, Reconciling and Stalled as kstatus defines them."""


class AppStatus(Status):
    """What became of the claim."""

    held_by: Word | None = None
    """Who holds the appId, as namespace/name of the App."""


class ReleaseStatus(Status):
    """What became of the release."""

    digest: Sha256 | None = None
    """Release digest, which approvals sign: SHA-256 of the canonical spec without revoked."""

    phase: ReleasePhase | None = None
    """Pending: not in the store yet. Refused: the spec, the evidence or the bundle is no good.
    Published: the bundle is in the store. Revoked: taken away everywhere."""

    published: bool | None = None
    """Whether the bundle is in the store, complete and equal to its digest."""

    channels: Names = ()
    """Names of the channels that point at it."""


class ApprovalStatus(Status):
    """What the signed statement says, and whether it counts."""

    signer: Word | None = None
    """Who signed: the person's name in the policy, or the identity in the certificate."""

    decision: Literal["approve", "reject", "withdraw", "except", "break-glass"] | None = None
    """What was decided."""

    role: Word | None = None
    """Role in which the signer decided."""

    channel: Word | None = None
    """Channel that the decision is about."""

    expires_at: Timestamp | None = None
    """When the approval ends."""

    release_digest: Sha256 | None = None
    """Release digest in the signed statement."""

    fits: bool | None = None
    """Whether the statement is about the Release that spec.release names, as it is now."""

    reason: Word | None = None
    """Why it does not fit or can't be read, as a CamelCase code; none when it fits."""


class BundleStatus(Model):
    """One published bundle."""

    version: Word
    """Version that phones report."""

    digest: Sha256
    """SHA-256 of the zip."""


class ArmStatus(Model):
    """What is known of the phones on one side of the comparison (counts of devices)."""

    devices: Count = 0
    """Devices that were offered the candidate; in the control arm, that were seen without it."""

    failed: Count = 0
    """Devices that reported a failure."""

    proven: Count = 0
    """Devices that started a second time without failure."""


class CandidateStatus(Model):
    """The release on its way in, or the last one that was taken back."""

    version: Word
    """Version that phones report."""

    release: Word | None = None
    """Name of the Release."""

    digest: Sha256 | None = None
    """SHA-256 of the zip."""

    phase: CandidatePhase
    """Waiting: offered to nobody yet. Rolling, Paused: offered to `share`. Complete: it is live.
    RolledBack: phones failed. Withdrawn: the verdict took it away. Superseded: another came."""

    share: Percent = "0%"
    """Share of the channel's phones that are offered it, e.g. 10%."""

    step: Annotated[str, Field(pattern=r"^[0-9]{1,3}/[0-9]{1,3}$", max_length=7)]
    """Step of the rollout out of all, e.g. 2/4; 0/4 before the first one."""

    since: Timestamp | None = None
    """When this step began."""

    next_at: Timestamp | None = None
    """When the next step may begin at the earliest; none when something else is waited for."""

    candidate: ArmStatus = ArmStatus()
    """Devices that were offered the candidate."""

    control: ArmStatus = ArmStatus()
    """Devices that were not."""


class FindingStatus(Model):
    """What became of one requirement of one policy."""

    policy: Word
    """Name of the policy."""

    requirement: Word
    """Name of the requirement."""

    state: Literal["satisfied", "missing", "refused"]
    """Missing can still be given; refused was given and is no good."""

    enforced: bool
    """False: the requirement only warns."""

    reason: Word
    """Why, as a CamelCase code."""

    message: Sentence
    """Why, as a sentence that tells a person who must do what."""

    by: People = ()
    """Who satisfied it, or whose evidence was refused."""


class VerdictStatus(Model):
    """May the release be offered on this channel?"""

    answer: Literal["allowed", "held", "withdrawn"]
    """Allowed: may grow. Held: may not grow; what is offered stays. Withdrawn: must go."""

    reason: Word
    """Why, as a CamelCase code."""

    message: Sentence
    """Why, as a sentence that tells a person what to do."""

    findings: Annotated[
        tuple[FindingStatus, ...],
        Field(max_length=FINDINGS_MAX),
        BeforeValidator(partial(_cut_list, FINDINGS_MAX)),
    ] = ()
    """What became of each requirement; the first 64."""


class ChannelStatus(Status):
    """What is live, where the rollout is, and what is wrong."""

    generation: Count | None = None
    """Generation of what is served; it only grows."""

    live: BundleStatus | None = None
    """What every phone outside the candidate's share gets; none: what is built into the app."""

    candidate: CandidateStatus | None = None
    """The release on its way in, or the last one that was taken back."""

    verdict: VerdictStatus | None = None
    """May spec.release be offered on this channel?"""


class RevisionStatus(Model):
    """The revision of a sealed policy that is in force."""

    revision: Count
    """Its number."""

    digest: Sha256
    """Its policy digest, which owners sign: SHA-256 of the canonical spec without seals."""

    basis: Literal["Owners", "Genesis", "FirstUse"]
    """On whose word it is in force. Owners: those named by the revision before. Genesis: the
    cluster's root owners. FirstUse: nobody's; it was the first one seen."""

    sealed_by: People = ()
    """Whose seals counted."""

    since: Timestamp
    """When it came into force."""


class ProposedStatus(Model):
    """What stands in spec, when that is not in force."""

    revision: Count | None = None
    """Its number; none when it names no owners."""

    digest: Sha256
    """Its policy digest, which owners sign."""

    reason: Word
    """Why it is not in force, as a CamelCase code."""

    sealed_by: People = ()
    """Owners whose seals count already."""

    could_seal: Names = ()
    """Owners whose seals would count."""


class PolicyStatus(Status):
    """Whether the policy is in force, and on what."""

    channels: Count | None = None
    """Number of channels that it binds."""

    in_force: RevisionStatus | None = None
    """The sealed revision in force; none: it is unsealed, or none is in force yet."""

    proposed: ProposedStatus | None = None
    """What stands in spec, when that is not in force."""
