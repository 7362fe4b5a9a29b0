"""From the program to what the kernel runs.

Each step becomes a thin handler that calls `machine.enter`; a step whose type can ask something of the
world gets a second one, `<node>~`, that calls `machine.land`. The handlers hold the program and
nothing of any run.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any

from ..core.errors import InvalidFlow
from ..core.models import RunState, StepPlan
from ..core.spec import NodeHandler, RunContext, WorkflowSpec
from ..nodes.catalog import Catalog, catalog
from ..nodes.define import NodeType, Offers
from .machine import MOST_TURNS, Bound, enter, land
from .problem import Problem
from .program import Program
from .sandbox import shared_sandbox
from .strands import LANDING, rejoin


def bind(
    program: Program,
    types: Catalog | None = None,
    *,
    sandbox: Any = None,
    most_turns: int = MOST_TURNS,
    offers: Offers | None = None,
) -> WorkflowSpec:
    """Return the workflow of a program; raise InvalidFlow when it needs a node type that is gone.

    `sandbox` runs code nodes (default: the process's own, started by the first of them);
    `most_turns` bounds counting and conditional loops; `offers` are the models and tools of the host.
    """
    bound = Bound(
        program=program,
        kinds=_kinds(program, types or catalog()),
        draw=random.Random,
        sandbox=sandbox or shared_sandbox(),
        most_turns=most_turns,
        offers=offers or Offers(),
    )
    nodes: dict[str, NodeHandler] = {}
    if any(kind.forks for kind in bound.kinds.values()):
        nodes[LANDING] = rejoin
    for node_id, op in program.ops.items():
        if op.is_exec:
            nodes[node_id] = _handler(enter, bound, node_id, asks=bool(bound.kinds[op.type].asks))
            if bound.kinds[op.type].asks:
                nodes[node_id + LANDING] = _handler(land, bound, node_id, asks=False)
    return WorkflowSpec(workflow_id=program.workflow_id, entry_node=program.entry, nodes=nodes)


def _handler(
    visit: Callable[[Bound, str, RunState, RunContext], StepPlan], bound: Bound, node_id: str, *, asks: bool
) -> NodeHandler:
    handler = partial(visit, bound, node_id)
    handler.asks = asks  # type: ignore[attr-defined]  # see `NodeHandler`
    return handler


def _kinds(program: Program, types: Catalog) -> dict[str, NodeType]:
    kinds: dict[str, NodeType] = {}
    for node_id, op in program.ops.items():
        kind = types.resolve(op.type)
        if kind is None:
            near = types.nearest(op.type)
            hint = f" Did you mean '{near}'?" if near else ""
            text = f"Node '{node_id}': there is no node type '{op.type}'.{hint}"
            raise InvalidFlow(text, [Problem("error", "node.unknown_type", text, node_id)])
        kinds[op.type] = kind
    return kinds
