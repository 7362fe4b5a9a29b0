"""A start that leads to steps, while the flow names another step as its entry.

Older editors could save an end or a step in the middle as the entry. It is honoured, as in the reference; what
the start leads to is then left out, which nobody who looks at the canvas expects.
"""

from __future__ import annotations

from collections.abc import Iterator

from .graph import Graph
from .problem import Problem, fix


def passed_start(graph: Graph) -> str | None:
    """Return the start that leads to steps and is not begun with, since the entry named is no start."""
    entry = graph.nodes.get(graph.entry or "")
    if (
        entry is None
        or entry.kind is None
        or entry.kind.kind == "event"
        or graph.flow.entry_node != graph.entry
    ):
        return None
    for node_id, placed in graph.nodes.items():
        kind = placed.kind
        if kind is not None and kind.kind == "event" and not kind.listens and graph.exits.get(node_id):
            return node_id
    return None


def left_out(graph: Graph) -> set[str]:
    """Return the start that is not begun with, the steps that only it leads to, and the values that they read."""
    start = passed_start(graph)
    found = [start] if start is not None else []
    seen = set(found)
    for node_id in found:  # grows while we walk
        more = [each for each in (*graph.targets(node_id), *graph.sources(node_id)) if each not in seen]
        seen.update(more)
        found += more
    return seen - graph.used


def passed_problem(graph: Graph) -> Iterator[Problem]:
    """Yield the problem of a flow whose start is not begun with."""
    start = passed_start(graph)
    if start is None or graph.entry is None:
        return
    entry, count = graph.nodes[graph.entry], sum(graph.nodes[each].is_exec for each in left_out(graph))
    text = (
        f"The entry is {entry.name}, which is no start; {graph.nodes[start].name} and what it leads to "
        f"are left out ({count} steps)."
    )
    change = {"op": "flow", "path": "entryNode", "value": start}
    yield Problem(
        "risk", "flow.start_passed", text, graph.entry, fix=fix(f"Make '{start}' the entry", change)
    )
