"""Take a failed run up again at the step that failed, or a planned attempt at one at once.

What was done before stays done: the run goes on from its last state, and what had a result is not asked for
again. Where a subflow or an agent failed, it is taken up at its own failed step, and those that waited for it
wait again.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from abstractruntime import Runtime
from abstractruntime.core.clock import utc_now_iso
from abstractruntime.core.errors import NotWaiting, RunIsOver, StaleRevision
from abstractruntime.core.held import Held
from abstractruntime.core.models import EffectType, RunState, RunStatus, StepRecord, WaitReason, WaitState
from abstractruntime.core.records import FORK, resume_record
from abstractruntime.core.vars import RETRIED, get_runtime
from abstractruntime.core.waits import is_paused
from abstractruntime.storage.codec import wait_from_json
from abstractruntime.visualflow_compiler.stops import is_told_by

from .programs import Programs
from .runner_views import RunReader, planned_attempt

RETRY = "retry"
SAID, NOW = "Try again", "Now"


def retry(runtime: Runtime, reader: RunReader, run_id: str, *, actor: str) -> list[str]:
    """Set a failed run back to its failed step, children first; return the runs to drive.

    Raises RunIsOver for a run that did not fail, StaleRevision when it changes meanwhile.
    """
    run = reader.state(reader.root_of(run_id))
    if run.status is not RunStatus.FAILED:
        raise RunIsOver(f"Only a failed run can be tried again; this one is {run.status.value}.")
    waits: list[tuple[RunState, WaitState | None]] = []
    while (found := _child_that_failed(runtime, reader, run)) is not None:
        waits.append((run, found[1]))
        run = found[0]
    waits.append((run, None))
    for each, wait in reversed(waits):
        _reopen(runtime, each.run_id, wait, actor)
    return [each.run_id for each, _ in reversed(waits)]


def hurry(runtime: Runtime, programs: Programs, reader: RunReader, run_id: str, *, actor: str) -> list[str]:
    """Have the attempts that a run and its children wait for made now; return the runs to drive."""
    hurried: list[str] = []
    for run in reader.tree(run_id).runs:
        if planned_attempt(run.waiting) is None or is_paused(run):
            continue
        workflow, told = programs.get_or_raise(run.workflow_id), {"response": NOW}
        with suppress(NotWaiting, RunIsOver):  # its moment has come meanwhile
            runtime.resume(
                workflow, run.run_id, None, told, max_steps=0, actor_id=actor, asked_at=run.updated_at
            )
            hurried.append(run.run_id)
    return hurried


def _child_that_failed(
    runtime: Runtime, reader: RunReader, run: RunState
) -> tuple[RunState, WaitState] | None:
    """Return the child whose failure was the run's, and the wait for it, or None."""
    for record in reversed(runtime.get_ledger(run.run_id)):
        kind = (record.get("effect") or {}).get("type")
        if kind in (None, "resume", EffectType.EMIT_EVENT.value) or is_told_by(record):
            continue
        wait = wait_from_json((record.get("result") or {}).get("wait"))
        if kind not in (EffectType.START_SUBWORKFLOW.value, FORK) or wait is None:
            return None
        child_id = str((wait.details or {}).get("sub_run_id"))
        child = next((each for each in reader.children(run.run_id) if each.run_id == child_id), None)
        return (child, wait) if child is not None and child.status is RunStatus.FAILED else None
    return None


def _reopen(runtime: Runtime, run_id: str, wait: WaitState | None, actor: str) -> None:
    held = Held.load(runtime.journal, run_id)
    run = held.run
    if run.status is not RunStatus.FAILED:
        raise StaleRevision("The run has changed meanwhile: look again.")
    now = utc_now_iso()
    record = _record(run, actor, now)
    space = get_runtime(run.vars)
    space[RETRIED] = int(space.get(RETRIED) or 0) + 1
    run.status = RunStatus.WAITING if wait is not None else RunStatus.RUNNING
    run.error, run.waiting, run.updated_at = None, wait, now
    held.write([record], durable=True)
    held.released()


def _record(run: RunState, actor: str, now: str) -> StepRecord:
    """Tell who had the step taken again, as an answer to its failure."""
    told: dict[str, Any] = {"response": SAID, "error": run.error}
    wait = WaitState(WaitReason.JOB, wait_key=f"{RETRY}:{run.run_id}")
    record = resume_record(run, wait, told, to_node=run.current_node, now=now)
    record.actor_id = actor
    return record
