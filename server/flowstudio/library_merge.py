"""Three-way merge of a flow: per node and per field, nothing lost without a question.

`base` is what both began with, `mine` and `theirs` what they made of it. What only one of them changed is
taken. What both changed the same way is that. The rest are conflicts with an id each; whoever merges again
with `choices` decides them. Nodes that both added under one id are two nodes: mine gets another id.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .library_changes import Document, same_value, text_of
from .library_compare import ABSENT, by_id, ends_of, nodes_of, short_path, title_of

Json = Any
WHOLE = ("position",)  # of a node: the two numbers belong together
EXEC = "exec-in"  # the one pin that takes many wires


@dataclass(frozen=True)
class Clash:
    """A place that both changed. What is absent is null and said so."""

    id: str
    node: str
    title: str
    field: str
    base: Json
    mine: Json
    theirs: Json
    has_mine: bool
    has_theirs: bool


@dataclass(frozen=True)
class Merged:
    """A merged document, and the places where a choice is missing (mine stands there meanwhile)."""

    document: Document
    clashes: tuple[Clash, ...]


def merge(
    base: Mapping[str, Json],
    mine: Mapping[str, Json],
    theirs: Mapping[str, Json],
    choices: Mapping[str, str] | None = None,
) -> Merged:
    """Merge two documents that were made from one; `choices` is `mine` or `theirs` by conflict id."""
    merger = _Merger(choices or {})
    mine = _apart(base, mine, theirs)
    document = merger.documents(base, mine, theirs)
    return Merged(document, tuple(merger.clashes))


class _Merger:
    def __init__(self, choices: Mapping[str, str]) -> None:
        self.choices = choices
        self.clashes: list[Clash] = []
        self.node = self.title = ""
        self.revived: set[str] = set()

    def documents(
        self, base: Mapping[str, Json], mine: Mapping[str, Json], theirs: Mapping[str, Json]
    ) -> Document:
        nodes = self.nodes(base, mine, theirs)
        edges = self.edges(base, mine, theirs, nodes)
        self.node, self.title = "", "The flow"
        tops = [
            {key: value for key, value in each.items() if key not in ("nodes", "edges")}
            for each in (base, mine, theirs)
        ]
        top = self.value(tops[0], tops[1], tops[2], "")
        return {**top, "nodes": [*nodes.values(), *_odd(theirs)], "edges": edges}

    def nodes(
        self, base: Mapping[str, Json], mine: Mapping[str, Json], theirs: Mapping[str, Json]
    ) -> dict[str, Json]:
        old, own, other = nodes_of(base), nodes_of(mine), nodes_of(theirs)
        found: dict[str, Json] = {}
        for name in [*other, *(name for name in own if name not in other)]:
            self.node = name
            self.title = title_of(other.get(name) or own.get(name))
            sides = (old.get(name, ABSENT), own.get(name, ABSENT), other.get(name, ABSENT))
            merged = self.side(*sides, "")
            if merged is not ABSENT:
                found[name] = merged
        before = {ends_of(edge) for edge in _edges(base)}
        for name, node in old.items():
            if name in found or (name in own) == (name in other):
                continue  # removed by both, or by nobody
            keeper = mine if name in own else theirs
            if any(
                name in (ends[0], ends[2]) and ends not in before for ends in map(ends_of, _edges(keeper))
            ):
                # One removed it while the other drew a wire to it.
                self.node, self.title = name, title_of(node)
                chosen = self.ask("", node, own.get(name, ABSENT), other.get(name, ABSENT))
                if chosen is not ABSENT:
                    found[name] = chosen
                    self.revived.add(name)
        return found

    def side(self, base: Json, mine: Json, theirs: Json, path: str) -> Json:
        """Return what stands after both: the changed one, or what both have, or a choice."""
        if _same(mine, theirs) or _same(base, mine):
            return theirs
        if _same(base, theirs):
            return mine
        if path.rpartition(".")[2] not in WHOLE:
            if isinstance(mine, dict) and isinstance(theirs, dict):
                return self.value(base if isinstance(base, dict) else {}, mine, theirs, path)
            lists = [
                by_id(each) if each else {} for each in (base if base is not ABSENT else [], mine, theirs)
            ]
            if (
                all(each is not None for each in lists)
                and isinstance(mine, list)
                and isinstance(theirs, list)
            ):
                merged = self.value(lists[0], lists[1], lists[2], path, named=True)
                return list(merged.values())
        return self.ask(path, base, mine, theirs)

    def value(
        self, base: Json, mine: Json, theirs: Json, path: str, *, named: bool = False
    ) -> dict[str, Json]:
        found: dict[str, Json] = {}
        for key in [*theirs, *(key for key in mine if key not in theirs)]:
            inner = f"{path}[{key}]" if named else f"{path}.{key}" if path else str(key)
            sides = (base.get(key, ABSENT), mine.get(key, ABSENT), theirs.get(key, ABSENT))
            merged = self.side(*sides, inner)
            if merged is not ABSENT:
                found[key] = merged
        return found

    def ask(self, path: str, base: Json, mine: Json, theirs: Json) -> Json:
        """Return the side that was chosen; without a choice note the place, and let mine stand."""
        name = json.dumps([self.node, path], ensure_ascii=False)
        chosen = self.choices.get(name)
        if chosen in ("mine", "theirs"):
            return mine if chosen == "mine" else theirs
        began, own, other = (None if each is ABSENT else each for each in (base, mine, theirs))
        label = short_path(path) if path else "the node"
        has = (mine is not ABSENT, theirs is not ABSENT)
        self.clashes.append(Clash(name, self.node, self.title, label, began, own, other, has[0], has[1]))
        return mine

    def edges(
        self,
        base: Mapping[str, Json],
        mine: Mapping[str, Json],
        theirs: Mapping[str, Json],
        nodes: Mapping[str, Json],
    ) -> list[Json]:
        """Merge the wires: by their ends, and one wire for each input of a value."""
        old, own, other = ({ends_of(edge): edge for edge in _edges(each)} for each in (base, mine, theirs))
        kept: dict[Any, Json] = {}
        for ends in [*other, *(ends for ends in own if ends not in other)]:
            stays = (ends in own and ends in other) or ends not in old or not self.revived.isdisjoint(ends)
            if stays and all(
                ends[index] in nodes or not _known(ends[index], base, mine, theirs) for index in (0, 2)
            ):
                kept[ends] = other.get(ends) or own[ends]
        for ends in [ends for ends in own if ends not in other and ends in kept]:
            rival = next(
                (each for each in kept if each in other and each not in own and each[2:] == ends[2:]), None
            )
            if rival is None or ends[3] == EXEC:
                continue
            self.node, self.title = ends[2], title_of(nodes.get(ends[2]))
            chosen = self.ask(f"wire {ends[3]}", None, _said(ends, nodes), _said(rival, nodes))
            del kept[rival if chosen == _said(ends, nodes) else ends]
        return _renumbered(kept.values())


def _apart(
    base: Mapping[str, Json], mine: Mapping[str, Json], theirs: Mapping[str, Json]
) -> Mapping[str, Json]:
    """Give the nodes that both added under one id another id on my side, wires and marks with them."""
    old, own, other = nodes_of(base), nodes_of(mine), nodes_of(theirs)
    both = [
        name for name in own if name in other and name not in old and not same_value(own[name], other[name])
    ]
    if not both:
        return mine
    taken, renamed = {*old, *own, *other}, dict[str, str]()
    for name in both:
        stem, number = name.rstrip("0123456789"), 1
        stem = stem or f"{name}-"
        while f"{stem}{number}" in taken:
            number += 1
        renamed[name] = f"{stem}{number}"
        taken.add(renamed[name])
    nodes = [
        {**node, "id": renamed[text_of(node["id"])]} if text_of(node.get("id")) in renamed else node
        for node in mine.get("nodes") or []
    ]
    edges = []
    for edge in _edges(mine):
        ends = {
            end: renamed[name] for end in ("source", "target") if (name := text_of(edge.get(end))) in renamed
        }
        edges.append(
            {**edge, **ends}
            if ends and ends_of(edge) not in {ends_of(each) for each in _edges(theirs)}
            else edge
        )
    return {**mine, "nodes": nodes, "edges": edges}


def _renumbered(edges: Iterable[Json]) -> list[Json]:
    """Give wires that came to one id from both sides ids of their own."""
    rows, taken = list(edges), set[str]()
    known = {text_of(edge.get("id")) for edge in rows}
    found = []
    for edge in rows:
        name = text_of(edge.get("id"))
        if name and name in taken:
            number = 1
            while f"edge-{number}" in known:
                number += 1
            name = f"edge-{number}"
            known.add(name)
            edge = {**edge, "id": name}
        taken.add(name)
        found.append(edge)
    return found


def _same(a: Json, b: Json) -> bool:
    if a is ABSENT or b is ABSENT:
        return a is b
    return same_value(a, b)


def _edges(document: Mapping[str, Json]) -> list[dict[str, Json]]:
    return [edge for edge in document.get("edges") or [] if isinstance(edge, dict)]


def _odd(document: Mapping[str, Json]) -> list[Json]:
    """Return the rows that are no nodes: they stay as theirs has them."""
    named = {id(node) for node in nodes_of(document).values()}
    return [node for node in document.get("nodes") or [] if id(node) not in named]


def _known(name: str, *documents: Mapping[str, Json]) -> bool:
    return any(name in nodes_of(each) for each in documents)


def _said(ends: tuple[str, ...], nodes: Mapping[str, Json]) -> str:
    return f"from {title_of(nodes.get(ends[0]))}, {ends[1]}"
