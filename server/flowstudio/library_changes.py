"""The changes of the editor, applied by the server: the same ops as `static/island/src/model/change.ts`.

A change is JSON with an `op`; applying it returns the changes that take it back. Documents are never
changed in place: what a change touches is copied, the rest is shared.

    add {node, at?}              remove {node}            replace {node? , flow?}   whole {document}
    connect {edge, at?}          disconnect {edge, at?}   move {node, x, y}
    set {node, path, value?}     flow {path, value?}      without `value` the key is deleted

`at` is a place in the document's list of nodes or edges; `path` is dotted text or a list of keys.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from .library_text import revision_of

Json = Any
Change = Mapping[str, Any]
Document = dict[str, Any]
FIXED = ("id", "nodes", "edges")


class ChangeError(ValueError):
    """A change does not fit the document; the message names the place."""


def apply_all(document: Mapping[str, Json], changes: Iterable[Change]) -> tuple[Document, list[Change]]:
    """Return the document after some changes, and the changes that undo them; raise ChangeError."""
    sheet, undo = _Sheet(document), list[Change]()
    for change in changes:
        undo[:0] = sheet.apply(change)
    return sheet.document(), undo


def same_text(a: Json, b: Json) -> bool:
    """Say whether two values are written with the same signs, order of keys included."""
    return json.dumps(a, ensure_ascii=False) == json.dumps(b, ensure_ascii=False)


def same_value(a: Json, b: Json) -> bool:
    """Say whether two values are the same JSON; 1 and 1.0 are, 1 and true are not."""
    return a == b and revision_of({"": _plain(a)}) == revision_of({"": _plain(b)})


def _plain(value: Json) -> Json:
    """Write whole floats as integers, as browsers do."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def text_of(value: Json) -> str:
    """Return a name as it is compared: without spaces around it, nothing for what is no text."""
    return value.strip() if isinstance(value, str) else ""


class _Sheet:
    """A document while changes are written on it."""

    def __init__(self, document: Mapping[str, Json]) -> None:
        self.read(document)

    def read(self, document: Mapping[str, Json]) -> None:
        self.top = dict(document)
        self.nodes = _rows(document, "nodes")
        self.edges = _rows(document, "edges")
        self.by_id: dict[str, Json] = {}
        for row in self.nodes:
            name = text_of(row.get("id")) if isinstance(row, dict) else ""
            if name:
                self.by_id.setdefault(name, row)

    def document(self) -> Document:
        rows = {"nodes": self.nodes, "edges": self.edges}
        return {**self.top, **{key: list(found) for key, found in rows.items() if found or key in self.top}}

    def apply(self, change: Change) -> list[Change]:
        match change.get("op"):
            case "add":
                return self.add(change)
            case "remove":
                return self.remove(self.node(change))
            case "move":
                return self.move(self.node(change), change.get("x"), change.get("y"))
            case "connect":
                return self.connect(change.get("edge"), change.get("at"))
            case "disconnect":
                return self.disconnect(self.find_wire(change))
            case "set":
                return self.set(self.node(change), change)
            case "flow":
                return self.set_flow(change)
            case "replace":
                return self.replace(change)
            case "whole":
                return self.whole(change.get("document"))
            case other:
                raise ChangeError(f"There is no change {other!r}.")

    # ---- nodes ----------------------------------------------------------------------------------

    def node(self, change: Change) -> Document:
        name = change.get("node")
        found = self.by_id.get(name) if isinstance(name, str) else None
        if found is None:
            raise ChangeError(f"Cannot {change.get('op')}: the flow has no node {name!r}.")
        return found  # type: ignore[no-any-return]

    def put(self, before: Document, after: Document) -> list[Change]:
        self.nodes[_index(self.nodes, before)] = after
        self.by_id[text_of(before["id"])] = after
        return [{"op": "replace", "node": before}]

    def add(self, change: Change) -> list[Change]:
        node = change.get("node")
        name = text_of(node.get("id")) if isinstance(node, dict) else ""
        if not name:
            raise ChangeError("Cannot add a node without an id.")
        if name in self.by_id:
            raise ChangeError(f"Cannot add: the flow already has a node {name!r}.")
        self.nodes.insert(_place(change.get("at"), self.nodes), node)
        self.by_id[name] = node
        return [{"op": "remove", "node": name}]

    def remove(self, node: Document) -> list[Change]:
        name, back = text_of(node["id"]), list[Change]()
        for wire in [wire for wire in self.edges if name in self.ends(wire)][::-1]:
            back[:0] = self.disconnect(wire)
        at = _index(self.nodes, node)
        del self.nodes[at], self.by_id[name]
        return [{"op": "add", "node": node, "at": at}, *back]

    def move(self, node: Document, x: Json, y: Json) -> list[Change]:
        if not all(type(each) in (int, float) and math.isfinite(each) for each in (x, y)):
            raise ChangeError(f"Cannot move node {node['id']!r} to {x}, {y}.")
        old = node.get("position")
        return self.put(
            node, {**node, "position": {**(old if isinstance(old, dict) else {}), "x": x, "y": y}}
        )

    def set(self, node: Document, change: Change) -> list[Change]:
        data = node.get("data")
        return self.put(node, {**node, "data": _set(data if isinstance(data, dict) else {}, change)})

    # ---- wires ----------------------------------------------------------------------------------

    def ends(self, wire: Json) -> tuple[str, ...]:
        """Return the nodes that a wire hangs on: both, or none while one is missing."""
        if not isinstance(wire, dict):
            return ()
        ends = (text_of(wire.get("source")), text_of(wire.get("target")))
        has_pins = text_of(wire.get("sourceHandle")) and text_of(wire.get("targetHandle"))
        return ends if has_pins and all(end in self.by_id for end in ends) else ()

    def connect(self, edge: Json, at: Json) -> list[Change]:
        if not isinstance(edge, dict):
            raise ChangeError("Cannot connect: a wire is an object.")
        for end in () if at is not None else ("source", "target"):  # with a place it is put back as it was
            name = edge.get(end)
            if text_of(name) not in self.by_id:
                raise ChangeError(f"Cannot connect: the wire's {end} {name!r} is no node of the flow.")
        place = _place(at, self.edges)
        self.edges.insert(place, edge)
        return [{"op": "disconnect", "edge": text_of(edge.get("id")), "at": place}]

    def find_wire(self, change: Change) -> Document:
        at, name = change.get("at"), change.get("edge")
        if type(at) is int and 0 <= at < len(self.edges) and _may_mean(self.edges[at], name):
            return self.edges[at]  # type: ignore[no-any-return]
        for wire in self.edges:
            if isinstance(wire, dict) and text_of(wire.get("id")) == name:
                return wire
        raise ChangeError(f"Cannot disconnect: the flow has no wire {name!r}.")

    def disconnect(self, wire: Document) -> list[Change]:
        at = _index(self.edges, wire)
        del self.edges[at]
        return [{"op": "connect", "edge": wire, "at": at}]

    # ---- the whole ------------------------------------------------------------------------------

    def set_flow(self, change: Change) -> list[Change]:
        first = _keys(change.get("path"))[0]
        if first in FIXED:
            raise ChangeError(f"{first!r} of a flow is not set by hand.")
        before = _light(self.top)
        self.top = _set(self.top, change)
        return [{"op": "replace", "flow": before}]

    def replace(self, change: Change) -> list[Change]:
        undo: dict[str, Json] = {"op": "replace"}
        node, flow = change.get("node"), change.get("flow")
        if node:
            before = self.node({"op": "replace", "node": text_of(node.get("id"))})
            undo["node"] = before
            self.put(before, node)
        if flow:
            undo["flow"] = _light(self.top)
            self.top = dict(flow)
        return [undo]

    def whole(self, document: Json) -> list[Change]:
        if not isinstance(document, dict):
            raise ChangeError("A whole flow is an object.")
        before = self.document()
        self.read(document)
        return [{"op": "whole", "document": before}]


def _rows(document: Mapping[str, Json], key: str) -> list[Json]:
    rows = document.get(key)
    return list(rows) if isinstance(rows, list) else []


def _light(top: Document) -> Document:
    """Return a flow without its rows, which keep their place among the keys."""
    return {key: [] if key in ("nodes", "edges") else value for key, value in top.items()}


def _index(rows: list[Json], row: Json) -> int:
    return next(index for index, each in enumerate(rows) if each is row)


def _place(at: Json, rows: list[Json]) -> int:
    return at if type(at) is int and 0 <= at <= len(rows) else len(rows)


def _may_mean(wire: Json, name: Json) -> bool:
    """Whether a wire may be the one of this name: its id, or one that was free where that is missing or another's."""
    said = text_of(wire.get("id")) if isinstance(wire, dict) else ""
    return name == said or (isinstance(name, str) and name.startswith(f"{said}~"))


def _keys(path: Json) -> list[str]:
    keys = path.split(".") if isinstance(path, str) else path
    if not isinstance(keys, list) or not keys or any(not isinstance(key, str) or not key for key in keys):
        raise ChangeError(f"The path {path!r} is empty.")
    return keys


def _set(root: Json, change: Change) -> Json:
    keys = _keys(change.get("path"))
    return _write(root, keys, change["value"]) if "value" in change else _without(root, keys)


def _write(value: Json, keys: list[str], put: Json) -> Json:
    key, rest = keys[0], keys[1:]
    if isinstance(value, list):
        at = _number(key)
        if at is None or at > len(value):
            raise ChangeError(f"{key!r} is no place in a list of {len(value)}.")
        inner = value[at] if at < len(value) else None
        return [*value[:at], _write(inner, rest, put) if rest else put, *value[at + 1 :]]
    base = value if isinstance(value, dict) else {}
    return {**base, key: _write(base.get(key), rest, put) if rest else put}


def _without(value: Json, keys: list[str]) -> Json:
    key, rest = keys[0], keys[1:]
    if isinstance(value, list):
        at = _number(key)
        if at is None or at >= len(value):
            return value
        return [*value[:at], *([_without(value[at], rest)] if rest else []), *value[at + 1 :]]
    if not isinstance(value, dict) or key not in value:
        return value
    if rest:
        return {**value, key: _without(value[key], rest)}
    return {name: item for name, item in value.items() if name != key}


def _number(key: str) -> int | None:
    return int(key) if key.isascii() and key.isdigit() else None
