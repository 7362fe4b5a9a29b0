"""How many tokens a text takes, roughly, and which messages fit into a budget.

Without a model's own tokenizer four characters count as one token. A host that has a better estimate
says so once, with `use_estimator`: what is installed changes nothing by itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

Estimator = Callable[[str, str | None], int]

_CHARACTERS_PER_TOKEN = 4
_FRAME_TOKENS = 4  # what a chat template adds around one message
_estimators: list[Estimator] = []


def use_estimator(estimator: Estimator | None) -> None:
    """Have texts estimated by `estimator(text, model)` from now on; None goes back to counting characters."""
    _estimators[:] = [] if estimator is None else [estimator]


def estimate_tokens(text: str, *, model: str | None = None) -> int:
    """Return about how many tokens a text takes: 0 if it is blank, else at least 1."""
    if not isinstance(text, str) or not text.strip():
        return 0
    if _estimators:
        return max(1, int(_estimators[0](text, model)))
    return max(1, len(text) // _CHARACTERS_PER_TOKEN)


def estimate_message_tokens(message: dict[str, Any], *, model: str | None = None) -> int:
    """Return about how many tokens a chat message takes, its tool calls included."""
    content = message.get("content")
    if not isinstance(content, str):
        content = "" if content is None else json.dumps(content, ensure_ascii=False, default=str)
    calls = message.get("tool_calls")
    told = json.dumps(calls, ensure_ascii=False, default=str) if calls else ""
    return _FRAME_TOKENS + estimate_tokens(content, model=model) + estimate_tokens(told, model=model)


def trim_messages_to_max_input_tokens(
    messages: Sequence[dict[str, Any]], *, max_input_tokens: int, model: str | None = None
) -> list[dict[str, Any]]:
    """Return the messages that fit: all of the system's first, the last other one, then older ones.

    A budget of 0 or less trims nothing. The order of what is kept stays, and there is no hole: the
    first message that does not fit ends the history.
    """
    kept = [message for message in messages if isinstance(message, dict)]
    if max_input_tokens <= 0:
        return kept
    system = [message for message in kept if message.get("role") == "system"]
    others = [message for message in kept if message.get("role") != "system"]
    used = sum(estimate_message_tokens(message, model=model) for message in system)
    recent: list[dict[str, Any]] = []
    for message in reversed(others):
        used += estimate_message_tokens(message, model=model)
        if recent and used > max_input_tokens:
            break
        recent.insert(0, message)
    return [*system, *recent]
