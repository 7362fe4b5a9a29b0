"""Nodes and workflows of a line or two, for tests of whatever drives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..core.models import Effect, EffectType, RunState, StepPlan
from ..core.spec import NodeHandler, RunContext, WorkflowSpec

Make = Callable[[RunState], dict[str, Any]]


def flow(entry: str, workflow_id: str = "flow", **nodes: NodeHandler) -> WorkflowSpec:
    """Return a workflow of these nodes."""
    return WorkflowSpec(workflow_id=workflow_id, entry_node=entry, nodes=nodes)


def move(node_id: str, next_node: str, change: Callable[[dict[str, Any]], Any] | None = None) -> NodeHandler:
    """Return a node that changes the variables and goes on."""

    def handler(run: RunState, context: RunContext) -> StepPlan:
        if change is not None:
            change(run.vars)
        return StepPlan(node_id=node_id, next_node=next_node)

    return handler


def ask_for(
    node_id: str,
    effect_type: EffectType,
    payload: Mapping[str, Any] | Make,
    next_node: str | None = None,
    result_key: str | None = None,
) -> NodeHandler:
    """Return a node that asks for an effect; the payload may be made from the run."""

    def handler(run: RunState, context: RunContext) -> StepPlan:
        content = payload(run) if callable(payload) else dict(payload)
        return StepPlan(node_id=node_id, effect=Effect(effect_type, content, result_key), next_node=next_node)

    return handler


def branch(node_id: str, choose: Callable[[dict[str, Any]], str]) -> NodeHandler:
    """Return a node that chooses the next one from the variables."""

    def handler(run: RunState, context: RunContext) -> StepPlan:
        return StepPlan(node_id=node_id, next_node=choose(run.vars))

    return handler


def end(node_id: str, output: Callable[[dict[str, Any]], dict[str, Any]] | None = None) -> NodeHandler:
    """Return a node that ends the run with this output."""

    def handler(run: RunState, context: RunContext) -> StepPlan:
        return StepPlan(node_id=node_id, complete_output=output(run.vars) if output is not None else {})

    return handler


def ask_flow(workflow_id: str = "ask") -> WorkflowSpec:
    """Return a workflow that asks one question and ends with the answer."""
    return flow(
        "ask",
        workflow_id,
        ask=ask_for("ask", EffectType.ASK_USER, {"prompt": "ok?"}, "done", "answer"),
        done=end("done", lambda vars: {"answer": vars["answer"]}),
    )
