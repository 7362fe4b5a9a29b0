"""Pinned outputs in the data tab of a node: what is pinned, and values to begin with where no run has any."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from abstractruntime.nodes.define import NodeType, Pin
from abstractruntime.nodes.pins import pins_of
from abstractruntime.visualflow_compiler.pinned import pinned_in

Json = Any
_BY_TYPE: Mapping[str, Json] = {
    "number": 1,
    "boolean": True,
    "array": ["one", "two"],
    "object": {"name": "Ada"},
}
_TOLD = ("goto", "finish", "effect", "settled")  # of an example: what it says besides outputs
MOST_LINES = 16


def pinned_words(kind: NodeType, data: Mapping[str, Json]) -> dict[str, Json]:
    """Return what is pinned to a node as text, by which output it leaves, and whether it can be pinned at all."""
    outputs = pins_of(kind, data)[1]
    exits = [pin for pin in outputs if pin.is_exec]
    named = [pin for pin in outputs if not pin.is_exec and not pin.hidden]
    held = pinned_in(data)
    text = json.dumps(held["outputs"], ensure_ascii=False, indent=2) if held is not None else ""
    way = str(held.get("exit") or "") if held is not None else ""
    return {
        "is_pinned": held is not None,
        "pinned_text": text,
        "pinned_lines": min(text.count("\n") + 1, MOST_LINES),
        "pinned_exit": way,
        "pinned_exits": exits,
        "has_way": not exits or way in ("", *(pin.id for pin in exits)),
        "can_pin": bool(named) and (bool(exits) or not kind.is_exec),
        "sample": json.dumps(sample(kind, data, named, exits), ensure_ascii=False),
    }


def sample(kind: NodeType, data: Mapping[str, Json], named: list[Pin], exits: list[Pin]) -> dict[str, Json]:
    """Return outputs for a try: what the node's own defaults or an example of its type say, else one of the pin's type."""
    defaults = data.get("pinDefaults")
    own = defaults if kind.kind == "event" and isinstance(defaults, Mapping) else {}
    known = {**_example(kind, {pin.id for pin in named}), **own}
    outputs = {pin.id: known[pin.id] if pin.id in known else _of_type(pin) for pin in named}
    return {"outputs": outputs, **({"exit": exits[0].id} if exits else {})}


def _example(kind: NodeType, names: set[str]) -> dict[str, Json]:
    """Return the outputs of the first example that says one of these."""
    for each in kind.examples:
        settled = each.outputs.get("settled")
        told = settled if isinstance(settled, Mapping) else each.outputs
        found = {pin: value for pin, value in told.items() if pin in names and pin not in _TOLD}
        if found and each.error is None:
            return found
    return {}


def _of_type(pin: Pin) -> Json:
    return _BY_TYPE.get(pin.type, f"sample {pin.label or pin.id}" if pin.type in ("string", "any") else None)
