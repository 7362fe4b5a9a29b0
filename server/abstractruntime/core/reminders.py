"""What happens to a question before its deadline: its person is reminded, or somebody else is asked.

A wait for a person carries what is to happen in `details.stages`, the next first: `{"at": instant}` reminds,
`{"at", "to"}` passes the question on. Its `until` is the next moment of these, `details.due` the deadline, and
`details.history` what has happened. A stage changes the wait and nothing else: whoever has seen the question can
still answer it. Its person is told by the host's handler of NOTIFY, if there is one, under a key of the stage, so
that a stage that is taken again after a crash tells nobody twice.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from .boundary import guarded
from .clock import parse_instant
from .engine import Engine, StepServices
from .models import Effect, EffectType, RunState, StepRecord, WaitState
from .policy import stage_key
from .records import stage_record
from .waits import deadline_of, unblock_if_due

log = logging.getLogger("abstractruntime")
_LINE = 80


def moment_has_come(engine: Engine, run: RunState) -> list[StepRecord] | None:
    """Do what is due in a run's wait; return the records that say so, None while nothing is.

    The run is RUNNING, or over, when its wait itself has ended; after a stage it waits on.
    """
    now, wait = engine.clock(), run.waiting
    if wait is None or not _is_due(wait, now):
        return unblock_if_due(run, now)
    later = _after(wait, now)
    run.waiting = later
    _tell(engine, run, later)
    return [stage_record(run, later, now=engine.now())]


def _is_due(wait: WaitState, now: datetime) -> bool:
    """Say whether a stage is due, and the deadline is not: then it would come too late."""
    stages, due = _stages(wait), deadline_of(wait)
    if not stages or parse_instant(stages[0]["at"]) > now:
        return False
    return due is None or parse_instant(due) > now


def _after(wait: WaitState, now: datetime) -> WaitState:
    """Return the wait after its stages that are due. Of several reminders that were missed, one is made up for."""
    details = dict(wait.details or {})
    stages, history = _stages(wait), [*details.get("history", [])]
    passed = [stage for stage in stages if parse_instant(stage["at"]) <= now]
    left = stages[len(passed) :]
    for stage in passed:
        if stage.get("to"):
            history.append({"at": now.isoformat(), "from": details.get("assignee", ""), "to": stage["to"]})
            details["assignee"] = stage["to"]
    if not any(stage.get("to") for stage in passed):
        history.append({"at": now.isoformat(), "reminded": details.get("assignee", "")})
    details |= {"stages": left, "history": history}
    return replace(wait, until=left[0]["at"] if left else details.get("due"), details=details)


def _stages(wait: WaitState) -> list[Mapping[str, Any]]:
    stages = (wait.details or {}).get("stages")
    return list(stages) if isinstance(stages, Sequence) and not isinstance(stages, str) else []


def _tell(engine: Engine, run: RunState, wait: WaitState) -> None:
    """Send a notice to the person of a wait whose stage has come; a failure of that is no failure of the run."""
    handler, details = engine.handlers.get(EffectType.NOTIFY), wait.details or {}
    if handler is None:
        return
    happened = details["history"][-1]
    head = "For you now" if "to" in happened else "Reminder"
    line = " ".join((wait.prompt or "").split())
    words = {
        "to": details.get("assignee", ""),
        "subject": f"{head}: {line if len(line) <= _LINE else line[: _LINE - 1] + '…'}",
        "message": f"{wait.prompt}\n\nAsked at {run.updated_at}; due at {details.get('due')}.",
    }
    key = stage_key(run.run_id, wait.wait_key, len(details["history"]), run.updated_at)
    services = StepServices(engine, run, run.current_node, key)
    outcome, error = guarded(handler.call, run, Effect(EffectType.NOTIFY, words), None, services)
    if outcome is None or outcome.status != "completed":
        why = error or (outcome.error if outcome is not None else None)
        log.warning(
            "Nobody could be told of the question of run %s at %s: %s", run.run_id, run.current_node, why
        )
