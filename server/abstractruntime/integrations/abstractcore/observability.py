"""Ledger records as events on AbstractCore's bus, for programs that listen there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...core.runtime import Runtime
from .guard import abstractcore

DEFAULT_SOURCE = "abstractruntime"
_EVENTS = {
    "started": "WORKFLOW_STEP_STARTED",
    "completed": "WORKFLOW_STEP_COMPLETED",
    "waiting": "WORKFLOW_STEP_WAITING",
    "failed": "WORKFLOW_STEP_FAILED",
}


def emit_step_record(record: Mapping[str, Any], *, source: str = DEFAULT_SOURCE) -> None:
    """Emit a ledger record as an event with `run_id, node_id, step_id, status, record`."""
    name = _EVENTS.get(str(record.get("status")))
    if name is None:
        return
    events = abstractcore("events", wanted_for="The event bus bridge")
    data = {key: record.get(key) for key in ("run_id", "node_id", "step_id", "status")}
    events.GlobalEventBus.emit(
        getattr(events.EventType, name), {**data, "record": dict(record)}, source=source
    )


def attach_global_event_bus_bridge(
    *, runtime: Runtime, run_id: str | None = None, source: str = DEFAULT_SOURCE
) -> Callable[[], None]:
    """Emit every new record of a run, or of all; return what ends it. The ledger must be observable."""
    return runtime.subscribe_ledger(lambda record: emit_step_record(record, source=source), run_id=run_id)
