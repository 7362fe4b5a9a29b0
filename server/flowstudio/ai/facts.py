"""The facts of this installation: the graph's file, the steps that write and read it, and who asks from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

from abstractruntime.core.clock import utc_now_iso
from abstractruntime.core.errors import KernelError
from abstractruntime.core.models import Effect, EffectType, RunState
from abstractruntime.integrations.abstractmemory.assertions import words
from abstractruntime.integrations.abstractmemory.effect_handlers import build_memory_kg_effect_handlers
from abstractruntime.storage.base import RunStore

from .models import Models


class BadFactQuery(KernelError, ValueError):
    """What is asked of the facts cannot be understood; the message is that of the step."""

    code = "memory.bad_query"


class Facts:
    """The knowledge graph of one installation."""

    def __init__(self, path: Path, models: Models) -> None:
        self._store = _Triples(path, models)

    @property
    def is_installed(self) -> bool:
        """Whether the package that keeps facts is there."""
        return find_spec("abstractmemory") is not None

    def handlers(self, runs: RunStore) -> dict[EffectType, Callable[..., Any]]:
        """Return who carries out the effects about facts."""
        return build_memory_kg_effect_handlers(store=self._store, run_store=runs, now_iso=utc_now_iso)

    def find(self, runs: RunStore, run: RunState, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the step KG Query of a run would give; raise BadFactQuery, or NotInstalled."""
        words()
        kind = EffectType.MEMORY_KG_QUERY
        outcome = self.handlers(runs)[kind](run, Effect(kind, dict(asked)))
        if outcome.status != "completed":
            raise BadFactQuery(str(outcome.error))
        return dict(outcome.result or {})

    def close(self) -> None:
        """Close the file."""
        self._store.close()


class _Triples:
    """The graph's file, opened when the first fact comes or is asked for, and again for another embedder."""

    def __init__(self, path: Path, models: Models) -> None:
        self._path = path
        self._models = models
        self._lock = Lock()
        self._store: Any = None
        self._embedder = ""

    def add(self, facts: Any) -> Any:
        return self._opened().add(facts)

    def query(self, query: Any) -> Any:
        return self._opened().query(query)

    def query_keywords(self, words: Any, **where: Any) -> Any:
        return self._opened().query_keywords(words, **where)

    def embedding_pin(self) -> Any:
        return self._opened().embedding_pin()

    def stored_vector(self, assertion_id: str) -> Any:
        return self._opened().stored_vector(assertion_id)

    def close(self) -> None:
        with self._lock:
            if self._store is not None:
                self._store.close()
            self._store = None

    def _opened(self) -> Any:
        wanted = self._models.embedding_model()
        if self._store is not None and wanted != self._embedder:
            self.close()
        with self._lock:
            if self._store is None:
                memory, how = words(), dict[str, Any]()
                if wanted:
                    pin = memory.build_pin(wanted, None, source="settings")
                    how = {"embedder": _Embedder(self._models, wanted), "embedding_pin": pin}
                self._store = memory.SQLiteTripleStore(self._path, **how)
                self._embedder = wanted
            return self._store


@dataclass(frozen=True)
class _Embedder:
    """What a store of AbstractMemory asks for vectors; `model` is what it holds its file to."""

    models: Models
    model: str

    def embed_texts(self, texts: list[str]) -> list[list[float]]:
        return self.models.embed_texts(texts)
