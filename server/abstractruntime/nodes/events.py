"""Telling other runs that something happened, and hearing of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.models import Effect, EffectType
from . import deadlines
from .authored import chosen, pin_value, setting
from .define import (
    EXEC_IN,
    EXEC_OUT,
    UNSET,
    Call,
    Example,
    Field,
    Finding,
    Goto,
    NodeError,
    Pin,
    effect,
    event,
)
from .values import items, text, truth

Json = Any

_SCOPES = ("session", "workflow", "run", "global")
EXTERNAL = "external"
_TOLD_HELP = (
    "Who hears it: what waits in runs of the same session, in runs of this same flow, in this run, or anywhere. "
    "An On Event is a run of its own: tell it in `session` or `global`."
)
_HEARD_HELP = (
    "Whose events it hears: those told in the same session, or anywhere (`global`). It is a run of its own, "
    "so what the flow tells in `workflow` or `run` does not reach it."
)


def _scope(value: Json) -> str:
    word = text(value).strip().lower()
    return word if word in _SCOPES else "session"


def scope_of(data: Mapping[str, Json]) -> str:
    """Return the scope that the author of a node that tells or listens chose for it."""
    value = pin_value(data, "scope")
    if value is UNSET:
        value = setting(data, "effectConfig.scope") or setting(data, "eventConfig.scope")
    return _scope(value)


def event_told(data: Mapping[str, Json]) -> tuple[str, str] | None:
    """Return scope and name of what a step tells, as its author wrote them; None for another session, or without a name."""
    names = (pin_value(data, "name"), setting(data, "effectConfig.name"), pin_value(data, "event_name"))
    name = next(
        (text(each).strip() for each in (*names, setting(data, "effectConfig.event_name")) if _is_text(each)),
        "",
    )
    others = (pin_value(data, "session_id"), setting(data, "effectConfig.sessionId"))
    if not name or any(_is_text(each) for each in (*others, setting(data, "effectConfig.session_id"))):
        return None
    return scope_of(data), name


def event_awaited(data: Mapping[str, Json]) -> tuple[str, str] | None:
    """Return scope and name of the event that a step waits for, as its author wrote them; None for one from outside."""
    value = pin_value(data, "event_key")
    name = text("default" if value is UNSET else value).strip() or "default"
    scope = text(setting(data, "effectConfig.scope", EXTERNAL)).strip().lower()
    return None if scope in ("", EXTERNAL) or name.startswith("evt:") else (_scope(scope), name)


def _is_text(value: Json) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _as_payload(value: Json) -> dict[str, Json]:
    if value is None:
        return {}
    return value if isinstance(value, dict) else {"value": value}


def _merged(reply: Json, call: Call) -> dict[str, Json]:
    return dict(reply) if isinstance(reply, Mapping) else {}


def _unknown_scope(scope: Json, pin: str | None) -> list[Finding]:
    if scope in (None, "") or text(scope).strip().lower() in _SCOPES:
        return []
    message = f"'{text(scope)}' is no scope, so 'session' is used. Choose one of: {', '.join(_SCOPES)}."
    sets = {f"pinDefaults.{pin}" if pin else "effectConfig.scope": "session"}
    return [Finding("risk", "event.unknown_scope", message, pin=pin, sets=sets, label="Take 'session'")]


def _check_emit(data: Mapping[str, Json]) -> list[Finding]:
    findings = _unknown_scope(pin_value(data, "scope") or setting(data, "effectConfig.scope"), "scope")
    names = (pin_value(data, "name"), setting(data, "effectConfig.name"))
    if not any(name and text(name).strip() for name in names):
        message = "The event has no name: write one, the listeners wait for it."
        findings.append(Finding("risk", "event.no_name", message, pin="name"))
    return findings


@effect(
    "emit_event",
    family="events",
    label="Emit Event",
    sentence="Tell {name|name}[ with {payload}] ({scope|name})",
    inputs=(
        EXEC_IN,
        Pin("name", "string", description="What the event is called; listeners wait for this name."),
        Pin("scope", "string", "session", _TOLD_HELP, choices=_SCOPES),
        Pin("payload", "any", {}, "What the listeners are told; a single value arrives as `value`."),
        Pin("session_id", "string", None, "Another session to tell instead of this one."),
        Pin("event_name", "string", hidden=True),
    ),
    outputs=(
        EXEC_OUT,
        Pin("delivered", "number", description="How many runs were woken."),
        Pin("delivered_to", "array", description="The runs that were woken."),
        Pin("wait_key", "string", description="The full name that listeners wait for."),
        Pin("name", "string", hidden=True),
        Pin("scope", "string", hidden=True),
        Pin("resumed", "array", hidden=True),
        Pin("available_listeners_in_session", "array", hidden=True),
    ),
    seldom=("session_id", "delivered_to", "wait_key"),
    settle=_merged,
    check=_check_emit,
    template={"pinDefaults": {"name": "my_event", "scope": "session"}},
    keywords=("signal", "send", "publish", "notify", "trigger", "broadcast"),
    examples=(
        Example(
            {"name": "paid", "payload": {"order": 7}},
            {
                "effect": {
                    "type": "emit_event",
                    "payload": {
                        "scope": "session",
                        "name": "paid",
                        "payload": {"order": 7},
                        "event_id": "run:node:1",
                        "max_steps": 0,
                    },
                },
                "settled": {"delivered": 1, "delivered_to": ["r2"], "wait_key": "evt:session:s:paid"},
            },
            reply={"delivered": 1, "delivered_to": ["r2"], "wait_key": "evt:session:s:paid"},
        ),
        Example(
            {"payload": 7},
            {
                "effect": {
                    "type": "emit_event",
                    "payload": {
                        "scope": "global",
                        "name": "tick",
                        "payload": {"value": 7},
                        "event_id": "run:node:1",
                        "max_steps": 0,
                        "session_id": "s9",
                    },
                }
            },
            data={"effectConfig": {"name": "tick", "scope": "global", "sessionId": "s9"}},
            note="Settings of older flows are used where the pins say nothing.",
        ),
        Example({"name": " "}, error="no name"),
    ),
)
def emit_event(call: Call) -> Effect:
    """Tell all runs that wait for an event of this name.

    Nobody waiting is fine: then nothing happens, and the event is not kept for later.
    """
    given = chosen(call, "name", "effectConfig.name") or call.get("event_name")
    name = text(given or setting(call.data, "effectConfig.event_name")).strip()
    if not name:
        raise NodeError("The event has no name: give 'name' a text.", code="event.no_name", pin="name")
    payload: dict[str, Json] = {
        "scope": _scope(chosen(call, "scope", "effectConfig.scope", "session")),
        "name": name,
        "payload": _as_payload(call.get("payload")),
        "event_id": f"{call.run_id}:{call.node_id}:{call.visit}",
        "max_steps": 0,
    }
    session = text(
        chosen(call, "session_id", "effectConfig.sessionId") or setting(call.data, "effectConfig.session_id")
    ).strip()
    if session:
        payload["session_id"] = session
    return Effect(EffectType.EMIT_EVENT, payload)


def _check_wait(data: Mapping[str, Json]) -> list[Finding]:
    findings = []
    scope = setting(data, "effectConfig.scope")
    if scope not in (None, "", EXTERNAL):
        findings += _unknown_scope(scope, None)
    return [*findings, *deadlines.check(data)]


_WAIT_IN = (
    EXEC_IN,
    Pin("event_key", "string", "default", "The name of the event to wait for."),
    Pin("prompt", "string", None, "A question to show while waiting.", widget="text"),
    Pin("choices", "array", None, "Answers to choose from.", widget="lines"),
    Pin("allow_free_text", "boolean", True, "Whether other answers than the choices are allowed."),
)
_WAIT_OUT = (
    EXEC_OUT,
    Pin("event_data", "object", description="What came with the event."),
    Pin("event_key", "string", hidden=True),
)


def _came(reply: Json, call: Call) -> dict[str, Json]:
    return {"event_data": reply, "event_key": text(call.get("event_key"))}


@effect(
    "wait_event",
    family="events",
    label="Wait Event",
    sentence="Wait for {event_key|name}" + deadlines.SENTENCE,
    inputs=_WAIT_IN,
    outputs=_WAIT_OUT,
    shape=deadlines.pins(_WAIT_IN, _WAIT_OUT),
    fields=(
        *deadlines.FIELDS,
        Field(
            "effectConfig.scope",
            "string",
            EXTERNAL,
            "Heard from",
            "Whose events count: those that Emit Event sends in a scope, or (external) a signal from "
            "outside that names exactly this key.",
            (EXTERNAL, *_SCOPES),
        ),
    ),
    settle=deadlines.settled(_came, {"event_data": None}),
    check=_check_wait,
    template={"pinDefaults": {"event_key": "my_event"}, "effectConfig": {"scope": "session"}},
    keywords=("listen", "receive", "signal", "webhook", "until", "pause"),
    examples=(
        Example(
            {"event_key": "go"},
            {
                "effect": {"type": "wait_event", "payload": {"wait_key": "go", "allow_free_text": True}},
                "settled": {"event_data": {"any": ["thing"]}, "event_key": "go"},
            },
            reply={"any": ["thing"]},
        ),
        Example(
            {"event_key": "paid", "prompt": "Paid?", "choices": ["yes", 3, ""], "allow_free_text": "no"},
            {
                "effect": {
                    "type": "wait_event",
                    "payload": {
                        "name": "paid",
                        "scope": "session",
                        "prompt": "Paid?",
                        "choices": ["yes"],
                        "allow_free_text": False,
                    },
                }
            },
            data={"effectConfig": {"scope": "session"}},
            note="In a scope it hears what Emit Event sends; only choices that are text are offered.",
        ),
        Example(
            {},
            {"effect": {"type": "wait_event", "payload": {"wait_key": "default", "allow_free_text": True}}},
        ),
        Example(
            {"event_key": "paid"},
            {
                "effect": {
                    "type": "wait_event",
                    "payload": {
                        "wait_key": "paid",
                        "until": "2030-01-02T00:00:00+00:00",
                        "allow_free_text": True,
                    },
                },
                "settled": {"event_data": None, "timed_out": True},
            },
            data={"onTimeout": "continue"},
            reply={"timed_out": True},
        ),
    ),
)
def wait_event(call: Call) -> Effect:
    """Wait until something happens, then go on with what is known about it.

    With a question it also shows up where people answer. The wait survives restarts. It has no end unless
    you set a deadline.
    """
    key = text(call.get("event_key", "default")).strip() or "default"
    scope = text(setting(call.data, "effectConfig.scope", EXTERNAL)).strip().lower()
    payload: dict[str, Json] = {"wait_key": key}
    if scope not in ("", EXTERNAL) and not key.startswith("evt:"):
        payload = {"name": key, "scope": _scope(scope)}
    payload |= deadlines.until_of(call)
    prompt = text(call.get("prompt"))
    if prompt.strip():
        payload["prompt"] = prompt
    choices = [each for each in items(call.get("choices")) if isinstance(each, str) and each.strip()]
    if choices:
        payload["choices"] = choices
    free = call.get("allow_free_text", True)
    payload["allow_free_text"] = True if free is None else truth(free, "allow_free_text")
    return Effect(EffectType.WAIT_EVENT, payload)


def _heard(reply: Json, call: Call) -> Goto:
    """Run the branch with the event, and listen again when the branch ends."""
    known = reply if isinstance(reply, Mapping) else {}
    return Goto(
        "exec-out",
        {
            "event": reply,
            "payload": known.get("payload"),
            "event_id": known.get("event_id"),
            "name": known.get("name"),
        },
        loop={"heard": call.frame.get("heard", 0) + 1},
    )


def _check_listener(data: Mapping[str, Json]) -> list[Finding]:
    return _unknown_scope(pin_value(data, "scope") or setting(data, "eventConfig.scope"), "scope")


@event(
    "on_event",
    family="events",
    label="On Event",
    sentence="When {eventConfig.name|name} is told ({scope|name})",
    inputs=(
        Pin("scope", "string", "session", _HEARD_HELP, choices=_SCOPES),
        Pin("name", "string", hidden=True),
        Pin("event_name", "string", hidden=True),
    ),
    outputs=(
        EXEC_OUT,
        Pin("event", "object", description="The whole event: name, payload, who sent it and when."),
        Pin("payload", "any", description="What came with the event."),
        Pin("event_id", "string", hidden=True),
        Pin("name", "string", hidden=True),
    ),
    fields=(Field("eventConfig.name", "string", "", "Event", "The name to listen for; empty: every event."),),
    settle=_heard,
    carries="before",
    loops=True,
    listens=True,
    check=_check_listener,
    template={"eventConfig": {"name": "my_event", "scope": "session"}},
    keywords=("listen", "receive", "subscribe", "signal", "trigger", "when"),
    examples=(
        Example(
            data={"eventConfig": {"name": "paid", "scope": "session"}},
            outputs={
                "effect": {"type": "wait_event", "payload": {"scope": "session", "name": "paid"}},
                "settled": {
                    "goto": "exec-out",
                    "event": {"event_id": "e1", "name": "paid", "payload": {"order": 7}},
                    "payload": {"order": 7},
                    "event_id": "e1",
                    "name": "paid",
                },
            },
            reply={"event_id": "e1", "name": "paid", "payload": {"order": 7}},
        ),
        Example(
            {"scope": "everywhere"},
            {"effect": {"type": "wait_event", "payload": {"scope": "session", "name": "*"}}},
            note="No name hears every event; an unknown scope counts as session.",
        ),
    ),
)
def on_event(call: Call) -> Effect:
    """Run a branch each time an event of this name happens.

    It listens beside the main run and in the same session, and listens again when its branch has ended.
    It does not share the run's variables: what it must know comes with the event.
    """
    given = call.get("name") or call.get("event_name") or setting(call.data, "eventConfig.name")
    name = text(given or setting(call.data, "eventConfig.event_name")).strip() or "*"
    return Effect(
        EffectType.WAIT_EVENT,
        {"scope": _scope(chosen(call, "scope", "eventConfig.scope", "session")), "name": name},
    )
