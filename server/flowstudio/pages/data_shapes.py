"""The shape of a value: what JSON Schema would say of it, inferred from what it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .data_views import date_in, inner

Json = Any
MOST_ITEMS = 1_000  # of a list that are looked at
MOST_VALUES = 20_000  # of a whole value
MOST_LINES = 300
_WORDS = {"string": "text", "number": "number", "integer": "whole number", "boolean": "true or false"}


@dataclass(frozen=True)
class Line:
    """A place in a shape: how deep it is, its name, what stands there, and whether all objects there have it."""

    depth: int
    name: str
    words: str
    is_always: bool = True


class _Shaping:
    """One inference, which stops looking after so many values."""

    def __init__(self) -> None:
        self.left = MOST_VALUES
        self.is_cut = False

    def of(self, value: Json) -> dict[str, Json]:
        self.left -= 1
        if isinstance(value, Mapping):
            parts = {str(key): self.of(each) for key, each in inner(value)}
            return {"type": "object", "properties": parts, "required": sorted(parts)}
        if isinstance(value, list):
            items: dict[str, Json] = {}
            for place, each in inner(value):
                if place >= MOST_ITEMS or self.left <= 0:
                    self.is_cut = True
                    break
                items = merged(items, self.of(each))
            return {"type": "array", "items": items}
        if isinstance(value, str):
            form = date_in(value)
            return {"type": "string", **({"format": form} if form else {})}
        return {"type": _scalar(value)}


def _scalar(value: Json) -> str:
    if value is None:
        return "null"
    return "boolean" if isinstance(value, bool) else "integer" if isinstance(value, int) else "number"


def shape_of(value: Json) -> tuple[dict[str, Json], bool]:
    """Return the schema of a value, and whether some of a long list was not looked at."""
    shaping = _Shaping()
    return shaping.of(value), shaping.is_cut


def merged(one: dict[str, Json], other: dict[str, Json]) -> dict[str, Json]:
    """Return the schema that both values of the one and of the other fit."""
    if not one or one == other:
        return other
    kinds = {*_kinds(one), *_kinds(other)}
    if kinds == {"integer", "number"}:
        kinds = {"number"}
    if kinds == {"object"}:
        left, right = one["properties"], other["properties"]
        parts = {
            key: merged(left.get(key, {}), right[key]) if key in right else left[key]
            for key in dict.fromkeys((*left, *right))
        }
        required = sorted({*one["required"]} & {*other["required"]})
        return {"type": "object", "properties": parts, "required": required}
    if kinds == {"array"}:
        return {"type": "array", "items": merged(one["items"], other["items"])}
    plain = kinds - {"object", "array"}
    own = {key: schema for schema in (one, other) for key, schema in _inside(schema).items()}
    for key in own:
        own[key] = merged(_inside(one).get(key, {}), _inside(other).get(key, own[key]))
    words = sorted(plain)
    told: list[dict[str, Json]] = [*own.values()]
    if not told:
        return {"type": words[0] if len(words) == 1 else words}
    return {"anyOf": [*told, *({"type": each} for each in words)]}


def _kinds(schema: Mapping[str, Json]) -> list[str]:
    if "anyOf" in schema:
        return [kind for each in schema["anyOf"] for kind in _kinds(each)]
    held = schema.get("type", [])
    return held if isinstance(held, list) else [held]


def _inside(schema: Mapping[str, Json]) -> dict[str, Json]:
    """Return what a schema says of objects and of lists, by the word for them."""
    found = schema.get("anyOf", [schema])
    return {each["type"]: each for each in found if each.get("type") in ("object", "array")}


def lines_of(name: str, schema: Mapping[str, Json]) -> list[Line]:
    """Return a schema line by line, from the outermost in."""
    found: list[Line] = []
    for line in _lines(name, schema, 1, True):
        if len(found) >= MOST_LINES:
            break
        found.append(line)
    return found


def _lines(name: str, schema: Mapping[str, Json], depth: int, is_always: bool) -> Iterator[Line]:
    yield Line(depth, name, words_of_shape(schema), is_always)
    for each in _objects(schema):
        for key, part in each["properties"].items():
            yield from _lines(key, part, depth + 1, key in each["required"])


def _objects(schema: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    """Yield the objects that a schema holds right here, or in its lists."""
    for kind, each in _inside(schema).items():
        if kind == "object":
            yield each
        else:
            yield from _objects(each["items"])


def words_of_shape(schema: Mapping[str, Json], plural: bool = False) -> str:
    """Return what stands at a place, in words: "text or null", "list of objects"."""
    if not schema:
        return "nothing"
    if "anyOf" in schema:
        return " or ".join(words_of_shape(each, plural) for each in schema["anyOf"])
    kind = schema["type"]
    if isinstance(kind, list):
        return " or ".join(_WORDS.get(str(each), str(each)) for each in kind)
    if kind == "array":
        return f"list of {words_of_shape(schema['items'], True)}" if schema["items"] else "empty list"
    if kind == "object":
        return "objects" if plural else "object"
    form = schema.get("format")
    return "date" if form == "date" else "date and time" if form else _WORDS.get(str(kind), str(kind))
