"""A runtime and a scheduler together, for programs that want to think of neither."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..core.effects import EffectHandler
from ..core.errors import NotWaiting
from ..core.models import EffectType, RunState, RunStatus, WaitReason
from ..core.policy import EffectPolicy
from ..core.runtime import Runtime
from ..core.spec import WorkflowSpec
from ..storage.base import LedgerStore, Record, RunStore
from ..storage.in_memory import InMemoryLedgerStore, InMemoryRunStore
from .registry import WorkflowRegistry
from .scheduler import Scheduler, SchedulerStats

log = logging.getLogger("abstractruntime")


@dataclass
class ScheduledRuntime:
    """Runs workflows by name and wakes them when their moment has come."""

    runtime: Runtime
    scheduler: Scheduler
    registry: WorkflowRegistry

    def run(
        self,
        workflow: WorkflowSpec,
        *,
        vars: dict[str, Any] | None = None,
        actor_id: str | None = None,
        session_id: str | None = None,
        max_steps: int = 100,
    ) -> tuple[str, RunState]:
        """Start a workflow and drive it until it rests; return the run's id and state."""
        run_id = self.start(workflow=workflow, vars=vars, actor_id=actor_id, session_id=session_id)
        return run_id, self.tick(run_id, max_steps=max_steps)

    def respond(self, run_id: str, payload: dict[str, Any]) -> RunState:
        """Answer whatever a run waits for, except a moment in time, and drive it on."""
        run = self.runtime.get_state(run_id)
        if run.status is not RunStatus.WAITING or run.waiting is None:
            raise NotWaiting(f"Run '{run_id}' is not waiting (status: {run.status.value})")
        wait_key = run.waiting.wait_key
        if wait_key is None:
            raise NotWaiting(
                f"Run '{run_id}' waits for {run.waiting.reason.value} and has no wait_key to answer"
            )
        workflow = self.registry.get_or_raise(run.workflow_id)
        return self.runtime.resume(workflow, run_id, wait_key, payload)

    def start(
        self,
        *,
        workflow: WorkflowSpec,
        vars: dict[str, Any] | None = None,
        actor_id: str | None = None,
        session_id: str | None = None,
    ) -> str:
        """Register a workflow if its id is new, start what is registered, and return the run's id."""
        if workflow.workflow_id not in self.registry:
            self.registry.register(workflow)
        known = self.registry.get_or_raise(workflow.workflow_id)
        return self.runtime.start(known, vars=vars, actor_id=actor_id, session_id=session_id)

    def tick(self, run_id: str, *, max_steps: int = 100) -> RunState:
        """Drive a run with its registered workflow."""
        workflow_id = self.runtime.get_state(run_id).workflow_id
        return self.runtime.tick(self.registry.get_or_raise(workflow_id), run_id, max_steps)

    def resume_event(self, *, run_id: str, wait_key: str, payload: dict[str, Any]) -> RunState:
        """Answer the wait with this key and drive the run on."""
        return self.scheduler.resume_event(run_id=run_id, wait_key=wait_key, payload=payload)

    def get_state(self, run_id: str) -> RunState:
        """Return a run's newest state."""
        return self.runtime.get_state(run_id)

    def get_ledger(self, run_id: str) -> list[Record]:
        """Return all records of a run."""
        return self.runtime.get_ledger(run_id)

    def find_waiting_runs(
        self,
        *,
        wait_reason: WaitReason | None = None,
        workflow_id: str | None = None,
        limit: int = 100,
    ) -> list[RunState]:
        """Return waiting runs, newest first."""
        return self.scheduler.find_waiting_runs(wait_reason=wait_reason, workflow_id=workflow_id, limit=limit)

    def resume_subworkflow_parent(
        self, *, child_run_id: str, child_output: dict[str, Any]
    ) -> RunState | None:
        """Answer the run that waits for this child and drive it on."""
        return self.scheduler.resume_subworkflow_parent(child_run_id=child_run_id, child_output=child_output)

    def cancel_run(self, run_id: str, *, reason: str | None = None) -> RunState:
        """End a run; its children go on."""
        return self.runtime.cancel_run(run_id, reason=reason)

    def cancel_with_children(self, run_id: str, *, reason: str | None = None) -> list[RunState]:
        """End a run and all its descendants."""
        return self.scheduler.cancel_with_children(run_id, reason=reason)

    @property
    def stats(self) -> SchedulerStats:
        """What the scheduler has done so far."""
        return self.scheduler.stats

    @property
    def is_running(self) -> bool:
        """Whether the scheduler's thread is alive."""
        return self.scheduler.is_running

    def start_scheduler(self) -> None:
        """Start the scheduler's thread unless it runs."""
        if not self.is_running:
            self.scheduler.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Stop the scheduler's thread."""
        self.scheduler.stop(timeout)


def create_scheduled_runtime(
    *,
    run_store: RunStore | None = None,
    ledger_store: LedgerStore | None = None,
    artifact_store: Any = None,
    effect_policy: EffectPolicy | None = None,
    workflows: Iterable[WorkflowSpec] | None = None,
    effect_handlers: Mapping[EffectType, EffectHandler] | None = None,
    poll_interval_s: float = 1.0,
    auto_start: bool = True,
    on_run_resumed: Callable[[RunState], None] | None = None,
    on_run_failed: Callable[[str, Exception], None] | None = None,
    takes_over: bool = False,
) -> ScheduledRuntime:
    """Return a runtime with a scheduler that runs, over stores in memory unless others are given."""
    if (run_store is None) != (ledger_store is None):
        missing = "run_store" if run_store is None else "ledger_store"
        log.warning(
            "No %s was given: what belongs there is kept in memory and ends with the process", missing
        )
    registry = WorkflowRegistry()
    for workflow in workflows or ():
        registry.register(workflow)
    runtime = Runtime(
        run_store=InMemoryRunStore() if run_store is None else run_store,
        ledger_store=InMemoryLedgerStore() if ledger_store is None else ledger_store,
        effect_handlers=effect_handlers,
        workflow_registry=registry,
        artifact_store=artifact_store,
        effect_policy=effect_policy,
    )
    scheduler = Scheduler(
        runtime=runtime,
        registry=registry,
        poll_interval_s=poll_interval_s,
        on_run_resumed=on_run_resumed,
        on_run_failed=on_run_failed,
        takes_over=takes_over,
    )
    if auto_start:
        scheduler.start()
    return ScheduledRuntime(runtime, scheduler, registry)
