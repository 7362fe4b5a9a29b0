"""Running another flow as one step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.models import Effect, EffectType
from .authored import chosen, setting
from .define import EXEC_IN, EXEC_OUT, Call, Example, Field, NodeError, Pin, effect
from .values import items, text, truth

Json = Any

_SESSION_PINS = ("child_session_id", "childSessionId", "session_id", "sessionId")
_INHERIT_PINS = ("inherit_context", "inheritContext")


def inherited_context(child: Json, parent: Json) -> dict[str, Json]:
    """Return the child's conversation with the parent's before it.

    Order: the child's system messages, the parent's, the parent's conversation, the rest of the
    child's. A message whose `metadata.message_id` came before is left out.
    """
    own = dict(child) if isinstance(child, Mapping) else {}
    given = parent if isinstance(parent, Mapping) else {}
    mine, theirs = items(own.get("messages")), items(given.get("messages"))
    ordered = [each for each in mine if _is_system(each)]
    ordered += [each for each in theirs if _is_system(each)]
    ordered += [each for each in theirs if not _is_system(each)]
    ordered += [each for each in mine if not _is_system(each)]
    known: set[str] = set()
    messages = []
    for message in ordered:
        name = _message_id(message)
        if name is None or name not in known:
            messages.append(message)
        if name is not None:
            known.add(name)
    own["messages"] = messages
    if not own.get("attachments") and given.get("attachments"):
        own["attachments"] = given["attachments"]
    return own


def _is_system(message: Json) -> bool:
    return isinstance(message, Mapping) and message.get("role") == "system"


def _message_id(message: Json) -> str | None:
    metadata = message.get("metadata") if isinstance(message, Mapping) else None
    name = metadata.get("message_id") if isinstance(metadata, Mapping) else None
    return name if isinstance(name, str) and name else None


def _child_vars(call: Call) -> dict[str, Json]:
    """Collect what the child is given: an object as base, each pin of its own laid over."""
    base: dict[str, Json] = {}
    used = ""
    for pin in ("vars", "input"):
        value = call.get(pin)
        if isinstance(value, dict):
            base, used = dict(value), pin
            break
    left_out = {*_SESSION_PINS, *_INHERIT_PINS, used}
    base.update({pin: value for pin, value in call.inputs.items() if pin not in left_out})
    return base


def _outputs(reply: Json, call: Call) -> dict[str, Json]:
    """Give the child's output by pin.

    A child that ends without an end node wraps its last value as `result`; that value then stands
    for the output.
    """
    known = reply if isinstance(reply, Mapping) else {}
    child = known.get("output")
    output = child
    if isinstance(child, Mapping) and "result" in child and set(child) <= {"result", "success"}:
        output = child["result"]
    pins: dict[str, Json] = {}
    for layer in (output, child):
        pins.update(layer if isinstance(layer, Mapping) else {})
    own = [pin for pin in call.outs if pin not in (EXEC_OUT.id, "output", "sub_run_id", "child_output")]
    if not isinstance(output, Mapping) and len(own) == 1:
        pins.setdefault(own[0], output)
    return {**pins, "output": output, "child_output": child, "sub_run_id": known.get("sub_run_id")}


@effect(
    "subflow",
    family="subflow",
    label="Subflow",
    sentence="Run {subflowId|name}[ at version {subflowVersion|name}]",
    inputs=(
        EXEC_IN,
        Pin("inherit_context", "boolean", False, "Whether the flow sees the conversation so far."),
        Pin("input", "object", description="Values for its parameters, all in one object."),
        Pin("vars", "object", hidden=True),
        *(Pin(pin, "string", hidden=True) for pin in _SESSION_PINS),
        Pin("inheritContext", "boolean", hidden=True),
    ),
    outputs=(
        EXEC_OUT,
        Pin("output", "object", description="All that the flow gave."),
        Pin("child_output", "object", hidden=True),
        Pin("sub_run_id", "string", hidden=True),
    ),
    fields=(
        Field(
            "subflowId",
            "flow",
            "",
            "Flow",
            "The flow to run; its parameters and results become the pins.",
            was=("flowId", "workflowId", "workflow_id"),
        ),
        Field(
            "subflowVersion",
            "string",
            "",
            "Which version",
            "The newest (empty), the published one in trial runs too (published), or one version for good (its number).",
            widget="version",
        ),
    ),
    saved_pins=True,
    settle=_outputs,
    main="output",
    template={"subflowId": ""},
    keywords=("call", "child", "reuse", "function", "module", "nested", "flow"),
    examples=(
        Example(
            {"input": {"a": 1, "b": 1}, "b": 2},
            {
                "effect": {
                    "type": "start_subworkflow",
                    "payload": {
                        "workflow_id": "child",
                        "vars": {"a": 1, "b": 2},
                        "async": True,
                        "wait": True,
                    },
                },
                "settled": {
                    "sum": 3,
                    "success": True,
                    "output": {"sum": 3, "success": True},
                    "child_output": {"sum": 3, "success": True},
                    "sub_run_id": "r2",
                },
            },
            data={
                "subflowId": "child",
                "inputs": [{"id": "exec-in", "type": "execution"}, {"id": "b", "type": "number"}],
                "outputs": [{"id": "exec-out", "type": "execution"}, {"id": "sum", "type": "number"}],
            },
            reply={"sub_run_id": "r2", "output": {"sum": 3, "success": True}},
            note="A pin wins over the same entry of the object.",
        ),
        Example(
            {"session_id": "s2"},
            {
                "effect": {
                    "type": "start_subworkflow",
                    "payload": {
                        "workflow_id": "child",
                        "vars": {},
                        "async": True,
                        "wait": True,
                        "session_id": "s2",
                    },
                },
                "settled": {
                    "result": [1],
                    "success": True,
                    "output": [1],
                    "child_output": {"result": [1], "success": True},
                    "sub_run_id": "r2",
                },
            },
            data={"subflowId": "child"},
            reply={"sub_run_id": "r2", "output": {"result": [1], "success": True}},
            note="A flow that ends without an end node gives its last value.",
        ),
        Example({}, error="Choose the flow to run"),
    ),
)
def subflow(call: Call) -> Effect:
    """Run another flow and wait for its results.

    It has variables of its own: what it must know goes in by the pins. When it fails, this run fails
    too.
    """
    flow_id = text(setting(call.data, "subflowId")).strip()
    if not flow_id:
        raise NodeError(
            "Choose the flow to run: start_subworkflow requires payload.workflow_id.", code="flow.unset"
        )
    given = _child_vars(call)
    payload: dict[str, Json] = {"workflow_id": flow_id, "vars": given, "async": True, "wait": True}
    sessions = (text(call.get(pin)).strip() for pin in _SESSION_PINS)
    if session := next((name for name in sessions if name), ""):
        payload["session_id"] = session
    inherit = chosen(call, "inherit_context", "effectConfig.inherit_context")
    if not truth(inherit, "inherit_context"):
        inherit = chosen(call, "inheritContext", "effectConfig.inheritContext")
    if truth(inherit, "inherit_context"):
        given["context"] = inherited_context(given.get("context"), call.vars.get("context"))
        payload["inherit_context"] = True
    return Effect(EffectType.START_SUBWORKFLOW, payload)
