"""Whose facts: of a run, of its session, of everybody (source: contract/kernel.md 2.14, 9.9)."""

from __future__ import annotations

from typing import Any

from ...core.models import RunState
from ...memory.owners import GLOBAL_VARIABLE, SCOPES, scope_owner_id

__all__ = ["ALL", "GLOBAL_VARIABLE", "SCOPES", "resolve_scope_owner_id"]

ALL = "all"


def resolve_scope_owner_id(run: RunState, *, scope: str, run_store: Any) -> str:
    """Return the id that owns the facts of a scope; raise ValueError for an unknown scope."""
    return scope_owner_id(run, scope, run_store.load)
