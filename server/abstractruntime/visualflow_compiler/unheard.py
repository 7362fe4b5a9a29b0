"""Listeners in a scope in which no step can tell them anything.

The scopes `workflow` and `run` are those of the run that tells, and a listener is a run of its own, of a
program of its own. No run tells itself anything while it listens; in `workflow` a listener hears what the
same listener tells in its branch, beside another run of the flow.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..core.models import EffectType
from ..nodes.events import scope_of
from .constants import constants
from .expressions import expressions_of
from .graph import Graph, Placed
from .policies import effects_of
from .problem import Problem, set_to

_PIN = "scope"
_WHY = {
    "run": "the scope 'run' is the run that tells, and a listener is a run of its own.",
    "workflow": "the scope 'workflow' is that of the run that tells. A listener shares it with the same "
    "listener beside other runs of the flow, and its branch tells nothing there.",
}


def unheard(graph: Graph) -> Iterator[Problem]:
    """Yield a problem for each listener whose scope no step's event reaches."""
    for node_id, placed in graph.nodes.items():
        if placed.kind is None or not placed.kind.listens:
            continue
        scope = _scope(graph, placed)
        if scope == "run" or (scope == "workflow" and not _tells_itself(graph, node_id)):
            text = f"{placed.name} hears no event of any step: {_WHY[scope]} Listen in the session, and tell it there."
            mend = set_to("Listen in the session", node_id, ("pinDefaults", _PIN), "session")
            yield Problem(
                "risk", "event.never_heard", text, node_id, _PIN, None if _is_given(graph, placed) else mend
            )


def _is_given(graph: Graph, placed: Placed) -> bool:
    return _PIN in graph.wires.get(placed.node.id, {}) or _PIN in expressions_of(placed.node.data)


def _scope(graph: Graph, placed: Placed) -> str | None:
    """Return the scope of an event's node, None where only a run can say it."""
    if not _is_given(graph, placed):
        return scope_of(placed.node.data)
    fixed = constants(graph, placed)
    return scope_of({"pinDefaults": fixed}) if _PIN in fixed else None


def _tells_itself(graph: Graph, listener: str) -> bool:
    """Say whether the same listener beside another run may tell this one something."""
    branch, seen = [listener], {listener}
    for node_id in branch:  # grows while we walk
        for target in graph.targets(node_id):
            if target not in seen:
                seen.add(target)
                branch.append(target)
    return any(_tells(graph, graph.nodes[node_id]) for node_id in branch)


def _tells(graph: Graph, step: Placed) -> bool:
    if step.kind is None or EffectType.EMIT_EVENT.value not in effects_of(step.kind):
        return False
    return _scope(graph, step) in (None, "workflow")
