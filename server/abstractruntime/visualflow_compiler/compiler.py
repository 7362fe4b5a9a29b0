"""The published doors: from documents to workflows.

`compile_visualflow` makes one flow's WorkflowSpec, `compile_visualflow_tree` those of a flow and all
that it calls. Who wants the plain data in between asks for programs (`compile_program`, `lower_tree`)
and binds them later: a run keeps its program, so an edit never changes a run under way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.spec import WorkflowSpec
from ..nodes.catalog import Catalog, catalog
from .bind import bind
from .document import load_visualflow_json
from .graph import graph_of
from .lower import Rename, lower
from .machine import MOST_TURNS
from .migrate import migrate
from .program import Program
from .tree import lower_tree


def compile_program(
    flow: Any, *, types: Catalog | None = None, entry: str | None = None, workflow_id: str | None = None
) -> Program:
    """Lower one flow; `entry` overrides its entry node. Raises InvalidFlow with all problems."""
    known = types or catalog()
    document, _ = migrate(load_visualflow_json(flow), known)
    return lower(graph_of(document, known, entry), workflow_id=workflow_id)


def compile_visualflow(
    flow: Any, *, types: Catalog | None = None, sandbox: Any = None, most_turns: int = MOST_TURNS
) -> WorkflowSpec:
    """Compile one flow (a document, its JSON, or a path). Raises InvalidFlow with all problems."""
    return bind(compile_program(flow, types=types), types, sandbox=sandbox, most_turns=most_turns)


def compile_visualflow_tree(
    *,
    root_id: str | None = None,
    flows_by_id: Mapping[str, Any],
    listeners: bool = False,
    rename: Rename | None = None,
    types: Catalog | None = None,
    sandbox: Any = None,
    most_turns: int = MOST_TURNS,
) -> dict[str, WorkflowSpec]:
    """Compile a flow and every flow it leads to, by workflow id, the root first.

    The root defaults to the first flow; flows that are named but not given are left out.
    `listeners=True` adds the workflows of listening nodes; `rename` makes workflow ids of flow ids.
    """
    tree = lower_tree(root_id, flows_by_id, types, rename=rename)
    programs = {**tree.programs, **(tree.listeners if listeners else {})}
    return {
        name: bind(program, types, sandbox=sandbox, most_turns=most_turns)
        for name, program in programs.items()
    }
