"""What a run remembers: spans of archived conversation, notes, and what a model gets to see of them.

The door imports a part when it is first asked for: a program that drives runs needs few of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .active_context import ActiveContextPolicy, TimeRange
    from .active_memory import (
        apply_memact_envelope,
        ensure_memact_memory,
        get_memact_memory,
        render_memact_blocks,
        render_memact_system_prompt,
    )
    from .compaction import (
        CompactionSplit,
        normalize_messages,
        span_metadata_from_messages,
        split_for_compaction,
    )
    from .kg_packets import pack_active_memory_text, packetize_assertions
    from .memact_composer import compose_memact_current_context_from_kg_result
    from .recall_levels import RecallLevel, RecallPolicy, parse_recall_level, policy_for
    from .token_budget import (
        estimate_message_tokens,
        estimate_tokens,
        trim_messages_to_max_input_tokens,
        use_estimator,
    )

_WHERE = {
    "ActiveContextPolicy": "active_context",
    "CompactionSplit": "compaction",
    "RecallLevel": "recall_levels",
    "RecallPolicy": "recall_levels",
    "TimeRange": "active_context",
    "apply_memact_envelope": "active_memory",
    "compose_memact_current_context_from_kg_result": "memact_composer",
    "ensure_memact_memory": "active_memory",
    "estimate_message_tokens": "token_budget",
    "estimate_tokens": "token_budget",
    "get_memact_memory": "active_memory",
    "normalize_messages": "compaction",
    "pack_active_memory_text": "kg_packets",
    "packetize_assertions": "kg_packets",
    "parse_recall_level": "recall_levels",
    "policy_for": "recall_levels",
    "render_memact_blocks": "active_memory",
    "render_memact_system_prompt": "active_memory",
    "span_metadata_from_messages": "compaction",
    "split_for_compaction": "compaction",
    "trim_messages_to_max_input_tokens": "token_budget",
    "use_estimator": "token_budget",
}

__all__ = [
    "ActiveContextPolicy",
    "CompactionSplit",
    "RecallLevel",
    "RecallPolicy",
    "TimeRange",
    "apply_memact_envelope",
    "compose_memact_current_context_from_kg_result",
    "ensure_memact_memory",
    "estimate_message_tokens",
    "estimate_tokens",
    "get_memact_memory",
    "normalize_messages",
    "pack_active_memory_text",
    "packetize_assertions",
    "parse_recall_level",
    "policy_for",
    "render_memact_blocks",
    "render_memact_system_prompt",
    "span_metadata_from_messages",
    "split_for_compaction",
    "trim_messages_to_max_input_tokens",
    "use_estimator",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_WHERE[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
