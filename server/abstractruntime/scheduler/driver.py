"""The pieces of which schedulers and workers are made: what can move, and moving it.

    due(now)          runs whose moment has come
    next_due()        when to look again
    orphans()         RUNNING runs that nobody drives: after a crash, or woken by an event
    stranded()        children that are over while their parent still waits
    drive(run_id)     take steps until the run rests, then settle its parent
    settle_child(run) let the parent of a run that is over go on, fail or be cancelled

All of them read the store, so they are right after a restart; none keeps anything in memory. They may
be called from any thread: two that drive one run are told apart by its revision.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from ..core.clock import instant_micros, parse_instant, utc_now
from ..core.engine import WorkflowSource
from ..core.errors import Conflict, LeaseLost, RunNotFound, WorkflowNotFound
from ..core.models import RunState, RunStatus, WaitReason
from ..core.runtime import Runtime
from ..core.spec import WorkflowSpec
from ..core.waits import is_paused
from ..effects.runs import ended
from ..storage.base import QueryableRunIndexStore, QueryableRunStore

_FAR = "9999-12-31T23:59:59+00:00"
_ALL = 1_000_000
_NOT_WANTED = "The run that waited for it has gone on without it"


class Driver:
    """Finds runs that can move and moves them; see the module's table."""

    def __init__(
        self,
        *,
        runtime: Runtime,
        registry: WorkflowSource,
        clock: Callable[[], datetime] = utc_now,
        park_after: int = 5,
    ) -> None:
        if not isinstance(runtime.run_store, QueryableRunStore):
            raise TypeError("A scheduler needs a QueryableRunStore to find the runs that are due.")
        self._runtime = runtime
        self._registry = registry
        self._clock = clock
        self._park_after = park_after
        self._runs: QueryableRunStore = runtime.run_store

    def workflow(self, workflow_id: str) -> WorkflowSpec:
        """Return a registered workflow; raise WorkflowNotFound (a KeyError)."""
        found = self._registry.get(workflow_id)
        if found is None:
            raise WorkflowNotFound(f"Workflow '{workflow_id}' is not registered")
        return found

    def due(
        self, now: datetime | None = None, *, limit: int = 100, without: Collection[str] = ()
    ) -> list[str]:
        """Return ids of runs whose moment has come, the earliest first, but for those `without`."""
        moment = (now or self._clock()).isoformat()
        ids = getattr(self._runs, "due_run_ids", None)
        if ids is not None:
            return self._due_by_id(ids, moment, limit, without)
        size = limit + len(without)
        while True:
            found = self._runs.list_due_wait_until(now_iso=moment, limit=size)
            ready = [run.run_id for run in found if run.run_id not in without and not is_paused(run)]
            if len(ready) >= limit or len(found) < size:
                return ready[:limit]
            size *= 4  # runs that are held back fill the page: look behind them

    def _due_by_id(
        self, ids: Callable[..., list[str]], moment: str, limit: int, without: Collection[str]
    ) -> list[str]:
        """Find due runs by their ids alone; only those that may be driven are looked at."""
        ready: list[str] = []
        size, seen = limit + len(without), 0
        while True:
            found = ids(now_iso=moment, limit=size)
            for run_id in found[seen:]:
                state = None if run_id in without else self._state(run_id)
                if state is not None and not is_paused(state):
                    ready.append(run_id)
                if len(ready) >= limit:
                    return ready
            if len(found) < size:
                return ready
            size, seen = size * 4, len(found)

    def next_due(self) -> datetime | None:
        """Return the moment of the earliest wait, which may have passed; None if nothing waits for one."""
        earliest = self._runs.list_due_wait_until(now_iso=_FAR, limit=1)
        wait = earliest[0].waiting if earliest else None
        return parse_instant(wait.until) if wait is not None and wait.until else None

    def orphans(self, *, idle_s: float = 0.0, limit: int = _ALL) -> list[str]:
        """Return ids of RUNNING runs untouched for so long that nobody drives, in no process.

        One that was touched in the future is among them: the clock was set back, and nobody waits for it.
        """
        now, elsewhere = instant_micros(self._clock()), self._runtime.driven_elsewhere()
        return [
            run_id
            for run_id, touched_us in reversed(self._running(limit))
            if run_id not in elsewhere
            and not self._runtime.is_driving(run_id)
            and not 0.0 <= (now - touched_us) / 1e6 < idle_s
        ]

    def _running(self, limit: int) -> list[tuple[str, int]]:
        """Return ids of RUNNING runs and when they were last touched, in microseconds, the latest first."""
        running = getattr(self._runs, "running", None)
        if running is not None:
            found: list[tuple[str, int]] = running(limit=limit)
            return found
        if isinstance(self._runs, QueryableRunIndexStore):
            rows = self._runs.list_run_index(status=RunStatus.RUNNING, limit=limit)
            return [(str(row["run_id"]), instant_micros(row["updated_at"])) for row in rows]
        runs = self._runs.list_runs(status=RunStatus.RUNNING, limit=limit)
        return [(run.run_id, instant_micros(run.updated_at)) for run in runs]

    def stranded(self) -> list[RunState]:
        """Return children that are over while their parent still waits for them."""
        found = []
        for parent in self._waiting_parents():
            for child_id in _awaited(parent):
                child = self._state(child_id)
                if child is not None and child.status.is_over and not is_paused(parent):
                    found.append(child)
                    break
        return found

    def _waiting_parents(self) -> list[RunState]:
        """Return the runs that wait for a child; where the store can tell, those with one that is over."""
        ids = getattr(self._runs, "perhaps_stranded", None)
        if ids is None:
            return self._runs.list_runs(
                status=RunStatus.WAITING, wait_reason=WaitReason.SUBWORKFLOW, limit=_ALL
            )
        states = map(self._state, ids())
        return [state for state in states if state is not None]

    def drive(self, run_id: str, *, max_steps: int = 100) -> RunState:
        """Take steps until a run rests or the steps are used up, then settle its parent.

        Raises LeaseLost while another process drives it, WorkflowNotFound when its workflow is not
        registered, and what its nodes raise.
        """
        workflow_id = self._runtime.journal.workflow_of(run_id)
        if workflow_id is None:
            raise RunNotFound(f"Unknown run_id: {run_id}")
        workflow = self.workflow(workflow_id)
        with self._runtime.claim(run_id) as lease:
            if lease is None:
                raise LeaseLost(f"Run '{run_id}' is driven by another process")
            if lease.losses >= self._park_after:
                node_id = self._runtime.get_state(run_id).current_node
                return self._runtime.park_run(
                    run_id,
                    reason=f"{lease.losses} drivers in a row were lost at node '{node_id}': "
                    "driving it on seems to end the process",
                )
            run = self._runtime.tick(workflow, run_id, max_steps, plans_retries=True)
        self.release(run)
        self.settle_up(run)
        return self._met(run)

    def _met(self, run: RunState) -> RunState:
        """Let a run go on that waits for the first of several children, one of which was over before."""
        for child_id in _awaited(run) if _waits_for_any(run) else ():
            child = self._state(child_id)
            if child is not None and child.status.is_over:
                return self.settle_child(child) or run
        return run

    def release(self, run: RunState) -> None:
        """Cancel the children that a run has let go, and when it is over those that are bound to it."""
        space = run.vars.get("_runtime")
        if not isinstance(space, dict) or not (space.get("bound") or space.get("let_go")):
            return
        ids = [*(space.get("let_go") or []), *((space.get("bound") or []) if run.status.is_over else [])]
        for child_id in dict.fromkeys(ids):
            child = self._state(child_id)
            if child is None or child.status.is_over:
                continue
            for each in self.descendants(child_id):
                self._runtime.cancel_run(each.run_id, reason=_NOT_WANTED)

    def settle_up(self, run: RunState) -> None:
        """Settle a run's parent, and if that ends the parent, its parent too, up to the root."""
        parent = self.settle_child(run)
        while parent is not None and parent.status.is_over:
            self.release(parent)
            parent = self.settle_child(parent)

    def settle_child(self, child: RunState) -> RunState | None:
        """Let the parent that waits for a run that is over go on; return the parent, None if none does.

        A completed child answers its parent, which is RUNNING then and announced as runnable; a failed
        one fails it, a cancelled one cancels it. Repeating this changes nothing.
        """
        parent = self._state(child.parent_run_id)
        if not child.status.is_over or parent is None or is_paused(parent):
            return None
        if child.run_id not in _awaited(parent):
            return None
        try:
            return self._pass_on(child, parent)
        except Conflict:
            return None  # somebody else has settled it meanwhile

    def _pass_on(self, child: RunState, parent: RunState) -> RunState:
        details: dict[str, Any] = (parent.waiting.details or {}) if parent.waiting is not None else {}
        name = details.get("sub_workflow_id") or child.workflow_id
        as_tool = details.get("wrap_as_tool_result") is True
        if child.status is RunStatus.CANCELLED and not as_tool:
            return self._runtime.cancel_run(parent.run_id, reason=f"Subworkflow '{name}' cancelled")
        if "sub_run_ids" in details:
            return self._resumed(parent, ended(child), max_steps=0)
        error = f"Subworkflow '{name}' failed: {child.error}"
        if child.status is RunStatus.FAILED and not as_tool:
            run = self._runtime.fail_wait(parent.run_id, error=error, code="subworkflow.failed")
            if run.status is RunStatus.RUNNING:
                self._runtime.announce(run.run_id)
            return run
        output: Any = child.output
        if child.status is not RunStatus.COMPLETED:
            output = {"success": False, "error": error}
        return self.answer_parent(parent, child.run_id, output, max_steps=0)

    def answer_parent(self, parent: RunState, child_id: str, output: Any, *, max_steps: int) -> RunState:
        """Resume a parent with its child's output, and traces if it asked for them."""
        wait = parent.waiting
        payload: dict[str, Any] = {"sub_run_id": child_id, "output": output}
        if wait is not None and (wait.details or {}).get("include_traces") is True:
            payload["node_traces"] = self._runtime.get_node_traces(child_id)
        return self._resumed(parent, payload, max_steps=max_steps)

    def _resumed(self, parent: RunState, payload: dict[str, Any], *, max_steps: int) -> RunState:
        wait = parent.waiting
        run = self._runtime.resume(
            self.workflow(parent.workflow_id),
            parent.run_id,
            wait.wait_key if wait is not None else None,
            payload,
            max_steps,
        )
        if run.status is RunStatus.RUNNING:
            self._runtime.announce(run.run_id)
        return run

    def parent_waiting_for(self, child_id: str) -> RunState | None:
        """Return the run that waits for this child and is not held back."""
        candidates = self._runtime.journal.find_waiting(f"subworkflow:{child_id}")
        child = self._state(child_id)
        if child is not None and child.parent_run_id:
            candidates.append(child.parent_run_id)
        for run_id in dict.fromkeys(candidates):
            parent = self._state(run_id)
            if parent is not None and child_id in _awaited(parent) and not is_paused(parent):
                return parent
        return None

    def descendants(self, run_id: str) -> list[RunState]:
        """Return a run and all its descendants, level by level."""
        found = [self._runtime.get_state(run_id)]
        for run in found:
            found += self._runs.list_children(parent_run_id=run.run_id)
        return found

    def _state(self, run_id: Any) -> RunState | None:
        if not isinstance(run_id, str) or not run_id:
            return None
        try:
            return self._runtime.get_state(run_id)
        except RunNotFound:
            return None


def _awaited(parent: RunState) -> list[str]:
    """Return the ids of the children of which a run waits for one."""
    wait = parent.waiting
    if parent.status is not RunStatus.WAITING or wait is None or wait.reason is not WaitReason.SUBWORKFLOW:
        return []
    details = wait.details or {}
    return [
        each for each in details.get("sub_run_ids") or [details.get("sub_run_id")] if isinstance(each, str)
    ]


def _waits_for_any(parent: RunState) -> bool:
    return parent.waiting is not None and "sub_run_ids" in (parent.waiting.details or {})
