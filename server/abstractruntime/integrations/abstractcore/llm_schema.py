"""Structured output: from any spelling of a schema to one JSON Schema, and to a model that validates.

(source: contract/kernel.md 9.4.2, contract/integrations.md 3.4)
"""

from __future__ import annotations

import ast
import functools
import json
import keyword
import operator
import re
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError, create_model

from .guard import NotInstalled

DEFAULT_NAME = "StructuredOutput"
NOT_AN_OBJECT = "response_schema must be a JSON schema object"
SEMANTICS = "abstractsemantics:"
SOURCE = "__source_schema__"
_KINDS: dict[str, Any] = {
    "string": str,
    "text": str,
    "str": str,
    "integer": int,
    "int": int,
    "number": float,
    "float": float,
    "boolean": bool,
    "bool": bool,
    "null": type(None),
    "array": list[Any],
    "list": list[Any],
    "object": dict[str, Any],
    "dict": dict[str, Any],
}
_JSON_NAMES = {"text": "string", "str": "string", "int": "integer", "float": "number", "bool": "boolean"}
_SCHEMA_WORDS = frozenset({"type", "properties", "anyOf", "oneOf", "allOf", "$ref", "enum", "const", "items"})
_FENCE = re.compile(r"```(?:json)?\s*(.*?)```", re.DOTALL)


class BadSchema(ValueError):
    """A schema cannot be used for structured output; the message says why."""


def read_schema(given: Any) -> dict[str, Any]:
    """Return the JSON Schema that is meant; its root is an object with properties. Raises BadSchema."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            raise BadSchema(f"{NOT_AN_OBJECT}; its text is not JSON") from None
    if not isinstance(given, Mapping):
        raise BadSchema(f"{NOT_AN_OBJECT}, not {type(given).__name__}")
    for wrapper in ("response_format", "json_schema", "schema"):
        if isinstance(given.get(wrapper), Mapping) and not _looks_like_schema(given):
            return read_schema(given[wrapper])
    if isinstance(given.get("json_schema"), Mapping):
        return read_schema(given["json_schema"])
    ref = given.get("$ref")
    if isinstance(ref, str) and ref.startswith(SEMANTICS):
        return read_schema(_semantics(dict(given)))
    schema = dict(given) if _looks_like_schema(given) else _of_field_map(given)
    if "properties" in schema:
        schema.setdefault("type", "object")
    if schema.get("type") != "object":
        raise BadSchema(f"{NOT_AN_OBJECT}; its root is {schema.get('type')!r}")
    if not isinstance(schema.get("properties"), Mapping) or not schema["properties"]:
        raise BadSchema("response_schema has no properties: say which fields the answer has")
    return schema


def _looks_like_schema(given: Mapping[str, Any]) -> bool:
    """Say whether this is a schema, and not a map of fields to their types."""
    if isinstance(given.get("properties"), Mapping) or "$ref" in given:
        return True
    kind = given.get("type")
    return (isinstance(kind, str) and kind in _KINDS and bool(_SCHEMA_WORDS & set(given))) or kind == "object"


def _of_field_map(fields: Mapping[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for name, kind in fields.items():
        if isinstance(kind, str):
            known = kind.strip().lower()
            properties[str(name)] = {"type": _JSON_NAMES.get(known, known if known in _KINDS else "string")}
        elif isinstance(kind, Mapping) and _SCHEMA_WORDS & set(kind):
            properties[str(name)] = dict(kind)
        elif isinstance(kind, Mapping):
            properties[str(name)] = _of_field_map(kind)
        elif isinstance(kind, list):
            item = _of_field_map({"item": kind[0]})["properties"]["item"] if kind else {}
            properties[str(name)] = {"type": "array", "items": item}
        else:
            properties[str(name)] = {"type": _kind_of(kind)}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _kind_of(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", type(None): "null"}
    return names.get(type(value), "string")


def _semantics(schema: dict[str, Any]) -> Any:
    from_import = "the schema reference needs abstractsemantics: pip install 'flowstudio[memory]'"
    try:
        resolve = import_module("abstractsemantics").resolve_schema_ref
    except ImportError:
        raise NotInstalled(f"{schema['$ref']}: {from_import}") from None
    found = resolve(schema)
    if found is None:
        raise BadSchema(f"The schema reference {schema['$ref']!r} is unknown to abstractsemantics")
    return found


# ---- the model that validates --------------------------------------------------------------------


def model_of(schema: Mapping[str, Any], *, name: str = DEFAULT_NAME) -> type[BaseModel]:
    """Return a pydantic model for a schema whose root is an object; it remembers the schema."""
    made = _object(schema, re.sub(r"\W+", "_", name) or DEFAULT_NAME, _definitions(schema))
    setattr(made, SOURCE, dict(schema))
    return made


def model_of_either(schema: Mapping[str, Any], *, name: str) -> type[BaseModel]:
    """Return a pydantic model for a schema whose root is `anyOf` of objects."""
    root: Any = RootModel[_type(schema, name, _definitions(schema), 0)]  # type: ignore[misc]
    return create_model(name, __base__=root)


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema a model was made from, else the one it tells of itself."""
    found: dict[str, Any] | None = getattr(model, SOURCE, None)
    return found if found is not None else model.model_json_schema()


def _definitions(schema: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for place in ("$defs", "definitions"):
        if isinstance(schema.get(place), Mapping):
            found |= schema[place]
    return found


def _object(
    schema: Mapping[str, Any], name: str, known: Mapping[str, Any], level: int = 0
) -> type[BaseModel]:
    listed, properties = schema.get("required"), schema.get("properties")
    required = {each for each in listed if isinstance(each, str)} if isinstance(listed, list) else set()
    fields: dict[str, Any] = {}
    for place, (key, each) in enumerate(properties.items() if isinstance(properties, Mapping) else ()):
        own = each if isinstance(each, Mapping) else {}
        kind = _type(own, f"{name}_{key}", known, level + 1)
        is_plain = key.isidentifier() and not keyword.iskeyword(key) and not key.startswith(("_", "model_"))
        options: dict[str, Any] = {} if is_plain else {"alias": key}
        if isinstance(own.get("description"), str):
            options["description"] = own["description"]
        if key in required:
            default: Any = ...
        else:
            default, kind = own.get("default"), kind if "default" in own else _either((kind, type(None)))
        fields[key if is_plain else f"field_{place}"] = (kind, Field(default, **options))
    settings = ConfigDict(
        populate_by_name=True,
        extra="forbid" if schema.get("additionalProperties") is False else "ignore",
        protected_namespaces=(),
    )
    made: type[BaseModel] = create_model(name, __config__=settings, **fields)
    return made


def _type(schema: Any, name: str, known: Mapping[str, Any], level: int) -> Any:
    if not isinstance(schema, Mapping):
        return Any  # `true`, or nothing that a schema could be: it says nothing of its values
    ref = schema.get("$ref")
    if isinstance(ref, str):
        target = known.get(ref.rpartition("/")[2])
        # A schema that contains itself is checked down to here; what is deeper is taken as it comes.
        return _type(target, name, known, level + 1) if isinstance(target, Mapping) and level < 12 else Any
    if "const" in schema:
        return _literal([schema["const"]])
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return _literal(schema["enum"])
    for way in ("anyOf", "oneOf"):
        if isinstance(schema.get(way), list) and schema[way]:
            options = tuple(
                _type(each, f"{name}_{n}", known, level + 1) for n, each in enumerate(schema[way])
            )
            return _either(options)
    if isinstance(schema.get("allOf"), list) and len(schema["allOf"]) == 1:
        return _type(schema["allOf"][0], name, known, level + 1)
    kind = schema.get("type")
    if isinstance(kind, list) and kind:
        return _either([_type({**schema, "type": each}, name, known, level + 1) for each in kind])
    if isinstance(schema.get("properties"), Mapping) and schema["properties"]:
        return _object(schema, re.sub(r"\W+", "_", name), known, level)
    if kind in ("array", "list") and isinstance(schema.get("items"), Mapping):
        return list[_type(schema["items"], f"{name}_item", known, level + 1)]  # type: ignore[misc]
    return _KINDS.get(kind, Any) if isinstance(kind, str) else Any


def _either(options: Iterable[Any]) -> Any:
    """Return the type of a value of one of these types."""
    return functools.reduce(operator.or_, options)


def _literal(values: list[Any]) -> Any:
    plain = tuple(value for value in values if isinstance(value, str | int | bool) or value is None)
    return Literal[plain] if len(plain) == len(values) else Any


def validated(model: type[BaseModel], value: Any) -> dict[str, Any]:
    """Return a value as its model's JSON; raise ValidationError when it does not fit."""
    made: dict[str, Any] = model.model_validate(value).model_dump(mode="json", by_alias=True)
    return made


def wrong(error: ValidationError) -> str:
    """Return what is wrong with an answer, in words that a model can act on."""
    return "; ".join(
        f"{'.'.join(str(step) for step in each['loc']) or 'the answer'}: {each['msg']}"
        for each in error.errors(include_url=False)[:8]
    )


def parse_leniently(text: str) -> dict[str, Any] | list[Any]:
    """Return the JSON in a text: bare, fenced, or among words; a scalar as `{"value": x}`.

    Raises ValueError when there is none.
    """
    fenced = _FENCE.search(text)
    for body in filter(None, (text, fenced and fenced[1], _span(text, "{", "}"), _span(text, "[", "]"))):
        for read in (json.loads, ast.literal_eval):
            try:
                value = read(body.strip())
            except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
                continue
            return value if isinstance(value, dict | list) else {"value": value}
    raise ValueError(f"no JSON in the answer: {text[:200]!r}")


def _span(text: str, first: str, last: str) -> str | None:
    begin, end = text.find(first), text.rfind(last)
    return text[begin : end + 1] if 0 <= begin < end else None
