"""What a node may answer: a plan that can be carried out, and what is kept of one for later."""

from __future__ import annotations

from typing import Any

from .models import Effect, EffectType, StepPlan


def unfit(plan: Any, node_id: str) -> Exception | None:
    """Return the error of a node that has not given a plan that can be carried out."""
    if not isinstance(plan, StepPlan):
        return TypeError(f"Node '{node_id}' returned {type(plan).__name__} instead of a StepPlan")
    if plan.effect is not None or plan.complete_output is not None:
        complaint = _complaint(plan)
        return None if complaint is None else TypeError(f"Node '{node_id}' {complaint}")
    if plan.failure is None and not plan.next_node:
        return ValueError(f"Node '{node_id}' returned no effect and no next_node")
    return None


def _complaint(plan: StepPlan) -> str | None:
    """Say what of a plan is of the wrong kind; None if nothing is."""
    output: Any = plan.complete_output
    if output is not None and not isinstance(output, dict):
        return f"ends the run with {type(output).__name__}; an output is an object (dict)"
    effect: Any = plan.effect
    if effect is None:
        return None
    if not isinstance(effect, Effect):
        return f"asks for {type(effect).__name__}; an effect is an Effect"
    if not isinstance(effect.type, EffectType):
        return f"asks for {effect.type!r}, which is no EffectType"
    if not isinstance(effect.payload, dict):
        kind = type(effect.payload).__name__
        return f"asks for {effect.type.value} with a payload of type {kind}; a payload is an object (dict)"
    key: Any = effect.result_key
    if key is not None and not isinstance(key, str):
        return f"asks for {effect.type.value} with a result_key of type {type(key).__name__}; it is a text"
    return None


def asked_json(plan: StepPlan) -> dict[str, Any]:
    """Return what a plan asks for as JSON, so that it can be asked for again."""
    assert plan.effect is not None
    return {"type": plan.effect.type.value, "payload": plan.effect.payload}
