"""Asking a person, and telling a person."""

from __future__ import annotations

from typing import Any

from ..core.clock import parse_instant
from ..core.effects import EffectOutcome, Services, handles
from ..core.models import Effect, EffectType, RunState, WaitReason, WaitState
from .waiting import deadline

_PAST, _FUTURE = "2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z"
_LEVELS = {"warning": "warning", "warn": "warning", "error": "error"}


@handles(EffectType.ASK_USER)
def ask_user(run: RunState, effect: Effect, next_node: str | None, services: Services) -> EffectOutcome:
    """Pause until a person answers a question, or until the instant `until`: then with `timed_out`."""
    payload = effect.payload
    prompt, choices = payload.get("prompt"), payload.get("choices")
    if not prompt:
        return EffectOutcome.failed("ask_user requires payload.prompt")
    assignee = str(payload.get("assignee") or "").strip()
    until, over = deadline(effect, services)
    if over is not None:
        return over
    details: dict[str, Any] = {"assignee": assignee} if assignee else {}
    if payload.get("stop"):
        details["stop"] = str(payload["stop"])
        if isinstance(payload.get("stop_about"), dict):
            details["stop_about"] = payload["stop_about"]
    try:
        stages = _stages(payload.get("stages"), until)
    except (ValueError, TypeError, KeyError) as bad:
        return EffectOutcome.failed(f"ask_user invalid payload.stages: {bad}")
    if stages:
        details |= {"due": until, "stages": stages}
        until = stages[0]["at"]
    return EffectOutcome.waiting(
        WaitState(
            reason=WaitReason.USER,
            until=until,
            wait_key=payload.get("wait_key") or f"user:{run.run_id}:{run.current_node}",
            resume_to_node=payload.get("resume_to_node") or next_node,
            result_key=effect.result_key,
            prompt=str(prompt),
            choices=list(choices) if isinstance(choices, list) else None,
            allow_free_text=bool(payload.get("allow_free_text", True)),
            details=details or None,
        )
    )


def _stages(given: Any, until: str | None) -> list[dict[str, Any]]:
    """Return what is to happen before the deadline, in order; raise ValueError or TypeError if it cannot be read."""
    if given is None:
        return []
    if not isinstance(given, list):
        raise TypeError("it is a list of objects with `at`, and `to` where somebody else is to be asked")
    stages = [
        {"at": str(each["at"]), **({"to": str(each["to"])} if each.get("to") else {})} for each in given
    ]
    stages.sort(key=lambda each: parse_instant(each["at"]))
    return [each for each in stages if until is None or parse_instant(each["at"]) < parse_instant(until)]


@handles(EffectType.ANSWER_USER)
def answer_user(run: RunState, effect: Effect, next_node: str | None, services: Services) -> EffectOutcome:
    """Show a person a message; the message is the result, its place is the ledger."""
    payload = effect.payload
    message = next(
        (payload[key] for key in ("message", "text", "content") if payload.get(key) is not None), None
    )
    if message is None:
        return EffectOutcome.failed("answer_user requires payload.message")
    level = str(payload.get("level") or "").strip().lower()
    return EffectOutcome.completed({"message": str(message), "level": _LEVELS.get(level, "message")})


CASES: list[tuple[EffectType, dict[str, Any], str | None, str, Any]] = [
    (
        EffectType.ASK_USER,
        {"prompt": "Name?", "choices": ["a", "b"], "allow_free_text": False},
        "next",
        "waiting",
        {
            "reason": "user",
            "wait_key": "user:run-1:node-1",
            "prompt": "Name?",
            "choices": ["a", "b"],
            "allow_free_text": False,
            "resume_to_node": "next",
            "until": None,
        },
    ),
    (
        EffectType.ASK_USER,
        {"prompt": "Name?", "assignee": " finance "},
        "next",
        "waiting",
        {"prompt": "Name?", "details": {"assignee": "finance"}},
    ),
    (
        EffectType.ASK_USER,
        {"prompt": "?", "stop": "breakpoint"},
        "next",
        "waiting",
        {"prompt": "?", "details": {"stop": "breakpoint"}},
    ),
    (
        EffectType.ASK_USER,
        {"prompt": "?", "wait_key": "k"},
        None,
        "waiting",
        {"wait_key": "k", "resume_to_node": None, "choices": None},
    ),
    (
        EffectType.ASK_USER,
        {"prompt": "?", "until": _FUTURE},
        "next",
        "waiting",
        {"reason": "user", "until": _FUTURE},
    ),
    (
        EffectType.ASK_USER,
        {"prompt": "?", "until": _FUTURE, "stages": [{"at": "2998-01-01T00:00:00Z", "to": "deputy"}]},
        "next",
        "waiting",
        {
            "until": "2998-01-01T00:00:00Z",
            "details": {"due": _FUTURE, "stages": [{"at": "2998-01-01T00:00:00Z", "to": "deputy"}]},
        },
    ),
    (EffectType.ASK_USER, {"prompt": "?", "stages": [{"to": "x"}]}, "next", "failed", "payload.stages"),
    (EffectType.ASK_USER, {"prompt": "?", "until": _PAST}, "next", "completed", {"timed_out": True}),
    (EffectType.ASK_USER, {"prompt": "?", "until": "soon"}, "next", "failed", "payload.until"),
    (EffectType.ASK_USER, {"prompt": ""}, "next", "failed", "ask_user requires payload.prompt"),
    (EffectType.ANSWER_USER, {"message": "Hi"}, "next", "completed", {"message": "Hi", "level": "message"}),
    (
        EffectType.ANSWER_USER,
        {"text": 3, "level": " WARN "},
        "next",
        "completed",
        {"message": "3", "level": "warning"},
    ),
    (
        EffectType.ANSWER_USER,
        {"content": "", "level": "error"},
        "next",
        "completed",
        {"message": "", "level": "error"},
    ),
    (
        EffectType.ANSWER_USER,
        {"message": "x", "level": "info"},
        None,
        "completed",
        {"message": "x", "level": "message"},
    ),
    (EffectType.ANSWER_USER, {}, "next", "failed", "answer_user requires payload.message"),
]
