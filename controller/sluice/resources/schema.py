"""CustomResourceDefinitions, made from the models.

The schema of a model is turned into a structural one, which is all that the API server takes:
references are written out, `null` becomes "optional", and what belongs to pydantic alone (titles,
closed objects: an unknown field is pruned, or refused by strict validation) goes.

A pattern is a riddle to most people, so beside it stands a rule that says what is wanted.

Nothing has a default in the schema, though most fields have one: it is told in the description. So
what is stored is what its author wrote, tools that compare it with git find no drift, and a
release's digest does not depend on who looks at it.
"""

import json
from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel

from sluice.resources.columns import COLUMNS
from sluice.resources.fields import PATTERN_HINTS
from sluice.resources.kinds import GROUP, VERSION, Kind
from sluice.resources.rules import VALIDATIONS, Schema, rule

__all__ = ["custom_resource_definition", "structural"]

DROPPED: Final = frozenset({"title", "additionalProperties", "default", "$defs"})
ORDER: Final = (
    "description",
    "type",
    "format",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "exclusiveMinimum",
    "maximum",
    "exclusiveMaximum",
    "minItems",
    "maxItems",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    VALIDATIONS,
    "required",
    "properties",
    "items",
)
"""The words of a structural schema that are used, in the order in which they read well."""
REFERENCE: Final = "#/$defs/"


def custom_resource_definition(kind: Kind) -> Schema:
    """Return the CustomResourceDefinition of one kind."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": kind.name,
                "listKind": f"{kind.name}List",
                "plural": kind.plural,
                "singular": kind.name.lower(),
                **({"shortNames": list(kind.short)} if kind.short else {}),
                "categories": ["sluice"],
            },
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "additionalPrinterColumns": [each.as_json() for each in COLUMNS[kind.name]],
                    "subresources": {"status": {}},
                    "schema": {"openAPIV3Schema": _object_schema(kind)},
                }
            ],
        },
    }


def _object_schema(kind: Kind) -> Schema:
    return {
        "description": kind.about,
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural(kind.model),
            "status": structural(kind.status),
        },
    }


def structural(model: type[BaseModel]) -> Schema:
    """Return the structural schema of a model.

    Raises:
        ValueError: the model uses something for which there is no structural form here.
    """
    schema = model.model_json_schema(mode="validation", by_alias=True)
    return _structural(schema, schema.get("$defs", {}))


def _structural(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    schema = _one_of_its_kind(schema, definitions)
    found: Schema = {}
    for word, value in schema.items():
        match word:
            case "description":
                found[word] = _described(schema)
            case "properties":
                found[word] = {name: _structural(each, definitions) for name, each in value.items()}
            case "items":
                found[word] = _structural(value, definitions)
                found.setdefault("x-kubernetes-list-type", "atomic")
            case "const":
                found["enum"] = [value]
            case "exclusiveMinimum" | "exclusiveMaximum":
                found[word.removeprefix("exclusive").lower()] = value
                found[word] = True
            case _ if word not in DROPPED:
                found[word] = value
            case _:
                pass
    if hint := PATTERN_HINTS.get(found.get("pattern", "")):
        also = rule(f"self.matches(r'{found['pattern']}')", hint)
        found[VALIDATIONS] = [*found.get(VALIDATIONS, ()), also]
    if unknown := sorted(found.keys() - ORDER):
        msg = f"no structural form for {', '.join(unknown)}"
        raise ValueError(msg)
    return {word: found[word] for word in ORDER if word in found}


def _one_of_its_kind(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """Return the schema with its reference and its "or null" written out."""
    beside = {word: value for word, value in schema.items() if word not in {"$ref", "anyOf"}}
    if reference := schema.get("$ref"):
        return definitions[reference.removeprefix(REFERENCE)] | beside
    if choices := schema.get("anyOf"):
        given = [each for each in choices if each != {"type": "null"}]
        if len(given) != 1:
            msg = f"no structural form for a choice of {len(given)}"
            raise ValueError(msg)
        return _one_of_its_kind(given[0], definitions) | beside
    return schema


def _described(schema: Schema) -> str:
    """Return the description as one paragraph that ends with the default, if there is one.

    An object's default is told by the fields inside it, and an empty list is what its absence means
    anyway.
    """
    text = " ".join(schema["description"].split())
    default = schema.get("default")
    if default in (None, []) or schema.get("type") == "object":
        return text
    return f"{text} Default: {json.dumps(default, ensure_ascii=False)}."
