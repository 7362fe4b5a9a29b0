"""What a row of the edit log did, in a line: the node by its title, the field, before and after."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .library_changes import Change, ChangeError, apply_all, text_of
from .library_compare import (
    FieldChange,
    NodeChange,
    compare,
    field_words,
    is_layout,
    nodes_of,
    title_of,
    wire_words,
)

Json = Any
MOST_FIELDS = 2
MOST_NAMED = 3
_ONLY_SET = re.compile(r"(Set|Edit|Reset) ")  # labels that say no more than the fields do


def row_words(
    label: str, changes: Sequence[Change], inverse: Sequence[Change], titles: Mapping[str, str]
) -> str:
    """Return what changes did, by the changes that take them back; the label where they cannot be told in a line.

    `titles` are those of the flow's nodes today, for what is only named by an id.
    """
    nodes = _touched(changes, inverse)
    try:
        fields = [*_fields(nodes, changes)]
    except ChangeError:
        return label
    told = [field_words(node, each) for node, each in fields[:MOST_FIELDS]]
    if told and len(nodes) == 1:
        words = "; ".join(told) + (" …" if len(fields) > MOST_FIELDS else "")
        is_only = not label or _ONLY_SET.match(label) is not None
        return words if is_only else f"{label}: {words}"
    named = [name for name in _names(nodes, changes, inverse, titles) if name not in label]
    if not named:
        return label
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    return f"{label or 'Change'}: {', '.join(named[:MOST_NAMED])}{more}"


def titles_of(document: Mapping[str, Json]) -> dict[str, str]:
    """Return what the nodes of a flow are called, by id."""
    return {name: title_of(node) for name, node in nodes_of(document).items()}


def _touched(changes: Sequence[Change], inverse: Sequence[Change]) -> dict[str, Mapping[str, Json]]:
    """Return the nodes that were there and changed, as they were before; none for changes of the whole."""
    if any(each.get("op") == "whole" for each in changes):
        return {}
    wanted = {text_of(each.get("node")) for each in changes if each.get("op") in ("set", "move")}
    wanted |= {
        text_of(node.get("id"))
        for each in changes
        if each.get("op") == "replace" and (node := each.get("node"))
    }
    found: dict[str, Mapping[str, Json]] = {}
    for each in reversed(inverse):  # the way back ends with the first change
        node = each.get("node")
        if each.get("op") == "replace" and isinstance(node, Mapping) and text_of(node.get("id")) in wanted:
            found.setdefault(text_of(node.get("id")), node)
    return found


def _fields(
    nodes: Mapping[str, Mapping[str, Json]], changes: Sequence[Change]
) -> Iterator[tuple[NodeChange, FieldChange]]:
    """Yield what differs within the nodes, but for where they stand."""
    own = [each for each in changes if _node_of(each) in nodes]
    before: dict[str, Json] = {"nodes": [*nodes.values()], "edges": []}
    after, _ = apply_all(before, own)
    for node in compare(before, after).nodes:
        yield from ((node, each) for each in node.fields if not is_layout(each.path))


def _node_of(change: Change) -> str:
    node = change.get("node")
    is_own = change.get("op") in ("set", "move", "replace")
    return text_of(node.get("id") if isinstance(node, Mapping) else node) if is_own else ""


def _names(
    nodes: Mapping[str, Mapping[str, Json]],
    changes: Sequence[Change],
    inverse: Sequence[Change],
    known: Mapping[str, str],
) -> list[str]:
    """Return what was touched by name: nodes that were changed, added or removed, else wires by their pins."""
    titles = [title_of(node) for node in nodes.values()]
    for each in (*changes, *inverse):
        node = each.get("node")
        if each.get("op") == "add" and isinstance(node, Mapping):
            titles.append(title_of(node))
    if titles:
        return [*dict.fromkeys(titles)]
    wires = [each.get("edge") for each in (*changes, *inverse) if each.get("op") == "connect"]
    return [*dict.fromkeys(wire_words(wire, known) for wire in wires if isinstance(wire, Mapping))]
