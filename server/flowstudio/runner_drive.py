"""Drive: what happens to a run from turn to turn, and what its end means to others.

The kernel's `Driver` ticks a run and lets the parent of an ended one go on; here is what a host
adds: listeners start beside a main run before its first step and are let go when the session is
over, and a run that rests says who moves next: its child, the clock, or nobody. Each of these can
be repeated after a crash at any point without doing anything twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import time
from typing import Any, Protocol, cast

from abstractruntime import Runtime
from abstractruntime.core.clock import parse_instant, utc_now
from abstractruntime.core.config import RuntimeConfig
from abstractruntime.core.errors import KernelError
from abstractruntime.core.models import RunState, RunStatus, WaitReason
from abstractruntime.core.permission import inherit
from abstractruntime.core.spec import WorkflowSpec
from abstractruntime.core.waits import is_paused
from abstractruntime.scheduler import Driver
from abstractruntime.storage.base import QueryableRunStore

from .runner_trial import listener_vars
from .runner_views import RunReader

SLICE = 40
PAGE = 1000
MASKED_SECONDS = 1.0
SESSION_OVER = "Session completed"
# A loop longer than the limit must not flood those who watch.
TELLING = RuntimeConfig(record_visits=True, visit_limit=1000, record_traces=False, node_errors="fail")


class Workflows(Protocol):
    """What runs execute, by workflow id."""

    def get(self, workflow_id: str) -> WorkflowSpec | None:
        """Return a workflow, or None."""
        ...

    def get_or_raise(self, workflow_id: str) -> WorkflowSpec:
        """Return a workflow; raise WorkflowNotFound."""
        ...

    def listeners(self, workflow_id: str) -> tuple[str, ...]:
        """Return the workflows that listen for events beside a main run."""
        ...


class Drive:
    """Moves runs on (see `worker.Drivable`). `submit` queues a run, `remind` sets the clock."""

    def __init__(
        self,
        runtime: Runtime,
        programs: Workflows,
        reader: RunReader,
        *,
        submit: Callable[[str], None],
        remind: Callable[[float], None],
    ) -> None:
        self._runtime = runtime
        self._driver = Driver(runtime=runtime, registry=programs)
        self._programs = programs
        self._reader = reader
        self._submit = submit
        self._remind = remind
        self._listening: set[str] = set()
        self._has_recovered = False

    def drive(self, run_id: str) -> bool:
        """Take a slice of steps; return whether the run wants another turn."""
        run = self._reader.state(run_id)
        if run.status is RunStatus.RUNNING and run.parent_run_id is None:
            self._start_listeners(run)
        if not run.status.is_over:
            self._programs.get_or_raise(run.workflow_id)
        run = self._driver.drive(run_id, max_steps=SLICE)
        if run.status is RunStatus.RUNNING:
            return True
        if run.status.is_over:
            self._end_session(self._reader.root_of(run_id))
        elif not is_paused(run):
            self._rest(run)
        return False

    def fail(self, run_id: str, error: BaseException) -> None:
        """End a run that cannot be driven, with the reason; its parent learns of it."""
        is_told = isinstance(error, KernelError)
        run = self._runtime.fail_run(
            run_id, error=str(error) if is_told else f"{type(error).__name__}: {error}"
        )
        self._driver.release(run)
        self._driver.settle_up(run)
        self._end_session(self._reader.root_of(run_id))

    def due(self) -> tuple[Iterable[str], float | None]:
        """Return the runs whose moment has come and the seconds until the next one."""
        due, earliest = self._driver.due(limit=PAGE), self._driver.next_due()
        if earliest is None:
            return due, None
        ahead = (earliest - utc_now()).total_seconds()
        return due, ahead if ahead > 0 else MASKED_SECONDS  # a paused run that is due hides the next

    def moving(self) -> Iterable[str]:
        """Return the runs that nobody drives; at the first call, settle also what was left half-way."""
        if not self._has_recovered:
            self._has_recovered = True
            for child in self._driver.stranded():
                self._driver.settle_up(child)
                self._end_session(self._reader.root_of(child.run_id))
            runs = cast(QueryableRunStore, self._runtime.run_store)
            listening = runs.list_runs(
                status=RunStatus.WAITING, wait_reason=WaitReason.EVENT, limit=1_000_000
            )
            for root_id in {self._reader.root_of(run.run_id) for run in listening if run.parent_run_id}:
                self._end_session(root_id)
        return self._driver.orphans(limit=PAGE)

    def _rest(self, run: RunState) -> None:
        """See to it that whoever moves a resting run next will do so."""
        wait = run.waiting
        if wait is None:
            return
        if wait.until:
            self._remind(parse_instant(wait.until).timestamp() - time())
        if wait.reason is WaitReason.SUBWORKFLOW:
            details = wait.details or {}
            for child_id in details.get("sub_run_ids") or [details.get("sub_run_id")]:
                child = self._reader.state(str(child_id))
                if child.status.is_over:
                    self._driver.settle_up(child)
                    break
                self._submit(child.run_id)
        elif wait.reason is WaitReason.EVENT and run.parent_run_id is not None:
            self._end_session(self._reader.root_of(run.run_id))

    def _start_listeners(self, root: RunState) -> None:
        """Start what listens for events beside a main run, up to its first wait; once, also after a crash."""
        if root.run_id in self._listening:
            return
        wanted = self._programs.listeners(root.workflow_id)
        present = {child.workflow_id: child for child in self._reader.children(root.run_id)} if wanted else {}
        for workflow_id in wanted:
            child = present.get(workflow_id)
            if child is None:
                child_id = self._runtime.start(
                    workflow=self._programs.get_or_raise(workflow_id),
                    vars=_vars_beside(root),
                    actor_id=root.actor_id,
                    session_id=root.session_id or root.run_id,
                    parent_run_id=root.run_id,
                )
                child = self._reader.state(child_id)
            if child.status is RunStatus.RUNNING:
                child = self._driver.drive(child.run_id, max_steps=SLICE)
            if child.status is RunStatus.RUNNING:
                self._submit(child.run_id)
        self._listening.add(root.run_id)

    def _end_session(self, root_id: str) -> None:
        """Let the listeners go once the main run is over and nothing else of the tree can move."""
        if not self._reader.state(root_id).status.is_over:
            return
        self._listening.discard(root_id)
        tree = self._reader.tree(root_id)
        if not tree.is_settled:
            return
        for run in tree.runs[1:]:
            if not run.status.is_over:
                self._runtime.cancel_run(run.run_id, reason=SESSION_OVER)


def _vars_beside(root: RunState) -> dict[str, Any]:
    """Return the variables of a listener beside a run: it stops where the run does, and asks first where it does."""
    vars = listener_vars(root.vars)
    inherit(vars, root)
    return vars
