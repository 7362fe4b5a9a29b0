"""What an agent did: its scratchpad, and how a conversation remembers it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..core.models import EffectType
from .define import Call
from .values import items, json_text, text

Json = Any

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
_MOST_OBSERVATIONS = 20
_LONGEST_OBSERVATION = 2000
_OWN_KEYS = ("task", "messages", "attachments")


def agent_workflow(flow_id: str, node_id: str) -> str:
    """Return the id of the workflow that is an agent node's loop; the host registers it."""
    return f"visual_react_agent_{_UNSAFE.sub('_', flow_id)}_{_UNSAFE.sub('_', node_id)}"


def _steps(traces: Json) -> list[Json]:
    found = [
        {"node_id": node_id, **step}
        for node_id, trace in (traces.items() if isinstance(traces, Mapping) else ())
        for step in items(trace.get("steps") if isinstance(trace, Mapping) else None)
        if isinstance(step, Mapping)
    ]
    return sorted(found, key=lambda step: text(step.get("ts")))


def _tool_use(steps: list[Json]) -> tuple[list[Json], list[Json]]:
    calls: list[Json] = []
    results: list[Json] = []
    for step in steps:
        effect, result = step.get("effect"), step.get("result")
        if not isinstance(effect, Mapping) or effect.get("type") != EffectType.TOOL_CALLS.value:
            continue
        payload = effect.get("payload")
        calls += items(payload.get("tool_calls") if isinstance(payload, Mapping) else None)
        results += items(result.get("results") if isinstance(result, Mapping) else None)
    return calls, results


def scratchpad_of(reply: Json, call: Call) -> dict[str, Json]:
    """Return the scratchpad: what the agent was asked and all that it did."""
    known = reply if isinstance(reply, Mapping) else {}
    child = known.get("output")
    output = child if isinstance(child, Mapping) else {}
    traces = known.get("node_traces")
    steps = _steps(traces)
    calls, results = _tool_use(steps)
    pad: dict[str, Json] = {
        "sub_run_id": known.get("sub_run_id"),
        "workflow_id": agent_workflow(call.flow_id, call.node_id),
        "task": call.kept.get("task", ""),
        "messages": items(output.get("messages")),
        "node_traces": traces if isinstance(traces, Mapping) else {},
        "steps": steps,
        "tool_calls": calls,
        "tool_results": results,
    }
    given = call.get("context")
    extra = (
        {key: value for key, value in given.items() if key not in ("task", "messages", "attachments")}
        if (isinstance(given, Mapping))
        else {}
    )
    return {**pad, "context_extra": extra} if extra else pad


def turn_of(response: str, call: Call, pad: Mapping[str, Json]) -> Iterator[dict[str, Json]]:
    """Yield the messages by which the conversation remembers this turn."""
    prefix = f"agent:{pad['sub_run_id']}:{call.node_id}"

    def said(role: str, content: str, kind: str, name: str) -> dict[str, Json]:
        about = {"kind": kind, "message_id": f"{prefix}:{name}"}
        return {"role": role, "content": content, "timestamp": call.now, "metadata": about}

    yield said("user", text(pad["task"]), "agent_turn", "task")
    asked = {text(each.get("call_id")): each for each in pad["tool_calls"] if isinstance(each, Mapping)}
    results = [each for each in pad["tool_results"] if isinstance(each, Mapping)]
    for number, result in enumerate(results[:_MOST_OBSERVATIONS]):
        call_id = text(result.get("call_id"))
        arguments = asked.get(call_id, {}).get("arguments")
        before = f"{json_text(arguments, compact=True)} " if arguments else ""
        seen = text(result.get("error")) or text(result.get("output"))
        words = f"[{text(result.get('name'))}]: {before}{seen}"[:_LONGEST_OBSERVATION]
        yield said("assistant", words, "tool_observation", f"tool:{call_id or number}")
    if len(results) > _MOST_OBSERVATIONS:
        words = f"({len(results) - _MOST_OBSERVATIONS} more results of tools are omitted.)"
        yield said("assistant", words, "tool_observation_summary", "omitted")
    yield said("assistant", response, "agent_turn", "answer")
