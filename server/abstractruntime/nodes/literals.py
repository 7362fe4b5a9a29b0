"""Constants: values that are written into the flow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .define import Call, Example, Field, Finding, Pin, pure
from .values import described

Json = Any

_SCHEMA = {
    "type": "object",
    "properties": {"data": {"type": "string"}},
    "required": ["data"],
    "additionalProperties": False,
}
_PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "number"}},
    "required": ["name"],
}
_FITS: dict[str, Callable[[Json], bool]] = {
    "text": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "true or false": lambda value: isinstance(value, bool),
    "list": lambda value: isinstance(value, list),
    "JSON schema": lambda value: isinstance(value, (dict, bool)),
}


def _value(call: Call) -> dict[str, Json]:
    return {"value": call.data.get("literalValue")}


def _constant(kind: str) -> Pin:
    return Pin("value", kind, description="The constant exactly as written, also when it is of another kind.")


def _check(wanted: str) -> Callable[[Mapping[str, Json]], list[Finding]]:
    """Return a check that the constant is what its node is for; it is used as it is all the same."""

    def check(data: Mapping[str, Json]) -> list[Finding]:
        value = data.get("literalValue")
        if "literalValue" not in data or _FITS[wanted](value):
            return []
        message = f"This constant should be a {wanted} but is {described(value)}; it is handed on as it is."
        return [Finding("risk", "literal.other_type", message)]

    return check


def _field(kind: str, default: Json, widget: str | None = None) -> tuple[Field, ...]:
    return (Field("literalValue", kind, default, "Value", "The constant.", widget=widget),)


@pure(
    "literal_string",
    family="literals",
    fixed=True,
    label="String",
    sentence="{literalValue}",
    outputs=(_constant("string"),),
    fields=_field("string", "", "text"),
    check=_check("text"),
    template={"literalValue": ""},
    keywords=("text", "constant", "word"),
    examples=(
        Example(data={"literalValue": "hello"}, outputs={"value": "hello"}),
        Example(data={"literalValue": "a\\nb"}, outputs={"value": "a\\nb"}, note="Used exactly as written."),
    ),
)
def literal_string(call: Call) -> dict[str, Json]:
    """Give a fixed text."""
    return _value(call)


@pure(
    "literal_number",
    family="literals",
    fixed=True,
    label="Number",
    sentence="{literalValue}",
    outputs=(_constant("number"),),
    fields=_field("number", 0),
    check=_check("number"),
    template={"literalValue": 0},
    keywords=("constant", "integer", "decimal"),
    examples=(
        Example(data={"literalValue": 2.5}, outputs={"value": 2.5}),
        Example(data={"literalValue": "7"}, outputs={"value": "7"}, note="Used exactly as written."),
    ),
)
def literal_number(call: Call) -> dict[str, Json]:
    """Give a fixed number."""
    return _value(call)


@pure(
    "literal_boolean",
    family="literals",
    fixed=True,
    label="Boolean",
    sentence="{literalValue}",
    outputs=(_constant("boolean"),),
    fields=_field("boolean", False),
    check=_check("true or false"),
    template={"literalValue": False},
    keywords=("constant", "true", "false", "yes", "no", "switch"),
    examples=(
        Example(data={"literalValue": True}, outputs={"value": True}),
        Example(data={"literalValue": False}, outputs={"value": False}),
    ),
)
def literal_boolean(call: Call) -> dict[str, Json]:
    """Give a fixed yes or no."""
    return _value(call)


def _typed_value(default: str) -> Callable[[Mapping[str, Json]], tuple[tuple[Pin, ...], tuple[Pin, ...]]]:
    """Return a shape whose value pin keeps the type that the document gave it (object, memory...)."""

    def shape(data: Mapping[str, Json]) -> tuple[tuple[Pin, ...], tuple[Pin, ...]]:
        saved = data.get("outputs")
        pins = [pin for pin in saved if isinstance(pin, Mapping)] if isinstance(saved, (list, tuple)) else []
        types = [pin.get("type") for pin in pins if pin.get("id") == "value"]
        kind = types[0] if types and isinstance(types[0], str) and types[0] != "execution" else default
        return (), (_constant(kind),)

    return shape


@pure(
    "literal_json",
    family="literals",
    fixed=True,
    label="JSON",
    sentence="{literalValue}",
    outputs=(_constant("object"),),
    fields=_field("any", {}, "json"),
    shape=_typed_value("object"),
    template={"literalValue": {}},
    keywords=("object", "constant", "record", "dictionary", "memory", "assertion"),
    examples=(
        Example(data={"literalValue": {"a": [1, 2]}}, outputs={"value": {"a": [1, 2]}}),
        Example(data={"literalValue": None}, outputs={"value": None}),
    ),
)
def literal_json(call: Call) -> dict[str, Json]:
    """Give a fixed object, or any other JSON value."""
    return _value(call)


@pure(
    "literal_array",
    family="literals",
    fixed=True,
    label="Array",
    sentence="{literalValue}",
    outputs=(_constant("array"),),
    fields=_field("array", [], "json"),
    shape=_typed_value("array"),
    check=_check("list"),
    template={"literalValue": []},
    keywords=("list", "constant", "items", "choices"),
    examples=(
        Example(data={"literalValue": ["yes", "no"]}, outputs={"value": ["yes", "no"]}),
        Example(data={"literalValue": []}, outputs={"value": []}),
    ),
)
def literal_array(call: Call) -> dict[str, Json]:
    """Give a fixed list."""
    return _value(call)


@pure(
    "json_schema",
    family="literals",
    fixed=True,
    label="JSON Schema",
    outputs=(
        Pin("value", "object", label="schema", description="The schema."),
        Pin("schema", "object", hidden=True),
    ),
    fields=_field("object", {}, "schema"),
    check=_check("JSON schema"),
    template={"literalValue": _SCHEMA},
    keywords=("structure", "format", "fields", "form", "type"),
    examples=(
        Example(
            data={"literalValue": _PERSON},
            outputs={"value": _PERSON, "schema": _PERSON},
            note="A person with a name, and perhaps an age.",
        ),
        Example(data={}, outputs={"value": None, "schema": None}),
    ),
)
def json_schema(call: Call) -> dict[str, Json]:
    """Describe the shape of data: which fields it has and of what kind they are."""
    schema = call.data.get("literalValue")
    return {"value": schema, "schema": schema}
