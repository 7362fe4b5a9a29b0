"""Where a flow begins and where it ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .authored import setting
from .define import (
    EXEC_IN,
    EXEC_OUT,
    Call,
    Example,
    Field,
    Finding,
    Finish,
    Grow,
    NodeError,
    Pin,
    control,
    event,
)
from .values import text

Json = Any


def _parameters(data: Mapping[str, Json]) -> list[str]:
    pins = data.get("outputs")
    named = [pin for pin in pins if isinstance(pin, Mapping)] if isinstance(pins, (list, tuple)) else []
    return [str(pin["id"]) for pin in named if pin.get("id") and pin.get("type") != "execution"]


def _defaults(data: Mapping[str, Json]) -> dict[str, Json]:
    defaults = data.get("pinDefaults")
    return dict(defaults) if isinstance(defaults, Mapping) else {}


def _seed(data: Mapping[str, Json]) -> dict[str, Json]:
    """Return the defaults of the parameters under names that a run variable may have."""
    known = _parameters(data)
    return {
        name: value
        for name, value in _defaults(data).items()
        if not name.startswith("_") and (not known or name in known)
    }


def _names(data: Mapping[str, Json]) -> list[Finding]:
    return [
        Finding(
            "risk",
            "start.reserved_name",
            f"The parameter '{name}' begins with '_'. Such names belong to the system; choose another.",
            pin=name,
        )
        for name in _parameters(data)
        if name.startswith("_")
    ]


@event(
    "on_flow_start",
    family="flow",
    label="On Flow Start",
    inputs=(),
    outputs=(EXEC_OUT,),
    saved_pins=True,
    grows=Grow("outputs", names="free"),
    seed=_seed,
    check=_names,
    keywords=("begin", "entry", "input", "parameter", "trigger", "argument"),
    examples=(
        Example(
            data={
                "outputs": [
                    {"id": "exec-out", "type": "execution"},
                    {"id": "who", "type": "string"},
                    {"id": "tone", "type": "string"},
                ],
                "pinDefaults": {"who": "world", "tone": "warm"},
            },
            vars={"who": "Ada"},
            outputs={"who": "Ada", "tone": "warm"},
            note="What the run was given wins over the default.",
        ),
        Example(
            data={
                "outputs": [{"id": "exec-out", "type": "execution"}, {"id": "who", "type": "string"}],
                "pinDefaults": {"who": "world"},
            },
            vars={"who": None},
            outputs={"who": None},
            note="An empty value that was given on purpose wins too.",
        ),
        Example(
            vars={"who": "Ada", "_temp": {}},
            outputs={"who": "Ada"},
            note="Without parameters of its own the node shows all that the run was given.",
        ),
    ),
)
def on_flow_start(call: Call) -> dict[str, Json]:
    """Begin the flow here.

    Each pin that you add is a parameter of the flow: whoever starts it can give a value, and what you
    type beside the pin is used when they do not. The parameters are also variables of the run, so
    Get Variable finds them by name.
    """
    defaults = _defaults(call.data)
    names = [name for name in call.outs if name != EXEC_OUT.id]
    if not names:
        given = {name: value for name, value in call.vars.items() if not name.startswith("_")}
        return {**defaults, **given}
    return {name: call.vars.get(name, defaults.get(name)) for name in names}


@event(
    "on_user_request",
    family="flow",
    label="On User Request",
    outputs=(
        EXEC_OUT,
        Pin("message", "string", description="What the person wrote."),
        Pin("context", "object", description="The conversation so far."),
    ),
    fields=(Field("eventConfig.description", "string", "", "Note", "What this entry is for."),),
    keywords=("chat", "begin", "entry", "trigger", "message"),
    examples=(
        Example(
            {},
            {"message": "Hello", "context": {"messages": []}},
            vars={"message": "Hello", "context": {"messages": []}},
        ),
        Example({}, {"message": "", "context": {}}, note="Whoever starts the flow need not say anything."),
    ),
)
def on_user_request(call: Call) -> dict[str, Json]:
    """Begin the flow with what a person wrote to it.

    It reads the run's inputs `message` and `context` once. For a question in the middle of a run use
    Ask User.
    """
    return {"message": text(call.vars.get("message")), "context": call.vars.get("context") or {}}


@event(
    "on_agent_message",
    family="flow",
    label="On Agent Message",
    outputs=(
        EXEC_OUT,
        Pin("sender", "agent", description="Who sent it."),
        Pin("message", "string", description="What was sent."),
        Pin("channel", "string", description="The channel named below."),
    ),
    fields=(
        Field("eventConfig.channel", "string", "", "Channel", "Handed on as it is."),
        Field(
            "eventConfig.agentFilter",
            "string",
            "",
            "Only from",
            "Whose messages are meant; the run of anybody else fails. Empty: everybody.",
        ),
        Field("eventConfig.description", "string", "", "Note", "What this entry is for."),
    ),
    keywords=("chat", "begin", "entry", "trigger", "inbox"),
    examples=(
        Example(
            {},
            {"sender": "planner", "message": "Go", "channel": "work"},
            vars={"sender": "planner", "message": "Go"},
            data={"eventConfig": {"channel": "work", "agentFilter": "planner, boss"}},
        ),
        Example({}, {"sender": "unknown", "message": "", "channel": ""}),
        Example(
            vars={"sender": "eve"},
            data={"eventConfig": {"agentFilter": "planner"}},
            error="takes messages from planner only",
        ),
    ),
)
def on_agent_message(call: Call) -> dict[str, Json]:
    """Begin the flow with a message of an agent.

    It reads the run's inputs `sender` and `message` once.
    """
    sender = text(call.vars.get("sender")).strip() or "unknown"
    allowed = text(setting(call.data, "eventConfig.agentFilter")).strip()
    if allowed and sender not in [name.strip() for name in allowed.split(",")]:
        raise NodeError(
            f"This flow takes messages from {allowed} only, and this one is from '{sender}'.",
            code="message.other_sender",
        )
    return {
        "sender": sender,
        "message": text(call.vars.get("message")),
        "channel": text(setting(call.data, "eventConfig.channel")),
    }


@control(
    "on_flow_end",
    family="flow",
    label="On Flow End",
    inputs=(EXEC_IN,),
    outputs=(),
    saved_pins=True,
    grows=Grow("inputs", names="free"),
    ambient=True,
    keywords=("finish", "stop", "output", "return", "result"),
    examples=(
        Example(
            {"answer": 42},
            {"finish": {"answer": 42, "note": None, "success": True}},
            data={
                "inputs": [
                    {"id": "exec-in", "type": "execution"},
                    {"id": "answer", "type": "number"},
                    {"id": "note", "type": "string"},
                ]
            },
            note="A pin without a value gives null.",
        ),
        Example(
            {"success": False},
            {"finish": {"success": False}},
            data={
                "inputs": [{"id": "exec-in", "type": "execution"}, {"id": "success", "type": "boolean"}],
            },
            note="A pin called success says how it went.",
        ),
        Example(
            ambient={"y": 5},
            outputs={"finish": {"y": 5, "success": True}},
            note="Without pins the last node's output is the result.",
        ),
    ),
)
def on_flow_end(call: Call) -> Finish:
    """End the flow here and hand over its results.

    Each pin that you add becomes one value of the result. The run ends at once, also inside a loop. A
    flow may have several ends; the first one reached counts.
    """
    if call.pins:
        output = {pin: call.get(pin) for pin in call.pins}
    elif isinstance(call.ambient, dict):
        output = dict(call.ambient)
    else:
        output = {} if call.ambient is None else {"response": call.ambient}
    return Finish({**output, "success": output.get("success", True)})
