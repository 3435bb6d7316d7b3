"""Approval: one person's signed word on one release, in a file of its own."""

from typing import Annotated

from pydantic import ConfigDict, Field

from sluice.resources.fields import Model, ObjectName
from sluice.resources.rules import immutable

__all__ = ["ApprovalSpec"]

SIGNATURE_TEXT_MAX = 64 * 1024
"""Largest signed statement in characters; a usual one has 6,000."""


class ApprovalSpec(Model):
    """One person's signed approval or rejection. Immutable: to change your mind, add another."""

    model_config = ConfigDict(
        json_schema_extra=immutable("an Approval never changes: add another one")
    )

    release: ObjectName
    """Name of the Release in the same namespace; only says where to look: what counts is the digest
    in the signed statement."""

    sigstore_bundle: Annotated[str, Field(min_length=2, max_length=SIGNATURE_TEXT_MAX)]
    """Sigstore bundle (JSON text) over an in-toto statement of type https://sluice.dev/approval/v1
    whose subject is the release digest."""
