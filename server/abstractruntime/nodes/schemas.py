"""Adding to the description of data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .define import Call, Example, Field, Finding, NodeError, Pin, pure
from .values import described, items

Json = Any

_NEW = {"type": "object", "properties": {"note": {"type": "string"}}, "required": ["note"]}
_DEFINITIONS = ("$defs", "definitions")


def _named(schema: Mapping[str, Json], key: str) -> dict[str, Json]:
    value = schema.get(key)
    return dict(value) if isinstance(value, Mapping) else {}


def extended(schema: Mapping[str, Json], added: Mapping[str, Json]) -> dict[str, Json]:
    """Return a schema with the properties, required names and definitions of another; its own stay as they are."""
    result = dict(schema)
    properties, new = _named(schema, "properties"), _named(added, "properties")
    if new or properties:
        result["properties"] = {**properties, **{key: new[key] for key in new if key not in properties}}
    required = [*items(schema.get("required")), *items(added.get("required"))]
    names = list(dict.fromkeys(name for name in required if isinstance(name, str)))
    if names:
        result["required"] = names
    for key in _DEFINITIONS:
        if merged := {**_named(added, key), **_named(schema, key)}:
            result[key] = merged
    result.setdefault("type", "object")
    return result


def _check(data: Mapping[str, Json]) -> list[Finding]:
    value = data.get("literalValue")
    if value is None or (isinstance(value, Mapping) and isinstance(value.get("properties", {}), Mapping)):
        return []
    return [Finding("error", "schema.invalid", "The fields to add are no JSON schema of an object.")]


@pure(
    "edit_json_schema",
    family="data",
    label="Add Schema Fields",
    inputs=(Pin("schema", "json_schema", description="The schema to add to; unset: an empty one."),),
    outputs=(Pin("schema", "json_schema", description="The schema with the fields."),),
    fields=(
        Field(
            "literalValue",
            "object",
            {},
            "Fields to add",
            "A JSON schema: its properties, required names and definitions are added.",
            widget="schema",
        ),
    ),
    check=_check,
    template={"literalValue": _NEW},
    keywords=("structure", "format", "extend", "form", "type"),
    examples=(
        Example(
            {
                "schema": {
                    "type": "object",
                    "properties": {"a": {"type": "number"}, "note": {"type": "number"}},
                    "required": ["a"],
                }
            },
            {
                "schema": {
                    "type": "object",
                    "properties": {"a": {"type": "number"}, "note": {"type": "number"}},
                    "required": ["a", "note"],
                }
            },
            data={"literalValue": _NEW},
            note="What is there already is not changed.",
        ),
        Example(
            {},
            {"schema": {**_NEW, "$defs": {"day": {"type": "string"}}}},
            data={"literalValue": {**_NEW, "$defs": {"day": {"type": "string"}}}},
        ),
        Example({"schema": "text"}, error="'schema' needs a JSON schema"),
    ),
)
def edit_json_schema(call: Call) -> dict[str, Json]:
    """Add fields to a JSON schema without changing those it has."""
    schema = call.get("schema")
    if schema is not None and not isinstance(schema, Mapping):
        raise NodeError(
            f"'schema' needs a JSON schema, but got {described(schema)}.",
            code="value.not_object",
            pin="schema",
        )
    added = call.data.get("literalValue")
    return {"schema": extended(schema or {}, added if isinstance(added, Mapping) else {})}
