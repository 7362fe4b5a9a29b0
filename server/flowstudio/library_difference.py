"""The changes that lead from one document to another, exactly: values, order of rows, order of keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from .library_changes import Change, ChangeError, apply_all, same_text, text_of

Json = Any


def changes_to(before: Mapping[str, Json], after: Mapping[str, Json]) -> list[Change]:
    """Return changes after which `before` is written like `after`; none when it is already.

    Where rows were put in another order, or rows are no nodes, it is one change of the whole.
    """
    if same_text(before, after):
        return []
    try:
        changes = _by_row(before, after)
        if same_text(apply_all(before, changes)[0], after):
            return changes
    except ChangeError:
        pass
    return [{"op": "whole", "document": dict(after)}]


def _by_row(before: Mapping[str, Json], after: Mapping[str, Json]) -> list[Change]:
    old, new = _nodes(before), _nodes(after)
    changes: list[Change] = []
    gone = Counter(map(_sign, _edges(before)))
    gone.subtract(map(_sign, _edges(after)))
    kept: list[Json] = []
    for at, edge in reversed(list(enumerate(_edges(before)))):
        if gone[_sign(edge)] > 0:
            gone[_sign(edge)] -= 1
            changes.append({"op": "disconnect", "edge": text_of(edge.get("id")), "at": at})
        else:
            kept.insert(0, _sign(edge))
    changes += [{"op": "remove", "node": name} for name in old if name not in new]
    top = {key: [] if key in ("nodes", "edges") else value for key, value in after.items()}
    if not same_text(top, {key: [] if key in ("nodes", "edges") else value for key, value in before.items()}):
        changes.append({"op": "replace", "flow": top})
    for at, (name, node) in enumerate(new.items()):
        if name not in old:
            changes.append({"op": "add", "node": node, "at": at})
        elif not same_text(old[name], node):
            changes.append({"op": "replace", "node": node})
    for at, edge in enumerate(_edges(after)):
        if at >= len(kept) or kept[at] != _sign(edge):
            changes.append({"op": "connect", "edge": edge, "at": at})
            kept.insert(at, _sign(edge))
    return changes


def _nodes(document: Mapping[str, Json]) -> dict[str, Json]:
    rows = {text_of(node.get("id")): node for node in document.get("nodes") or []}
    if "" in rows or len(rows) != len(document.get("nodes") or []):
        raise ChangeError("Some nodes have no id, or one id twice.")
    return rows


def _edges(document: Mapping[str, Json]) -> list[Json]:
    return document.get("edges") or []


def _sign(edge: Json) -> str:
    return repr(edge)
