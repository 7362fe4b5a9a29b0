"""Circles of steps that no loop node keeps in hand.

A wire that leads back to an earlier step is a way to repeat, but nothing bounds it. Where the circle
has no way out and nothing in it waits for the world, the run would never end: that is an error. All
other circles without a loop node are risks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .graph import Graph
from .problem import Problem, Severity, disconnect


def endless(graph: Graph) -> Iterator[Problem]:
    """Yield a problem for each circle of steps without a loop node."""
    for circle in circles(graph):
        kinds = [graph.nodes[node_id].kind for node_id in circle]
        if any(kind is None or kind.loops for kind in kinds):
            continue
        chooses = any(kind is not None and kind.kind == "control" for kind in kinds)
        asks = any(kind is not None and kind.asks for kind in kinds)
        ends = chooses or asks
        severity: Severity = "risk" if ends else "error"
        names = ", ".join(graph.nodes[node_id].name for node_id in circle[:5])
        more = f" and {len(circle) - 5} more" if len(circle) > 5 else ""
        yield Problem(
            severity,
            "exec.circle" if ends else "exec.endless",
            f"These steps run in a circle without a loop node: {names}{more}. "
            + ("Nothing bounds the number of turns." if ends else "The run would never end."),
            circle[0],
            fix=None if ends else _opened(graph, circle),
        )


def _opened(graph: Graph, circle: list[str]) -> dict[str, Any]:
    """Return the fix that takes away the wires that lead back to the first step of a circle."""
    back = [edge for edge in graph.incoming.get(circle[0], ()) if edge.source in circle]
    return disconnect(*back, label="Remove the way back")


def _is_straight(graph: Graph) -> bool:
    """Say whether no step leads back to an earlier one: taking away what nothing leads to leaves nothing."""
    exits = {node_id: list(graph.targets(node_id)) for node_id in graph.reachable}
    ways = dict.fromkeys(exits, 0)
    for targets in exits.values():
        for target in targets:
            ways[target] += 1
    free = [node_id for node_id, count in ways.items() if not count]
    for node_id in free:  # grows while we walk
        for target in exits[node_id]:
            ways[target] -= 1
            if not ways[target]:
                free.append(target)
    return len(free) == len(exits)


def circles(graph: Graph) -> Iterator[list[str]]:
    """Yield the strongly connected parts of the reachable steps (Tarjan, without recursion)."""
    if _is_straight(graph):
        return
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    held: list[str] = []
    on_hold: set[str] = set()
    for start in graph.reachable:
        if start in index:
            continue
        work = [(start, graph.targets(start))]
        index[start] = low[start] = len(index)
        held.append(start)
        on_hold.add(start)
        while work:
            node_id, targets = work[-1]
            for target in targets:
                if target not in index:
                    index[target] = low[target] = len(index)
                    held.append(target)
                    on_hold.add(target)
                    work.append((target, graph.targets(target)))
                    break
                if target in on_hold:
                    low[node_id] = min(low[node_id], index[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node_id])
                if low[node_id] == index[node_id]:
                    part = [held.pop()]
                    while part[-1] != node_id:
                        part.append(held.pop())
                    part.reverse()
                    on_hold.difference_update(part)
                    if len(part) > 1 or node_id in set(graph.targets(node_id)):
                        yield part
