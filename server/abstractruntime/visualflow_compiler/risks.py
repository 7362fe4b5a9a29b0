"""What will run and may hurt, seen over the whole flow.

An effect that is repeated without a name of its own, a flow that does nothing but call itself, a
value that nobody reads. Like `validate`, this reads declarations and names no type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..nodes.define import NodeType
from .disabled import is_disabled, told, way_on
from .early import told_early
from .endless import circles
from .expressions import expressions_of
from .graph import Graph, Placed
from .interfaces import unkept
from .pinned import pin_problems
from .policies import KEY, key_of, wants_key
from .problem import Problem, set_to
from .steady import steady
from .unheard import unheard
from .unread import unread
from .unsaid import unsaid

_CONSTANT = re.compile(r"'[^']*'|\"[^\"]*\"|[\d._]+")


def risks(graph: Graph) -> Iterator[Problem]:
    """Yield the problems of a flow that are those of no single node."""
    yield from _unnamed_effects(graph)
    yield from _calls_itself(graph)
    yield from steady(graph)
    yield from unread(graph)
    yield from unheard(graph)
    yield from unkept(graph)
    yield from told_early(graph)
    yield from unsaid(graph)
    yield from pin_problems(graph)
    for node_id, placed in graph.disabled.items():
        yield told(placed.name, node_id, way_on(placed.exits(), is_known=True), counts=False)
    for node_id, placed in graph.nodes.items():
        if is_disabled(placed.node.data):
            yield told(placed.name, node_id, None, counts=True)


def _unnamed_effects(graph: Graph) -> Iterator[Problem]:
    steps = [
        (placed, placed.kind)
        for node_id in graph.reachable
        if (placed := graph.nodes[node_id]).kind is not None
        and (wants_key(placed.kind, placed.node.data) or key_of(placed.kind, placed.node.data))
    ]
    repeated = _repeated(graph) if steps else frozenset()
    for placed, kind in steps:
        if placed.node.id in repeated:
            yield from _unnamed(graph, placed, kind)


def _unnamed(graph: Graph, placed: Placed, kind: NodeType) -> Iterator[Problem]:
    """Yield what is wrong with the name of an effect that is repeated."""
    node_id, pin, data = placed.node.id, kind.key, placed.node.data
    if pin is not None:
        if (
            pin in graph.wires.get(node_id, {})
            or placed.node.defaults.get(pin)
            or pin in expressions_of(data)
        ):
            return
        text = (
            f"{placed.name} is repeated in a loop, but its input '{pin}' has no value: where the other side "
            "goes by that, it may take the turns for one and the same request."
        )
        yield Problem("risk", "effect.no_key", text, node_id, pin)
        return
    key = key_of(kind, data)
    if not key:
        text = (
            f"{placed.name} is repeated in a loop without a key: where two turns ask for the "
            "same thing, it is done twice."
        )
        once = set_to("Do the same request once", node_id, ("policy", "key"), "pins")
        yield Problem("risk", "effect.no_key", text, node_id, KEY, once)
    elif _CONSTANT.fullmatch(key):
        text = f"{placed.name} is repeated in a loop, but its key is always the same: only the first turn does it."
        drop = set_to("Remove the key", node_id, ("policy", "key"))
        yield Problem("risk", "effect.same_key", text, node_id, KEY, drop)


def _repeated(graph: Graph) -> set[str]:
    """Return the steps to which a run comes again and again: by a loop node, or in a circle of wires."""
    turned = {node_id for circle in circles(graph) for node_id in circle}
    found = turned | _behind(graph, turned, turned)
    for node_id in graph.reachable:
        kind = graph.nodes[node_id].kind
        if kind is not None and kind.loops:
            found |= _behind(graph, {node_id}, {node_id})
    return found


def _behind(graph: Graph, heads: set[str], known: set[str]) -> set[str]:
    """Return what the branches lead to from which control comes back to these steps, without those known."""
    stack = [
        edge.target
        for node_id in heads
        for exit in _branches(graph.nodes[node_id])
        if (edge := graph.exits.get(node_id, {}).get(exit)) is not None
    ]
    seen = set(known)
    while stack:
        if (inner := stack.pop()) not in seen:
            seen.add(inner)
            stack += graph.targets(inner)
    return seen - known


def _branches(placed: Placed) -> tuple[str, ...]:
    """Return the ways out that end where they began: control comes back to the step, which goes on."""
    kind = placed.kind
    if kind is None:
        return ()
    if kind.loops or kind.guards:
        return placed.exits()[:1]
    grows = kind.grows is not None and kind.grows.names == "then"
    return tuple(exit for exit in placed.exits() if exit.startswith("then:")) if grows else ()


def _calls_itself(graph: Graph) -> Iterator[Problem]:
    """Yield a problem where every way from the entry comes to a step that runs this very flow."""
    callers = [placed for placed in graph.nodes.values() if placed.kind is not None and placed.kind.judged]
    if graph.entry is None or not any(_calls(graph, placed) for placed in callers):
        return
    seen, stack, caller = {graph.entry}, [graph.entry], ""
    while stack:
        placed = graph.nodes[stack.pop()]
        if _calls(graph, placed):
            caller = caller or placed.node.id
            continue
        wired = graph.exits.get(placed.node.id, {})
        if not wired or any(exit not in wired for exit in placed.exits()):
            return  # a run may end here
        for target in graph.targets(placed.node.id):
            if target not in seen:
                seen.add(target)
                stack.append(target)
    if caller:
        text = f"{graph.nodes[caller].name} runs this same flow, whatever happens before: no run of it would end."
        yield Problem("risk", "flow.calls_itself", text, caller)


def _calls(graph: Graph, placed: Placed) -> bool:
    return graph.flow.id in _flows_of(placed)


def _flows_of(placed: Placed) -> Iterator[str]:
    for setting in placed.kind.judged if placed.kind is not None else ():
        if setting.type == "flow":
            here = placed.node.data
            for key in setting.path.split("."):
                here = here.get(key, {}) if isinstance(here, dict) else {}
            if isinstance(here, str):
                yield here.strip()
