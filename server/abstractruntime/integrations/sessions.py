"""Which run keeps what a session remembers (source: contract/kernel.md 2.14, 9.7)."""

from __future__ import annotations

from ..memory.owners import session_memory_run_id


def session_memory_owner_run_id(session_id: str) -> str:
    """Return the id of the run that owns a session's memory; raise ValueError for an empty session."""
    if not session_id.strip():
        raise ValueError("session_id cannot be empty")
    return session_memory_run_id(session_id)
