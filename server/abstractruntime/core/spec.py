"""What a workflow is to the kernel: an id, an entry and a handler per node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from .clock import utc_now
from .errors import Conflict, NodeNotFound
from .models import RunState, StepPlan


class RunContext(Protocol):
    """What a node handler may ask of its host."""

    def now_iso(self) -> str:
        """Return the present moment as ISO text."""
        ...


class DefaultRunContext:
    """What node handlers get when the host gives nothing else: the time."""

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self.known: Callable[[str], bool] | None = None  # set by the engine that it belongs to
        self.spending: Callable[[str], float] | None = None  # set by a host that reckons what calls cost

    def now_iso(self) -> str:
        """Return the present moment as ISO text."""
        return self._clock().isoformat()

    def spent(self, run_id: str) -> float:
        """Return what a run has cost with all that belongs to it; nothing where no host reckons."""
        return self.spending(run_id) if self.spending is not None else 0.0

    def knows(self, workflow_id: str) -> bool:
        """Say whether a child run of this workflow can be started."""
        return self.known is not None and self.known(workflow_id)


# A handler with an attribute `asks = False` never asks for an effect: the step before it is not held
# back while it works (decision 0008), so whoever looks sees at once that this node has its turn.
NodeHandler = Callable[[RunState, RunContext], StepPlan]


@dataclass(frozen=True)
class WorkflowSpec:
    """A workflow graph in memory: node ids mapped to handlers."""

    workflow_id: str
    entry_node: str
    nodes: Mapping[str, NodeHandler]

    def get_node(self, node_id: str) -> NodeHandler:
        """Return the handler of a node; raise NodeNotFound (a KeyError) for an unknown id."""
        handler = self.nodes.get(node_id)
        if handler is None:
            raise NodeNotFound(f"Unknown node_id '{node_id}' in workflow '{self.workflow_id}'")
        return handler

    def is_terminal(self, node_id: str) -> bool:
        """Say whether a node ends the run; only the node's plan knows, so this is False."""
        return False


def check_workflow(run: RunState, workflow: WorkflowSpec) -> None:
    """Raise Conflict unless a run belongs to a workflow."""
    if run.workflow_id != workflow.workflow_id:
        raise Conflict(
            f"Run {run.run_id} belongs to workflow '{run.workflow_id}', not to '{workflow.workflow_id}'"
        )
