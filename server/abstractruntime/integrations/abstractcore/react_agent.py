"""The loop of an agent as a workflow: think (LLM_CALL), act (TOOL_CALLS), and again until there is an answer.

Each model call and each batch of tools is a step of a run of its own, so it can be watched, stopped,
allowed by a person, and taken up after any restart. What the run starts with and what it returns is the
contract of the agent node (contract/visualflow.md 2C.7):

`context {task, messages}`, `scratchpad {max_iterations}`, `_runtime {provider, model, allowed_tools,
temperature, seed, thinking, system_prompt_extra}` -> `{answer, iterations, messages, stopped}`.

A loop that has used its turns (`max_iterations`) fails; taken up again, it has as many turns more. With
`_runtime.answer_at_limit` it is asked for an answer with what it knows instead, without tools, and `stopped`
says `max_iterations`; otherwise it says `answer`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from ...core.models import Effect, EffectType, RunState, StepPlan
from ...core.spec import NodeHandler, RunContext, WorkflowSpec
from ...core.vars import RETRIED, get_namespace
from .tool_pins import told_of

DEFAULT_MAX_ITERATIONS = 25
OUT_OF_TURNS = "agent.out_of_turns"
SYSTEM_PROMPT = (
    "You are an agent that carries out a task. Use the tools you have when they help, one step at a time, and "
    "read what they answer. When you know enough, answer the task plainly and completely."
)
LAST_TURN = "You have no turns left. Answer the task now, with what you know; say what is missing."
_MOST_SHOWN = 20_000  # characters of one tool's answer that the model reads


ToolSpecs = Callable[[Iterable[str]], list[dict[str, Any]]]


def react_agent_workflow(workflow_id: str, tool_specs: ToolSpecs) -> WorkflowSpec:
    """Return an agent's workflow; `tool_specs` gives the descriptions of the tools with these names."""

    def think(run: RunState, context: RunContext) -> StepPlan:
        """Ask the model what comes next."""
        pad, settings = _pad(run), _settings(run)
        has_turns = pad["iteration"] < pad["max_iterations"]
        payload: dict[str, Any] = {
            "messages": _messages(run, last=not has_turns),
            "system_prompt": _system_prompt(settings),
            "params": _params(settings),
        }
        for key in ("provider", "model"):
            if settings.get(key):
                payload[key] = settings[key]
        names = settings.get("allowed_tools")
        tools = tool_specs(names) if isinstance(names, list) and names and has_turns else []
        if tools:
            payload["tools"] = told_of(run, tools)
        pad["iteration"] += 1
        return StepPlan(
            "think", effect=Effect(EffectType.LLM_CALL, payload, "_temp.thought"), next_node="decide"
        )

    nodes: dict[str, NodeHandler] = {
        "think": think,
        "decide": decide,
        "act": act,
        "observe": observe,
        "answer": answer,
        "spent": spent,
    }
    for name in ("decide", "observe", "answer", "spent"):
        nodes[name].asks = False  # type: ignore[attr-defined]
    return WorkflowSpec(workflow_id=workflow_id, entry_node="think", nodes=nodes)


def decide(run: RunState, context: RunContext) -> StepPlan:
    """Go on with the tools that the model wants, or with its answer."""
    thought = _temp(run).get("thought") or {}
    calls = thought.get("tool_calls") or []
    content = str(thought.get("content") or "")
    message: dict[str, Any] = {"role": "assistant", "content": content}
    pad = _pad(run)
    may_act = bool(calls) and pad["iteration"] <= pad["max_iterations"]
    if may_act:
        message["tool_calls"] = calls
    _trail(run).append(message)
    return StepPlan("decide", next_node="act" if may_act else "answer")


def act(run: RunState, context: RunContext) -> StepPlan:
    """Have the tools carried out that the model asked for."""
    calls = _trail(run)[-1]["tool_calls"]
    payload = {
        "tool_calls": [{key: each.get(key) for key in ("name", "arguments", "call_id")} for each in calls],
        "allowed_tools": list(_settings(run).get("allowed_tools") or []),
    }
    effect = Effect(EffectType.TOOL_CALLS, payload, "_temp.acted")
    return StepPlan("act", effect=effect, next_node="observe")


def observe(run: RunState, context: RunContext) -> StepPlan:
    """Add what the tools answered to the conversation."""
    acted = _temp(run).get("acted") or {}
    results = acted.get("results") if isinstance(acted, dict) else None
    asked = _trail(run)[-1]["tool_calls"]
    told = [each for each in results if isinstance(each, dict)] if isinstance(results, list) else []
    for place, call in enumerate(asked):
        result = told[place] if place < len(told) else {"success": False, "error": "Missing tool result"}
        _trail(run).append(
            {
                "role": "tool",
                "name": call.get("name"),
                "tool_call_id": call.get("call_id") or result.get("call_id"),
                "content": _shown(result),
            }
        )
    pad, settings = _pad(run), _settings(run)
    if pad["iteration"] < pad["max_iterations"] or settings.get("answer_at_limit") is True:
        return StepPlan("observe", next_node="think")
    pad["retried"] = _retried(run)
    return StepPlan("observe", next_node="spent")


def spent(run: RunState, context: RunContext) -> StepPlan:
    """Fail, with all turns used; go on when a person has had the run go on since, or has given it more turns."""
    pad = _pad(run)
    turns = pad.setdefault("turns", pad["max_iterations"])
    if _retried(run) > pad["retried"]:
        pad["max_iterations"] = pad["iteration"] + turns
    if pad["iteration"] < pad["max_iterations"]:
        return StepPlan("spent", next_node="think")
    called = [each["tool_calls"] for each in _trail(run) if each.get("tool_calls")]
    names = ", ".join(dict.fromkeys(str(each.get("name")) for each in called[-1]))
    message = (
        f"The agent has used its {pad['iteration']} turns and has no answer yet; last it used {names}. Try again "
        f"from here to give it {turns} more: nothing of what it did is done again. For later runs, raise "
        "max_iterations of the node, or tick “Answer at the limit” there."
    )
    return StepPlan("spent", failure={"code": OUT_OF_TURNS, "message": message})


def _retried(run: RunState) -> int:
    count = _settings(run).get(RETRIED)
    return count if isinstance(count, int) else 0


def answer(run: RunState, context: RunContext) -> StepPlan:
    """End with the model's last words and the whole conversation."""
    pad = _pad(run)
    output = {
        "answer": _trail(run)[-1]["content"],
        "iterations": pad["iteration"],
        "messages": [*_history(run), *_task(run), *_trail(run)],
        "stopped": "max_iterations" if pad["iteration"] > pad["max_iterations"] else "answer",
    }
    return StepPlan("answer", complete_output=output)


def _pad(run: RunState) -> dict[str, Any]:
    pad = get_namespace(run.vars, "scratchpad")
    if not isinstance(pad.get("iteration"), int):
        pad["iteration"] = 0
    most = pad.get("max_iterations")
    if not isinstance(most, int) or isinstance(most, bool) or most < 1:
        limit = get_namespace(run.vars, "_limits").get("max_iterations")
        pad["max_iterations"] = limit if isinstance(limit, int) and limit > 0 else DEFAULT_MAX_ITERATIONS
    return pad


def _trail(run: RunState) -> list[dict[str, Any]]:
    """What this agent and its tools have said so far."""
    pad = _pad(run)
    if not isinstance(pad.get("trail"), list):
        pad["trail"] = []
    trail: list[dict[str, Any]] = pad["trail"]
    return trail


def _settings(run: RunState) -> dict[str, Any]:
    return get_namespace(run.vars, "_runtime")


def _temp(run: RunState) -> dict[str, Any]:
    return get_namespace(run.vars, "_temp")


def _history(run: RunState) -> list[dict[str, Any]]:
    found = get_namespace(run.vars, "context").get("messages")
    return [dict(each) for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _task(run: RunState) -> list[dict[str, Any]]:
    task = str(get_namespace(run.vars, "context").get("task") or "").strip()
    return [{"role": "user", "content": task}] if task else []


def _messages(run: RunState, *, last: bool) -> list[dict[str, Any]]:
    made = [*_history(run), *_task(run), *(dict(each) for each in _trail(run))]
    return [*made, {"role": "user", "content": LAST_TURN}] if last else made


def _system_prompt(settings: dict[str, Any]) -> str:
    extra = str(settings.get("system_prompt_extra") or "").strip()
    return f"{SYSTEM_PROMPT}\n\n{extra}" if extra else SYSTEM_PROMPT


def _params(settings: dict[str, Any]) -> dict[str, Any]:
    keys = ("temperature", "seed", "thinking", "tool_mode", "max_output_tokens")
    return {key: settings[key] for key in keys if settings.get(key) is not None}


def _shown(result: dict[str, Any]) -> str:
    """Return what the model reads of a tool's answer."""
    if result.get("success") is not True:
        told = f"Error: {result.get('error') or 'the tool failed'}"
        if result.get("output") is not None:
            told += f"\n{_text(result['output'])}"
    else:
        told = _text(result.get("output"))
    if len(told) > _MOST_SHOWN:
        return f"{told[:_MOST_SHOWN]}\n[... {len(told) - _MOST_SHOWN} more characters]"
    return told


def _text(value: Any) -> str:
    if isinstance(value, dict) and isinstance(value.get("rendered"), str):
        return str(value["rendered"])
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
