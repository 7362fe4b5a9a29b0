"""Tools: which may be used, and calling them.

Which tools exist is the host's business: a flow names them, the host carries the calls out. A tool that
fails does not fail the run, unless the author wants it to; its result says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.models import Effect, EffectType
from .authored import chosen, pin_value, setting
from .define import EXEC_IN, EXEC_OUT, UNSET, Call, Example, Field, Finding, NodeError, Pin, effect, pure
from .jsontext import decoded
from .values import described, items, text, truth

Json = Any


def names_of(value: Json) -> list[str]:
    """Return the names in a list of tools, each once; a tool may also be given as an object with a name."""
    named = (each.get("name") if isinstance(each, Mapping) else each for each in items(value))
    return list(dict.fromkeys(name.strip() for name in named if isinstance(name, str) and name.strip()))


@pure(
    "tools_allowlist",
    family="tools",
    label="Tools Allowlist",
    outputs=(Pin("tools", "tools", description="The names."),),
    fields=(
        Field("literalValue", "tools", [], "Tools", "Names of the tools that may be used.", widget="lines"),
    ),
    template={"literalValue": []},
    keywords=("allow", "permit", "names", "list", "functions"),
    examples=(
        Example(
            data={"literalValue": [" read_file ", "fetch_url", "fetch_url", 3, ""]},
            outputs={"tools": ["read_file", "fetch_url"]},
        ),
        Example(data={}, outputs={"tools": []}),
    ),
)
def tools_allowlist(call: Call) -> dict[str, Json]:
    """Name the tools that a model or an agent may use."""
    return {"tools": names_of(call.data.get("literalValue"))}


@pure(
    "has_tools",
    family="tools",
    label="Has Tools",
    inputs=(Pin("array", "array", description="The tool calls, or any other list."),),
    outputs=(Pin("result", "boolean", description="Whether the list has at least one entry."),),
    keywords=("any", "empty", "calls", "count"),
    examples=(
        Example({"array": [{"name": "read_file"}]}, {"result": True}),
        Example({"array": []}, {"result": False}),
        Example({"array": "text"}, {"result": False}, note="What is no list holds no tools."),
    ),
)
def has_tools(call: Call) -> dict[str, Json]:
    """Tell whether there is at least one tool call."""
    array = call.get("array")
    return {"result": isinstance(array, list) and bool(array)}


def _parameter_pins(data: Mapping[str, Json]) -> tuple[tuple[Pin, ...], tuple[Pin, ...]]:
    saved = data.get("inputs")
    given = [pin for pin in saved if isinstance(pin, Mapping)] if isinstance(saved, (list, tuple)) else []
    pins = tuple(
        Pin(
            pin["id"],
            pin["type"] if isinstance(pin.get("type"), str) else "any",
            description=str(pin.get("description") or "An argument of the call; null leaves it to the tool."),
        )
        for pin in given
        if isinstance(pin.get("id"), str) and pin["id"].strip() and pin.get("type") != "execution"
    )
    echoed = tuple(pin for pin in pins if pin.id != _CALL.id)
    return pins, (_CALL, *echoed)


_CALL = Pin("tool_call", "object", description="The call: name and arguments.")


@pure(
    "tool_parameters",
    family="tools",
    label="Tool Parameters",
    outputs=(_CALL,),
    fields=(
        Field(
            "toolParametersConfig.tool",
            "string",
            "",
            "Tool",
            "The name of the tool.",
            was=("toolParametersConfig.name",),
        ),
    ),
    shape=_parameter_pins,
    template={"toolParametersConfig": {"tool": ""}},
    keywords=("call", "arguments", "function", "build"),
    examples=(
        Example(
            {"path": "a.txt", "limit": None},
            {
                "tool_call": {"name": "read_file", "arguments": {"path": "a.txt"}},
                "path": "a.txt",
                "limit": None,
            },
            data={
                "toolParametersConfig": {"tool": "read_file"},
                "inputs": [{"id": "path", "type": "string"}, {"id": "limit", "type": "number"}],
            },
            note="What has no value is left to the tool.",
        ),
        Example({}, {"tool_call": {"name": "", "arguments": {}}}),
    ),
)
def tool_parameters(call: Call) -> dict[str, Json]:
    """Put a call of a tool together from its parameters."""
    config = call.data.get("toolParametersConfig")
    name = text(config.get("tool")).strip() if isinstance(config, Mapping) else ""
    values = {pin: call.get(pin) for pin in call.pins}
    arguments = {pin: value for pin, value in values.items() if value is not None}
    return {**values, "tool_call": {"name": name, "arguments": arguments}}


def calls_of(value: Json) -> list[Json]:
    """Read tool calls: a list, a single one, or either as JSON text; anything else is none."""
    if isinstance(value, str):
        try:
            value = decoded(value)
        except ValueError:
            return []
    if isinstance(value, dict):
        return [value]
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _check_allowed(data: Mapping[str, Json]) -> list[Finding]:
    """Find calls that a model words and nobody limits; a call of one tool is mostly worded by the author."""
    typed = pin_value(data, "allowed_tools")
    settled = (setting(data, "effectConfig.allowed_tools"), setting(data, "effectConfig.allowedTools"))
    if (typed is not UNSET and typed is not None) or any(each not in (None, "") for each in settled):
        return []
    message = "Whatever tool the calls name may be called. Name those that may be, or wire those that the model was offered."
    return [Finding("risk", "tools.no_allow_list", message, pin="allowed_tools")]


def _payload(call: Call, calls: list[Json]) -> dict[str, Json]:
    payload: dict[str, Json] = {"tool_calls": calls}
    allowed = chosen(call, "allowed_tools", "effectConfig.allowed_tools")
    if allowed is None and "allowed_tools" not in call.fed:
        allowed = chosen(call, "allowed_tools", "effectConfig.allowedTools")
    if isinstance(allowed, (list, str)):
        payload["allowed_tools"] = names_of(allowed)
    elif allowed is not None or "allowed_tools" in call.fed:
        message = (
            f"'allowed_tools' needs a list of names, but got {described(allowed)}. An empty list allows none."
        )
        raise NodeError(message, code="tools.allowed", pin="allowed_tools")
    if truth(setting(call.data, "effectConfig.failOnError", False)):
        payload["fail_on_error"] = True
    return payload


def _results(reply: Json) -> tuple[list[Json], bool]:
    """Return the results and whether the calls were carried out."""
    known = reply if isinstance(reply, Mapping) else {}
    executed = known.get("mode", "executed") == "executed"
    return [each for each in items(known.get("results")) if isinstance(each, Mapping)], executed


def _settle_calls(reply: Json, call: Call) -> dict[str, Json]:
    results, executed = _results(reply)
    return {
        "results": results,
        "success": executed and all(each.get("success") is True for each in results),
        "raw": reply,
    }


_ALLOWED = Pin(
    "allowed_tools", "array", description="Names that may be called; unset: all that the host has."
)
_CALL_FIELDS = (
    Field(
        "effectConfig.allowed_tools",
        "tools",
        None,
        "Allowed tools",
        "Names that may be called where the pin says nothing; unset: all that the host has.",
        widget="lines",
        was=("effectConfig.allowedTools",),
    ),
    Field(
        "effectConfig.failOnError",
        "boolean",
        False,
        "Failure of a tool is failure",
        "Whether the step fails with a tool that fails: then the run stops here and can be taken up again, or the "
        "failure leaves by its pin. Otherwise the flow goes on, and success says how it went.",
    ),
)
_RAW = Pin("raw", "object", hidden=True)
_ONE = {"name": "add", "arguments": {"a": 1}, "call_id": "c1"}
_DONE = {"call_id": "c1", "name": "add", "success": True, "output": 3, "error": None}
_BROKEN = {"call_id": "c1", "name": "add", "success": False, "output": None, "error": "No b."}


@effect(
    "tool_calls",
    family="tools",
    label="Tool Calls",
    sentence="Call {tool_calls}",
    inputs=(
        EXEC_IN,
        Pin("tool_calls", "array", [], "The calls, as a model asks for them: name and arguments."),
        _ALLOWED,
    ),
    outputs=(
        EXEC_OUT,
        Pin("results", "array", description="What each tool answered, in the same order."),
        Pin("success", "boolean", description="Whether all of them succeeded."),
        _RAW,
    ),
    fields=_CALL_FIELDS,
    settle=_settle_calls,
    main="results",
    check=_check_allowed,
    keywords=("execute", "function", "run", "agent", "action"),
    examples=(
        Example(
            {"tool_calls": [_ONE], "allowed_tools": ["add"]},
            {
                "effect": {
                    "type": "tool_calls",
                    "payload": {"tool_calls": [_ONE], "allowed_tools": ["add"]},
                },
                "settled": {
                    "results": [_DONE],
                    "success": True,
                    "raw": {"mode": "executed", "results": [_DONE]},
                },
            },
            reply={"mode": "executed", "results": [_DONE]},
        ),
        Example(
            {"tool_calls": '{"name": "add", "arguments": {}}'},
            {
                "effect": {
                    "type": "tool_calls",
                    "payload": {"tool_calls": [{"name": "add", "arguments": {}}]},
                },
                "settled": {"results": [], "success": False, "raw": {"mode": "passthrough", "results": []}},
            },
            reply={"mode": "passthrough", "results": []},
            note="A single call and JSON text are fine. What was only handed on has not succeeded yet.",
        ),
        Example({}, {"effect": {"type": "tool_calls", "payload": {"tool_calls": []}}}),
    ),
)
def tool_calls(call: Call) -> Effect:
    """Carry out the tool calls that a model asked for.

    A tool that fails does not fail the run, unless the step is told to fail with it: look at success, or at each
    result.
    """
    return Effect(EffectType.TOOL_CALLS, _payload(call, calls_of(call.get("tool_calls"))))


def _settle_call(reply: Json, call: Call) -> dict[str, Json]:
    results, executed = _results(reply)
    if not executed:
        mode = reply.get("mode") if isinstance(reply, Mapping) else None
        return {
            "result": f"Tool execution not completed (mode={text(mode)})",
            "success": False,
            "raw": reply,
        }
    if not results:
        return {"result": "Missing tool result", "success": False, "raw": reply}
    first = results[0]
    if first.get("success") is True:
        return {"result": first.get("output"), "success": True, "raw": reply}
    return {"result": text(first.get("error")) or first.get("output"), "success": False, "raw": reply}


@effect(
    "call_tool",
    family="tools",
    label="Call Tool",
    sentence="Call {tool_call}",
    inputs=(EXEC_IN, Pin("tool_call", "object", None, "The call: name and arguments."), _ALLOWED),
    outputs=(
        EXEC_OUT,
        Pin("result", "any", description="What the tool answered, or the text of its error."),
        Pin("success", "boolean", description="Whether it succeeded."),
        _RAW,
    ),
    fields=_CALL_FIELDS,
    settle=_settle_call,
    main="result",
    keywords=("execute", "function", "run", "single", "action"),
    examples=(
        Example(
            {"tool_call": _ONE},
            {
                "effect": {"type": "tool_calls", "payload": {"tool_calls": [_ONE]}},
                "settled": {"result": 3, "success": True, "raw": {"mode": "executed", "results": [_DONE]}},
            },
            reply={"mode": "executed", "results": [_DONE]},
        ),
        Example(
            {"tool_call": _ONE, "allowed_tools": []},
            {
                "effect": {"type": "tool_calls", "payload": {"tool_calls": [_ONE], "allowed_tools": []}},
                "settled": {"result": "No b.", "success": False, "raw": {"results": [_BROKEN]}},
            },
            reply={"results": [_BROKEN]},
            note="An empty list allows no tool at all.",
        ),
    ),
)
def call_tool(call: Call) -> Effect:
    """Carry out one tool call.

    A tool that fails does not fail the run, unless the step is told to fail with it: then the result is the text
    of its error.
    """
    return Effect(EffectType.TOOL_CALLS, _payload(call, calls_of(call.get("tool_call"))[:1]))
