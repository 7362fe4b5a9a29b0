"""The handlers of models and tools, for a runtime's `effect_handlers`."""

from __future__ import annotations

from typing import Any

from ...core.models import EffectType
from ...storage.artifacts import ArtifactStore
from .llm_call import Handler, make_llm_call_handler
from .llm_protocol import LLMClient
from .llm_schema import model_of
from .tool_calls import make_tool_calls_handler
from .tool_executors import ToolExecutor

__all__ = ["build_effect_handlers", "make_llm_call_handler", "make_tool_calls_handler"]

# Published under this name (contract/kernel.md 9.4.2).
_pydantic_model_from_json_schema = model_of


def build_effect_handlers(
    *,
    llm: LLMClient,
    tools: ToolExecutor | None = None,
    artifact_store: ArtifactStore | None = None,
    run_store: Any = None,
) -> dict[EffectType, Handler]:
    """Return `{LLM_CALL: ..., TOOL_CALLS: ...}` over a model client and an executor of tools."""
    return {
        EffectType.LLM_CALL: make_llm_call_handler(
            llm=llm, artifact_store=artifact_store, run_store=run_store
        ),
        EffectType.TOOL_CALLS: make_tool_calls_handler(
            tools=tools, artifact_store=artifact_store, run_store=run_store
        ),
    }
