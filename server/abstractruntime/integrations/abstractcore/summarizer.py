"""Summaries of conversations by AbstractCore's summarizer."""

from __future__ import annotations

from typing import Any, Protocol

from .guard import abstractcore

KEYS = (
    "summary",
    "key_points",
    "confidence",
    "focus_alignment",
    "word_count_original",
    "word_count_summary",
)


class ChatSummarizer(Protocol):
    """Shortens a conversation."""

    def summarize_chat_history(
        self,
        messages: list[dict[str, Any]],
        *,
        preserve_recent: int = 6,
        focus: str | None = None,
        compression_mode: str = "standard",
    ) -> dict[str, Any]:
        """Return `summary, key_points, confidence, focus_alignment` and both word counts."""
        ...


class AbstractCoreChatSummarizer:
    """Summarizes with a model of AbstractCore; -1 leaves a limit to the model."""

    def __init__(self, llm: Any, *, max_tokens: int = -1, max_output_tokens: int = -1) -> None:
        self._llm = llm
        self._limits = {"max_tokens": max_tokens, "max_output_tokens": max_output_tokens}

    def summarize_chat_history(
        self,
        messages: list[dict[str, Any]],
        *,
        preserve_recent: int = 6,
        focus: str | None = None,
        compression_mode: str = "standard",
    ) -> dict[str, Any]:
        """Return the summary of all but the newest messages; raise ValueError for an unknown mode."""
        module = abstractcore("processing.basic_summarizer", wanted_for="The chat summarizer")
        summarizer = module.BasicSummarizer(self._llm, **self._limits)
        found = summarizer.summarize_chat_history(
            messages,
            preserve_recent=preserve_recent,
            focus=focus,
            compression_mode=module.CompressionMode(compression_mode),
        )
        return {key: getattr(found, key) for key in KEYS}
