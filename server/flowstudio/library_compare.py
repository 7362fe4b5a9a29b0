"""What differs between two versions of a flow, as a person reads it: nodes, wires, fields before and after."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .library_changes import same_value, text_of

Json = Any
LAYOUT = (
    "position",
    "canvas.wires",
    "canvas.locked",
    "canvas.bookmark",
    "canvas.breakpoint",
    "canvas.breaks",
    "canvas.group",
    "canvas.groups",
)
MARKS = "data.canvas"  # what the editor keeps beside the meaning of a node: each mark is a field of its own
UNSAID = ("nodes", "edges", "created_at", "updated_at")
MOST_SAID = 3
MOST_LETTERS = 24


class _Absent:
    """Stands for a value that is not there; null is a value."""


ABSENT = _Absent()


@dataclass(frozen=True)
class FieldChange:
    """A value that differs; `has_before` and `has_after` tell what is absent from what is null."""

    path: str
    before: Json
    after: Json
    has_before: bool = True
    has_after: bool = True


@dataclass(frozen=True)
class NodeChange:
    """A node that was added, removed, changed, or only moved."""

    state: str
    id: str
    title: str
    type: str
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True)
class WireChange:
    """A wire that was added or removed: titles and pins of both ends."""

    state: str
    source: str
    source_title: str
    source_pin: str
    target: str
    target_title: str
    target_pin: str


@dataclass(frozen=True)
class Difference:
    """All that differs between two versions."""

    flow: tuple[FieldChange, ...] = ()
    nodes: tuple[NodeChange, ...] = ()
    wires: tuple[WireChange, ...] = field(default=())

    @property
    def is_empty(self) -> bool:
        """Whether the versions say the same, place of nodes included."""
        return not (self.flow or self.nodes or self.wires)

    def count(self, state: str) -> int:
        """Count the nodes of a state."""
        return sum(node.state == state for node in self.nodes)

    @property
    def sentence(self) -> str:
        """Say in one sentence what changed."""
        parts = [f"{self.count(word)} {word}" for word in ("added", "removed", "changed") if self.count(word)]
        if self.wires:
            parts.append(f"{len(self.wires)} {'wire' if len(self.wires) == 1 else 'wires'}")
        parts += [f"{each.path} of the flow" for each in self.flow[:2]]
        if not parts and (moved := self.count("moved")):
            return f"{moved} moved only"
        said = [
            field_words(node, each)
            for node in self.nodes
            if node.state == "changed"
            for each in node.fields[:1]
        ]
        more = f": {'; '.join(said[:MOST_SAID])}{' …' if len(said) > MOST_SAID else ''}" if said else ""
        return ", ".join(parts) + more if parts else "nothing"


def compare(before: Mapping[str, Json], after: Mapping[str, Json]) -> Difference:
    """Return what differs; nodes in the order of `after`, removed ones last."""
    old, new = nodes_of(before), nodes_of(after)
    nodes = [each for name, node in new.items() if (each := _node(old.get(name), node, name)) is not None]
    nodes += [
        NodeChange("removed", name, title_of(node), type_of(node))
        for name, node in old.items()
        if name not in new
    ]
    gone, come = wires_of(before), wires_of(after)
    wires = [_wire("added", ends, new, old) for ends in come if ends not in gone]
    wires += [_wire("removed", ends, old, new) for ends in gone if ends not in come]
    return Difference(tuple(fields_between(_top(before), _top(after))), tuple(nodes), tuple(wires))


def fields_between(before: Json, after: Json, path: str = "") -> Iterator[FieldChange]:
    """Yield the values that differ, each by its path; lists of things with ids are compared by id."""
    if path == MARKS:
        before, after = ({} if each is ABSENT else each for each in (before, after))
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            inner = f"{path}.{key}" if path else str(key)
            yield from fields_between(before.get(key, ABSENT), after.get(key, ABSENT), inner)
        return
    one, two = by_id(before), by_id(after)
    if one is not None and two is not None and one and two:
        for key in [*one, *(key for key in two if key not in one)]:
            yield from fields_between(one.get(key, ABSENT), two.get(key, ABSENT), f"{path}[{key}]")
        if [key for key in one if key in two] != [key for key in two if key in one]:
            yield FieldChange(f"{path} order", list(one), list(two))
        return
    if before is ABSENT or after is ABSENT or not same_value(before, after):
        has = (before is not ABSENT, after is not ABSENT)
        yield FieldChange(path, before if has[0] else None, after if has[1] else None, *has)


def by_id(value: Json) -> dict[str, Json] | None:
    """Return the things of a list by their ids, or None where not all have one of their own."""
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return None
    found = {text_of(item.get("id")): item for item in value}
    return found if len(found) == len(value) and "" not in found else None


def nodes_of(document: Mapping[str, Json]) -> dict[str, dict[str, Json]]:
    """Return the nodes of a flow by id, in order."""
    found: dict[str, dict[str, Json]] = {}
    for node in document.get("nodes") or []:
        if isinstance(node, dict) and text_of(node.get("id")):
            found.setdefault(text_of(node["id"]), node)
    return found


Ends = tuple[str, str, str, str]


def ends_of(edge: Mapping[str, Json]) -> Ends:
    """Return what makes a wire this wire: its nodes and pins."""
    keys = ("source", "sourceHandle", "target", "targetHandle")
    source, source_pin, target, target_pin = (text_of(edge.get(key)) for key in keys)
    return source, source_pin, target, target_pin


def wires_of(document: Mapping[str, Json]) -> dict[Ends, dict[str, Json]]:
    """Return the wires of a flow by their ends, in order."""
    found: dict[Ends, dict[str, Json]] = {}
    for edge in document.get("edges") or []:
        if isinstance(edge, dict):
            found.setdefault(ends_of(edge), edge)
    return found


def title_of(node: Mapping[str, Json] | None) -> str:
    """Return what a node is called."""
    if node is None:
        return "a missing node"
    data = node.get("data")
    label = text_of(data.get("label")) if isinstance(data, dict) else ""
    return label or text_of(node.get("label")) or type_of(node) or text_of(node.get("id"))


def type_of(node: Mapping[str, Json]) -> str:
    """Return the name of a node's type."""
    kind = node.get("type")
    return text_of(kind.get("value") if isinstance(kind, dict) else kind)


def short_path(path: str) -> str:
    """Return the part of a path that people know: the pin, the setting."""
    for prefix in ("data.pinDefaults.", "data."):
        path = path.removeprefix(prefix)
    return {"label": "name"}.get(path, path)


def is_layout(path: str) -> bool:
    """Say whether a field only says where something is drawn."""
    bare = path.removeprefix("data.")
    return any(bare == each or bare.startswith((f"{each}.", f"{each}[")) for each in LAYOUT)


def _node(old: Json, new: dict[str, Json], name: str) -> NodeChange | None:
    if old is None:
        return NodeChange("added", name, title_of(new), type_of(new))
    fields = tuple(fields_between(old, new))
    if not fields:
        return None
    told = tuple(each for each in fields if not is_layout(each.path))
    return NodeChange("changed" if told else "moved", name, title_of(new), type_of(new), told or fields)


def _wire(state: str, ends: Ends, nodes: Mapping[str, Json], others: Mapping[str, Json]) -> WireChange:
    source, source_pin, target, target_pin = ends
    titles = [title_of(nodes.get(name) or others.get(name)) for name in (source, target)]
    return WireChange(state, source, titles[0], source_pin, target, titles[1], target_pin)


def _top(document: Mapping[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in document.items() if key not in UNSAID}


def field_words(node: NodeChange, change: FieldChange) -> str:
    """Say in a few words what became of a field: "Compute VAT: rate 0.24 → 0.255"."""
    if change.path == "data.label":
        return f"{_brief(change.before)} is now {_brief(change.after)}"
    return f"{_short(node.title)}: {short_path(change.path)} {_brief(change.before)} → {_brief(change.after)}"


def wire_words(edge: Mapping[str, Json], titles: Mapping[str, str]) -> str:
    """Name a wire by its nodes and pins."""
    source, source_pin, target, target_pin = ends_of(edge)
    return f"{titles.get(source, source)} {source_pin} → {titles.get(target, target)} {target_pin}"


def _brief(value: Json) -> str:
    """Write a value in a few words: text between quotation marks, all else as JSON."""
    if value is None:
        return "nothing"
    text = _short(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))
    return f"“{text}”" if isinstance(value, str) else text


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…"
