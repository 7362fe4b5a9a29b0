"""Models and tools for a runtime, by AbstractCore or by any server that speaks OpenAI's chat protocol.

The names are imported when they are first asked for; AbstractCore itself when it is first needed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...core.config import RuntimeConfig
    from .effect_handlers import build_effect_handlers
    from .embeddings_client import AbstractCoreEmbeddingsClient, EmbeddingsResult
    from .factory import (
        create_hybrid_runtime,
        create_local_file_runtime,
        create_local_runtime,
        create_remote_file_runtime,
        create_remote_runtime,
    )
    from .llm_client import (
        AbstractCoreLLMClient,
        LocalAbstractCoreLLMClient,
        RemoteAbstractCoreLLMClient,
    )
    from .observability import attach_global_event_bus_bridge, emit_step_record
    from .tool_executor import (
        AbstractCoreToolExecutor,
        ApprovalToolExecutor,
        MappingToolExecutor,
        PassthroughToolExecutor,
        ToolApprovalPolicy,
        ToolExecutor,
    )

_PLACES = {
    "...core.config": ("RuntimeConfig",),
    ".effect_handlers": ("build_effect_handlers",),
    ".embeddings_client": ("AbstractCoreEmbeddingsClient", "EmbeddingsResult"),
    ".observability": ("attach_global_event_bus_bridge", "emit_step_record"),
    ".factory": (
        "create_hybrid_runtime",
        "create_local_file_runtime",
        "create_local_runtime",
        "create_remote_file_runtime",
        "create_remote_runtime",
    ),
    ".llm_client": (
        "AbstractCoreLLMClient",
        "LocalAbstractCoreLLMClient",
        "RemoteAbstractCoreLLMClient",
    ),
    ".tool_executor": (
        "AbstractCoreToolExecutor",
        "ApprovalToolExecutor",
        "MappingToolExecutor",
        "PassthroughToolExecutor",
        "ToolApprovalPolicy",
        "ToolExecutor",
    ),
}
_PLACE_OF = {name: place for place, names in _PLACES.items() for name in names}

__all__ = [
    "AbstractCoreEmbeddingsClient",
    "AbstractCoreLLMClient",
    "AbstractCoreToolExecutor",
    "ApprovalToolExecutor",
    "EmbeddingsResult",
    "LocalAbstractCoreLLMClient",
    "MappingToolExecutor",
    "PassthroughToolExecutor",
    "RemoteAbstractCoreLLMClient",
    "RuntimeConfig",
    "ToolApprovalPolicy",
    "ToolExecutor",
    "attach_global_event_bus_bridge",
    "build_effect_handlers",
    "create_hybrid_runtime",
    "create_local_file_runtime",
    "create_local_runtime",
    "create_remote_file_runtime",
    "create_remote_runtime",
    "emit_step_record",
]


def __getattr__(name: str) -> Any:
    place = _PLACE_OF.get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(place, __name__), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
