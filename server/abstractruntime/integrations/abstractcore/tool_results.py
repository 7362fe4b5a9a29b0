"""The answer to one tool call, as models and ledgers read it.

`{"call_id", "runtime_call_id", "name", "success", "output", "error"}` and, where there is something
to tell, `meta`.
"""

from __future__ import annotations

import base64
import dataclasses
import math
from collections.abc import Mapping
from datetime import date, datetime, time
from enum import Enum
from pathlib import PurePath
from typing import Any

ToolCall = dict[str, Any]
ToolResult = dict[str, Any]

CALLS = "tool_calls"  # the key under which messages and answers carry calls
MISSING_RESULT = "Missing tool result"
NOT_AN_OBJECT = "Invalid tool call (expected an object)"
_FAILURE_SIGNS = ("Error:", "❌", "🚫", "⏰")
_MOST_LEVELS = 64


def tool_result(
    call: Mapping[str, Any],
    *,
    output: Any = None,
    error: str | None = None,
    meta: Mapping[str, Any] | None = None,
) -> ToolResult:
    """Return the answer to a call; it failed if there is an error."""
    made: ToolResult = {
        "call_id": str(call.get("call_id") or call.get("id") or ""),
        "runtime_call_id": call.get("runtime_call_id"),
        "name": str(call.get("name") or ""),
        "success": error is None,
        "output": output,
        "error": error,
    }
    if meta:
        made["meta"] = dict(meta)
    return made


def judged(call: Mapping[str, Any], output: Any, *, meta: Mapping[str, Any] | None = None) -> ToolResult:
    """Return the answer that a tool's value means: some say in the value that they failed."""
    value = json_safe(output)
    if isinstance(value, dict) and (value.get("success") is False or value.get("ok") is False):
        reason = value.get("error") or value.get("message") or "Tool reported failure"
        return tool_result(call, output=value, error=str(reason), meta=meta)
    if isinstance(value, str) and value.lstrip().startswith(_FAILURE_SIGNS):
        return tool_result(call, error=_reason(value.lstrip()), meta=meta)
    return tool_result(call, output=value, meta=meta)


def _reason(text: str) -> str:
    for sign in _FAILURE_SIGNS:
        if text.startswith(sign):
            return text.removeprefix(sign).strip() or "Tool reported failure"
    return text


def json_safe(value: Any, _level: int = 0) -> Any:
    """Return what a value is in JSON: records become objects, bytes Base64, what is unknown its text."""
    if value is None or isinstance(value, bool | str):
        return _text(value) if isinstance(value, str) else value
    if isinstance(value, Enum):
        return json_safe(value.value, _level + 1)
    if isinstance(value, int | float):
        return value if isinstance(value, int) or math.isfinite(value) else str(value)
    if _level >= _MOST_LEVELS:
        return str(value)
    if isinstance(value, Mapping):
        return {_text(str(key)): json_safe(item, _level + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [json_safe(item, _level + 1) for item in value]
    return _other(value, _level)


def _other(value: Any, level: int) -> Any:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return {"base64": base64.b64encode(bytes(value)).decode(), "size_bytes": len(bytes(value))}
    if isinstance(value, PurePath):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return json_safe(fields, level + 1)
    dump = getattr(value, "model_dump", None)  # a pydantic model, without importing pydantic
    if callable(dump):
        return json_safe(dump(mode="json"), level + 1)
    return _text(str(value))


def _text(value: str) -> str:
    """Return a text that UTF-8 can carry: half of a surrogate pair becomes a question mark."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
