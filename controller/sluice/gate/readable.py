"""What can't be read in a policy although its form is right, before anything is judged by it.

A key that nobody can sign with, or an expression that does not compile, would hold every release
with a message far from its cause. So such a policy never comes into force.
"""

import base64
import binascii
from datetime import datetime

from sluice.errors import Refused, VerificationError
from sluice.policy.cel import compile_expression
from sluice.policy.expressions import CEL_VARIABLES, STATEMENT_VARIABLES
from sluice.policy.recurrence import check_rrule
from sluice.policy.windows import check_time_zone
from sluice.resources.people import Person
from sluice.resources.policy import PolicySpec
from sluice.resources.requirements import Requirement
from sluice.verify.public_key import read_public_key
from sluice.verify.ssh_keys import read_key

__all__ = ["key_problem", "person_problem", "policy_problem"]


def policy_problem(spec: PolicySpec) -> str:
    """Return what can't be read in a policy, and where; empty when all can.

    Trust roots are read elsewhere (`sluice.gate.trust`).
    """
    for person in spec.people:
        if problem := person_problem(person):
            return problem
    for authority in spec.authorities:
        if authority.public_key is not None:
            try:
                read_public_key(authority.public_key)
            except VerificationError as error:
                return f"authority {authority.name}: {error.message}"
    for requirement in spec.requirements:
        try:
            _read_requirement(requirement)
        except Refused as error:
            return f"requirement {requirement.name}: {error.message}"
    return ""


def _read_requirement(requirement: Requirement) -> None:
    """Read what a requirement holds in a language of its own.

    Raises:
        Refused: an expression, a time zone or a recurrence says nothing that can be read.
    """
    if requirement.cel is not None:
        _read_expression(requirement.cel.expression, CEL_VARIABLES)
    if requirement.attestation is not None and requirement.attestation.expression is not None:
        _read_expression(requirement.attestation.expression, STATEMENT_VARIABLES)
    if requirement.window is not None:
        check_time_zone(requirement.window.time_zone)
        for recurring in requirement.window.recurring:
            check_rrule(recurring.rrule)
            _read_start(recurring.start)


def _read_expression(text: str, known: frozenset[str]) -> None:
    unknown = sorted(compile_expression(text).names - known)
    if unknown:
        raise Refused(
            "CelInvalid",
            f"The expression speaks of {', '.join(unknown)}, which this kind of requirement does"
            f" not know: it knows {', '.join(sorted(known))}.",
        )


def _read_start(text: str) -> None:
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        message = f"There is no {text}: let the recurring freeze begin on a day that there is."
        raise Refused("RecurrenceInvalid", message) from error


def person_problem(person: Person) -> str:
    """Return which of a person's keys can't sign, and why; empty when all can."""
    for number, key in enumerate(person.keys, 1):
        if problem := key_problem(key):
            return f"key {number} of {person.name}: {problem}"
    return ""


def key_problem(text: str) -> str:
    """Return why nobody can sign with an SSH public key, as in a `.pub` file; empty when one can.

    A key has one text. In another spelling it would never equal that of a signature.
    """
    try:
        key = read_key(base64.b64decode(text.partition(" ")[2], validate=True))
    except binascii.Error:
        return "It is cut off: copy type and base64 text whole from the .pub file."
    except Refused as error:
        return error.message
    if key.text() != text:
        return f"It is spelled in another way than SSH does: write {key.text()}."
    return ""
