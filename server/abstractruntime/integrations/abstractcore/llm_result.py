"""What a model call comes to, in one shape for every client (source: contract/integrations.md 3.2).

`{"content", "data", "tool_calls", "reasoning", "usage", "provider", "model", "finish_reason", "trace_id",
"gen_time", "ttft_ms", "raw_response", "metadata"}`, all of them always there and all of it JSON.
`gen_time` and `ttft_ms` are milliseconds. `raw_response` is null unless the call asked for it.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from .tool_results import json_safe

_REASONS = {
    "stop": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "error": "error",
}
_REASONING_KEYS = ("reasoning", "reasoning_content", "thinking", "thinking_content")
_MARKUP = re.compile(
    r"<(tool_call|function_call|tool)>.*?</\1>|<\|tool_call\|>.*?(?:<\|/?tool_call\|>|$)"
    r"|```(?:tool_call|tool_code|tool)\s.*?```",
    re.DOTALL,
)


def llm_result(**known: Any) -> dict[str, Any]:
    """Return a result with these facts, the others null; a result with tool calls says `tool_calls`."""
    made: dict[str, Any] = dict.fromkeys(
        (
            "content",
            "data",
            "tool_calls",
            "reasoning",
            "usage",
            "provider",
            "model",
            "finish_reason",
            "trace_id",
            "gen_time",
            "ttft_ms",
            "raw_response",
        )
    )
    made["metadata"] = {}
    made |= known
    made["usage"] = usage_of(made["usage"])
    made["finish_reason"] = finish_reason_of(made["finish_reason"])
    calls = normalize_tool_calls(made["tool_calls"])
    made["tool_calls"] = calls
    if calls:
        made["finish_reason"] = "tool_calls"
        made["content"] = without_markup(made["content"])
    safe: dict[str, Any] = json_safe(made)
    return safe


def finish_reason_of(named: Any) -> str | None:
    """Return why a model stopped, in our words; what is unknown stays as it is."""
    if not isinstance(named, str) or not named.strip():
        return None
    return _REASONS.get(named.strip().lower(), named.strip())


def usage_of(counted: Any) -> dict[str, Any] | None:
    """Return how many tokens were used under the three names we use; null when nobody counted."""
    if not isinstance(counted, Mapping):
        return None
    took = _first(counted, "input_tokens", "prompt_tokens")
    gave = _first(counted, "output_tokens", "completion_tokens")
    if took is None and gave is None and counted.get("total_tokens") is None:
        return None
    total = counted.get("total_tokens")
    made = {
        "input_tokens": took or 0,
        "output_tokens": gave or 0,
        "total_tokens": total if isinstance(total, int) else (took or 0) + (gave or 0),
    }
    details = counted.get("prompt_tokens_details")
    cached = counted.get("cached_input_tokens")
    if cached is None and isinstance(details, Mapping):
        cached = details.get("cached_tokens")
    if isinstance(cached, int):
        made["cached_input_tokens"] = cached
    return made


def summed_usage(used: Iterable[Any]) -> dict[str, Any] | None:
    """Return what several calls used together; null when nobody counted."""
    counted = [each for each in map(usage_of, used) if each]
    if not counted:
        return None
    names = dict.fromkeys(name for each in counted for name in each)
    return {name: sum(each.get(name, 0) for each in counted) for name in names}


def _first(counted: Mapping[str, Any], *names: str) -> int | None:
    return next((int(counted[name]) for name in names if isinstance(counted.get(name), int | float)), None)


def reasoning_of(message: Mapping[str, Any]) -> str | None:
    """Return what a message tells of the model's thinking, or None."""
    return next((message[key] for key in _REASONING_KEYS if isinstance(message.get(key), str)), None)


def normalize_tool_calls(calls: Any) -> list[dict[str, Any]] | None:
    """Return tool calls as `{"name", "arguments", "call_id"}`, from any of the shapes in use.

    Arguments that cannot be read are kept as `{"_raw": text}` and the call says `invalid_arguments`.
    Calls without a name are dropped; none at all is None.
    """
    if not isinstance(calls, list | tuple):
        return None
    made = [_tool_call(each) for each in calls]
    return [each for each in made if each is not None] or None


def _tool_call(call: Any) -> dict[str, Any] | None:
    inner = _field(call, "function")
    name = _field(inner, "name") if inner is not None else None
    name = name or _field(call, "name")
    if not isinstance(name, str) or not name.strip():
        return None
    raw = _field(inner, "arguments") if inner is not None else None
    raw = raw if raw is not None else _field(call, "arguments")
    call_id = _field(call, "call_id") or _field(call, "id")
    made: dict[str, Any] = {"name": name.strip(), "arguments": {}, "call_id": call_id and str(call_id)}
    arguments = _read(raw)
    if arguments is None:
        made["arguments"] = {"_raw": raw if isinstance(raw, str) else json_safe(raw)}
        made["invalid_arguments"] = True
    else:
        made["arguments"] = json_safe(arguments)
    return made


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


def _read(raw: Any) -> dict[str, Any] | None:
    if raw is None or raw == "":
        return {}
    if isinstance(raw, str):
        for read in (json.loads, ast.literal_eval):
            try:
                raw = read(raw)
                break
            except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
                continue
    return dict(raw) if isinstance(raw, Mapping) else None


def without_markup(content: Any) -> Any:
    """Return a model's text without the marks it wrote its tool calls in."""
    return _MARKUP.sub("", content).strip() if isinstance(content, str) else content
