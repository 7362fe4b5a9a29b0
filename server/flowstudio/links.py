"""Links: a node that runs a flow may be bound to a version of it.

`subflowVersion` of the node says which: nothing (the newest), `published`, or the number of a version. What runs
and what is packed is the same document with the bound versions under keys of their own, so the compiler and
the packer know nothing of versions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from abstractruntime.visualflow_compiler import Opened, Problem
from abstractruntime.visualflow_compiler.problem import set_to

from .library_changes import Document

Json = Any
VERSION = "subflowVersion"
PUBLISHED = "published"
REFERENCES = ("subflowId", "flowId", "workflowId", "workflow_id")
Bind = Callable[[str, str], str | None]


def wanted(data: Json) -> str:
    """Return which version a node's data ask for; empty for the newest."""
    word = data.get(VERSION) if isinstance(data, dict) else None
    if isinstance(word, int) and not isinstance(word, bool):
        return str(word)
    return word.strip() if isinstance(word, str) else ""


def calls(document: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """Yield (flow id, version) for each node of a document that names a flow."""
    nodes = document.get("nodes")
    for node in nodes if isinstance(nodes, list) else ():
        data = node.get("data") if isinstance(node, Mapping) else None
        if called := _called(data):
            yield called[1], wanted(data)


def linked(document: Document, bind: Bind) -> Document:
    """Return the document in which bound nodes name what `bind` gives for (flow id, version).

    Where it gives None the node names its flow as before. The same object where nothing is bound.
    """
    nodes = document.get("nodes")
    if not isinstance(nodes, list):
        return document
    told = [_linked(node, bind) for node in nodes]
    is_same = all(old is new for old, new in zip(nodes, told, strict=True))
    return document if is_same else {**document, "nodes": told}


def unbound(document: Document) -> Document:
    """Return a document whose nodes ask for no version: they name the very flow that they run."""
    nodes = [
        {**node, "data": {key: value for key, value in data.items() if key != VERSION}}
        if isinstance(data := node.get("data"), dict) and VERSION in data
        else node
        for node in document.get("nodes", [])
    ]
    return {**document, "nodes": nodes}


def under_other_ids(flow_id: str, document: Document, renamed: Mapping[str, str]) -> Document:
    """Return a copy of a document whose id and references to other flows follow the new names."""
    copy: Document = json.loads(json.dumps(document))
    copy["id"] = renamed.get(flow_id, flow_id)
    for node in copy.get("nodes", []):
        _rename_references(node.get("data"), renamed)
    return copy


def problems_of(
    opened: Opened, is_bound: Callable[[str], bool], is_flow: Callable[[str], bool]
) -> list[Problem]:
    """Return what is wrong with the links of a flow that was opened in its linked form."""
    graph = opened.graph(listeners=True)
    found = []
    for node_id, placed in graph.nodes.items():
        word = wanted(placed.node.data)
        called = _called(placed.node.data) if word else None
        if called is None or is_bound(called[1]) or not is_flow(called[1]):
            continue
        which = "no published version" if word == PUBLISHED else f"no version {word[:20]}"
        text = f"{placed.name}: the flow '{called[1]}' has {which}. Choose another, or follow the newest."
        mend = set_to("Follow the newest", node_id, VERSION)
        problem = Problem("error", "flow.version_missing", text, node_id, VERSION, mend)
        found.append(problem if node_id in graph.used else replace(problem, severity="risk"))
    return found


def _linked(node: Json, bind: Bind) -> Json:
    data: Json = node.get("data") if isinstance(node, dict) else None
    word = wanted(data) if data else ""
    called = _called(data) if word else None
    key = bind(called[1], word) if called is not None else None
    return node if called is None or key is None else {**node, "data": {**dict(data), called[0]: key}}


def _called(data: Json) -> tuple[str, str] | None:
    """Return the setting that names a flow, and the flow."""
    for name in REFERENCES if isinstance(data, Mapping) else ():
        value = data.get(name)
        if isinstance(value, str) and value.strip():
            return name, value.strip()
    return None


def _rename_references(data: Json, renamed: Mapping[str, str]) -> None:
    if not isinstance(data, dict):
        return
    for place in (data, data.get("pinDefaults"), data.get("effectConfig")):
        if isinstance(place, dict):
            for key in REFERENCES:
                if isinstance(place.get(key), str):
                    place[key] = renamed.get(place[key], place[key])
