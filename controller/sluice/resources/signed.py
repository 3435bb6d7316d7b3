"""A signed statement as it stands in a resource: in a sigstore bundle, or with an SSH signature."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from sluice.resources.fields import Model
from sluice.resources.rules import rule, rules

__all__ = ["SIGNED_FORMS", "Ssh", "one_form"]

STATEMENT_TEXT_MAX = 4 * 1024
"""Largest statement in characters; an approval has 600, and its comment 1,024 at most."""

SSH_TEXT_MAX = 4 * 1024
"""Largest armored SSH signature in characters: RSA has 1,600, a browser's 2,000."""


class Ssh(Model):
    """An in-toto statement, signed with ssh-keygen -Y sign (also with a FIDO security key)."""

    statement: Annotated[str, Field(min_length=2, max_length=STATEMENT_TEXT_MAX)]
    """The signed text: the statement as canonical JSON, to the byte."""

    signature: Annotated[str, Field(min_length=2, max_length=SSH_TEXT_MAX)]
    """The armored signature (-----BEGIN SSH SIGNATURE-----), made for the purpose
    sluice-approval@v1."""


SIGNED_FORMS = rule(
    "has(self.sigstoreBundle) != has(self.ssh)", "give either sigstoreBundle or ssh"
)
"""The API server's form of `one_form`."""


def one_form(sigstore_bundle: str | None, ssh: Ssh | None) -> None:
    """Refuse a signed statement that is given in no form, or in both.

    Raises:
        ValueError: it is.
    """
    if (sigstore_bundle is None) == (ssh is None):
        msg = "give either sigstoreBundle or ssh"
        raise ValueError(msg)


SEAL_TEXT_MAX = 12 * 1024
"""Largest sigstore bundle that seals a policy, in characters; a usual one has 7,000."""


class Seal(Model):
    """One owner's signature over a policy revision."""

    model_config = ConfigDict(json_schema_extra=rules(SIGNED_FORMS))

    sigstore_bundle: Annotated[str, Field(min_length=2, max_length=SEAL_TEXT_MAX)] | None = None
    """Sigstore bundle (JSON text) over an in-toto statement of type
    https://sluice.dev/policy-seal/v1 whose subject is the policy digest."""

    ssh: Ssh | None = None
    """The same statement, signed with an SSH key."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        one_form(self.sigstore_bundle, self.ssh)
        return self
