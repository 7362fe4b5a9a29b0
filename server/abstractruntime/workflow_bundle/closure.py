"""Which flows belong together: a flow, the subflows that a run of it can reach, and theirs.

What a node refers to is read from its declaration (fields of type "flow", under today's and all
older names); what runs beside a flow (listeners) counts as reachable too. Flows are found by the id
inside the document, whatever their file is called.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import InvalidFlow
from ..nodes.catalog import Catalog
from ..visualflow_compiler.document import VisualFlow, load_visualflow_json
from ..visualflow_compiler.graph import Graph, Placed, graph_of
from ..visualflow_compiler.migrate import migrate
from ..visualflow_compiler.validate import setting_of
from .models import WorkflowBundleError

# Where documents of types that this program does not know may name a flow.
_REFERENCES = ("subflowId", "flowId", "workflowId", "workflow_id")
_IDS = ("id", "flow_id", "workflow_id")


@dataclass(frozen=True)
class FoundFlow:
    """A flow on disk: its file's bytes as they are, and the document read from them."""

    content: bytes
    flow: VisualFlow
    name: str


def read_flow(file: Path, what: str) -> FoundFlow:
    """Read a flow's file; raise FileNotFoundError or WorkflowBundleError."""
    if not file.is_file():
        raise FileNotFoundError(f"{what} is not there: {file}")
    content = file.read_bytes()
    try:
        return FoundFlow(content, load_visualflow_json(content), file.name)
    except InvalidFlow as error:
        raise WorkflowBundleError(f"{what} ({file.name}) cannot be read: {error}") from error


class FlowFolder:
    """The flows of a folder by the id inside them. Files are read when they are asked for."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise FileNotFoundError(f"The folder of flows is not there: {folder}")
        self._folder = folder
        self._index: dict[str, list[Path]] | None = None
        self.unreadable: dict[str, str] = {}

    def find(self, flow_id: str) -> FoundFlow | None:
        """Return the flow of this id, None when no file holds it."""
        usual = self._folder / f"{flow_id}.json"
        if "/" not in flow_id and "\\" not in flow_id and usual.is_file() and _id_in(usual) == flow_id:
            return read_flow(usual, f"Flow {flow_id!r}")
        files = self._by_id().get(flow_id, [])
        if not files:
            return None
        found = [read_flow(file, f"Flow {flow_id!r}") for file in files]
        if len({each.content for each in found}) > 1:
            names = ", ".join(each.name for each in found)
            raise WorkflowBundleError(
                f"Flow {flow_id!r} is in several files with different content: {names}."
            )
        return found[0]

    def _by_id(self) -> dict[str, list[Path]]:
        if self._index is None:
            self._index = {}
            for file in sorted(self._folder.glob("*.json")):
                flow_id = _id_in(file)
                if flow_id:
                    self._index.setdefault(flow_id, []).append(file)
                else:
                    self.unreadable[file.name] = "it holds no flow"
        return self._index


def _id_in(file: Path) -> str | None:
    """Return the id inside a flow's file, None when it is no flow."""
    try:
        document = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    values = (document.get(key) for key in _IDS)
    return next((value.strip() for value in values if isinstance(value, str) and value.strip()), None)


def closure_of(root: FoundFlow, folder: FlowFolder, types: Catalog) -> dict[str, FoundFlow]:
    """Return the root and every flow that it can come to, by id; raise when some are missing."""
    found = {root.flow.id: root}
    missing: dict[str, str] = {}
    waiting = [root]
    while waiting:
        flow = waiting.pop().flow
        for flow_id in references_of(flow, types):
            if flow_id in found or flow_id in missing:
                continue
            child = folder.find(flow_id) if not flow_id.startswith("<missing-subflow-id:") else None
            if child is None:
                missing[flow_id] = flow.id
            else:
                found[flow_id] = child
                waiting.append(child)
    if missing:
        users = ", ".join(f"{child!r} (used by {user!r})" for child, user in sorted(missing.items()))
        hint = f" Files without a readable flow: {sorted(folder.unreadable)}." if folder.unreadable else ""
        raise WorkflowBundleError(
            f"Missing referenced subflows in flows_dir: {sorted(missing)}. Add or repair them: {users}.{hint}"
        )
    return found


def references_of(flow: VisualFlow, types: Catalog) -> list[str]:
    """Return the ids of the flows that a run of this flow may start, in the document's order.

    A node that should name a flow and does not appears as `<missing-subflow-id:FLOW:NODE>`.
    """
    today, _ = migrate(flow, types)
    graph = graph_of(today, types)
    used = _used(graph, types)
    named = [
        flow_id
        for node_id, placed in graph.nodes.items()
        if node_id in used
        for flow_id in _named_by(placed, flow.id)
    ]
    return list(dict.fromkeys(named))


def _used(graph: Graph, types: Catalog) -> set[str]:
    """Return the nodes that the flow's run or one of its listeners can come to."""
    if not any(_has_exec_pins(placed.node.data) for placed in graph.nodes.values()):
        return set(graph.nodes)  # a sketch without execution pins: everything counts
    used = set(graph.used)
    for node_id, placed in graph.nodes.items():
        if placed.kind is not None and placed.kind.listens:
            used |= graph_of(graph.flow, types, entry=node_id).used
    return used


def _has_exec_pins(data: Any) -> bool:
    pins = [data.get(side) for side in ("inputs", "outputs")]
    return any(
        isinstance(pin, dict) and pin.get("type") == "execution"
        for side in pins
        if isinstance(side, list)
        for pin in side
    )


def _named_by(placed: Placed, flow_id: str) -> Iterator[str]:
    data = placed.node.data
    if placed.kind is None:
        values = (data.get(key) for key in _REFERENCES)
        yield from (value.strip() for value in values if isinstance(value, str) and value.strip())
        return
    for setting in placed.kind.fields:
        if setting.type == "flow":
            value = setting_of(data, setting.path)
            if isinstance(value, str) and value.strip():
                yield value.strip()
            else:
                yield f"<missing-subflow-id:{flow_id}:{placed.node.id}>"
