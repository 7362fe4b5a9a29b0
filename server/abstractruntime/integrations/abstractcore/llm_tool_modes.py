"""Three ways to have a model call tools (`params.tool_mode`, else the client's own).

`native`: the server knows tools. `schema`: the server only knows JSON schemas; the answer is forced to be
one call or a text. `prompted`: the tools are described in the system prompt, and calls read from the text.
In the latter two the server knows nothing of tools: earlier calls and results are told in words as well.
"""

from __future__ import annotations

import json
from typing import Any

from .llm_errors import LLMCallFailed
from .llm_schema import parse_leniently
from .llm_text_calls import parse_tool_calls_from_text

NATIVE, SCHEMA, PROMPTED = "native", "schema", "prompted"
MODES = (NATIVE, SCHEMA, PROMPTED)
# Small models repeat a call unless they are told, after its result, that they may answer.
_AFTER = {
    SCHEMA: 'If that is enough, answer with {"answer": text}.',
    PROMPTED: "If that is enough, answer in plain words.",
}


def mode_of(params: dict[str, Any], own: str = NATIVE) -> str:
    """Return the way that a call asks for, else the client's own; raise LLMCallFailed for an unknown one."""
    mode = str(params.get("tool_mode") or own)
    if mode not in MODES:
        raise LLMCallFailed(
            "bad_request", f"params.tool_mode must be one of {', '.join(MODES)}, not {mode!r}"
        )
    return mode


def described(tools: list[dict[str, Any]], mode: str) -> str:
    """Return what the system prompt has to say of the tools."""
    rows = [
        f"- {each['function']['name']}: {each['function']['description']} "
        f"Arguments (JSON schema): {json.dumps(each['function']['parameters'])}"
        for each in tools
    ]
    how = (
        'To use a tool, answer {"name": tool, "arguments": {...}}. To answer the person, answer {"answer": text}.'
        if mode == SCHEMA
        else 'To use a tool, answer only <tool_call>{"name": tool, "arguments": {...}}</tool_call>.'
    )
    return "\n".join(["You may use these tools:", *rows, how])


def forced_schema(tools: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the schema of one call of one of the tools, or of a text."""
    calls = [
        {
            "type": "object",
            "properties": {
                "name": {"const": each["function"]["name"]},
                "arguments": each["function"]["parameters"],
            },
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
        for each in tools
    ]
    text = {
        "type": "object",
        "properties": {"answer": {"type": "string"}},
        "required": ["answer"],
        "additionalProperties": False,
    }
    return {"anyOf": [*calls, text]}


def read_forced(content: Any) -> tuple[list[dict[str, Any]] | None, Any]:
    """Return the call or the text in a forced answer."""
    try:
        value = parse_leniently(content) if isinstance(content, str) else None
    except ValueError:
        return None, content
    if not isinstance(value, dict):
        return None, content
    if isinstance(value.get("name"), str):
        return [{"name": value["name"], "arguments": value.get("arguments") or {}, "call_id": None}], ""
    return None, str(value["answer"]) if "answer" in value else content


def read_answer(content: Any, calls: Any, tools: list[dict[str, Any]], mode: str) -> tuple[Any, Any]:
    """Return the tool calls and the text of an answer, by the way that was asked for."""
    if calls or not tools:
        return calls, content
    if mode == SCHEMA:
        return read_forced(content)
    names = [each["function"]["name"] for each in tools]
    return parse_tool_calls_from_text(content, allowed_tool_names=names)


def in_words(messages: list[dict[str, Any]], mode: str) -> list[dict[str, Any]]:
    """Return messages without tool calls and results as such: both are texts, in the form that the mode asks for."""
    names: dict[str, str] = {}
    made: list[dict[str, Any]] = []
    for message in messages:
        calls = message.get("tool_calls") or []
        names |= {each["id"]: each["function"]["name"] for each in calls}
        told = {key: value for key, value in message.items() if key not in ("tool_calls", "tool_call_id")}
        if calls:
            written = [_written(each["function"], mode) for each in calls]
            told["content"] = "\n".join(filter(None, (message.get("content"), *written)))
        elif message["role"] == "tool":
            name = message.get("name") or names.get(str(message.get("tool_call_id")), "the tool")
            told = {"role": "user", "content": f"Result of {name}:\n{message['content']}\n\n{_AFTER[mode]}"}
        last = made[-1] if made else {"role": ""}
        both = [last.get("content"), told["content"]]
        texts = [each for each in both if isinstance(each, str)]
        if last["role"] == told["role"] == "user" and texts == both:
            made[-1] = {**last, "content": "\n\n".join(texts)}  # models' templates want turns to alternate
        else:
            made.append(told)
    return made


def _written(call: dict[str, Any], mode: str) -> str:
    try:
        arguments = json.loads(call["arguments"])
    except ValueError:
        arguments = call["arguments"]
    text = json.dumps({"name": call["name"], "arguments": arguments}, ensure_ascii=False)
    return text if mode == SCHEMA else f"<tool_call>{text}</tool_call>"
