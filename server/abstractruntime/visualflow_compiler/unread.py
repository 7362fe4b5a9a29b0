"""Values that nobody reads: of value nodes, and of steps that are there for what they give (decision 0067).

A value is read by a wire or a route of something that runs, by `outputKey`, by whatever takes the ambient
value, as the result of a run that ends there, and by control that leaves by a way of the step's own.
Expressions and templates see variables and the inputs of their node, never another node.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..nodes.define import ERROR_OUT, NodeType
from .document import EXEC_OUT
from .expressions import expressions_of
from .graph import Graph, Placed
from .problem import Problem, fix


def unread(graph: Graph) -> Iterator[Problem]:
    """Yield a note for each value node that is never computed and each step whose result is for nothing."""
    used = graph.used
    for node_id, placed in graph.nodes.items():
        kind = placed.kind
        if kind is None or placed.is_exec or node_id in used or kind.seed is not None or not placed.outputs:
            continue
        text = f"{placed.name}: no step that runs reads this value, so it is never computed."
        remove = fix("Remove the node", {"op": "remove", "node": node_id})
        yield Problem("note", "node.unread", text, node_id, fix=remove)
    yield from _steps(graph)


def _steps(graph: Graph) -> Iterator[Problem]:
    steps = [
        (placed, placed.kind)
        for node_id in graph.reachable
        if (placed := graph.nodes[node_id]).kind is not None and _is_for_result(graph, placed, placed.kind)
    ]
    if not steps:
        return
    read = {source for node_id in graph.used for source in graph.sources(node_id)}
    steps = [(placed, kind) for placed, kind in steps if placed.node.id not in read]
    ends = _ends(graph) if steps else frozenset()
    for placed, kind in steps:
        node_id = placed.node.id
        if node_id in ends or (kind.ambience != "before" and _takes_ambient(graph, node_id, ends)):
            continue
        names = ", ".join(pin.id for pin in placed.outputs.values() if not (pin.is_exec or pin.hidden))
        text = f"{placed.name} is there for what it gives, and nobody reads any of it: {names}."
        yield Problem("note", "step.unread", text, node_id, fix=_taken_out(graph, node_id))


def _is_for_result(graph: Graph, placed: Placed, kind: NodeType) -> bool:
    """Whether a step does nothing but give values, which only its wires can hand on."""
    data, gives = placed.node.data, kind.gives
    if not gives:
        return False
    if gives is not True:
        given = {**graph.wires.get(placed.node.id, {}), **expressions_of(data)}
        if not gives(data) or any(pin.choices and pin.id in given for pin in placed.inputs.values()):
            return False  # what it does is said by its settings, or only when it runs
    stored = data.get("outputKey")
    if isinstance(stored, str) and stored.strip():
        return False
    return placed.exits() == (EXEC_OUT,)  # with others what it finds decides where control goes


def _ends(graph: Graph) -> frozenset[str]:
    """Return the steps at which a run may end without an end node: a way out leads nowhere, outside of loops."""
    outside = [each for each in graph.reachable if graph.entry == each or not graph.incoming.get(each)]
    seen = set(outside)
    for node_id in outside:  # grows while we walk
        placed = graph.nodes[node_id]
        body = next(iter(placed.exits()), None) if placed.kind is not None and placed.kind.loops else None
        for handle, edge in graph.exits.get(node_id, {}).items():
            if handle != body and edge.target not in seen:
                seen.add(edge.target)
                outside.append(edge.target)
    return frozenset(
        node_id
        for node_id in outside
        if any(
            pin != ERROR_OUT.id and pin not in graph.exits.get(node_id, {})
            for pin in graph.nodes[node_id].exits()
        )
    )


def _takes_ambient(graph: Graph, start: str, ends: frozenset[str]) -> bool:
    """Whether a step that comes after this one may take its outputs without a wire."""
    after, seen = list(graph.targets(start)), set[str]()
    while after:
        node_id = after.pop()
        if node_id in seen:
            continue
        seen.add(node_id)
        placed = graph.nodes[node_id]
        kind = placed.kind
        if kind is None:
            return True
        if kind.ambience != "own" and node_id in ends:
            return True  # the run's result is what was given last
        if kind.ambient and (kind.loops or not graph.wires.get(node_id)):
            return True
        after += graph.targets(node_id)
    return False


def _taken_out(graph: Graph, node_id: str) -> dict[str, Any] | None:
    """Return the fix that takes a step out of the order; None where it is drawn in a way that needs thought."""
    incoming = graph.incoming.get(node_id, ())
    onward = graph.exits.get(node_id, {})
    if not incoming or set(onward) - {EXEC_OUT} or node_id in graph.targets(node_id):
        return None
    if any(edge.raw.get("target") != node_id for edge in incoming) or graph.routes:
        return None  # control comes past a value node, or something depends on the way by which it comes
    changes: list[dict[str, Any]] = [{"op": "remove", "node": node_id}]
    if (after := onward.get(EXEC_OUT)) is not None:
        changes += [
            {
                "op": "connect",
                "edge": {**each.to_json(), "target": after.target, "targetHandle": after.target_handle},
            }
            for each in incoming
        ]
    return fix("Take the step out", *changes)
