"""What a flow takes: the values of its start node, for a form and as a JSON Schema."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from abstractruntime.nodes.catalog import catalog
from abstractruntime.nodes.deadlines import ON_TIMEOUT
from abstractruntime.nodes.pins import may_flow
from abstractruntime.nodes.waiting import DURATION

Json = Any
DIALECT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True)
class Input:
    """One value that a flow takes; `default` is null where its author gave none."""

    id: str
    label: str
    type: str
    description: str
    default: Json


def inputs_of(document: Mapping[str, Json]) -> list[Input]:
    """Return what a flow's start node takes, with its defaults."""
    start = catalog().start
    names = (start.name, *start.was) if start else ()
    starts = [node for node in document.get("nodes", []) if node.get("type") in names]
    data = starts[0].get("data") if starts else None
    if not isinstance(data, Mapping):
        return []
    defaults = data.get("pinDefaults")
    given = defaults if isinstance(defaults, Mapping) else {}
    pins = data.get("outputs")
    return [
        _input(pin, given)
        for pin in (pins if isinstance(pins, list) else [])
        if isinstance(pin, Mapping) and isinstance(pin.get("id"), str) and pin.get("type") != "execution"
    ]


def waits_for_time(document: Mapping[str, Json]) -> bool:
    """Say whether a step of a flow waits for some time, or for an answer until a deadline."""
    for node in document.get("nodes", []):
        kind, data = catalog().resolve(str(node.get("type"))), node.get("data")
        paths = {field.path for field in kind.fields} if kind is not None else set()
        chosen = data.get(ON_TIMEOUT.path) if isinstance(data, Mapping) else None
        if DURATION.path in paths or (ON_TIMEOUT.path in paths and chosen not in (None, "", "wait")):
            return True
    return False


def input_schema(name: str, inputs: Iterable[Input]) -> dict[str, Json]:
    """Return the JSON Schema of the `inputs` that a run of a flow takes; none of them has to be given."""
    return {
        "$schema": DIALECT,
        "title": name,
        "type": "object",
        "properties": {each.id: _property(each) for each in inputs},
        "additionalProperties": True,  # they are variables of the run
    }


def _input(pin: Mapping[str, Json], defaults: Mapping[str, Json]) -> Input:
    name, label = str(pin["id"]), pin.get("label")
    return Input(
        id=name,
        label=label if isinstance(label, str) and label.strip() else name,
        type=str(pin.get("type") or "any"),
        description=str(pin.get("description") or ""),
        default=defaults.get(name),
    )


def _property(each: Input) -> dict[str, Json]:
    made: dict[str, Json] = {"title": each.label, "x-pin-type": each.type}
    if types := json_types(each.type):
        made["type"] = [*types, "null"]  # null is a value too
    if each.description:
        made["description"] = each.description
    if each.default is not None:
        made["default"] = each.default
    return made


def json_types(pin_type: str) -> list[str]:
    """Return the JSON types that fit a pin: its own, else those of what it may be wired to; empty for any."""
    if pin_type in ("any", "number", "boolean", "string", "array", "object"):
        return [] if pin_type == "any" else [pin_type]
    if any(may_flow(pin_type, text) for text in _TEXTS):
        return ["string"]
    return [name for name in ("array", "object") if may_flow(pin_type, name)]


_TEXTS = ("string", "provider", "model", "agent")
