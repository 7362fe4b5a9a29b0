"""Old documents to today's words, by what the declarations say.

Names change: `was` on a type, on a pin and on a field holds the old ones, and `upgrade` on a type
does what a rename cannot. Nothing else knows of old documents. Migrating twice changes nothing more,
unknown types are not touched, and the flow that was handed in stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..nodes.catalog import Catalog, catalog, json_copy
from ..nodes.define import FAULTS, NodeType, Pin
from ..nodes.pins import pins_of
from .document import EXEC_OUT, FORMAT, VisualEdge, VisualFlow, VisualNode, load_visualflow_json
from .problem import Problem, cut, disconnect, fix, placed_first

_Moved = tuple[VisualEdge, VisualEdge | None]  # a wire as it was, and as it is now; None where it is gone


@dataclass(frozen=True)
class Renames:
    """The old names of one type's inputs, outputs and fields."""

    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    fields: tuple[tuple[str, str], ...]

    def __bool__(self) -> bool:
        return bool(self.inputs or self.outputs or self.fields)


def migrate(source: Any, types: Catalog | None = None) -> tuple[VisualFlow, list[Problem]]:
    """Return the flow in today's words and a note for each thing that was renamed or dropped."""
    flow = load_visualflow_json(source)
    known = types or catalog()
    if not _is_ours(flow.format):
        return flow, []
    notes: list[Problem] = []
    each = [known.resolve(node.type) for node in flow.nodes]  # two nodes of one id keep their own types
    kinds = {node.id: kind for node, kind in zip(flow.nodes, each, strict=True) if kind is not None}
    renames = {name: renames_of(kind) for name, kind in {kind.name: kind for kind in each if kind}.items()}
    wired = {(edge.target, edge.target_handle) for edge in flow.edges}
    nodes = [_node(node, kind, renames, notes) for node, kind in zip(flow.nodes, each, strict=True)]
    by_id = {node.id: node for node in nodes}
    exits = {
        node_id: pins
        for node_id, kind in kinds.items()
        if kind.exits_follow and (pins := _outputs(kind, by_id[node_id])) is not None
    }
    edges = []
    for edge in flow.edges:
        moved = _edge(edge, kinds, renames, wired)
        if (
            moved.is_exec
            and moved.source in exits
            and (moved.source_handle or EXEC_OUT) not in exits[moved.source]
        ):
            text = f"Node '{moved.source}' no longer has the output '{moved.source_handle}'; its wire is ignored."
            gone = disconnect(edge)
            notes.append(Problem("note", "edge.vanished_pin", text, moved.source, moved.source_handle, gone))
            continue
        edges.append(moved)
        if moved is not edge:
            _note_edge(edge, moved, notes)
    today = replace(flow, nodes=nodes, edges=edges)
    return today, _with_fixes(flow, today, notes)


def _note_edge(edge: VisualEdge, moved: VisualEdge, notes: list[Problem]) -> None:
    for node_id, side, before, now in (
        (edge.source, "output", edge.source_handle, moved.source_handle),
        (edge.target, "input", edge.target_handle, moved.target_handle),
    ):
        known = any(note.node == node_id and note.pin == now and side == "input" for note in notes)
        if before != now and not known:
            text = f"Node '{node_id}': the {side} '{before}' is now called '{now}'."
            notes.append(Problem("note", "pin.renamed", text, node_id, now))


def _with_fixes(flow: VisualFlow, today: VisualFlow, notes: list[Problem]) -> list[Problem]:
    """Give each note the changes that bring its node up to date, and each node that changes a note."""
    noted = {note.node for note in notes if note.code != "edge.vanished_pin"}
    for before, now in zip(flow.nodes, today.nodes, strict=True):
        if now is not before and before.id not in noted and now.to_json() != before.to_json():
            text = f"Node '{before.id}': its settings are written as in an older version."
            notes.append(Problem("note", "node.upgraded", text, before.id))
    fixes: dict[str, dict[str, Any]] = {}
    nodes, edges = _by_node(flow, today) if notes else ({}, {})
    for note in notes:
        if note.fix is None and note.severity == "note" and note.node and note.node not in fixes:
            changes = _changes(nodes.get(note.node, ()), edges.get(note.node, ()), note.node)
            fixes[note.node] = fix("Write it in today's words", *changes)
    return [
        note if note.fix is not None or note.node not in fixes else replace(note, fix=fixes[note.node])
        for note in notes
    ]


def _by_node(
    flow: VisualFlow, today: VisualFlow
) -> tuple[dict[str, list[VisualNode]], dict[str, list[_Moved]]]:
    """Return what changed by the id of the node that it is a change of; a wire is one of both its ends."""
    nodes: dict[str, list[VisualNode]] = {}
    edges: dict[str, list[_Moved]] = {}
    changed, moved = _changed(flow, today)
    for node in changed:
        nodes.setdefault(node.id, []).append(node)
    for wire in moved:
        for node_id in {wire[0].source, wire[0].target}:
            edges.setdefault(node_id, []).append(wire)
    return nodes, edges


def changes_between(flow: VisualFlow, today: VisualFlow, node_id: str | None = None) -> list[dict[str, Any]]:
    """Return the changes that make a flow what it is in today's words; of one node only, if named.

    Applied to the document, all of them together give what `migrate` gives.
    """
    return _changes(*_changed(flow, today), node_id)


def _changed(flow: VisualFlow, today: VisualFlow) -> tuple[list[VisualNode], list[_Moved]]:
    """Return the nodes that are no longer what they were, and the wires as they were and as they are now."""
    nodes = [
        now
        for before, now in zip(flow.nodes, today.nodes, strict=True)
        if now is not before and now.to_json() != before.to_json()
    ]
    left = {id(edge.raw): edge for edge in today.edges}
    moved = [(edge, left.get(id(edge.raw))) for edge in flow.edges]
    return nodes, [(edge, now) for edge, now in moved if now is not edge]


def _changes(
    nodes: Iterable[VisualNode], edges: Iterable[_Moved], node_id: str | None = None
) -> list[dict[str, Any]]:
    changes: list[dict[str, Any]] = [
        {"op": "replace", "node": now.to_json()} for now in nodes if node_id in (None, now.id)
    ]
    moved = list(edges)
    today = {id(edge): now_edge for edge, now_edge in moved}
    for edge in placed_first(edge for edge, _ in moved):
        now_edge = today[id(edge)]
        if now_edge is None:
            if node_id in (None, edge.source):
                changes.append(cut(edge))
            continue
        handles = {"sourceHandle": now_edge.source_handle, "targetHandle": now_edge.target_handle}
        if node_id not in (None, edge.source):
            handles["sourceHandle"] = edge.source_handle
        if node_id not in (None, edge.target):
            handles["targetHandle"] = edge.target_handle
        if (handles["sourceHandle"], handles["targetHandle"]) != (edge.source_handle, edge.target_handle):
            place = (
                {} if edge.at is None else {"at": edge.at}
            )  # where it stood, so that the others keep their places
            changes += [cut(edge), {"op": "connect", "edge": {**edge.to_json(), **handles}, **place}]
    return changes


def renames_of(kind: NodeType) -> Renames:
    """Return the old names that a type's declaration knows."""
    fields = tuple((old, each.path) for each in kind.fields for old in each.was)
    return Renames(_old_names(kind.inputs), _old_names(kind.outputs), fields)


def _old_names(pins: tuple[Pin, ...]) -> dict[str, str]:
    present = {pin.id for pin in pins}
    return {old: pin.id for pin in pins for old in pin.was if old not in present}


def _outputs(kind: NodeType, node: VisualNode) -> set[str] | None:
    try:
        return {pin.id for pin in pins_of(kind, node.data)[1]}
    except FAULTS:
        return None  # `validate.check` tells what is wrong with the data


def _is_ours(version: Any) -> bool:
    return isinstance(version, int) and not isinstance(version, bool) and 1 <= version <= FORMAT


def _node(
    node: VisualNode, kind: NodeType | None, renames: Mapping[str, Renames], notes: list[Problem]
) -> VisualNode:
    if kind is None:
        return node
    old = renames[kind.name]
    is_old = node.type != kind.name or _speaks_old(node.data, old)
    if not is_old and kind.upgrade is None:
        return node
    data = json_copy(node.data)
    if node.type != kind.name:
        text = f"Node '{node.id}': the type '{node.type}' is now called '{kind.name}'."
        notes.append(Problem("note", "node.renamed", text, node.id))
        if "nodeType" in data:
            data["nodeType"] = kind.name
    if is_old:
        for before, now in old.fields:
            _move(data, before, now)
        _rename_keys(data.get("pinDefaults"), old.inputs, node, notes)
        for side, names in (("inputs", old.inputs), ("outputs", old.outputs)):
            if names and isinstance(data.get(side), list):
                data[side] = _rename_pins(data[side], names)
    if kind.upgrade is not None:
        try:
            data = kind.upgrade(json_copy(data))
        except FAULTS as error:
            text = f"Node '{node.id}': its settings could not be brought up to date ({error})."
            notes.append(Problem("risk", "node.settings", text, node.id))
    return VisualNode(node.id, kind.name, data, node.raw)


def _speaks_old(data: dict[str, Any], old: Renames) -> bool:
    """Return whether a node holds one of its type's old names: most do not, and need no copy."""
    given = data.get("pinDefaults")
    if isinstance(given, dict) and not old.inputs.keys().isdisjoint(given):
        return True
    for side, names in (("inputs", old.inputs), ("outputs", old.outputs)):
        pins = data.get(side) if names else None
        for pin in pins if isinstance(pins, list) else ():
            if isinstance(pin, dict) and isinstance(pin.get("id"), str) and pin["id"] in names:
                return True
    for before, _ in old.fields:
        holder, key = _holder(data, before)
        if holder is not None and key in holder:
            return True
    return False


def _edge(
    edge: VisualEdge,
    kinds: Mapping[str, NodeType],
    renames: Mapping[str, Renames],
    wired: set[tuple[str, str]],
) -> VisualEdge:
    start, goal = kinds.get(edge.source), kinds.get(edge.target)
    out = renames[start.name].outputs.get(edge.source_handle) if start else None
    into = renames[goal.name].inputs.get(edge.target_handle) if goal else None
    if into and (edge.target, into) in wired:  # today's pin has its own wire: that one counts
        into = None
    if not out and not into:
        return edge
    return replace(edge, source_handle=out or edge.source_handle, target_handle=into or edge.target_handle)


def _rename_keys(given: Any, names: Mapping[str, str], node: VisualNode, notes: list[Problem]) -> None:
    if not isinstance(given, dict):
        return
    for before in [key for key in given if key in names]:
        now = names[before]
        value = given.pop(before)
        given.setdefault(now, value)
        text = f"Node '{node.id}': the input '{before}' is now called '{now}'."
        notes.append(Problem("note", "pin.renamed", text, node.id, now))


def _rename_pins(pins: list[Any], names: Mapping[str, str]) -> list[Any]:
    ids = [pin.get("id") if isinstance(pin, dict) else None for pin in pins]
    present = {each for each in ids if isinstance(each, str)}
    renamed = []
    for pin, before in zip(pins, ids, strict=True):
        now = names.get(before) if isinstance(before, str) else None
        if now is None:
            renamed.append(pin)
        elif now not in present:
            renamed.append({**pin, "id": now})
            present.add(now)
    return renamed


def _move(data: dict[str, Any], before: str, now: str) -> None:
    holder, key = _holder(data, before)
    if holder is None or key not in holder:
        return
    value = holder.pop(key)
    goal, goal_key = _holder(data, now, make=True)
    if goal is not None and goal.get(goal_key) in (None, ""):
        goal[goal_key] = value


def _holder(data: dict[str, Any], path: str, *, make: bool = False) -> tuple[dict[str, Any] | None, str]:
    *parents, key = path.split(".")
    here: Any = data
    for parent in parents:
        if make and isinstance(here, dict) and not isinstance(here.get(parent), dict):
            here[parent] = {}
        here = here.get(parent) if isinstance(here, dict) else None
    return (here if isinstance(here, dict) else None), key
