"""Where workflows are found by id."""

from __future__ import annotations

from ..core.errors import Conflict, WorkflowNotFound
from ..core.spec import WorkflowSpec


class WorkflowRegistry:
    """The workflows that a process can drive, by their `workflow_id`."""

    def __init__(self) -> None:
        self._workflows: dict[str, WorkflowSpec] = {}

    def register(self, workflow: WorkflowSpec) -> None:
        """Add a workflow; raise Conflict (a ValueError) when its id is taken."""
        if workflow.workflow_id in self._workflows:
            raise Conflict(f"Workflow '{workflow.workflow_id}' is already registered")
        self._workflows[workflow.workflow_id] = workflow

    def unregister(self, workflow_id: str) -> None:
        """Remove a workflow; raise WorkflowNotFound (a KeyError) when it is not there."""
        self.get_or_raise(workflow_id)
        del self._workflows[workflow_id]

    def get(self, workflow_id: str) -> WorkflowSpec | None:
        """Return a workflow, or None."""
        return self._workflows.get(workflow_id)

    def get_or_raise(self, workflow_id: str) -> WorkflowSpec:
        """Return a workflow; raise WorkflowNotFound (a KeyError) when it is not there."""
        found = self._workflows.get(workflow_id)
        if found is None:
            raise WorkflowNotFound(f"Workflow '{workflow_id}' is not registered")
        return found

    def list_ids(self) -> list[str]:
        """Return the ids of all workflows in the order of their registration."""
        return list(self._workflows)

    def __len__(self) -> int:
        return len(self._workflows)

    def __contains__(self, workflow_id: object) -> bool:
        return workflow_id in self._workflows
