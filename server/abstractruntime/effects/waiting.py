"""Waiting for a moment or for an event."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..core.clock import parse_instant
from ..core.effects import EffectOutcome, Services, handles
from ..core.event_keys import build_event_wait_key
from ..core.models import Effect, EffectType, RunState, WaitReason, WaitState
from ..core.waits import TIMED_OUT
from ..storage.codec import wait_from_json


@handles(EffectType.WAIT_UNTIL)
def wait_until(run: RunState, effect: Effect, next_node: str | None, services: Services) -> EffectOutcome:
    """Pause until a moment in time; complete at once when it has passed."""
    until = effect.payload.get("until")
    if until is None or not str(until).strip():
        return EffectOutcome.failed("wait_until requires payload.until")
    try:
        moment = parse_instant(until)
    except ValueError as bad:
        return EffectOutcome.failed(f"wait_until invalid payload.until: {bad}")
    text = str(until)
    if moment <= services.now():
        return EffectOutcome.completed({"until": text, "ready": True})
    return EffectOutcome.waiting(
        WaitState(
            reason=WaitReason.UNTIL,
            until=text,
            resume_to_node=effect.payload.get("resume_to_node") or next_node,
            result_key=effect.result_key,
        )
    )


@handles(EffectType.WAIT_EVENT)
def wait_event(run: RunState, effect: Effect, next_node: str | None, services: Services) -> EffectOutcome:
    """Pause until an event with this key, or with this name in its scope, arrives.

    With an instant `until` it goes on then, with `timed_out`.
    With `keeps`, a run that waits so again and again misses nothing in between: see `core.waits`.
    """
    payload = effect.payload
    key, name = payload.get("wait_key"), payload.get("name") or payload.get("event_name")
    if not isinstance(key, str) or not key.strip():
        if not isinstance(name, str) or not name.strip():
            return EffectOutcome.failed("wait_event requires payload.wait_key or payload.name")
        try:
            key = build_event_wait_key(
                scope=payload.get("scope"),
                name=name,
                session_id=payload.get("session_id") or run.session_id or run.run_id,
                workflow_id=run.workflow_id,
                run_id=run.run_id,
            )
        except ValueError as bad:
            return EffectOutcome.failed(f"wait_event invalid payload: {bad}")
    until, over = deadline(effect, services)
    if over is not None:
        return over
    prompt, given = payload.get("prompt"), payload.get("details")
    details = dict(given) if isinstance(given, dict) else {}
    if payload.get("keeps") is True:
        details["keeps"] = True
    return EffectOutcome.waiting(
        WaitState(
            reason=WaitReason.EVENT,
            until=until,
            wait_key=key,
            resume_to_node=payload.get("resume_to_node") or next_node,
            result_key=effect.result_key,
            prompt=prompt if isinstance(prompt, str) and prompt.strip() else None,
            choices=texts(payload.get("choices")),
            allow_free_text=bool(payload.get("allow_free_text", payload.get("allowFreeText", True))),
            details=details or (None if given is None else {}),
        )
    )


@handles(EffectType.CARRY_WAIT)
def carry_wait(run: RunState, effect: Effect, next_node: str | None, services: Services) -> EffectOutcome:
    """Wait in place of another run: `wait` is what that one would wait for, and the answer is the result."""
    try:
        wait = wait_from_json(effect.payload.get("wait"))
    except ValueError as bad:
        return EffectOutcome.failed(f"carry_wait invalid payload.wait: {bad}")
    if wait is None:
        return EffectOutcome.failed("carry_wait requires payload.wait")
    return EffectOutcome.waiting(replace(wait, resume_to_node=next_node, result_key=effect.result_key))


def deadline(effect: Effect, services: Services) -> tuple[str | None, EffectOutcome | None]:
    """Return the instant at which a wait ends, and the outcome where there is no wait for that."""
    until = effect.payload.get("until")
    if until is None:
        return None, None
    try:
        moment = parse_instant(until)
    except ValueError as bad:
        return None, EffectOutcome.failed(f"{effect.type.value} invalid payload.until: {bad}")
    return str(until), EffectOutcome.completed(dict(TIMED_OUT)) if moment <= services.now() else None


def texts(choices: Any) -> list[str] | None:
    """Return the non-empty texts of a list of choices, stripped; None if it is no list."""
    if not isinstance(choices, list):
        return None
    return [choice.strip() for choice in choices if isinstance(choice, str) and choice.strip()]


_PAST, _FUTURE = "2001-01-01T00:00:00+09:00", "2999-01-01T00:00:00Z"

# (effect type, payload, next node, expected status, part of the result or wait or error)
CASES: list[tuple[EffectType, dict[str, Any], str | None, str, Any]] = [
    (EffectType.WAIT_UNTIL, {"until": _PAST}, "next", "completed", {"until": _PAST, "ready": True}),
    (
        EffectType.WAIT_UNTIL,
        {"until": _FUTURE},
        "next",
        "waiting",
        {"reason": "until", "until": _FUTURE, "wait_key": None, "resume_to_node": "next"},
    ),
    (EffectType.WAIT_UNTIL, {}, "next", "failed", "wait_until requires payload.until"),
    (EffectType.WAIT_UNTIL, {"until": "soon"}, "next", "failed", "'soon' is not an ISO 8601 moment"),
    (
        EffectType.WAIT_EVENT,
        {"wait_key": "door", "prompt": "Open?", "choices": [" yes ", "", 3], "allowFreeText": 0},
        "next",
        "waiting",
        {
            "reason": "event",
            "wait_key": "door",
            "prompt": "Open?",
            "choices": ["yes"],
            "allow_free_text": False,
        },
    ),
    (
        EffectType.WAIT_EVENT,
        {"name": "bell", "session_id": "s1", "resume_to_node": "other"},
        "next",
        "waiting",
        {"wait_key": "evt:session:s1:bell", "resume_to_node": "other", "allow_free_text": True},
    ),
    (
        EffectType.WAIT_EVENT,
        {"name": "bell", "session_id": "s1", "keeps": True},
        "next",
        "waiting",
        {"wait_key": "evt:session:s1:bell", "details": {"keeps": True}},
    ),
    (
        EffectType.WAIT_EVENT,
        {"wait_key": "k", "until": _FUTURE},
        None,
        "waiting",
        {"wait_key": "k", "until": _FUTURE},
    ),
    (EffectType.WAIT_EVENT, {"wait_key": "k", "until": _PAST}, None, "completed", {"timed_out": True}),
    (
        EffectType.WAIT_EVENT,
        {"event_name": "bell", "scope": "global"},
        None,
        "waiting",
        {"wait_key": "evt:global:global:bell"},
    ),
    (
        EffectType.WAIT_EVENT,
        {"name": "bell", "scope": "planet"},
        None,
        "failed",
        "wait_event invalid payload: Unknown event scope",
    ),
    (
        EffectType.CARRY_WAIT,
        {
            "wait": {
                "reason": "job",
                "wait_key": "k",
                "details": {"mode": "delegated"},
                "resume_to_node": "far",
            }
        },
        "next",
        "waiting",
        {"reason": "job", "wait_key": "k", "details": {"mode": "delegated"}, "resume_to_node": "next"},
    ),
    (EffectType.CARRY_WAIT, {"wait": {"reason": "hope"}}, None, "failed", "'hope'"),
    (EffectType.CARRY_WAIT, {}, None, "failed", "carry_wait requires payload.wait"),
    (EffectType.WAIT_EVENT, {}, None, "failed", "wait_event requires payload.wait_key or payload.name"),
]
