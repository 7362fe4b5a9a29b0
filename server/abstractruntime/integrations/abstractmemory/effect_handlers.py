"""The handlers of a knowledge graph, for a runtime's `effect_handlers`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...core.boundary import guarded
from ...core.effects import EffectOutcome
from ...core.models import Effect, EffectType, RunState
from .assertions import assert_facts
from .queries import query_facts
from .resolving import resolve_label
from .scopes import resolve_scope_owner_id

__all__ = ["build_memory_kg_effect_handlers", "resolve_scope_owner_id"]

Handler = Callable[..., EffectOutcome]


def build_memory_kg_effect_handlers(
    *, store: Any, run_store: Any, now_iso: Callable[[], str]
) -> dict[EffectType, Handler]:
    """Return the handlers of MEMORY_KG_ASSERT, QUERY and RESOLVE over a triple store of AbstractMemory.

    Raises TypeError for a store without `add` and `query`.
    """
    for name in ("add", "query"):
        if not callable(getattr(store, name, None)):
            raise TypeError(f"A triple store needs {name}(...); {type(store).__name__} has none")

    def memory_kg_assert(
        run: RunState, effect: Effect, next_node: str | None = None, *, idempotency_key: str | None = None
    ) -> EffectOutcome:
        """Keep facts."""
        return _told(assert_facts, store, run_store, now_iso, run, effect, idempotency_key)

    def memory_kg_query(run: RunState, effect: Effect, next_node: str | None = None) -> EffectOutcome:
        """Look for facts."""
        return _told(query_facts, store, run_store, run, effect)

    def memory_kg_resolve(run: RunState, effect: Effect, next_node: str | None = None) -> EffectOutcome:
        """Find what a name means."""
        return _told(resolve_label, store, run_store, run, effect)

    return {
        EffectType.MEMORY_KG_ASSERT: memory_kg_assert,
        EffectType.MEMORY_KG_QUERY: memory_kg_query,
        EffectType.MEMORY_KG_RESOLVE: memory_kg_resolve,
    }


def _told(function: Callable[..., EffectOutcome], *given: Any) -> EffectOutcome:
    outcome, error = guarded(function, *given)
    if outcome is None:
        return EffectOutcome.failed(f"The knowledge graph failed: {error}")
    return outcome
