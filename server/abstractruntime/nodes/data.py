"""Objects and JSON: reaching inside, changing, making, reading and writing text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .authored import pin_value, setting
from .define import UNSET, Call, Example, Field, Finding, Grow, NodeError, Pin, pure
from .jsontext import decoded, first_value
from .paths import Segment, parse, read, write
from .values import described, json_text, number, text, truth

Json = Any

_PATH_HELP = 'Which entry, as in address.city, lines[0].price or ["a.b"].'
_WIDEST_INDENT = 16


def _object(value: Json, pin: str) -> dict[str, Json]:
    if isinstance(value, dict):
        return value
    raise NodeError(f"'{pin}' needs an object, but got {described(value)}.", code="value.not_object", pin=pin)


def _check_key(data: Mapping[str, Json]) -> list[Finding]:
    key = pin_value(data, "key")
    if key is UNSET or not text(key):
        return [Finding("note", "path.none", "No entry is named.", pin="key")]
    try:
        parse(text(key))
    except NodeError as problem:
        return [Finding("risk", problem.code, str(problem), pin="key")]
    return []


@pure(
    "get",
    family="data",
    label="Get Property",
    sentence="{key|name} of {object}[; else {default}]",
    inputs=(
        Pin("object", "object", description="Where to look; a list is fine too."),
        Pin("key", "string", description=_PATH_HELP),
        Pin("default", "any", None, "What to give when there is nothing."),
    ),
    outputs=(Pin("value", "any", description="The entry, or `default` when it is missing or null."),),
    check=_check_key,
    keywords=("read", "field", "path", "pick", "property", "attribute", "json"),
    examples=(
        Example({"object": {"lines": [{"price": 3}]}, "key": "lines[0].price"}, {"value": 3}),
        Example({"object": {"a.b": 1}, "key": '["a.b"]'}, {"value": 1}, note="A key with a dot."),
        Example(
            {"object": {"a": None}, "key": "a", "default": "none"},
            {"value": "none"},
            note="Null counts as nothing.",
        ),
        Example({"object": None, "key": "a"}, {"value": None}),
        Example({"object": {}, "key": "a[0"}, error="lacks a ']'"),
    ),
)
def get(call: Call) -> dict[str, Json]:
    """Read one entry of an object or a list, however deep it lies."""
    value = read(call.get("object"), text(call.get("key")).strip(), pin="key")
    return {"value": call.get("default") if value is None else value}


@pure(
    "set",
    family="data",
    label="Set Property",
    sentence="{object} with {key|name} set to {value}",
    inputs=(
        Pin("object", "object", description="The object; nothing is changed in it."),
        Pin("key", "string", description=_PATH_HELP),
        Pin("value", "any", description="What to put there."),
    ),
    outputs=(Pin("result", "object", description="The copy with the entry in its place."),),
    check=_check_key,
    keywords=("write", "field", "path", "change", "property", "assign", "json"),
    examples=(
        Example({"object": {"a": 1}, "key": "b.c", "value": 2}, {"result": {"a": 1, "b": {"c": 2}}}),
        Example(
            {"object": {"l": [1, 2]}, "key": "l[2]", "value": 3},
            {"result": {"l": [1, 2, 3]}},
            note="The place behind the end makes the list longer.",
        ),
        Example({"object": None, "key": "a", "value": 1}, {"result": {"a": 1}}),
        Example({"object": {"l": []}, "key": "l[4]", "value": 3}, error="no position 4 in a list of 0"),
        Example({"object": 5, "key": "a", "value": 1}, error="'object' needs an object"),
    ),
)
def set_(call: Call) -> dict[str, Json]:
    """Give a copy of an object with one entry changed or added."""
    root = call.get("object")
    if root is not None and not isinstance(root, list):
        root = _object(root, "object")
    key = text(call.get("key")).strip()
    segments = parse(key, "key") or (Segment(""),)
    return {"result": write({} if root is None else root, segments, call.get("value"), "key")}


@pure(
    "merge",
    family="data",
    label="Merge Objects",
    sentence="{a} with {b} laid over",
    inputs=(Pin("a", "object", {}, "The object to begin with."), Pin("b", "object", {}, "Its entries win.")),
    outputs=(
        Pin(
            "result",
            "object",
            description="The entries of both; an object inside `b` replaces that of `a` whole.",
        ),
    ),
    keywords=("combine", "join", "union", "extend", "object"),
    examples=(
        Example({"a": {"x": 1, "y": 1}, "b": {"y": 2}}, {"result": {"x": 1, "y": 2}}),
        Example({"a": {"x": 1}}, {"result": {"x": 1}}),
        Example({"a": None}, error="'a' needs an object"),
    ),
)
def merge(call: Call) -> dict[str, Json]:
    """Put the entries of two objects together; where both have one, the second wins."""
    return {"result": {**_object(call.get("a", {}), "a"), **_object(call.get("b", {}), "b")}}


@pure(
    "make_object",
    family="data",
    label="Create JSON",
    inputs=(),
    outputs=(
        Pin(
            "result",
            "object",
            description="An entry for each pin that has a wire or a value, by the pin's name.",
        ),
    ),
    saved_pins=True,
    grows=Grow("inputs", names="free"),
    keywords=("build", "object", "record", "dictionary", "new", "compose", "json"),
    examples=(
        Example(
            {"name": "Ada", "age": 36},
            {"result": {"name": "Ada", "age": 36}},
            data={"inputs": [{"id": "name", "type": "string"}, {"id": "age", "type": "number"}]},
        ),
        Example(
            {"b": None, "_hidden": 1},
            {"result": {"b": None}},
            data={"inputs": [{"id": "a", "type": "any"}, {"id": "b", "type": "any"}]},
            note="A pin without wire and value is left out; so is a name with _ in front.",
        ),
    ),
)
def make_object(call: Call) -> dict[str, Json]:
    """Make an object; each pin that you add becomes an entry."""
    order = [*call.pins, *(pin for pin in call.inputs if pin not in call.pins)]
    present = [pin for pin in order if pin in call.inputs and not pin.startswith("_")]
    return {"result": {pin: call.inputs[pin] for pin in present}}


def _selected(data: Mapping[str, Json]) -> tuple[str, ...]:
    paths = setting(data, "breakConfig.selectedPaths")
    listed = paths if isinstance(paths, (list, tuple)) else ()
    return tuple(dict.fromkeys(path.strip() for path in listed if isinstance(path, str) and path.strip()))


def _break_shape(data: Mapping[str, Json]) -> tuple[tuple[Pin, ...], tuple[Pin, ...]]:
    saved = data.get("outputs")
    pins = [pin for pin in saved if isinstance(pin, Mapping)] if isinstance(saved, (list, tuple)) else []
    types = {pin.get("id"): pin.get("type") for pin in pins if isinstance(pin.get("type"), str)}
    types = {name: "any" if kind == "execution" else kind for name, kind in types.items()}
    outputs = tuple(
        Pin(path, str(types.get(path, "any")), description="The entry at this path; null when there is none.")
        for path in _selected(data)
    )
    return (Pin("object", "object", description="What to take apart."),), outputs


def _check_break(data: Mapping[str, Json]) -> list[Finding]:
    findings = []
    for path in _selected(data):
        try:
            parse(path)
        except NodeError as problem:
            findings.append(Finding("risk", problem.code, str(problem), pin=path))
    return findings or (
        [] if _selected(data) else [Finding("note", "break.no_path", "No entries are chosen yet.")]
    )


@pure(
    "break_object",
    family="data",
    label="Break Object",
    inputs=(Pin("object", "object", description="What to take apart."),),
    outputs=(),
    fields=(
        Field(
            "breakConfig.selectedPaths",
            "array",
            [],
            "Entries",
            "Which entries get a pin; each is a path such as address.city.",
            widget="lines",
        ),
    ),
    shape=_break_shape,
    check=_check_break,
    template={"breakConfig": {"selectedPaths": []}},
    keywords=("split", "unpack", "fields", "destructure", "explode", "json"),
    examples=(
        Example(
            {"object": {"name": "Ada", "tags": ["x", "y"]}},
            {"name": "Ada", "tags[1]": "y", "age": None},
            data={"breakConfig": {"selectedPaths": ["name", "tags[1]", "age"]}},
        ),
        Example(
            {"object": '```json\n{"a": {"b": 1}}\n```'},
            {"a.b": 1},
            data={"breakConfig": {"selectedPaths": ["a.b"]}},
            note="Text is read as JSON first.",
        ),
        Example({"object": "no json"}, {"a": None}, data={"breakConfig": {"selectedPaths": ["a"]}}),
    ),
)
def break_object(call: Call) -> dict[str, Json]:
    """Take chosen entries out of an object, each at its own pin."""
    source = call.get("object")
    if isinstance(source, str):
        try:
            source = first_value(source, "object")
        except NodeError:
            source = None
    return {path: read(source, path, pin="object") for path in _selected(call.data) or call.outs}


@pure(
    "parse_json",
    family="data",
    label="Parse JSON",
    sentence="JSON in {text}",
    converts=True,
    inputs=(
        Pin("text", "string", description="JSON, also inside a code block or between sentences."),
        Pin("wrap_scalar", "boolean", True, hidden=True),
    ),
    outputs=(
        Pin(
            "result",
            "object",
            description="The object or list; a single value comes as the entry `value` of an object.",
        ),
    ),
    keywords=("read", "decode", "text", "object", "model", "answer"),
    examples=(
        Example({"text": 'Here:\n```json\n{"a": 1}\n```'}, {"result": {"a": 1}}),
        Example({"text": "{'a': True}"}, {"result": {"a": True}}, note="Also as Python writes it."),
        Example({"text": "12"}, {"result": {"value": 12}}, note="A single value is put into an object."),
        Example({"text": "null", "wrap_scalar": False}, {"result": None}),
        Example({"text": " "}, error="parse_json requires a non-empty 'text' input."),
        Example({"text": "not at all"}, error="Invalid JSON"),
    ),
)
def parse_json(call: Call) -> dict[str, Json]:
    """Turn JSON text into a value, also when something is written around it."""
    source = call.get("text")
    if not isinstance(source, (dict, list)):
        source = first_value(text(source))
    if isinstance(source, (dict, list)) or not truth(call.get("wrap_scalar", True), "wrap_scalar"):
        return {"result": source}
    return {"result": {"value": source}}


def _indent(call: Call) -> int | None:
    """Return the columns that an old document asks for; 0 means all on one line."""
    given = call.get("indent")
    return None if given is None else max(0, min(int(number(given, "indent")), _WIDEST_INDENT))


@pure(
    "stringify_json",
    family="data",
    label="Stringify JSON",
    sentence="{value} as JSON text",
    converts=True,
    inputs=(
        Pin("value", "any", description="What to write."),
        Pin(
            "mode",
            "string",
            "beautify",
            "beautify: over several lines; none: on one line; minified: as short as can be.",
            choices=("beautify", "none", "minified"),
        ),
        Pin("indent", "number", hidden=True),
        Pin("sort_keys", "boolean", False, hidden=True),
    ),
    outputs=(Pin("result", "string", description="The JSON, on one line or several as `mode` says."),),
    template={"pinDefaults": {"mode": "beautify"}},
    keywords=("write", "encode", "text", "serialize", "dump", "json"),
    examples=(
        Example({"value": {"a": [1]}, "mode": "minified"}, {"result": '{"a":[1]}'}),
        Example({"value": {"ü": 1}}, {"result": '{\n  "ü": 1\n}'}),
        Example(
            {"value": '{"a":1}', "mode": "none"}, {"result": '{"a": 1}'}, note="JSON text is read first."
        ),
        Example({"value": "plain"}, {"result": '"plain"'}),
    ),
)
def stringify_json(call: Call) -> dict[str, Json]:
    """Write a value as JSON text."""
    value, mode = call.get("value"), text(call.get("mode", "beautify")).strip().lower()
    if isinstance(value, str) and value.strip()[:1] in ("{", "["):
        try:
            value = decoded(value.strip())
        except ValueError:
            value = call.get("value")
    indent, sort_keys = _indent(call), truth(call.get("sort_keys", False), "sort_keys")
    if mode == "none" and indent is None:
        return {"result": json_text(value, sort_keys=sort_keys)}
    if mode == "minified" or indent == 0:
        return {"result": json_text(value, sort_keys=sort_keys, compact=True)}
    return {"result": json_text(value, sort_keys=sort_keys, indent=indent or 2)}
