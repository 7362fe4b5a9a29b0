"""Lists: making, measuring, picking, changing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .authored import grown, pin_value
from .define import UNSET, Call, Example, Finding, Grow, NodeError, Pin, pure
from .paths import find, parse, read
from .values import described, items, json_text, text, whole

Json = Any

_ARRAY = Pin("array", "array", description="The list.")
_ITEMS = Pin("items", "array", description="The list.")
_VALUES = Grow("inputs", "letters", 1, description="A value that becomes an item; null is left out.")
_LISTS = Grow(
    "inputs", "letters", 2, "array", "A list; a single value counts as a list of one, null as an empty list."
)


@pure(
    "make_array",
    family="lists",
    label="Make Array",
    inputs=(_VALUES.pin("a"),),
    outputs=(Pin("result", "array", description="The values in the order of their pins, without nulls."),),
    grows=_VALUES,
    keywords=("list", "build", "new", "collect", "items"),
    examples=(
        Example(
            {"a": 1, "b": None, "c": [2]},
            {"result": [1, [2]]},
            data={"inputs": [{"id": name, "type": "any"} for name in ("a", "b", "c")]},
            note="Null is left out; a list stays a list inside.",
        ),
        Example({}, {"result": []}),
    ),
)
def make_array(call: Call) -> dict[str, Json]:
    """Make a list of single values, in the order of the pins."""
    return {"result": [call.inputs[pin] for pin in grown(call) if call.inputs[pin] is not None]}


@pure(
    "array_concat",
    family="lists",
    label="Array Concat",
    inputs=(_LISTS.pin("a"), _LISTS.pin("b")),
    outputs=(Pin("result", "array", description="The items of all lists, in the order of their pins."),),
    grows=_LISTS,
    keywords=("join", "combine", "extend", "append", "list", "plus"),
    examples=(
        Example({"a": [1, 2], "b": [[3]]}, {"result": [1, 2, [3]]}),
        Example({"a": "one", "b": None}, {"result": ["one"]}, note="A single value is added as an item."),
    ),
)
def array_concat(call: Call) -> dict[str, Json]:
    """Put lists together to one, in the order of the pins."""
    return {"result": [item for pin in grown(call) for item in items(call.inputs[pin])]}


@pure(
    "array_length",
    family="lists",
    label="Array Length",
    sentence="How many {array} has",
    inputs=(_ARRAY,),
    outputs=(Pin("result", "number", description="How many items there are; 0 when it is no list."),),
    keywords=("count", "size", "how many", "len"),
    examples=(
        Example({"array": ["a", "b"]}, {"result": 2}),
        Example({"array": "text"}, {"result": 0}, note="What is no list has no items."),
    ),
)
def array_length(call: Call) -> dict[str, Json]:
    """Count the items of a list."""
    array = call.get("array")
    return {"result": len(array) if isinstance(array, list) else 0}


@pure(
    "array_append",
    family="lists",
    label="Array Append",
    sentence="{array} and {item}",
    inputs=(_ARRAY, Pin("item", "any", description="What to add; null is added too.")),
    outputs=(Pin("result", "array", description="A new list with the item at its end."),),
    keywords=("add", "push", "insert", "list"),
    examples=(
        Example({"array": [1], "item": 2}, {"result": [1, 2]}),
        Example({"array": None, "item": None}, {"result": [None]}),
        Example({"array": "one", "item": "two"}, {"result": ["one", "two"]}),
    ),
)
def array_append(call: Call) -> dict[str, Json]:
    """Give a copy of a list with one more item at its end."""
    return {"result": [*items(call.get("array")), call.get("item")]}


def _index(value: Json) -> int:
    return 0 if value is None or isinstance(value, bool) else whole(value, "index")


@pure(
    "get_element",
    family="lists",
    label="Get Element",
    sentence="Element {index} of {array}[; else {default}]",
    inputs=(
        _ARRAY,
        Pin("index", "number", 0, "Which item, from 0; negative counts from the end."),
        Pin("default", "any", None, "What to give when there is no such item."),
    ),
    outputs=(
        Pin("result", "any", description="The item at that place, or `default` when there is none."),
        Pin("found", "boolean", description="Whether there is such an item."),
    ),
    keywords=("pick", "item", "at", "first", "last", "nth", "list"),
    examples=(
        Example({"array": ["a", "b"], "index": -1}, {"result": "b", "found": True}),
        Example({"array": [], "default": "none"}, {"result": "none", "found": False}),
        Example({"array": ["a"], "index": "x"}, error="'index' needs a number"),
    ),
)
def get_element(call: Call) -> dict[str, Json]:
    """Take one item of a list."""
    array, index = items(call.get("array")), _index(call.get("index", 0))
    found = -len(array) <= index < len(array)
    return {"result": array[index] if found else call.get("default"), "found": found}


@pure(
    "get_random_element",
    family="lists",
    label="Get Random Element",
    sentence="Any one of {array}",
    inputs=(_ARRAY, Pin("default", "any", None, "What to give when the list is empty.")),
    outputs=(
        Pin("result", "any", description="The item drawn, or `default` when the list is empty."),
        Pin("found", "boolean", description="Whether there was an item."),
    ),
    once=True,
    keywords=("pick", "chance", "draw", "lottery", "choose", "shuffle"),
    examples=(
        Example(
            {"array": ["a", "b", "c"]},
            {"result": "a", "found": True},
            note="Another step may draw another item.",
        ),
        Example({"array": [], "default": 0}, {"result": 0, "found": False}),
    ),
)
def get_random_element(call: Call) -> dict[str, Json]:
    """Draw one item of a list by chance.

    All readers of one step get the same item, also when the step is repeated after a restart.
    """
    array = items(call.get("array"))
    if not array:
        return {"result": call.get("default"), "found": False}
    return {"result": array[call.random.randrange(len(array))], "found": True}


@pure(
    "array_dedup",
    family="lists",
    label="Array Dedup",
    sentence="{array}, each once[ by {key|name}]",
    inputs=(_ARRAY, Pin("key", "string", description="What to compare, as in user.id; nothing: all of it.")),
    outputs=(Pin("result", "array", description="The first of the items that are alike, in the old order."),),
    keywords=("unique", "distinct", "duplicates", "set", "clean"),
    examples=(
        Example({"array": [1, "1", 1, True]}, {"result": [1, "1", True]}, note="1 and the text 1 differ."),
        Example(
            {"array": [{"id": 1, "n": "a"}, {"id": 1, "n": "b"}, {"n": "c"}], "key": "id"},
            {"result": [{"id": 1, "n": "a"}, {"n": "c"}]},
        ),
        Example({"array": "text"}, {"result": []}),
    ),
)
def array_dedup(call: Call) -> dict[str, Json]:
    """Leave out the items that came before, and keep the order."""
    array = call.get("array")
    segments = parse(text(call.get("key")).strip(), "key")
    seen: dict[tuple[bool, str], Json] = {}
    for item in array if isinstance(array, list) else ():
        found, part = find(item, segments) if segments else (False, None)
        seen.setdefault((found, json_text(part if found else item, sort_keys=True)), item)
    return {"result": list(seen.values())}


def _listed(call: Call) -> list[Json]:
    value = call.get("items")
    if value is None:
        raise NodeError(
            f"'items' needs a list, but got {described(value)}.", code="value.not_array", pin="items"
        )
    return items(value)


def _entry(item: dict[str, Json], key: str) -> Json:
    """Read an entry by its very name, or else as a path."""
    return item[key] if key in item else read(item, key, pin="key")


def _check_map(data: Mapping[str, Json]) -> list[Finding]:
    key = pin_value(data, "key")
    if key is UNSET or not text(key).strip():
        message = "No entry is named, so nothing is taken: write which one, as in name."
        return [Finding("risk", "map.no_key", message, pin="key")]
    return []


@pure(
    "array_map",
    family="lists",
    label="Map Array",
    sentence="{key|name} of each of {items}",
    inputs=(_ITEMS, Pin("key", "string", description="Which entry to take, as in name or address.city.")),
    outputs=(
        Pin(
            "result",
            "array",
            description="One entry for each object, null where it has none; other items as they are.",
        ),
    ),
    check=_check_map,
    keywords=("pluck", "column", "field", "each", "select", "transform"),
    examples=(
        Example(
            {"items": [{"n": "a", "p": {"q": 1}}, {"n": "b"}], "key": "p.q"},
            {"result": [1, None]},
        ),
        Example(
            {"items": ["x", {"n": 1}], "key": "n"}, {"result": ["x", 1]}, note="Items without entries stay."
        ),
        Example({"items": None, "key": "n"}, error="'items' needs a list"),
    ),
)
def array_map(call: Call) -> dict[str, Json]:
    """Take one entry of every object in a list."""
    key = text(call.get("key")).strip()
    return {"result": [_entry(item, key) if isinstance(item, dict) else item for item in _listed(call)]}


@pure(
    "array_filter",
    family="lists",
    label="Filter Array",
    sentence="Those of {items} whose {key|name} is {value}",
    inputs=(
        _ITEMS,
        Pin("key", "string", description="Which entry to look at, as in status; nothing: the item itself."),
        Pin("value", "any", description="What it must be equal to."),
    ),
    outputs=(Pin("result", "array", description="The items that fit, whole and in the old order."),),
    keywords=("where", "select", "keep", "search", "find", "only"),
    examples=(
        Example(
            {"items": [{"s": "on", "id": 1}, {"s": "off", "id": 2}], "key": "s", "value": "on"},
            {"result": [{"s": "on", "id": 1}]},
        ),
        Example({"items": [1, 2, 1], "value": 1}, {"result": [1, 1]}),
        Example({"items": None, "value": 1}, error="'items' needs a list"),
    ),
)
def array_filter(call: Call) -> dict[str, Json]:
    """Keep the items whose entry is equal to a value."""
    key, wanted = text(call.get("key")).strip(), call.get("value")
    return {
        "result": [
            item
            for item in _listed(call)
            if (_entry(item, key) if key and isinstance(item, dict) else item) == wanted
        ]
    }
