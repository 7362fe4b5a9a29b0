"""A flow that has been read once, for all who look at it.

Reading costs most of what a start costs: the text, the old words, the pins, the order of the wires. A
check, a program and the programs of its listeners are all made of the same reading.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..nodes.catalog import Catalog, catalog
from .document import VisualFlow, load_visualflow_json
from .graph import Graph, sorted_graph, walked
from .migrate import migrate
from .problem import Problem
from .validate import examine


@dataclass(frozen=True)
class Opened:
    """A flow in today's words, what was renamed for that, and its sorted nodes and wires."""

    flow: VisualFlow
    notes: tuple[Problem, ...]
    sorted: Graph

    def graph(self, entry: str | None = None, *, listeners: bool = False) -> Graph:
        """Return what a run can come to, from the flow's entry or from the one given."""
        if listeners and entry is None:
            return self._whole
        return walked(self.sorted, entry, listeners=listeners)

    @cached_property
    def _whole(self) -> Graph:
        return walked(self.sorted, listeners=True)

    def problems(self, flows: Container[str] | None = None) -> list[Problem]:
        """Return all problems, errors first; `flows` are the ids that subflows may name."""
        return examine(self.graph(listeners=True), flows, self.notes)


def open_flow(source: Any, types: Catalog | None = None, *, own: bool = False) -> Opened:
    """Read a flow in any form that `load_visualflow_json` takes, and bring it up to date."""
    known = types or catalog()
    flow, notes = migrate(load_visualflow_json(source, own=own), known)
    return Opened(flow, tuple(notes), sorted_graph(flow, known))
