"""Three ways to have a model call tools (`params.tool_mode`).

`native`: the server knows tools. `schema`: the server only knows JSON schemas; the answer is forced to be
one call or a text. `prompted`: the tools are described in the system prompt, and calls read from the text.
"""

from __future__ import annotations

import json
from typing import Any

from .llm_errors import LLMCallFailed
from .llm_schema import parse_leniently
from .llm_text_calls import parse_tool_calls_from_text

NATIVE, SCHEMA, PROMPTED = "native", "schema", "prompted"
MODES = (NATIVE, SCHEMA, PROMPTED)


def mode_of(params: dict[str, Any]) -> str:
    """Return the way that a call asks for; raise LLMCallFailed for an unknown one."""
    mode = str(params.get("tool_mode") or NATIVE)
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
