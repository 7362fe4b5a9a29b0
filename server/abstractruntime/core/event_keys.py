"""The names under which runs wait for events: `evt:<scope>:<scope id>:<name>`.

An event and a listener meet when scope, scope id and name agree; a listener named `*` takes every
event of its scope.
"""

from __future__ import annotations

WILDCARD = "*"
SCOPES = ("session", "workflow", "run", "global")


def build_event_wait_key(
    *,
    scope: str | None,
    name: str,
    session_id: str | None = None,
    workflow_id: str | None = None,
    run_id: str | None = None,
) -> str:
    """Return the wait key of an event; raise ValueError without a name or the scope's id."""
    wanted = str(name or "").strip()
    if not wanted:
        raise ValueError("event name is required")
    return (
        event_key_prefix(scope=scope, session_id=session_id, workflow_id=workflow_id, run_id=run_id) + wanted
    )


def event_key_prefix(
    *,
    scope: str | None,
    session_id: str | None = None,
    workflow_id: str | None = None,
    run_id: str | None = None,
) -> str:
    """Return what all wait keys of one scope begin with; raise ValueError for a bad scope."""
    kind = str(scope or "session").strip().lower() or "session"
    if kind not in SCOPES:
        raise ValueError(f"Unknown event scope '{kind}': use one of {', '.join(SCOPES)}")
    ids = {"session": session_id, "workflow": workflow_id, "run": run_id, "global": "global"}
    scope_id = str(ids[kind] or "").strip()
    if not scope_id:
        raise ValueError(f"{kind}_id is required for scope '{kind}'")
    return f"evt:{kind}:{scope_id}:"
