"""Nodes that their author has disabled: a flow with them runs as it would without them, their wires joined.

Control goes past such a step by one of its execution outputs: `exec-out`, else the one that is taken after its
branches (`done`, `completed`), else the first. What is wired to its outputs is not: those inputs have their own
values again. So a program holds nothing of a disabled node, and no run visits one.

A step with which the flow begins cannot be passed over: where it is disabled, it counts all the same. An event
that is disabled is not listened for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..nodes.define import NodeType
from .document import EXEC_OUT, VisualEdge, VisualFlow, VisualNode
from .problem import Problem, set_to

KEY = "disabled"
_AFTER = (EXEC_OUT, "done", "completed")


def is_disabled(data: Mapping[str, Any]) -> bool:
    """Say whether the author of a node has disabled it."""
    return data.get(KEY) is True


def begins(flow: VisualFlow, node: VisualNode, kind: NodeType | None) -> bool:
    """Say whether a flow begins with a node: it is the entry, or of a type that nothing leads to and nothing rouses."""
    return node.id == flow.entry_node or (kind is not None and kind.kind == "event" and not kind.listens)


def way_on(exits: tuple[str, ...], *, is_known: bool) -> str | None:
    """Return the execution output by which control goes past a disabled step with these; None without any.

    Of a node of an unknown type, of which the document shows none, any may be it: the empty text.
    """
    return next((pin for pin in _AFTER if pin in exits), exits[0] if exits else None if is_known else "")


def joined(edges: Iterable[VisualEdge], off: Mapping[str, str | None]) -> Iterator[VisualEdge]:
    """Yield the wires of a flow past its disabled nodes, which are given with their ways on."""
    edges = list(edges)
    onward: dict[str, VisualEdge] = {}
    for edge in edges:
        if edge.is_exec and edge.source in off and off[edge.source] in ("", edge.source_handle or EXEC_OUT):
            onward.setdefault(edge.source, edge)
    for edge in edges:
        if edge.source in off:
            continue
        if edge.target not in off:
            yield edge
        elif edge.is_exec and (target := _past(edge.target, onward, off)) is not None:
            yield replace(edge, target=target)


def _past(node_id: str, onward: Mapping[str, VisualEdge], off: Mapping[str, str | None]) -> str | None:
    """Return the first step after disabled ones; None where control ends there, or goes round in a circle."""
    seen: set[str] = set()
    while node_id in off:
        if node_id in seen or node_id not in onward:
            return None
        seen.add(node_id)
        node_id = onward[node_id].target
    return node_id


def told(name: str, node_id: str, way: str | None, *, counts: bool) -> Problem:
    """Return the note on a disabled node: how it is passed over, or that it `counts` all the same."""
    past = f"control goes past it by '{way}', and" if way else "it is passed over:"
    text = f"{name} is disabled: {past} what reads its outputs has its own values."
    if counts:
        text = f"{name} is disabled, but the flow begins with it: it counts all the same."
    return Problem("note", "node.disabled", text, node_id, fix=set_to("Enable it", node_id, KEY))
