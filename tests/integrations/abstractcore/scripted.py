"""A model whose answers are written down, and a run to ask from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from abstractruntime import Effect, EffectType, RunState
from abstractruntime.core.effects import EffectOutcome

Answer = dict[str, Any] | Exception | Callable[[dict[str, Any]], dict[str, Any]]


class Script:
    """Gives its answers in order, and keeps what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = [*answers]
        self.asked: list[dict[str, Any]] = []

    def generate(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer(asked) if callable(answer) else answer


def said(content: str | None = "Hello", **more: Any) -> dict[str, Any]:
    """An answer of a model."""
    return {"content": content, "finish_reason": "stop", "metadata": {}, **more}


def a_run(vars: dict[str, Any] | None = None, session_id: str | None = None) -> RunState:
    """A run at a node called `ask`."""
    return RunState.new(workflow_id="w", entry_node="ask", vars=vars or {}, session_id=session_id)


def llm_effect(**payload: Any) -> Effect:
    return Effect(EffectType.LLM_CALL, payload, "answer")


def tool_effect(*calls: Any, **payload: Any) -> Effect:
    return Effect(EffectType.TOOL_CALLS, {"tool_calls": [*calls], **payload}, "results")


def call(name: str, call_id: str = "c1", **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments, "call_id": call_id, "runtime_call_id": f"rt-{call_id}"}


def result_of(outcome: EffectOutcome) -> dict[str, Any]:
    assert outcome.status == "completed", outcome.error
    assert isinstance(outcome.result, dict)
    return outcome.result
