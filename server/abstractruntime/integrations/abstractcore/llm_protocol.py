"""What LLM_CALL asks: the one method of every client of models."""

from __future__ import annotations

from typing import Any, Protocol


class LLMClient(Protocol):
    """A model, in process or behind HTTP."""

    def generate(
        self,
        *,
        prompt: str,
        messages: list[dict[str, Any]] | None = None,
        system_prompt: str | None = None,
        tools: list[Any] | None = None,
        media: list[Any] | None = None,
        params: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return an answer in the shape of `llm_result`; raise when there is none."""
        ...
