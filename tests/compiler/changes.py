"""Changes as the editor applies them (`static/island/src/model/change.ts`), to test fixes without a browser."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

Document = dict[str, Any]


def applied(document: Mapping[str, Any], changes: Iterable[Mapping[str, Any]]) -> Document:
    """Return the document after the changes; raise LookupError for one that does not fit."""
    flow: Document = copy.deepcopy(dict(document))
    for change in changes:
        _CHANGES[change["op"]](flow, change)
    return flow


def _node(flow: Document, node_id: str) -> Document:
    return next(node for node in flow["nodes"] if node["id"] == node_id)


def _add(flow: Document, change: Mapping[str, Any]) -> None:
    if any(node["id"] == change["node"]["id"] for node in flow.setdefault("nodes", [])):
        raise LookupError(change["node"]["id"])
    flow["nodes"].append(change["node"])


def _remove(flow: Document, change: Mapping[str, Any]) -> None:
    flow["nodes"].remove(_node(flow, change["node"]))
    flow["edges"] = [e for e in flow["edges"] if change["node"] not in (e["source"], e["target"])]


def _disconnect(flow: Document, change: Mapping[str, Any]) -> None:
    at = change.get("at")
    if at is None:
        (at,) = (at for at, edge in enumerate(flow["edges"]) if edge.get("id") == change["edge"])
    del flow["edges"][at]


def _connect(flow: Document, change: Mapping[str, Any]) -> None:
    for end in ("source", "target"):
        _node(flow, change["edge"][end])
    flow["edges"].insert(change.get("at", len(flow["edges"])), change["edge"])


def _set(flow: Document, change: Mapping[str, Any]) -> None:
    _write(_node(flow, change["node"]).setdefault("data", {}), change)


def _flow(flow: Document, change: Mapping[str, Any]) -> None:
    _write(flow, change)


def _replace(flow: Document, change: Mapping[str, Any]) -> None:
    flow["nodes"][flow["nodes"].index(_node(flow, change["node"]["id"]))] = change["node"]


def _write(here: Any, change: Mapping[str, Any]) -> None:
    path = change["path"].split(".") if isinstance(change["path"], str) else change["path"]
    for key in path[:-1]:
        here = here[int(key)] if isinstance(here, list) else here.setdefault(key, {})
    if "value" in change:
        here[path[-1]] = change["value"]
    elif path[-1] in here:
        del here[path[-1]]


_CHANGES = {
    "add": _add,
    "remove": _remove,
    "disconnect": _disconnect,
    "connect": _connect,
    "set": _set,
    "flow": _flow,
    "replace": _replace,
}
