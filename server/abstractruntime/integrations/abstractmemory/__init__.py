"""A knowledge graph for runs, over the stores of AbstractMemory."""

from .effect_handlers import build_memory_kg_effect_handlers
from .scopes import resolve_scope_owner_id

__all__ = ["build_memory_kg_effect_handlers", "resolve_scope_owner_id"]
