"""The deterministic handlers of the golden outcomes: a model, agents, tools, a knowledge graph.

They answer the same to every question, as README section 7 of the corpus says, so that a run with them
can be compared word for word.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from abstractruntime.core.effects import EffectOutcome
from abstractruntime.core.models import Effect, EffectType, RunState, StepPlan
from abstractruntime.core.spec import WorkflowSpec
from abstractruntime.nodes.define import Offers

ANSWER = "STUB AGENT ANSWER"
# What the package of semantics resolves this name to, as far as a smallest instance shows it.
OFFERS = Offers(
    schemas={"abstractsemantics:kg_assertion_schema_v0": {"type": "object", "properties": {"assertions": {}}}}
)


def smallest(schema: Any, root: Mapping[str, Any] | None = None) -> Any:
    """Return the smallest instance of a schema, by the rules of the golden outcomes."""
    if not isinstance(schema, Mapping):
        return None
    root = schema if root is None else root
    if isinstance(schema.get("$ref"), str):
        name = schema["$ref"].rsplit("/", 1)[-1]
        for place in ("$defs", "definitions"):
            if name in root.get(place, {}):
                return smallest(root[place][name], root)
        return None
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for way in ("anyOf", "oneOf", "allOf"):
        if schema.get(way):
            return smallest(schema[way][0], root)
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object" or (kind is None and "properties" in schema):
        return {name: smallest(each, root) for name, each in schema.get("properties", {}).items()}
    if kind == "array":
        return [smallest(schema.get("items", {}), root)]
    return {"string": "stub", "number": 1, "integer": 1, "boolean": True}.get(str(kind))


def _model(run: RunState, effect: Effect) -> EffectOutcome:
    reply: dict[str, Any] = {
        "content": "STUB LLM RESPONSE",
        "tool_calls": [],
        "usage": {"input_tokens": 1, "output_tokens": 1},
        "model": "stub-model",
        "provider": "stub",
        "finish_reason": "stop",
    }
    if effect.payload.get("response_schema") is not None:
        data = smallest(effect.payload["response_schema"])
        reply |= {"data": data, "content": json.dumps(data, sort_keys=True)}
    return EffectOutcome.completed(reply)


def _tools(run: RunState, effect: Effect) -> EffectOutcome:
    allowed = effect.payload.get("allowed_tools")
    results = []
    for number, call in enumerate(effect.payload["tool_calls"], 1):
        name = call.get("name")
        is_allowed = not isinstance(allowed, list) or name in allowed
        results.append(
            {
                "call_id": call.get("call_id") or f"call-{number}",
                "name": name,
                "success": is_allowed,
                "output": "STUB TOOL OUTPUT" if is_allowed else None,
                "error": None if is_allowed else f"Tool '{name}' is not allowed",
            }
        )
    return EffectOutcome.completed({"mode": "executed", "results": results})


def handlers() -> dict[EffectType, Callable[..., EffectOutcome]]:
    """Return the handlers for one tree of runs."""
    asserted: list[str] = []

    def kg_assert(run: RunState, effect: Effect) -> EffectOutcome:
        ids = [f"kg-{len(asserted) + n}" for n, _ in enumerate(effect.payload["assertions"], 1)]
        asserted.extend(ids)
        return EffectOutcome.completed({"ok": True, "count": len(ids), "assertion_ids": ids})

    def kg_query(run: RunState, effect: Effect) -> EffectOutcome:
        reply: dict[str, Any] = {"ok": True, "count": 0, "items": []}
        if "max_input_tokens" in effect.payload or effect.payload.get("recall_level"):
            reply |= {
                "packets_version": 0,
                "packets": [],
                "packed_count": 0,
                "active_memory_text": "",
                "estimated_tokens": 0,
                "dropped": 0,
            }
        return EffectOutcome.completed(reply)

    def kg_resolve(run: RunState, effect: Effect) -> EffectOutcome:
        return EffectOutcome.completed({"ok": True, "count": 0, "candidates": []})

    return {
        EffectType.LLM_CALL: _model,
        EffectType.TOOL_CALLS: _tools,
        EffectType.MEMORY_KG_ASSERT: kg_assert,
        EffectType.MEMORY_KG_QUERY: kg_query,
        EffectType.MEMORY_KG_RESOLVE: kg_resolve,
    }


def agent(workflow_id: str) -> WorkflowSpec:
    """Return the workflow that stands for an agent's loop: it answers at once."""

    def stub(run: RunState, context: Any) -> StepPlan:
        task = run.vars["context"]["task"]
        said = [{"role": "user", "content": task}, {"role": "assistant", "content": ANSWER}]
        return StepPlan("stub", complete_output={"answer": ANSWER, "iterations": 1, "messages": said})

    return WorkflowSpec(workflow_id=workflow_id, entry_node="stub", nodes={"stub": stub})


def agents_of(programs: Mapping[str, str]) -> Iterator[str]:
    """Yield the workflow ids that the agents in these programs ask for."""
    for text in programs.values():
        program = json.loads(text)
        for node_id, op in program["ops"].items():
            if op["type"] == "agent":
                yield agent_id(program["flow_id"], node_id)


def agent_id(flow_id: str, node_id: str) -> str:
    """Return the workflow id of an agent, spelled out: what hosts register."""
    plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-_") else "_" for sign in flow_id)
    node = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-_") else "_" for sign in node_id)
    return f"visual_react_agent_{plain}_{node}"
