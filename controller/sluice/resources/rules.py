"""What the API server checks for us: CEL rules (x-kubernetes-validations) beside the models.

A rule that compares with `oldSelf` is the only way to forbid a change; every other rule repeats a
validator of its model, so that `kubectl apply` and a dry run in a pull request say at once what the
operator would say later. The operator never relies on them: it validates again.
"""

from collections.abc import Mapping
from typing import Any

__all__ = [
    "LIST_BY_NAME",
    "LIST_BY_TYPE",
    "VALIDATIONS",
    "Schema",
    "immutable",
    "rule",
    "rules",
    "unchanged",
    "unique_names",
]

Schema = dict[str, Any]
"""A JSON schema, or a part of one."""

VALIDATIONS = "x-kubernetes-validations"

LIST_BY_NAME: Schema = {
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
}
"""Items are told apart by their name: the API server refuses two of the same name."""

LIST_BY_TYPE: Schema = {
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["type"],
}


def rule(expression: str, message: str, *, field: str = "") -> Schema:
    """Return one rule.

    Args:
        expression: CEL over `self` (and `oldSelf`) that must be true.
        message: what the author has to mend.
        field: path below `self` that the message is about, such as `.version`.
    """
    path = {"fieldPath": field} if field else {}
    return {"rule": expression, "message": message, **path}


def rules(*each: Schema) -> Schema:
    """Return the part of a schema that holds rules, for `json_schema_extra`."""
    return {VALIDATIONS: list(each)}


def immutable(message: str) -> Schema:
    """Return the part of a schema that forbids every change of a required field."""
    return rules(rule("self == oldSelf", message))


def unchanged(schema: Mapping[str, Any], message: str, *, but: str) -> Schema:
    """Return the part of a schema that forbids every change of an object but of one property."""
    required = schema.get("required", ())
    return rules(
        *(
            rule(
                f"self.{name} == oldSelf.{name}"
                if name in required
                else f"has(self.{name}) == has(oldSelf.{name})"
                f" && (!has(self.{name}) || self.{name} == oldSelf.{name})",
                message,
                field=f".{name}",
            )
            for name in schema["properties"]
            if name != but
        )
    )


def unique_names(field: str, message: str) -> Schema:
    """Return the rule that no two items of a list have the same name.

    A list keyed by name would say the same, but is merged item by item on a server-side apply: an
    item that somebody else added would survive the next sync from git. An atomic list does not.
    """
    names = f"self.{field}.all(one, self.{field}.exists_one(other, other.name == one.name))"
    return rule(f"!has(self.{field}) || {names}", message, field=f".{field}")
