"""Pinned outputs: what a node gave in a run, kept with it to stand for it in trial runs.

They are a mark of the editor in the document, `canvas.pinned` (decisions 0023 and 0060), so no program holds them:

    {"outputs": {output: value}, "exit": execution output}

Who starts a trial run hands them over (`pins_of`). There a pinned node is not executed: it gives what is pinned to
it, and control leaves by the execution output of the visit that gave it. Runs that it calls know nothing of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..nodes.define import ERROR_OUT, EXEC_OUT, NodeError
from .graph import Graph, Placed
from .problem import Problem, set_to
from .program import Op, Program
from .reading import WHOLE
from .trial import asked

MARK = ("canvas", "pinned")
MOST_BYTES = 65_536  # of what is pinned to one node, as JSON
_NONE: Mapping[str, Any] = {}
# What a pin of a type never takes as it is; a number may stand in a text, and an object too.
_ODD: Mapping[str, tuple[type, ...]] = {
    "string": (list, dict),
    "number": (list, dict),
    "boolean": (list, dict),
    "array": (dict, bool, int, float),
    "object": (list, bool, int, float),
}
_CALLED = {
    "string": "a text",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}


# of a run


def pins_asked(vars: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the pinned outputs of a run, by node."""
    found = asked(vars).get("pins")
    return found if isinstance(found, dict) else _NONE


def exit_of(pinned: Mapping[str, Any], op: Op) -> str:
    """Return the execution output by which a pinned node leaves; raise NodeError when it has no such one."""
    way = str(pinned.get("exit") or EXEC_OUT.id)
    if way in op.outs or way in (EXEC_OUT.id, op.catch):
        return way
    raise NodeError(
        f"What is pinned here leaves by the execution output '{way}', which this node does not have. "
        "Pin its outputs again, or unpin them.",
        code="pinned.unknown_exit",
    )


# of a document


def pinned_in(data: Any) -> Mapping[str, Any] | None:
    """Return what is pinned to a node, by its data in the document; None for nothing, or for what is no such mark."""
    for key in MARK:
        data = data.get(key) if isinstance(data, Mapping) else None
    outputs = data.get("outputs") if isinstance(data, Mapping) else None
    return data if isinstance(outputs, Mapping) and outputs else None


def pins_of(document: Mapping[str, Any], program: Program) -> dict[str, Any]:
    """Return what a trial run is asked for the nodes of its program that have pinned outputs."""
    nodes = document.get("nodes")
    found = {}
    for node in nodes if isinstance(nodes, list) else ():
        node_id = str(node.get("id") or "").strip() if isinstance(node, Mapping) else ""
        held = pinned_in(node.get("data")) if node_id in program.ops else None
        if held is not None:
            way = held.get("exit")
            found[node_id] = {"outputs": dict(held["outputs"]), "exit": way if isinstance(way, str) else ""}
    return found


def size_of(outputs: Mapping[str, Any]) -> int:
    """Return how many bytes the outputs of a node take as JSON."""
    return len(json.dumps(outputs, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))


def pin_problems(graph: Graph) -> Iterator[Problem]:
    """Yield where what is pinned to a node does not fit it (any more), with the fix that keeps what fits."""
    read = _read(graph) if any("canvas" in placed.node.data for placed in graph.nodes.values()) else {}
    for node_id, placed in graph.nodes.items():
        held = pinned_in(placed.node.data) if placed.kind is not None else None
        wrong = _misfits(placed, held, read.get(node_id, ())) if held is not None else {}
        if held is None or not wrong:
            continue
        mend = set_to("Unpin it", node_id, MARK)
        if size_of(held["outputs"]) <= MOST_BYTES:
            fits = {**held["outputs"], **{pin: None for pin in wrong if pin}}
            way = {key: value for key, value in held.items() if key == "exit" and _has_exit(placed, value)}
            mend = set_to("Keep what fits", node_id, MARK, {"outputs": fits, **way})
        text = f"{placed.name}: what is pinned to it does not fit: {'; '.join(list(wrong.values())[:3])}."
        yield Problem("risk", "pinned.misfit", text, node_id, fix=mend)


def _read(graph: Graph) -> dict[str, list[str]]:
    """Return the outputs that wires read, by node."""
    found: dict[str, list[str]] = {}
    for wires in graph.wires.values():
        for edge in wires.values():
            found.setdefault(edge.source, []).append(edge.source_handle)
    return found


def _misfits(placed: Placed, held: Mapping[str, Any], read: Iterable[str]) -> dict[str, str]:
    """Return what is wrong, by output; what is wrong with the whole stands under an empty name."""
    outputs, found = held["outputs"], {}
    for pin, value in outputs.items():
        known = placed.outputs.get(pin)
        if known is not None and isinstance(value, _ODD.get(known.type, ())):
            found[pin] = f"its output '{pin}' takes {_CALLED[known.type]}"
    failed = held.get("exit") == ERROR_OUT.id or "failure" in outputs
    for pin in () if failed else read:
        if pin not in outputs and pin in placed.outputs and pin not in WHOLE:
            found[pin] = f"nothing is pinned for its output '{pin}', which is read"
    if (size := size_of(outputs)) > MOST_BYTES:
        found[""] = f"it takes {size:,} bytes, and {MOST_BYTES:,} are the most"
    elif "exit" in held and not _has_exit(placed, held["exit"]):
        found[""] = f"it leaves by the execution output '{held['exit']}', which the node does not have"
    return found


def _has_exit(placed: Placed, way: Any) -> bool:
    return not placed.is_exec or way in ("", EXEC_OUT.id) or way in placed.exits()
