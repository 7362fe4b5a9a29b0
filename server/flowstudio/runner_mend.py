"""Going on with a fork in another version of the flow: which there are, and whether what was done fits it.

The run itself keeps the version that it began with; its fork may go on with the flow as it is now, or as it is
published (decision 0083). Runs of called flows that come along go on in that version of theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from abstractruntime.core.errors import Conflict, WorkflowNotFound
from abstractruntime.core.models import RunState
from abstractruntime.visualflow_compiler.fitting import Fit, fit

from .programs import Programs

Json = Any
Version = Literal["same", "draft", "published"]
SAME: Version = "same"
VERSIONS: tuple[Version, ...] = ("same", "draft", "published")


class DoesNotFit(Conflict):
    """What a run has done does not fit the flow as it is now."""

    code = "run.does_not_fit"


@dataclass
class Course:
    """The programs that a fork goes on with; asked for each run that is copied (`Wish.workflow_of`)."""

    programs: Programs
    before: str
    root: str
    fits: dict[str, Fit] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)

    @property
    def is_same(self) -> bool:
        """Whether the flow is as it was when the run began."""
        return self.before == self.root

    def __call__(self, run: RunState) -> str:
        """Return the workflow that a copy of a run goes on with, and note how it fits."""
        name, _, digest = run.workflow_id.rpartition("@")
        program = self.programs.program(run.workflow_id)
        if self.is_same or program is None or digest != self.before.rpartition("@")[2] or run.status.is_over:
            return run.workflow_id
        target = f"{name}@{self.root.rpartition('@')[2]}"
        after = self.programs.program(target)
        if after is None:
            self.reasons.append(f"The flow “{name}” is called no more, and the run is in the middle of it.")
            return run.workflow_id
        called = partial(node_name, self.programs, run.workflow_id, target)
        found = fit(program, after, run.vars, run.current_node, called)
        self.fits[run.workflow_id] = found
        self.reasons += found.reasons
        return target

    def check(self) -> None:
        """Raise DoesNotFit with the reasons, where there are any."""
        if self.reasons:
            raise DoesNotFit(
                f"This run cannot go on with that version of the flow: {' '.join(self.reasons)}"
                " Mend it so that this fits, or let the run go on as it began."
            )


def course_of(programs: Programs, workflow_id: str, version: Version) -> Course:
    """Return how a fork of a run goes on; raise FlowNotFound, or InvalidFlow where that version cannot run."""
    if version == SAME:
        return Course(programs, workflow_id, workflow_id)
    return Course(
        programs, workflow_id, programs.keep(programs.flow_id(workflow_id), draft=version == "draft")
    )


def node_name(programs: Programs, before: str, after: str, node_id: str) -> str:
    """Return how a node is called, as the flow is now or, where it is gone, as it was."""
    for workflow_id in (after, before):
        try:
            nodes = programs.document(workflow_id).get("nodes") or ()
        except WorkflowNotFound:
            continue
        for node in nodes:
            data = node.get("data") if isinstance(node, Mapping) else None
            if isinstance(data, Mapping) and str(node.get("id")).strip() == node_id:
                return str(data.get("label") or node_id)
    return node_id
