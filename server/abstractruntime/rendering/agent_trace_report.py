"""What an agent did, as a page of Markdown: model calls, tool calls and their results in order of time.

The input is an agent's scratchpad, the output of `Runtime.get_node_traces`, or one node's trace
(kernel contract 2.8 and 8.9). Nothing is cut.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any


def render_agent_trace_markdown(scratchpad: Any, *, config: dict[str, Any] | None = None) -> str:
    """Return the report; it ends with a newline.

    `config` may hold a `title`. A scratchpad has `node_traces` (or is one trace with `steps`) and
    perhaps `sub_run_id` and `workflow_id`.
    """
    source = scratchpad if isinstance(scratchpad, dict) else {}
    title = (config or {}).get("title")
    lines = [f"# {title if isinstance(title, str) and title.strip() else 'Agent Trace Report'}"]
    named = [(key, source.get(key)) for key in ("sub_run_id", "workflow_id")]
    lines += [f"- **{key}**: `{value}`" for key, value in named if value]
    steps = sorted(_steps(source), key=lambda step: str(step.get("ts") or ""))
    if not steps:
        return "\n".join([*lines, "", "_No trace steps found._", ""])
    lines += ["", "## Timeline", ""]
    for number, step in enumerate(steps, 1):
        lines += [*_step(number, step), ""]
    return "\n".join(lines).rstrip() + "\n"


def _steps(source: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the steps of all nodes, each with the id of its node."""
    traces = source.get("node_traces")
    if isinstance(traces, dict):
        found: Iterable[Any] = traces.values()
    elif "steps" in source:
        found = [source]
    else:
        found = source.values()
    steps = []
    for trace in found:
        if isinstance(trace, dict) and isinstance(trace.get("steps"), list):
            steps += [
                {"node_id": trace.get("node_id"), **step} for step in trace["steps"] if isinstance(step, dict)
            ]
    return steps


def _step(number: int, step: dict[str, Any]) -> list[str]:
    effect = _object(step.get("effect"))
    kind = str(effect.get("type") or "step")
    lines = [f"### {number}. `{step.get('node_id')}` — `{kind}` ({step.get('status')})", ""]
    if step.get("ts"):
        lines.append(f"- **ts**: {step['ts']}")
    if isinstance(step.get("duration_ms"), int | float):
        lines.append(f"- **duration_ms**: {step['duration_ms']}")
    if step.get("error"):
        lines.append(f"- **error**: {step['error']}")
    payload, result = _object(effect.get("payload")), step.get("result")
    if kind == "llm_call":
        return lines + _model_call(payload, _object(result))
    if kind == "tool_calls":
        return lines + _tool_calls(payload, _object(result))
    shown = step.get("wait", result)
    return lines if shown is None else [*lines, "", *_fenced(shown)]


def _model_call(payload: dict[str, Any], result: dict[str, Any]) -> list[str]:
    lines = []
    for key in ("model", "finish_reason"):
        value = result.get(key) or payload.get(key)
        if value:
            lines.append(f"- **{key}**: {value}")
    calls = [call for call in result.get("tool_calls") or [] if isinstance(call, dict)]
    if not calls:
        lines.append("- **tool_calls_requested**: none")
    else:
        lines.append("- **tool_calls_requested**:")
        lines += [f"  - `{_call_name(call)}` (call_id={_call_id(call)})" for call in calls]
    content = result.get("content")
    if content not in (None, ""):
        lines += ["", "#### Content", "", *_fenced(content)]
    return lines


def _tool_calls(payload: dict[str, Any], result: dict[str, Any]) -> list[str]:
    calls = [call for call in payload.get("tool_calls") or [] if isinstance(call, dict)]
    results = [one for one in result.get("results") or [] if isinstance(one, dict)]
    taken: set[int] = set()
    lines: list[str] = []
    for place, call in enumerate(calls):
        at = _answer_of(call, place, results, taken)
        answer = results[at] if at is not None else {}
        taken |= {at} if at is not None else set()
        lines += ["", f"#### Tool: `{_call_name(call)}` (call_id={_call_id(call)})", "", "Arguments:", ""]
        lines += _fenced(_arguments(call))
        lines += _answer(answer)
    for at, answer in enumerate(results):
        if at not in taken:
            lines += ["", f"#### Tool: `{answer.get('name')}` (call_id={answer.get('call_id')})"]
            lines += _answer(answer)
    return lines


def _answer_of(
    call: dict[str, Any], place: int, results: list[dict[str, Any]], taken: set[int]
) -> int | None:
    """Return the place of a call's result: the one with its id, else the one in its place."""
    names = {str(call[key]) for key in ("runtime_call_id", "call_id", "id") if call.get(key)}
    for at, one in enumerate(results):
        told = {str(one[key]) for key in ("runtime_call_id", "call_id") if one.get(key)}
        if at not in taken and names & told:
            return at
    if place < len(results) and place not in taken and not results[place].get("call_id"):
        return place
    return None


def _answer(answer: dict[str, Any]) -> list[str]:
    if not answer:
        return ["", "- **result**: none recorded"]
    lines = ["", f"- **success**: {json.dumps(answer.get('success'))}"]
    if answer.get("error"):
        lines.append(f"- **error**: {answer['error']}")
    if answer.get("output") is not None:
        lines += ["", "Output:", "", *_fenced(answer["output"])]
    return lines


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _call_name(call: dict[str, Any]) -> str:
    inner = _object(call.get("function"))
    return str(call.get("name") or inner.get("name") or "")


def _call_id(call: dict[str, Any]) -> str:
    return str(call.get("call_id") or call.get("id") or call.get("runtime_call_id") or "")


def _arguments(call: dict[str, Any]) -> Any:
    inner = _object(call.get("function"))
    found = call.get("arguments") if call.get("arguments") is not None else inner.get("arguments")
    if isinstance(found, str):
        try:
            return json.loads(found)
        except ValueError:
            return found
    return {} if found is None else found


def _fenced(value: Any) -> list[str]:
    """Return a block of code that no backticks inside can end; anything but text as indented JSON."""
    is_text = isinstance(value, str)
    text = value if is_text else json.dumps(value, ensure_ascii=False, indent=2, default=str)
    fence = "```"
    while fence in text:
        fence += "`"
    return [fence if is_text else f"{fence}json", *text.splitlines(), fence]
