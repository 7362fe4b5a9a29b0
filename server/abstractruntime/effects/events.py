"""Sending an event to the runs that wait for it.

Listeners are found by the index of wait keys and woken in the same commit as the sender's step: a
crash leaves either all of it or nothing. A listener that is paused, or that listens for good and is
busy with an earlier event, keeps it in its inbox. An event that nobody listens for is gone.
"""

from __future__ import annotations

from typing import Any

from ..core.effects import EffectOutcome, Services, handles
from ..core.event_keys import WILDCARD, build_event_wait_key, event_key_prefix
from ..core.models import Effect, EffectType, RunState

_WOKEN = ("running", "waiting", "completed", "failed", "cancelled")
_REASONS = {"skipped": "workflow_not_registered", "full": "inbox_full", "queued": None}


@handles(EffectType.EMIT_EVENT)
def emit_event(run: RunState, effect: Effect, next_node: str | None, services: Services) -> EffectOutcome:
    """Wake the runs that wait for this event; a positive `max_steps` also drives them on.

    `resumed` tells their status at the moment of delivery, before any of those steps.
    """
    payload = effect.payload
    name = str(payload.get("name") or payload.get("event_name") or "").strip()
    if not name:
        return EffectOutcome.failed("emit_event requires payload.name")
    if not services.can_find_runs:
        return EffectOutcome.failed("emit_event requires a QueryableRunStore to find listeners")
    scope = str(payload.get("scope") or "session").strip().lower()
    ids = {
        "session_id": payload.get("session_id") or run.session_id or run.run_id,
        "workflow_id": run.workflow_id,
        "run_id": run.run_id,
    }
    try:
        key = build_event_wait_key(scope=scope, name=name, **ids)
    except ValueError as bad:
        return EffectOutcome.failed(f"emit_event invalid payload: {bad}")
    prefix = event_key_prefix(scope=scope, **ids)
    keys = (key, prefix + WILDCARD)
    found = services.listeners(keys)
    result: dict[str, Any] = {"wait_key": key, "name": name, "scope": scope}
    if not found:
        heard = services.listening(event_key_prefix(scope="session", session_id=ids["session_id"]))
        result.update(delivered=0, delivered_to=[], resumed=[])
        if heard:
            result["available_listeners_in_session"] = [one.split(":", 3)[3] for one in heard]
        return EffectOutcome.completed(result)
    if not services.has_registry:
        return EffectOutcome.failed("emit_event requires a workflow_registry to resume listeners")
    envelope = {
        "event_id": payload.get("event_id"),
        "name": name,
        "scope": scope,
        "session_id": ids["session_id"],
        "payload": _content(payload.get("payload")),
        "emitted_at": services.now().isoformat(),
        "emitter": {"run_id": run.run_id, "workflow_id": run.workflow_id, "node_id": services.node_id},
    }
    steps = max(0, int(payload.get("max_steps") or 0))
    told = [(run_id, services.stage_event(run_id, keys, envelope, max_steps=steps)) for run_id in found]
    reached = [run_id for run_id, status in told if status in _WOKEN]
    resumed = [_row(run_id, status) for run_id, status in told if status is not None]
    result.update(delivered=len(reached), delivered_to=reached, resumed=resumed)
    return EffectOutcome.completed(result)


def _content(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    return {"value": value} if value else {}


def _row(run_id: str, status: str) -> dict[str, Any]:
    error = _REASONS.get(status)
    if error is None:
        return {"run_id": run_id, "status": status}
    return {"run_id": run_id, "status": "skipped", "error": error}


CASES: list[tuple[EffectType, dict[str, Any], str | None, str, Any]] = [
    (EffectType.EMIT_EVENT, {}, "next", "failed", "emit_event requires payload.name"),
    (
        EffectType.EMIT_EVENT,
        {"name": "bell", "scope": "planet"},
        "next",
        "failed",
        "emit_event invalid payload",
    ),
    (
        EffectType.EMIT_EVENT,
        {"name": " bell ", "session_id": "s1"},
        "next",
        "completed",
        {
            "wait_key": "evt:session:s1:bell",
            "name": "bell",
            "scope": "session",
            "delivered": 0,
            "delivered_to": [],
            "resumed": [],
        },
    ),
    (
        EffectType.EMIT_EVENT,
        {"event_name": "bell", "scope": "Run"},
        "next",
        "completed",
        {"wait_key": "evt:run:run-1:bell", "scope": "run", "delivered": 0},
    ),
]
