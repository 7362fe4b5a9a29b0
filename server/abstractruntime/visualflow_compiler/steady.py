"""A loop that goes on as long as a condition holds, while nothing in it can change the condition.

What a start was given stays as it is, and so does a variable that no step sets: a condition made of these alone
(by value nodes that depend on nothing else) is the same in every turn. The declarations `turns_on`, `reads`
and `writes` say which input, and which variables.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..nodes.authored import setting
from ..nodes.define import FAULTS
from ..nodes.paths import parse
from .constants import constants
from .expressions import expressions_of, is_nameless
from .graph import Graph, Placed
from .problem import Problem

_OTHERS = ("context",)  # variables that the run itself keeps, or that models and memories write


def steady(graph: Graph) -> Iterator[Problem]:
    """Yield a problem for each loop whose condition no turn can change."""
    heads = [
        placed
        for node_id in graph.reachable
        if (placed := graph.nodes[node_id]).kind is not None and placed.kind.turns_on
    ]
    if not heads:
        return
    written = _written(graph)
    for placed in heads:
        pin = placed.kind.turns_on if placed.kind is not None else ""
        if pin in constants(graph, placed) or _may_end_inside(graph, placed):
            continue  # judged by its value, or left in another way
        made_of = _made_of(graph, placed, pin, written)
        if made_of:
            text = (
                f"{placed.name}: the condition is the same in every turn, as nothing changes {' and '.join(made_of[:3])}. "
                "Either there is no turn, or nothing but the limit on its turns ends the loop. "
                "Let it depend on something that a turn changes."
            )
            yield Problem("risk", "while.endless", text, placed.node.id, pin)


def _may_end_inside(graph: Graph, head: Placed) -> bool:
    """Say whether a turn may come to a step without a way out: that is an end of the run."""
    first = graph.exits.get(head.node.id, {}).get(head.exits()[0])
    stack, seen = [first.target] if first is not None else [], {head.node.id}
    while stack:
        if (node_id := stack.pop()) not in seen:
            seen.add(node_id)
            if not graph.nodes[node_id].exits():
                return True
            stack += graph.targets(node_id)
    return False


def _made_of(graph: Graph, head: Placed, pin: str, written: frozenset[str] | None) -> list[str]:
    """Return what a condition is made of where all of it stays as it is, else nothing."""
    first = graph.wires.get(head.node.id, {}).get(pin)
    if first is None or pin in graph.routes.get(head.node.id, {}):
        return []
    found: list[str] = []
    ahead = [(first.source, first.source_handle)]
    for node_id, handle in ahead:  # grows while we walk
        placed = graph.nodes[node_id]
        kind = placed.kind
        if kind is None or kind.origin or kind.once or node_id in graph.cyclic:
            return []
        if placed.is_exec:
            if kind.kind != "event" or node_id not in graph.reached:
                return []
            found.append(f"'{handle}' of {placed.name}")
            continue
        wires = graph.wires.get(node_id, {})
        if node_id in graph.routes or not all(map(is_nameless, expressions_of(placed.node.data).values())):
            return []
        if kind.reads:
            name = "" if wires else _root(setting(placed.node.data, kind.reads))
            if not name or written is None or name in written or name in _OTHERS or name.startswith("_"):
                return []
            found.append(f"the variable '{name}'")
        ahead += [pair for edge in wires.values() if (pair := (edge.source, edge.source_handle)) not in ahead]
    return list(dict.fromkeys(found))


def _written(graph: Graph) -> frozenset[str] | None:
    """Return the variables that steps of a flow set, None where only a run can say which."""
    names: set[str] = set()
    for node_id, placed in graph.nodes.items():
        kind, key = placed.kind, placed.node.data.get("outputKey")
        if kind is None or kind.origin:
            return None
        if isinstance(key, str):
            names.add(_root(key))
        if kind.writes:
            said = constants(graph, placed)
            is_given = kind.writes in graph.wires.get(node_id, {}) or kind.writes in expressions_of(
                placed.node.data
            )
            if is_given and kind.writes not in said:
                return None
            given = _names(said.get(kind.writes, placed.node.defaults.get(kind.writes)))
            if given is None:
                return None
            names.update(map(_root, given))
    return frozenset(names)


def _names(value: Any) -> list[str] | None:
    """Return the names of variables in a name or an object by names, which may be JSON text; None for neither."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    if isinstance(value, Mapping):
        return [str(name) for name in value]
    return [value] if isinstance(value, str) else [] if value is None else None


def _root(path: Any) -> str:
    """Return the variable to which a path leads, "" where it cannot be read."""
    try:
        segments = parse(path.strip()) if isinstance(path, str) else ()
    except FAULTS:
        return ""
    return segments[0].key if segments else ""
