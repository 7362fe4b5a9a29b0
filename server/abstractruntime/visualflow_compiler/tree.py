"""A flow with its subflows and its listeners: several programs that run together.

Subflows are followed from every node that names a flow, reachable or not; a flow may call itself. Every
listening node becomes a program of its own, entered at that node, except the one that is already the
entry of the root: hosts start one run of each beside the root's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..nodes.catalog import Catalog, catalog
from .document import VisualFlow
from .graph import Graph
from .lower import Rename, lower
from .opened import Opened, open_flow
from .program import Program
from .validate import setting_of

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True)
class Missing:
    """A flow that is named but was not given."""

    flow_id: str
    node_id: str
    named: str


@dataclass
class FlowTree:
    """All programs of a root flow, by workflow id; `root` is the root's."""

    root: str = ""
    programs: dict[str, Program] = field(default_factory=dict)
    listeners: dict[str, Program] = field(default_factory=dict)
    missing: list[Missing] = field(default_factory=list)


def listener_id(flow_id: str, node_id: str) -> str:
    """Return the workflow id of a listening node."""
    return f"visual_event_listener_{_UNSAFE.sub('_', flow_id)}_{_UNSAFE.sub('_', node_id)}"


def flows_named(flow: VisualFlow, types: Catalog | None = None) -> Iterator[tuple[str, str]]:
    """Yield (node, flow id) for each setting that names another flow."""
    known = types or catalog()
    for node in flow.nodes:
        kind = known.resolve(node.type)
        for setting in kind.fields if kind is not None else ():
            named = setting_of(node.data, setting.path) if setting.type == "flow" else None
            if isinstance(named, str) and named.strip():
                yield node.id, named.strip()


def closure(
    root_id: str, flows: Mapping[str, Any], types: Catalog | None = None
) -> tuple[dict[str, VisualFlow], list[Missing]]:
    """Return the root and all flows it leads to, nearest first and migrated, and what is missing."""
    found, missing = open_tree(root_id, flows, types)
    return {flow_id: opened.flow for flow_id, opened in found.items()}, missing


def open_tree(
    root_id: str, flows: Mapping[str, Any], types: Catalog | None = None
) -> tuple[dict[str, Opened], list[Missing]]:
    """Read the root and all flows it leads to, nearest first, each once; tell what is missing."""
    known = types or catalog()
    found: dict[str, Opened] = {}
    missing: list[Missing] = []
    queue = [root_id]
    for flow_id in queue:  # grows while we read
        found[flow_id] = open_flow(flows[flow_id], known)
        for node_id, named in flows_named(found[flow_id].flow, known):
            if named not in flows:
                missing.append(Missing(flow_id, node_id, named))
            elif named not in queue:
                queue.append(named)
    return found, missing


def lower_tree(
    root_id: str | None,
    flows: Mapping[str, Any],
    types: Catalog | None = None,
    *,
    rename: Rename | None = None,
) -> FlowTree:
    """Make the programs of a root flow (default: the first given), its subflows and its listeners.

    Flows that are named but not given are left out and told in `missing`. Raises InvalidFlow naming
    the flow that cannot be lowered, KeyError for an unknown root.
    """
    if not flows:
        return FlowTree()
    first = root_id if root_id is not None else next(iter(flows))
    found, missing = open_tree(first, flows, types)
    return lower_opened(found, missing, rename=rename)


def lower_opened(
    found: Mapping[str, Opened], missing: list[Missing], *, rename: Rename | None = None
) -> FlowTree:
    """Make the programs of a tree that has been read already; the first flow is the root."""
    tree = FlowTree(missing=missing)
    for flow_id, opened in found.items():
        name = rename(flow_id) if rename is not None else flow_id
        graph = opened.graph()
        own_entry = None if tree.root else graph.entry
        tree.programs[name] = lower(graph, workflow_id=name, rename=rename)
        tree.root = tree.root or name
        for node_id in _listening(graph, own_entry):
            listener = lower(opened.graph(node_id), workflow_id=listener_id(name, node_id), rename=rename)
            tree.listeners[listener.workflow_id] = listener
    return tree


def _listening(graph: Graph, entry: str | None) -> Iterator[str]:
    for node_id, placed in graph.nodes.items():
        if placed.kind is not None and placed.kind.listens and node_id != entry:
            yield node_id
