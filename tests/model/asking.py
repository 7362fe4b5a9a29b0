"""Flows that ask the small model, and what they ask it."""

from __future__ import annotations

from typing import Any

from abstractruntime import Effect, EffectType, RunStatus, Runtime, StepPlan, WorkflowSpec

MODEL = "smollm2-135m-instruct"
GREEDY = {"temperature": 0, "seed": 1, "max_tokens": 48}
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 20}, "warm": {"type": "boolean"}},
    "required": ["city", "warm"],
}
WEATHER = {
    "name": "get_weather",
    "description": "Tells the weather in a city.",
    "parameters": {"city": {"type": "string", "maxLength": 20}},
}


def asking(**payload: Any) -> WorkflowSpec:
    """A flow that asks the model once."""
    effect = Effect(EffectType.LLM_CALL, {"params": GREEDY, **payload}, "answer")
    return WorkflowSpec(
        workflow_id="ask",
        entry_node="ask",
        nodes={
            "ask": lambda run, ctx: StepPlan("ask", effect=effect, next_node="end"),
            "end": lambda run, ctx: StepPlan("end", complete_output={"answer": run.vars["answer"]}),
        },
    )


def asked(runtime: Runtime, **payload: Any) -> dict[str, Any]:
    spec = asking(**payload)
    run = runtime.tick(spec, runtime.start(spec))
    assert run.status is RunStatus.COMPLETED, run.error
    assert run.output is not None
    return dict(run.output["answer"])
