"""Texts as vectors, by AbstractCore's embedding manager."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .guard import abstractcore, quiet_logging


@dataclass(frozen=True)
class EmbeddingsResult:
    """One vector of `dimension` numbers for each text, in their order."""

    provider: str
    model: str
    embeddings: list[list[float]]
    dimension: int


class AbstractCoreEmbeddingsClient:
    """Embeds texts with a provider's model; `manager_kwargs` go to AbstractCore's manager."""

    def __init__(self, *, provider: str, model: str, manager_kwargs: dict[str, Any] | None = None) -> None:
        module = abstractcore("embeddings", wanted_for="Embeddings")
        self._provider, self._model = provider, model
        with quiet_logging():
            self._manager = module.EmbeddingManager(model=model, provider=provider, **(manager_kwargs or {}))

    def embed_texts(self, texts: Sequence[str]) -> EmbeddingsResult:
        """Return a vector for each text."""
        vectors = [[float(number) for number in each] for each in self._manager.embed_batch([*texts])]
        dimension = len(vectors[0]) if vectors else int(self._manager.get_dimension())
        return EmbeddingsResult(self._provider, self._model, vectors, dimension)
