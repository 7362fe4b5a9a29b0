"""A flow as the validator and the lowering see it: types found, pins known, wires sorted.

Wires are matched by pin id, never by the pins that a document happens to list. A node of an unknown
type is kept with the pins that its document shows, so that the flow can still be drawn and judged.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ..nodes.catalog import Catalog
from ..nodes.define import FAULTS, NodeType, Pin, by_id
from ..nodes.pins import has_execution, pins_of, saved_pins
from .disabled import begins, is_disabled, joined, way_on
from .document import EXEC_IN, EXEC_OUT, VisualEdge, VisualFlow, VisualNode
from .routes import Routes, routes_of

_THEN = re.compile(r"then:\d{1,6}")


@dataclass(slots=True)
class Placed:
    """A node with its type (None when unknown) and its pins. `fault` says why pins are guessed.

    `stands_alone` says that no other node of the flow is called like it.
    """

    node: VisualNode
    kind: NodeType | None
    inputs: Mapping[str, Pin]
    outputs: Mapping[str, Pin]
    is_exec: bool
    fault: str | None = None
    stands_alone: bool = False

    @property
    def name(self) -> str:
        """How messages call the node: what it says on it, and its id where that does not tell which one it is."""
        return self.node.label if self.stands_alone else f"{self.node.label} ({self.node.id})"

    def data_pins(self) -> tuple[str, ...]:
        """Return the ids of the data inputs, in order."""
        return tuple(pin.id for pin in self.inputs.values() if not pin.is_exec)

    def exits(self) -> tuple[str, ...]:
        """Return the ids of the execution outputs, in order."""
        return tuple(pin.id for pin in self.outputs.values() if pin.is_exec)


@dataclass
class Graph:
    """The flow's nodes and wires, and what can be reached from its entry.

    exits      source -> handle -> wire, between execution nodes
    wires      target -> pin -> wire; of several the last counts
    incoming   target -> its execution wires
    routes     target -> pin -> route -> source, where an input depends on the way in
    reachable  execution nodes that a run can come to, nearest first; `reached` is their set
    needed     value nodes that those read, sources first
    cyclic     value nodes that read themselves, by way of others or not, and the wires that close the circle
    dangling, doubled_exits, doubled_wires, crossed   wires that are ignored, by reason
    passed     value nodes that are drawn as steps: the wire by which control goes on past each of them
    disabled   nodes that their author has disabled: they are not among `nodes`, their wires are joined
    """

    flow: VisualFlow
    types: Catalog
    nodes: dict[str, Placed] = field(default_factory=dict)
    doubled_nodes: list[VisualNode] = field(default_factory=list)
    exits: dict[str, dict[str, VisualEdge]] = field(default_factory=dict)
    wires: dict[str, dict[str, VisualEdge]] = field(default_factory=dict)
    incoming: dict[str, list[VisualEdge]] = field(default_factory=dict)
    routes: dict[str, Routes] = field(default_factory=dict)
    dangling: list[VisualEdge] = field(default_factory=list)
    doubled_exits: list[VisualEdge] = field(default_factory=list)
    doubled_wires: list[VisualEdge] = field(default_factory=list)
    crossed: list[VisualEdge] = field(default_factory=list)
    passed: dict[str, VisualEdge] = field(default_factory=dict)
    disabled: dict[str, Placed] = field(default_factory=dict)
    entry: str | None = None
    reachable: list[str] = field(default_factory=list)
    reached: frozenset[str] = frozenset()
    needed: list[str] = field(default_factory=list)
    cyclic: dict[str, list[VisualEdge]] = field(default_factory=dict)

    @property
    def used(self) -> frozenset[str]:
        """The nodes that a run can come to or read."""
        return self.reached.union(self.needed)

    def source_of(self, edge: VisualEdge) -> Placed:
        """Return the node that a kept wire comes from."""
        return self.nodes[edge.source]

    def wires_from(self, source: str, target: str) -> Iterator[VisualEdge]:
        """Yield the wires by which a node's inputs read another node."""
        for edge in self.wires.get(target, {}).values():
            if edge.source == source:
                yield edge

    def sources(self, node_id: str) -> Iterator[str]:
        """Yield the nodes that a node's inputs read."""
        for edge in self.wires.get(node_id, {}).values():
            yield edge.source
        for by_route in self.routes.get(node_id, {}).values():
            for source, _ in by_route.values():
                if source in self.nodes:
                    yield source

    def targets(self, node_id: str) -> Iterator[str]:
        """Yield the execution nodes that a node leads to."""
        for edge in self.exits.get(node_id, {}).values():
            yield edge.target


def graph_of(flow: VisualFlow, types: Catalog, entry: str | None = None, *, listeners: bool = False) -> Graph:
    """Sort a flow's nodes and wires and walk it from its entry (or from the one given).

    With `listeners` also from every node that gets a run of its own beside the flow's.
    """
    return walked(sorted_graph(flow, types), entry, listeners=listeners)


def sorted_graph(flow: VisualFlow, types: Catalog) -> Graph:
    """Sort a flow's nodes and wires; nothing is reachable yet (see `walked`)."""
    graph = Graph(flow, types)
    for node in flow.nodes:
        if node.id in graph.nodes or node.id in graph.disabled:
            graph.doubled_nodes.append(node)
        elif is_disabled(node.data) and not begins(flow, node, types.resolve(node.type)):
            graph.disabled[node.id] = _placed(node, types.resolve(node.type))
        else:
            graph.nodes[node.id] = _placed(node, types.resolve(node.type))
        if "inputRouteOverrides" in node.data:
            graph.routes[node.id] = routes_of(node)
    _tell_apart(graph)
    graph.passed = passed = _past_values(graph)
    off = {
        node_id: way_on(placed.exits(), is_known=placed.kind is not None)
        for node_id, placed in graph.disabled.items()
    }
    for edge in joined(flow.edges, off) if off else flow.edges:
        if not passed:
            _sort(graph, edge)
        elif edge is not passed.get(edge.source):
            _sort(graph, _led(edge, passed))
    for node_id, exits in graph.exits.items():
        _grow_exits(graph.nodes[node_id], exits)
    return graph


def _past_values(graph: Graph) -> dict[str, VisualEdge]:
    """Return, of each value node that was drawn as a step, the wire by which control goes on from there.

    Older editors ran such a node in the order of steps; here it is computed when read, and control goes past it.
    """
    drawn = {
        node_id
        for node_id, placed in graph.nodes.items()
        if placed.kind is not None and not placed.is_exec and _drawn_as_step(placed.node)
    }
    if not drawn:
        return {}
    entered = {edge.target for edge in graph.flow.edges if edge.is_exec and edge.target in drawn}
    onward: dict[str, VisualEdge] = {}
    for edge in graph.flow.edges:
        if edge.is_exec and edge.source in entered and (edge.source_handle or EXEC_OUT) == EXEC_OUT:
            onward.setdefault(edge.source, edge)
    return onward


def _drawn_as_step(node: VisualNode) -> bool:
    return any(has_execution(node.data.get(side)) for side in ("inputs", "outputs"))


def _led(edge: VisualEdge, onward: Mapping[str, VisualEdge]) -> VisualEdge:
    """Return a wire of control that leads to such a value node as one that leads to the step after it."""
    target, seen = edge.target, set[str]()
    while edge.is_exec and target in onward and target not in seen:
        seen.add(target)
        target = onward[target].target
    return edge if target == edge.target or target in seen else replace(edge, target=target)


def walked(graph: Graph, entry: str | None = None, *, listeners: bool = False) -> Graph:
    """Return a graph with the same nodes and wires, walked from this entry (default: the flow's)."""
    graph = replace(graph, entry=entry if entry is not None else entry_of(graph), needed=[])
    if graph.entry is not None:
        _walk(graph, listeners)
    return graph


def entry_of(graph: Graph) -> str | None:
    """Choose the entry: the one named, else the first nobody leads to, else the first execution node."""
    named = graph.nodes.get(graph.flow.entry_node or "")
    if named is not None and named.is_exec:
        return named.node.id
    targets = {edge.target for exits in graph.exits.values() for edge in exits.values()}
    first: str | None = None
    for node_id, placed in graph.nodes.items():
        if placed.is_exec:
            if node_id not in targets:
                return node_id
            first = first or node_id
    return first


def _tell_apart(graph: Graph) -> None:
    """Have messages call a node by its title alone where it has one of its own."""
    every = [*graph.nodes.values(), *graph.disabled.values()]
    called = Counter(placed.node.label for placed in every)
    for placed in every:
        placed.stands_alone = bool(placed.node.data.get("label")) and called[placed.node.label] == 1


def _placed(node: VisualNode, kind: NodeType | None) -> Placed:
    fault = None
    if kind is None:
        inputs, outputs = saved_pins(node.data.get("inputs")), saved_pins(node.data.get("outputs"))
        is_exec = any(pin.is_exec for pin in (*inputs, *outputs)) or not (inputs or outputs)
    else:
        is_exec = kind.is_exec
        try:
            inputs, outputs = pins_of(kind, node.data)
        except FAULTS as error:
            inputs, outputs, fault = kind.inputs, kind.outputs, str(error) or type(error).__name__
    if kind is None:
        return Placed(node, kind, by_id(inputs), by_id(outputs), is_exec, fault)
    return Placed(
        node,
        kind,
        kind.inputs_by_id if inputs is kind.inputs else by_id(inputs),
        kind.outputs_by_id if outputs is kind.outputs else by_id(outputs),
        is_exec,
        fault,
    )


def _sort(graph: Graph, edge: VisualEdge) -> None:
    source, target = graph.nodes.get(edge.source), graph.nodes.get(edge.target)
    handle = edge.target_handle
    if source is None or target is None:
        graph.dangling.append(edge)
    elif handle == EXEC_IN:
        if not (source.is_exec and target.is_exec):
            graph.crossed.append(edge)
            return
        exits = graph.exits.setdefault(edge.source, {})
        handle = edge.source_handle or EXEC_OUT
        if handle in exits:
            graph.doubled_exits.append(edge)
        else:
            exits[handle] = edge
            graph.incoming.setdefault(edge.target, []).append(edge)
    elif edge.is_data:
        wires = graph.wires.setdefault(edge.target, {})
        if handle in wires:
            graph.doubled_wires.append(wires.pop(handle))
        wires[handle] = edge
    else:
        graph.crossed.append(edge)


def _grow_exits(placed: Placed, exits: Mapping[str, VisualEdge]) -> None:
    """Give a growing node without saved pins (documents written by programs) those its wires name."""
    grow = placed.kind.grows if placed.kind is not None else None
    if grow is None or grow.side != "outputs" or saved_pins(placed.node.data.get("outputs")):
        return
    grown = [handle for handle in exits if _THEN.fullmatch(handle) and handle not in placed.outputs]
    if grown:
        pins = [*placed.outputs.values(), *(grow.pin(handle) for handle in grown)]
        numbered = sorted((pin for pin in pins if _THEN.fullmatch(pin.id)), key=lambda pin: int(pin.id[5:]))
        rest = [pin for pin in pins if not _THEN.fullmatch(pin.id)]
        placed.outputs = {pin.id: pin for pin in (*numbered, *rest)}


def _walk(graph: Graph, listeners: bool) -> None:
    roots = [node_id for node_id, placed in graph.nodes.items() if placed.kind and placed.kind.listens]
    graph.reachable = list(dict.fromkeys([graph.entry or "", *(roots if listeners else ())]))
    seen = set(graph.reachable)
    for node_id in graph.reachable:  # grows while we walk
        for target in graph.targets(node_id):
            if target not in seen:
                seen.add(target)
                graph.reachable.append(target)
    graph.reached = frozenset(seen)
    done: dict[str, bool] = {}
    graph.cyclic = {}
    for node_id in graph.reachable:
        for source in graph.sources(node_id):
            _need(graph, source, done)


def _need(graph: Graph, start: str, done: dict[str, bool]) -> None:
    """Add a value node and all it reads, sources first, without recursion. `done` False: under way."""
    stack = [start]
    while stack:
        node_id = stack[-1]
        if graph.nodes[node_id].is_exec or done.get(node_id):
            stack.pop()
            continue
        if node_id not in done:
            done[node_id] = False
            for source in graph.sources(node_id):
                if done.get(source) is False:
                    graph.cyclic.setdefault(source, []).extend(graph.wires_from(source, node_id))
                elif source not in done:
                    stack.append(source)
        else:
            done[node_id] = True
            graph.needed.append(node_id)
            stack.pop()
