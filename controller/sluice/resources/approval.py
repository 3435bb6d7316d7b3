"""Approval: one person's signed word on one release, in a file of its own."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from sluice.resources.fields import Model, ObjectName
from sluice.resources.rules import VALIDATIONS, immutable, rules
from sluice.resources.signed import SIGNED_FORMS, Ssh, one_form

__all__ = ["ApprovalSpec"]

SIGNATURE_TEXT_MAX = 64 * 1024
"""Largest signed statement in characters; a usual one has 6,000."""


class ApprovalSpec(Model):
    """One person's signed word on one Release. Immutable: to change your mind, add another.

    It approves, rejects, withdraws either, makes an exception, or breaks the glass.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(
            *immutable("an Approval never changes: add another one")[VALIDATIONS], SIGNED_FORMS
        )
    )

    release: ObjectName
    """Name of the Release in the same namespace; only says where to look: what counts is the digest
    in the signed statement."""

    sigstore_bundle: Annotated[str, Field(min_length=2, max_length=SIGNATURE_TEXT_MAX)] | None = (
        None
    )
    """Sigstore bundle (JSON text) over an in-toto statement, e.g. of type
    https://sluice.dev/approval/v1, whose subject is the release digest."""

    ssh: Ssh | None = None
    """The same statement, signed with an SSH key."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        one_form(self.sigstore_bundle, self.ssh)
        return self
