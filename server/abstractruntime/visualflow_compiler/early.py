"""Events that a flow tells before it waits for them.

An event is not kept for who comes later. Where one strand tells it and then waits for it, and no other step of the
flow tells the same, that wait never hears what the flow has told. Nothing is said where a branch, a listener or a name
that only a run knows could tell it in time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..core.models import EffectType
from ..nodes.events import event_awaited, event_told
from .constants import constants
from .expressions import expressions_of
from .graph import Graph, Placed
from .policies import effects_of
from .problem import Problem

_KEY = "event_key"
_TOLD_BY = ("name", "scope", "session_id", "event_name")
_ELSE = {
    "run": "Nobody else tells it in this run, so this waits in vain. Wait for it in one branch of a Parallel and tell it "
    "in another, or wait for what is told in answer.",
    "workflow": "Another run of this flow has to tell it.",
    "session": "Another run of this session has to tell it.",
    "global": "Another run has to tell it.",
}


def told_early(graph: Graph) -> Iterator[Problem]:
    """Yield a problem for each wait for an event that the same strand has told before, and nobody else tells."""
    waits = [placed for placed in _steps(graph, EffectType.WAIT_EVENT) if _KEY in placed.inputs]
    tells = list(_steps(graph, EffectType.EMIT_EVENT)) if waits else []
    if not tells:
        return
    told = {placed.node.id: _known(graph, placed, _TOLD_BY) for placed in tells}
    events = {node_id: event_told(data) for node_id, data in told.items() if data is not None}
    if len(events) < len(told):
        return  # one of them tells what only a run knows
    by_event: dict[tuple[str, str] | None, list[str]] = {}
    for node_id, event in events.items():
        by_event.setdefault(event, []).append(node_id)
    bits = {node_id: 1 << place for place, node_id in enumerate(events)}
    at_once, before = _at_once(graph), _before(graph, bits)
    for placed in waits:
        data = _known(graph, placed, (_KEY,))
        awaited = event_awaited(data) if data is not None else None
        same = by_event.get(awaited, []) if awaited is not None else []
        if awaited is None or not same or any(node_id in at_once for node_id in same):
            continue
        if all(before[placed.node.id] & bits[node_id] for node_id in same):
            yield _problem(graph, placed, same, *awaited)


def _problem(graph: Graph, wait: Placed, same: list[str], scope: str, name: str) -> Problem:
    names = " and ".join(graph.nodes[node_id].name for node_id in same)
    text = f"{wait.name} does not hear the '{name[:60]}' of {names}: it was told before, and events are not kept. "
    severity: Any = "risk" if scope == "run" else "note"
    return Problem(severity, "event.told_before", text + _ELSE[scope], wait.node.id, _KEY)


def _steps(graph: Graph, what: EffectType) -> Iterator[Placed]:
    for node_id in graph.reachable:
        placed = graph.nodes[node_id]
        if placed.kind is not None and not placed.kind.listens and what.value in effects_of(placed.kind):
            yield placed


def _known(graph: Graph, placed: Placed, pins: Iterable[str]) -> Mapping[str, Any] | None:
    """Return the settings of a step with the values that its wires bring in every run; None where one is not known."""
    given = {*graph.wires.get(placed.node.id, {}), *expressions_of(placed.node.data)}
    given |= graph.routes.get(placed.node.id, {}).keys()
    fixed = constants(graph, placed) if given else {}
    if any(pin in given and pin not in fixed for pin in pins):
        return None
    return {**placed.node.data, "pinDefaults": {**placed.node.defaults, **fixed}}


def _at_once(graph: Graph) -> set[str]:
    """Return the steps that may be done while another strand of the flow waits: in branches, beside listeners."""
    kinds = {node_id: placed.kind for node_id, placed in graph.nodes.items() if placed.kind is not None}
    heads = [node_id for node_id in graph.reachable if node_id in kinds and kinds[node_id].forks]
    listeners = [node_id for node_id in graph.reachable if node_id in kinds and kinds[node_id].listens]
    main = _after(graph, [graph.entry]) if graph.entry is not None else set()
    found = _after(graph, heads)
    for node_id in listeners:
        branch = _after(graph, [node_id]) if node_id != graph.entry else set()
        found |= branch & main
        main |= branch
    return found


def _before(graph: Graph, bits: Mapping[str, int]) -> dict[str, int]:
    """Return of each step which steps with a bit lead to it, near or far, as the sum of their bits."""
    found = dict.fromkeys(graph.reachable, 0)
    is_moving = True
    while (
        is_moving
    ):  # nearest steps come first, so that one turn does most, and one more sees that nothing is left
        is_moving = False
        for node_id in graph.reachable:
            known = found[node_id] | bits.get(node_id, 0)
            for target in graph.targets(node_id) if known else ():
                if known & ~found.get(target, 0):
                    found[target] = found.get(target, 0) | known
                    is_moving = True
    return found


def _after(graph: Graph, heads: Iterable[str]) -> set[str]:
    """Return the steps that the exits of these lead to, near or far."""
    ahead, seen = list(heads), set()
    for node_id in ahead:  # grows while we walk
        for target in graph.targets(node_id):
            if target not in seen:
                seen.add(target)
                ahead.append(target)
    return seen
